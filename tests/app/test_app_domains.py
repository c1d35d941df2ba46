"""Custom domains on the stage: their life, other writers, ways back, whose they are (S14), and keys nobody sees."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from fcdeploy.app import Wishes
from fcdeploy.diagnostics import Severity
from fcdeploy.errors import RunError
from fcdeploy.model import Action, Ending

APIS = ("2021-04-06", "2016-08-15")
WRITES = ["POST", "PUT", "DELETE"]
REFUSED = {"status": 400, "code": "InvalidArgument", "message": "refused by the test"}
ALL = Wishes(allow_unsafe=True)
NAME = "api.example.com"
ROW = ("custom-domain", "", NAME)
HERE = f"1234567890123456/cn-hangzhou/custom-domain//{NAME}"
SECRET = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"
KEY = f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----\n"
THEIRS = {"path": "/*", "serviceName": "theirs", "functionName": "f", "qualifier": "", "methods": []}


def certificate(text: str) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"


def route(path: str, function: str, **more: Any) -> dict[str, Any]:
    return {"path": path, "function": function, **more}


def first(stage: Any, api: str = APIS[0]) -> dict[str, Any]:
    """A file with three functions and a domain that leads to two of them."""
    spec: dict[str, Any] = stage.spec(3, api=api)
    routes = [route("/*", "s/f0"), route("/a", "s/f1", methods=["POST", "GET"], qualifier="LATEST")]
    spec["customDomains"] = {NAME: {"routes": routes}}
    return spec


def with_certificate(spec: dict[str, Any], text: str = "one") -> dict[str, Any]:
    """The file with a certificate whose key is a secret."""
    made = copy.deepcopy(spec)
    made["secrets"] = {"KEY": {"env": "KEY_SOURCE"}}
    made["customDomains"][NAME] |= {
        "protocol": "HTTP,HTTPS",
        "certConfig": {"certName": "c", "certificate": certificate(text), "privateKey": "${{ secret('KEY') }}"},
    }
    return made


@pytest.fixture(params=APIS)
def spec(stage: Any, request: pytest.FixtureRequest) -> dict[str, Any]:
    """A domain, applied."""
    made = first(stage, request.param)
    stage.write(made)
    stage.apply()
    assert stage.plan().is_empty
    return made


@pytest.fixture
def sealed(stage: Any) -> dict[str, Any]:
    """A domain with a certificate, applied."""
    stage.environ["KEY_SOURCE"] = KEY
    made = with_certificate(first(stage))
    stage.write(made)
    stage.apply()
    assert stage.plan().is_empty
    return made


def planned(stage: Any, spec: dict[str, Any], meanwhile: Any, wishes: Wishes = ALL) -> Any:
    """Apply the spec; `meanwhile` happens after the plan and before the first write."""
    stage.write(spec)

    def confirm(report: Any) -> bool:
        meanwhile()
        return True

    report = stage.apply_report(wishes, confirm=confirm)
    assert [result.problem for result in report.plans.results] == [None]
    (outcome,) = report.outcomes
    return outcome


def refusals(stage: Any, wishes: Wishes | None = None, **more: Any) -> list[str]:
    (result,) = stage.plan_report(wishes, **more).results
    return [one.summary for one in result.problems]


def put_domain(stage: Any, *routes: dict[str, Any], name: str = NAME, **fields: Any) -> None:
    """Somebody makes a domain."""
    from fcdeploy.emulator.exchange import Tenant
    from fcdeploy.emulator.store import Row, etag_of

    unset = {"certConfig": None, "tlsConfig": None, "wafConfig": None}
    body = {"protocol": "HTTP", "routeConfig": {"routes": list(routes)}, **unset, "domainName": name, **fields}
    day = "2026-01-01T00:00:00Z"
    with stage.emulator.app.world.write(Tenant("1234567890123456", "cn-hangzhou")) as session:
        session.put(Row(kind=ROW[0], parent="", name=name, body=body, etag=etag_of(body), created=day, modified=day))


# Life


def test_what_travels_is_in_the_words_of_the_api(stage: Any, spec: dict[str, Any]) -> None:
    live = stage.dump()[HERE]
    empty = {"rewriteConfig": None}
    assert live["routeConfig"]["routes"] == [
        {"path": "/*", "serviceName": "s", "functionName": "f0", "qualifier": "LATEST", "methods": [], **empty},
        {
            "path": "/a",
            "serviceName": "s",
            "functionName": "f1",
            "qualifier": "LATEST",
            "methods": ["GET", "POST"],
            **empty,
        },
    ]
    assert live["protocol"] == "HTTP"


def test_it_comes_after_the_functions_that_it_leads_to(stage: Any) -> None:
    stage.write(first(stage))
    (step,) = [one for one in stage.plan().steps if one.address.kind == "customDomain"]
    assert {"create dev:alibaba.function:s/f0", "create dev:alibaba.function:s/f1"} <= step.needs
    assert "create dev:alibaba.function:s/f2" not in step.needs


def test_it_goes_before_the_functions_that_it_leads_to(stage: Any, spec: dict[str, Any]) -> None:
    needs = {short: step.needs for step in stage.plan(destroy=True).steps for short in [step.address.short]}
    gone = f"delete dev:alibaba.customDomain:{NAME}"
    assert gone in needs["function s/f0"] and gone in needs["function s/f1"] and gone not in needs["function s/f2"]


@pytest.mark.proof
@pytest.mark.parametrize("api", APIS)
def test_a_route_to_an_alias_waits_for_it_and_keeps_it(stage: Any, api: str) -> None:
    spec = first(stage, api)
    spec["services"]["s"] |= {
        "versions": {"publish": "on-change", "keep": 1},
        "aliases": {"live": {"version": "latest"}},
    }
    domain = spec["customDomains"][NAME]
    domain["routes"] = [route("/*", "s/f0", qualifier="live")]
    stage.write(spec)
    (step,) = [one for one in stage.plan().steps if one.address.kind == "customDomain"]
    assert "create dev:alibaba.alias:s/live" in step.needs
    stage.apply()
    assert stage.plan().is_empty

    # The alias goes only after no route names it any more.
    del spec["services"]["s"]["aliases"]
    domain["routes"] = [route("/*", "s/f0", qualifier="1")]
    stage.write(spec)
    plan = stage.plan(ALL)
    (step,) = [one for one in plan.steps if one.address.kind == "alias"]
    assert f"update dev:alibaba.customDomain:{NAME}" in step.needs
    stage.apply(ALL)

    # A version that a route names is not pruned (S32), whoever's the domain is.
    put_domain(stage, {**THEIRS, "serviceName": "s", "qualifier": "2"}, name="other.example.com")
    for number in (2, 3, 4):
        spec["services"]["s"]["functions"]["f0"]["memorySize"] = 128 * number
        stage.write(spec)
        stage.apply(ALL)
    kept = sorted(row["name"] for row in stage.whole_dump() if row["kind"] == "version")
    assert [int(name) for name in kept] == [1, 2, 4]


def test_one_change_is_one_write_of_what_changed(stage: Any, spec: dict[str, Any]) -> None:
    spec["customDomains"][NAME]["routes"][0]["function"] = "s/f2"
    stage.write(spec)
    stage.requests()
    plan = stage.plan()
    assert stage.counts()["GetCustomDomain"] == 1
    (change,) = plan.changes
    assert [field.path for field in change.fields] == ["routeConfig"]
    assert change.fields[0].after[0]["function"] == "s/f2"
    assert set(plan.steps[0].call.body) == {"routeConfig"}
    stage.apply()
    (write,) = stage.writes()
    assert (write["operation"], write["ifMatch"]) == ("UpdateCustomDomain", None)
    assert stage.plan().is_empty


def test_unchanged_domains_cost_one_request(stage: Any, spec: dict[str, Any]) -> None:
    stage.requests()
    assert stage.plan().is_empty
    counts = stage.counts()
    assert (counts["ListCustomDomains"], counts["GetCustomDomain"]) == (1, 0)


@pytest.mark.proof
def test_a_domain_that_leaves_the_file_stays_and_is_named(stage: Any, spec: dict[str, Any]) -> None:
    before = stage.whole_dump()
    del spec["customDomains"]
    stage.write(spec)
    plan = stage.plan()
    assert plan.is_empty
    (said,) = plan.warnings
    assert said.summary == f"customDomain {NAME} leads to service s and is not in the file"
    stage.apply()
    assert stage.whole_dump() == before


def test_destroy_takes_a_declared_domain_first(stage: Any, spec: dict[str, Any]) -> None:
    put_domain(stage, {**THEIRS, "serviceName": "s"}, name="undeclared.example.com")
    stage.requests()
    outcome = stage.apply(destroy=True)
    assert [row["name"] for row in stage.whole_dump()] == ["undeclared.example.com"]
    order = [entry["operation"] for entry in stage.writes()]
    assert order.count("DeleteCustomDomain") == 1 and outcome.ending is Ending.DONE
    gone = [name for name in order if name in ("DeleteCustomDomain", "DeleteFunction", "DeleteService")]
    # One of the three functions is led to by no domain that goes.
    assert gone.index("DeleteCustomDomain") <= 1 and gone[-1] == "DeleteService"
    assert stage.plan(destroy=True).is_empty


@pytest.mark.proof
def test_absent_deletes_it_when_that_is_allowed(stage: Any, spec: dict[str, Any]) -> None:
    spec["customDomains"][NAME] = {"absent": True}
    stage.write(spec)
    assert refusals(stage) == [f"the plan deletes customDomain {NAME}"]
    plan = stage.plan(ALL)
    assert [(change.action, change.address.kind) for change in plan.changes] == [(Action.DELETE, "customDomain")]
    before = stage.dump()
    outcome = stage.apply(ALL)
    assert HERE not in stage.dump()
    assert stage.plan().is_empty and stage.plan().warnings == ()
    (back,) = stage.rollback(outcome.run)
    assert back.ending is Ending.DONE
    assert stage.difference(before) == []


@pytest.mark.proof
def test_absent_deletes_no_domain_of_others(stage: Any, spec: dict[str, Any]) -> None:
    put_domain(stage, THEIRS)
    spec["customDomains"][NAME] = {"absent": True}
    # To call their service absent does not make it ours.
    spec["services"]["theirs"] = {"absent": True}
    stage.write(spec)
    assert refusals(stage, ALL) == [f"customDomain {NAME} exists already and leads to service theirs"]
    stage.apply(Wishes(adopt_over=("customDomain:*",), allow_unsafe=True))
    assert HERE not in stage.dump()


def test_protect_keeps_it(stage: Any, spec: dict[str, Any]) -> None:
    spec["customDomains"][NAME]["protect"] = True
    stage.write(spec)
    assert refusals(stage, destroy=True) == [f"customDomain {NAME} is protected and would be deleted"]


def test_destroy_of_the_plan_says_what_will_lead_nowhere(stage: Any, spec: dict[str, Any]) -> None:
    put_domain(stage, {**THEIRS, "serviceName": "s"}, name="undeclared.example.com")
    warned = [one.summary for one in stage.plan(destroy=True).warnings]
    assert warned == ["customDomain undeclared.example.com leads to service s and is not in the file"]


def test_a_name_that_is_taken_meanwhile_is_not_taken_over(stage: Any) -> None:
    stage.write(first(stage))
    outcome = stage.apply(ending=Ending.ROLLED_BACK, confirm=lambda report: put_domain(stage, THEIRS) is None)
    assert [row["name"] for row in stage.whole_dump()] == [NAME]
    assert stage.dump()[HERE]["routeConfig"]["routes"] == [THEIRS]
    assert outcome.leftovers == ()


# Whose it is


def test_a_domain_that_leads_to_others_is_not_changed(stage: Any) -> None:
    stage.write(first(stage))
    put_domain(stage, THEIRS, {**THEIRS, "path": "/b", "serviceName": "s"})
    before = stage.whole_dump()
    refused = f"customDomain {NAME} exists already and leads to service theirs"
    assert refusals(stage) == [refused]
    assert refusals(stage, destroy=True) == [refused]
    (result,) = stage.plan_report().results
    assert f"--adopt 'customDomain:{NAME}'" in result.problems[0].hint
    assert "customDomain" not in {change.address.kind for change in result.plan.changes}
    report = stage.apply_report()
    assert report.outcomes == () and stage.whole_dump() == before


def test_adopt_takes_it_over(stage: Any) -> None:
    stage.write(first(stage))
    put_domain(stage, THEIRS)
    stage.apply(Wishes(adopt=(f"customDomain:{NAME}",)))
    assert [one["serviceName"] for one in stage.dump()[HERE]["routeConfig"]["routes"]] == ["s", "s"]
    assert stage.plan().is_empty


def test_adopt_takes_nothing_away(stage: Any) -> None:
    stage.write(first(stage))
    put_domain(stage, THEIRS, wafConfig={"enableWAF": True})
    assert refusals(stage, Wishes(adopt=("customDomain:*",))) == [
        f"adopting customDomain {NAME} would reset fields of 1 resource",
    ]
    (result,) = stage.plan_report(Wishes(adopt=("customDomain:*",))).results
    assert f"customDomain {NAME}: wafConfig would be reset" in result.problems[0].detail
    stage.apply(Wishes(adopt_over=("customDomain:*",)))
    assert stage.dump()[HERE]["wafConfig"] == {"enableWAF": False}
    assert stage.plan().is_empty


@pytest.mark.proof
def test_a_domain_that_leads_to_ours_or_nowhere_is_ours_when_declared(stage: Any, spec: dict[str, Any]) -> None:
    put_domain(stage, {**THEIRS, "serviceName": "s"}, name="second.example.com")
    put_domain(stage, name="third.example.com")
    for name in ("second", "third"):
        spec["customDomains"][f"{name}.example.com"] = {"routes": [route("/x", "s/f0")]}
    stage.write(spec)
    assert [change.action for change in stage.plan().changes] == [Action.UPDATE, Action.UPDATE]
    stage.apply()
    assert stage.plan().is_empty


# Other writers: there is no If-Match, so it is read again just before the write.


def to_f2(spec: dict[str, Any]) -> dict[str, Any]:
    made = copy.deepcopy(spec)
    made["customDomains"][NAME]["routes"] = [route("/*", "s/f2")]
    return made


def test_an_edit_by_somebody_else_is_not_overwritten(stage: Any, spec: dict[str, Any]) -> None:
    stage.requests()
    outcome = planned(stage, to_f2(spec), lambda: stage.change(*ROW, routeConfig={"routes": [THEIRS]}))
    assert outcome.ending is Ending.FAILED
    assert [one for one in stage.writes() if one["status"] < 300] == []
    assert stage.dump()[HERE]["routeConfig"]["routes"] == [THEIRS]
    assert "was changed by somebody else meanwhile" in outcome.diagnostics[0].summary


def test_an_edit_beside_ours_is_kept_and_told(stage: Any, spec: dict[str, Any]) -> None:
    shown = {"certName": "t", "certificate": certificate("theirs"), "privateKey": None}
    outcome = planned(stage, to_f2(spec), lambda: stage.change(*ROW, protocol="HTTP,HTTPS", certConfig=shown))
    assert outcome.ending is Ending.DONE
    assert stage.dump()[HERE]["certConfig"] == shown
    said = [one.summary for one in outcome.diagnostics if one.severity is Severity.WARNING]
    assert [one for one in said if "drifted during apply" in one]


def test_a_destroy_of_what_somebody_edited_stops(stage: Any, spec: dict[str, Any]) -> None:
    report = stage.apply_report(
        destroy=True, confirm=lambda report: stage.change(*ROW, routeConfig={"routes": [THEIRS]}) is None
    )
    assert report.outcomes[0].ending in (Ending.FAILED, Ending.NEEDS_ATTENTION)
    assert stage.dump()[HERE]["routeConfig"]["routes"] == [THEIRS]


# Ways back


@pytest.mark.proof
@pytest.mark.parametrize("api", APIS)
def test_every_create_may_be_refused(stage: Any, api: str, chosen: Any) -> None:
    stage.write(first(stage, api))
    for number in chosen(range(2, len(stage.plan().steps) + 1)):
        stage.faults({"match": {"method": WRITES, "nth": number}, "effect": REFUSED})
        outcome = stage.apply(ending=Ending.ROLLED_BACK)
        assert stage.whole_dump() == [] and outcome.leftovers == (), number
    stage.faults()
    stage.apply()
    assert stage.plan().is_empty


def changed(spec: dict[str, Any]) -> dict[str, Any]:
    made = to_f2(spec)
    made["services"]["s"]["functions"]["f0"]["memorySize"] = 512
    made["customDomains"]["second.example.com"] = {"routes": [route("/*", "s/f1")]}
    return made


@pytest.mark.proof
def test_every_step_of_a_change_may_be_refused(stage: Any, spec: dict[str, Any]) -> None:
    before = stage.dump()
    stage.write(changed(spec))
    steps = len(stage.plan(ALL).steps)
    assert steps == 3
    for number in range(1, steps + 1):
        stage.faults({"match": {"method": WRITES, "nth": number}, "effect": REFUSED})
        (outcome,) = stage.apply_report(ALL).outcomes
        assert outcome.ending is (Ending.ROLLED_BACK if outcome.done else Ending.FAILED), outcome
        assert stage.difference(before) == [] and outcome.leftovers == (), number
    stage.faults()
    outcome = stage.apply(ALL)
    (back,) = stage.rollback(outcome.run)
    assert back.ending is Ending.DONE
    assert stage.difference(before) == []


@pytest.mark.parametrize("effect", [{"disconnect": True}, pytest.param({"status": 500}, marks=pytest.mark.proof)])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_reply_that_never_comes_is_settled_by_reading(
    stage: Any, spec: dict[str, Any], effect: dict[str, Any], when: str
) -> None:
    stage.write(changed(spec))
    stage.faults(
        *(
            {"match": {"operation": operation, "nth": 1}, "when": when, "effect": effect}
            for operation in ("CreateCustomDomain", "UpdateCustomDomain")
        )
    )
    stage.apply(ALL)
    stage.faults()
    assert stage.plan(ALL).is_empty


# Certificates and their keys


def files_with(stage: Any, text: str) -> list[str]:
    return [
        str(path.relative_to(stage.state))
        for path in stage.state.rglob("*")
        if path.is_file() and text.encode() in path.read_bytes()
    ]


def test_the_key_is_sent_with_its_certificate_and_is_nowhere(stage: Any, sealed: dict[str, Any]) -> None:
    assert files_with(stage, SECRET) == []
    stage.write(with_certificate(sealed, "two"))
    plan = stage.plan()
    (step,) = plan.steps
    assert step.call.body["certConfig"]["privateKey"] == KEY
    assert set(step.call.body) == {"certConfig", "protocol"}
    (field,) = plan.changes[0].fields
    assert (field.path, field.note) == (
        "certConfig.certificate",
        "privateKey, which cannot be read, goes with it",
    )
    assert SECRET not in f"{plan!r} {plan}"
    outcome = stage.apply()
    assert SECRET not in repr(outcome)
    assert files_with(stage, SECRET) == []
    assert stage.dump()[HERE]["certConfig"]["certificate"] == certificate("two")
    assert stage.plan().is_empty


def test_a_key_alone_is_not_compared(stage: Any, sealed: dict[str, Any]) -> None:
    stage.environ["KEY_SOURCE"] = KEY.replace("MII", "XXX")
    assert stage.plan().is_empty


@pytest.mark.proof
def test_a_protocol_that_changes_keeps_the_certificate(stage: Any, sealed: dict[str, Any]) -> None:
    """A protocol HTTP that comes alone would drop it (facts 7.2); and the way back has the key of the file."""
    before = stage.dump()
    sealed["customDomains"][NAME]["protocol"] = "HTTP"
    sealed["customDomains"]["z.example.com"] = {}
    stage.write(sealed)
    plan = stage.plan()
    assert [field.path for change in plan.changes for field in change.fields if change.action is Action.UPDATE] == [
        "protocol"
    ]
    assert plan.warnings == () and not any(step.last for step in plan.steps)
    stage.faults({"match": {"operation": "CreateCustomDomain"}, "effect": REFUSED})
    stage.apply(ending=Ending.ROLLED_BACK, parallelism=1)
    assert stage.difference(before) == []
    stage.faults()
    outcome = stage.apply()
    live = stage.dump()[HERE]
    assert (live["protocol"], live["certConfig"]["certificate"]) == ("HTTP", certificate("one"))
    assert stage.plan().is_empty
    stage.rollback(outcome.run)
    assert stage.difference(before) == []


def test_a_certificate_that_comes_can_go_again(stage: Any) -> None:
    stage.environ["KEY_SOURCE"] = KEY
    spec = first(stage)
    stage.write(spec)
    stage.apply()
    before = stage.dump()
    stage.write(with_certificate(spec))
    outcome = stage.apply()
    (back,) = stage.rollback(outcome.run)
    assert back.ending is Ending.DONE
    assert stage.difference(before) == []
    stage.write(with_certificate(spec))
    assert stage.plan().warnings == ()


@pytest.mark.proof
def test_a_certificate_leaves_with_its_lines(stage: Any, sealed: dict[str, Any]) -> None:
    domain = sealed["customDomains"][NAME]
    del domain["certConfig"], domain["protocol"]
    stage.write(sealed)
    (step,) = stage.plan().steps
    assert step.call.body == {"protocol": "HTTP"}
    stage.apply()
    live = stage.dump()[HERE]
    assert (live["protocol"], live["certConfig"]) == ("HTTP", None)
    assert stage.plan().is_empty


@pytest.mark.proof
def test_what_takes_a_certificate_away_comes_last_and_says_so(stage: Any, sealed: dict[str, Any]) -> None:
    """The key of the former certificate cannot be read, so nothing could bring it back (S34, S40)."""
    new = with_certificate(sealed, "two")
    new["services"]["s"]["functions"]["f0"]["memorySize"] = 512
    stage.write(new)
    before = stage.dump()
    plan = stage.plan()
    assert [step.last for step in plan.steps] == [False, True]
    (said,) = plan.warnings
    assert said.summary == f"customDomain {NAME}: this update cannot be undone"
    assert said.detail == "the certConfig.privateKey that it has now cannot be read"

    stage.faults({"match": {"operation": "UpdateFunction"}, "effect": REFUSED})
    stage.apply(ending=Ending.FAILED)
    assert stage.difference(before) == []

    # A failure among what comes last undoes nothing; the run is finished later, with the key from its source.
    stage.faults({"match": {"operation": "UpdateCustomDomain"}, "effect": REFUSED})
    stage.apply(ending=Ending.NEEDS_ATTENTION)
    assert stage.dump()[HERE]["certConfig"]["certificate"] == certificate("one")
    stage.faults()
    (outcome,) = stage.resume()
    assert outcome.ending is Ending.DONE
    assert stage.dump()[HERE]["certConfig"]["certificate"] == certificate("two")
    with pytest.raises(RunError, match="cannot be taken back"):
        stage.rollback(outcome.run)
    assert stage.plan().is_empty


def test_a_certificate_by_somebody_else_is_not_replaced(stage: Any, sealed: dict[str, Any]) -> None:
    """Whatever of it we change: half of ours and half of theirs would be a certificate with the wrong key."""
    theirs = {"certName": "c", "certificate": certificate("theirs"), "privateKey": None}
    renamed = copy.deepcopy(sealed)
    renamed["customDomains"][NAME]["certConfig"]["certName"] = "d"
    moved = copy.deepcopy(sealed)
    moved["customDomains"][NAME]["protocol"] = "HTTPS"
    for one in (renamed, moved):
        stage.change(*ROW, certConfig={**theirs, "certificate": certificate("one")})
        outcome = planned(stage, one, lambda: stage.change(*ROW, certConfig=theirs))
        assert "was changed by somebody else meanwhile" in outcome.diagnostics[0].summary
        assert stage.dump()[HERE]["certConfig"] == theirs
        assert SECRET not in repr(outcome)
        if stage.open_run():
            stage.apply_report(ALL, recover="abandon", confirm=lambda report: False)


@pytest.mark.proof
@pytest.mark.parametrize("way", ["file", "literal"])
def test_a_key_that_is_no_secret_of_the_file_is_one_all_the_same(stage: Any, way: str) -> None:
    (stage.root / "key.pem").write_text(KEY, encoding="utf-8")
    (stage.root / "cert.pem").write_text(certificate("one"), encoding="utf-8")
    spec = with_certificate(first(stage))
    del spec["secrets"]
    given = spec["customDomains"][NAME]["certConfig"]
    given["certificate"] = "${{ file('cert.pem') }}"
    given["privateKey"] = "${{ file('key.pem') }}" if way == "file" else KEY
    stage.write(spec)
    plan = stage.plan()
    assert SECRET not in f"{plan!r} {plan}"
    stage.faults({"match": {"operation": "CreateCustomDomain"}, "effect": {"status": 400, "message": f"bad {KEY}"}})
    outcome = stage.apply(ending=Ending.ROLLED_BACK)
    assert SECRET not in repr(outcome) and files_with(stage, SECRET) == []
    stage.faults()
    stage.apply()
    given["certificate"] = certificate("two")
    spec["services"]["s"]["functions"]["f0"]["memorySize"] = 512
    stage.write(spec)
    stage.faults({"match": {"operation": "UpdateCustomDomain"}, "effect": REFUSED})
    stage.apply(ending=Ending.NEEDS_ATTENTION)
    assert files_with(stage, SECRET) == []
    stage.faults()
    # The saved run says where the file gives the key; without it there, it cannot go on.
    del spec["customDomains"]
    stage.write(spec)
    with pytest.raises(RunError, match=r"needs certConfig.privateKey of dev:alibaba.customDomain"):
        stage.resume()
    spec["customDomains"] = {NAME: {"certConfig": given, "protocol": "HTTP,HTTPS", "routes": []}}
    given["privateKey"] = "${{ file('key.pem') }}" if way == "file" else KEY
    stage.write(spec)
    (outcome,) = stage.resume()
    assert outcome.ending is Ending.DONE
    assert stage.dump()[HERE]["certConfig"]["certificate"] == certificate("two")
    assert files_with(stage, SECRET) == []
