"""The planner by example: every file of tests/cases/plan holds cases {spec, live, …} with what the plan must be.

name          what the case shows
api           API version (2021-04-06); v2 is FunctionGraph's
services, customDomains
              the sections of the file; `code: ./v1` has the checksum "v1"
defaults, secrets
live          raw bodies by name (`s`, `s/f`, `s/f/t`, or `kind name`), as the API gives them; what is marked in its
              tags has our mark unless `marks` says {name: null} or {name: project/target}
seen          further marks in this account and region
fetched       functions whose live archive is at hand;   same_code: those whose content equals the file's
wishes        adopt, adopt_over, adopt_from, allow_unsafe, only, forward;   destroying
changes       {"update function s/f": {path: [before, after]}}, exactly; {} means an empty plan
tells         what plans say of a change as a whole, by change, exactly
replaces      paths that force a replacement;   reasons, notes: by change, by path
steps         {step: {call, guard, sends, headers, needs, last, undo, ignored, gives}}, in order; no others are
              compared
findings      what refuses the plan (summaries, exactly);   details, hints: texts that they hold;   warnings
keeps         the YAML that the refusal of an adoption gives
unchanged     how many resources stay as they are;   left_out: how many were not to be looked at
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from fcdeploy.diagnostics import Severity
from fcdeploy.engine.canonical import live_body, said, stamp
from fcdeploy.engine.marks import unmarked
from fcdeploy.engine.only import about, narrowed
from fcdeploy.engine.ownership import Wishes, mark_in, mark_tags, orphan_warnings, verdicts
from fcdeploy.engine.pins import pin_findings, unpinned
from fcdeploy.engine.planner import differences, present, to_plan
from fcdeploy.engine.references import located
from fcdeploy.engine.renames import protected_renames, renamed
from fcdeploy.engine.safety import safety_findings
from fcdeploy.engine.snapshot import Site, Snapshot
from fcdeploy.engine.unmarked import undeclared_warnings, with_unmarked
from fcdeploy.kinds.descriptor import GuardStyle, Marking, Scope
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import LATER, Action, Address, ArchiveRef, Live, Mark, Plan, Resource, Step, guard_to_json, to_json
from fcdeploy.render.text import told_text
from fcdeploy.spec.project import read_project

FOLDER = Path(__file__).parents[1] / "cases" / "plan"
KINDS = ("service", "function", "trigger")
ACCOUNT, REGION = "1234567890123456", "cn-hangzhou"
PROJECT, GRAPH = "0b5ee11c2f5c4f7c8a6c3a1f0e9d8c7b", "v2"
KEYS = {
    *(
        "name",
        "api",
        "services",
        "customDomains",
        "defaults",
        "secrets",
        "live",
        "marks",
        "seen",
        "fetched",
        "same_code",
        "wishes",
    ),
    *(
        "destroying",
        "changes",
        "replaces",
        "reasons",
        "notes",
        "steps",
        "findings",
        "details",
        "hints",
        "keeps",
        "warnings",
    ),
    "unchanged",
    "left_out",
    "tells",
}
SECRETS = {
    "TOKEN": "the-secret-token",
    "KEY": "-----BEGIN PRIVATE KEY-----\nthe-secret-key\n-----END PRIVATE KEY-----",
}
STEP_KEYS = {"call", "guard", "sends", "headers", "needs", "last", "undo", "ignored", "gives"}
CASES = [
    pytest.param(case, id=f"{path.stem}: {case['name']}")
    for path in sorted(FOLDER.glob("*.yaml"))
    for case in yaml.safe_load(path.read_text(encoding="utf-8"))
]


def archive(name: str) -> ArchiveRef:
    return ArchiveRef(sha256=hashlib.sha256(name.encode()).hexdigest(), crc64=name, size=1)


def provider_of(case: dict[str, Any]) -> str:
    return "huawei" if case.get("api") == GRAPH else "alibaba"


def address(name: str, provider: str = "alibaba") -> Address:
    kind, _, rest = name.rpartition(" ")
    identity = tuple(rest.split("/"))
    return Address(provider=provider, target="dev", kind=kind or KINDS[len(identity) - 1], identity=identity)


def packaged(resource: Resource) -> Resource:
    """The resource with its code as what packaging makes of it."""
    body, payloads = dict(resource.body), dict(resource.payloads)
    for name, reference in resource.code.items():
        ref = archive(Path(reference.value).name)
        by = kind_of(resource.address).field(name).checksum_by
        ref = replace(ref, **{by: ref.crc64})
        body[name], payloads[name] = {"checksum": ref.checksum(by)}, {"zipFile": ref}
    return replace(resource, body=body, payloads=payloads, code={})


def to_live(name: str, raw: dict[str, Any], case: dict[str, Any], mark: Mark) -> Live:
    where = address(name, provider_of(case))
    whole, owner = said(kind_of(where), raw), None
    if kind_of(where).marking is Marking.TAGS:
        given = case.get("marks", {}).get(name, str(mark.project + "/" + mark.target))
        tags = dict(whole.get("tags") or {})
        if given is not None:
            project, _, target = given.partition("/")
            tags |= mark_tags(Mark(project=project, target=target))
        whole["tags"] = tags
        owner = mark_in(tags)
    api = case.get("api", "2021-04-06")
    travelling = live_body(kind_of(where), whole, api)
    is_read_twice = kind_of(where).guard_in(api) is GuardStyle.RECHECK
    etag = stamp(kind_of(where), travelling, whole) if is_read_twice else f"etag of {name}"
    body, told = unmarked(kind_of(where), travelling)
    owner = owner or told
    body, is_pinned = unpinned(kind_of(where), body)
    return Live(address=where, body=body, raw=whole, etag=etag, mark=owner, pinned=is_pinned)


def planned(case: dict[str, Any], folder: Path) -> tuple[Plan, list[Any]]:
    """What app/planning does, without the reading."""
    api = case.get("api", "2021-04-06")
    provider = provider_of(case)
    account = PROJECT if api == GRAPH else ACCOUNT
    where = {"projectId": account} if api == GRAPH else {"account": account, "api": api}
    target = {"provider": provider, "region": REGION, **where}
    spec = {"apiVersion": "fcdeploy/v1", "project": "p", "targets": {"dev": target}}
    spec |= {key: case[key] for key in ("defaults", "secrets", "services", "customDomains") if key in case}
    (folder / "fcdeploy.yaml").write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    project = read_project(folder, environ=SECRETS)
    (only,) = project.targets
    site = Site(project="p", target=only, scope=Scope(region=REGION, account=account, api=api))
    wanted = located({where: packaged(one) for where, one in project.expand(only).items()}, site.scope)
    desired = {} if case.get("destroying") else present(wanted, api)
    lives = {
        address(name, provider): to_live(name, raw, case, site.mark)
        for name, raw in case.get("live", {}).items()
        if raw is not None
    }
    seen = {live.mark for live in lives.values() if live.mark} | {
        Mark(project=one.partition("/")[0], target=one.partition("/")[2]) for one in case.get("seen", [])
    }
    snapshot = Snapshot(
        lives=lives,
        marks=frozenset(seen),
        archives={address(name, provider): archive(f"live {name}") for name in case.get("fetched", [])},
        same_code=frozenset(address(name, provider) for name in case.get("same_code", [])),
    )
    wishes = Wishes(
        **{key: tuple(value) if isinstance(value, list) else value for key, value in case.get("wishes", {}).items()}
    )
    owned = with_unmarked(
        verdicts(desired, snapshot, site, wishes, declared=wanted), wanted, snapshot, wishes, site.scope
    )
    left = narrowed(differences(desired, snapshot, owned, site), desired, wishes.only, site)
    found = left.found
    plan = to_plan(
        found,
        snapshot,
        site,
        (*orphan_warnings(snapshot, site, [site.target]), *undeclared_warnings(wanted, snapshot, owned, site.scope)),
        destroying=case.get("destroying", False),
        absent={where for where, resource in wanted.items() if resource.absent},
    )
    refusals = safety_findings(
        plan.changes,
        desired,
        snapshot,
        owned,
        wishes,
        destroying=case.get("destroying", False),
        protected=frozenset(where for where, resource in wanted.items() if resource.protect),
    )
    leaving = {one.address for one in found if one.action is Action.DELETE}
    plan = replace(plan, left_out=left.left_out)
    return plan, [
        *about(owned.found, desired, wishes.only),
        *left.refusals,
        *(note for one in found for note in one.notes if note.severity is Severity.ERROR),
        *pin_findings(found, snapshot, forward=wishes.forward),
        *refusals,
        *protected_renames(renamed(wanted, leaving), wanted),
    ]


def as_said(value: Any) -> Any:
    return to_json(value) if isinstance(value, LATER) else value


def short(text: str) -> str:
    return text.replace("dev:alibaba.", "").replace("dev:huawei.", "")


def seen_step(step: Step, wanted: dict[str, Any]) -> dict[str, Any]:
    """The members of a step that the case names."""
    assert set(wanted) <= STEP_KEYS, sorted(set(wanted) - STEP_KEYS)
    return {
        key: {
            "call": step.call.operation,
            "guard": next(iter(guard_to_json(step.guard))),
            "sends": to_json(step.call.body),
            "gives": list(step.gives),
            "headers": dict(step.call.headers),
            "needs": sorted(map(short, step.needs)),
            "last": step.last,
            "ignored": [list(path) for path in step.ignored],
            "undo": [short(undo.id) for undo in step.undo],
        }[key]
        for key in wanted
    }


@pytest.mark.parametrize("case", CASES)
def test_the_plan_is_what_the_case_says(case: dict[str, Any], tmp_path: Path) -> None:
    assert set(case) <= KEYS, sorted(set(case) - KEYS)
    plan, found = planned(case, tmp_path)
    changes = {f"{change.action.value} {change.address.short}": change for change in plan.changes}

    assert {
        name: {field.path: [field.before, as_said(field.after)] for field in change.fields}
        for name, change in changes.items()
    } == {name: fields or {} for name, fields in case["changes"].items()}
    if not case["changes"]:
        assert plan.steps == ()
    assert {field.path for change in plan.changes for field in change.fields if field.forces_replacement} == set(
        case.get("replaces", [])
    )
    for name, reason in case.get("reasons", {}).items():
        assert changes[name].reason == reason
    if "tells" in case:
        told = {name: change.told for name, change in changes.items() if change.told is not None}
        assert {name: told_text(one) for name, one in told.items()} == case["tells"]
    notes = {field.path: field.note for change in plan.changes for field in change.fields}
    assert {path: notes[path] for path in case.get("notes", {})} == case.get("notes", {})

    if "steps" in case:
        assert [short(step.id) for step in plan.steps] == list(case["steps"])
        wanted = {name: parts or {} for name, parts in case["steps"].items()}
        assert {short(step.id): seen_step(step, wanted[short(step.id)]) for step in plan.steps} == wanted
    check_order(plan)

    assert [one.summary for one in found] == case.get("findings", [])
    details = "\n".join(one.detail for one in found)
    for text in case.get("details", []):
        assert text in details
    if "keeps" in case:
        _, lines = details.split("to the file", 1)
        assert yaml.safe_load(lines.partition("\n")[2]) == case["keeps"]
    hints = "\n".join(one.hint for one in found)
    for text in case.get("hints", []):
        assert text in hints
    assert [one.summary for one in plan.warnings] == case.get("warnings", [])
    for count in ("unchanged", "left_out"):
        if count in case:
            assert getattr(plan, count) == case[count], count


def check_order(plan: Plan) -> None:
    """Every plan: needs come first, what is last comes last, no two steps share an id, and every write has a guard."""
    done: set[str] = set()
    late = False
    ids = {step.id for step in plan.steps} | {undo.id for step in plan.steps for undo in step.undo}
    assert len(ids) == len(plan.steps) + sum(len(step.undo) for step in plan.steps)
    for step in plan.steps:
        assert step.needs <= done, (step.id, step.needs - done)
        assert step.last or not late, step.id
        done.add(step.id)
        late = step.last
        (guard,) = guard_to_json(step.guard).values()
        assert guard
        assert Step.from_json(step.to_json(), lambda part: SECRETS[part["secret"]]) == step


def test_there_are_many_cases() -> None:
    assert len(CASES) >= 40
    assert len({str(case.id) for case in CASES}) == len(CASES)
