"""FunctionGraph's versions, aliases, layers, reserved instances and async configs: what travels comes back as it was
meant, and every field of the vendor's own requests is sent, or left out for a reason."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fcdeploy.engine.canonical import desired_body, live_body, said
from fcdeploy.engine.wire import wire_value
from fcdeploy.kinds.descriptor import Kind, Scope
from fcdeploy.kinds.huawei import alias, async_invoke, layer, provision, qualifier, version
from fcdeploy.kinds.huawei.runtimes import WORDS
from fcdeploy.model import ArchiveRef, Json, LaterJson, Output

SCOPE = Scope(region="cn-north-4", account="p1", api="v2")
NAMES: dict[str, str] = {
    "package": "default",
    "functionName": "shop-web",
    "aliasName": "live",
    "versionId": "3",
    "layerName": "libs",
    "qualifier": "live",
}
TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF), max_size=20)
NUMBER = st.integers(1, 10**6).map(str)


def travelling(kind: Kind, given: Mapping[str, Json], *, creating: bool) -> Any:
    """What is sent of a body of the file: all of it, or what is given and what must be named at a create."""
    body = desired_body(kind, given, SCOPE.api)
    wire = {
        one.name: wire_value(one, body.get(one.name), body, SCOPE.api, creating=creating)
        for one in kind.writable(SCOPE.api)
        if not creating or one.name in given or ((default := one.default(given)) is not None and default.sent)
    }
    assert kind.translation is not None
    sent = kind.translation.sent({k: v for k, v in wire.items() if v is not None}, NAMES, SCOPE)
    return json.loads(json.dumps(sent))


def assert_same(kind: Kind, file: Mapping[str, Json], answer: Mapping[str, Json]) -> None:
    """The service's answer, read, is what the file says."""
    assert live_body(kind, said(kind, answer), SCOPE.api) == desired_body(kind, file, SCOPE.api)


# Aliases


SHARE = st.integers(0, 100).map(lambda percent: percent / 100)
ROUTES = st.fixed_dictionaries(
    {
        "policyItems": st.lists(
            st.fixed_dictionaries(
                {
                    "type": st.just("Header"),
                    "key": st.from_regex("[A-Za-z0-9_-]+", fullmatch=True),
                    "operator": st.sampled_from(["=", "in"]),
                    "value": TEXT.filter(bool),
                }
            ),
            min_size=1,
            max_size=3,
        )
    },
    optional={"condition": st.sampled_from(["AND", "or"])},
)


@st.composite
def aliases(draw: st.DrawFn) -> dict[str, Json]:
    main, other = draw(st.lists(NUMBER, min_size=2, max_size=2, unique=True))
    body: dict[str, Json] = {"version": main, **draw(st.fixed_dictionaries({}, optional={"description": TEXT}))}
    match draw(st.sampled_from(["plain", "weight", "content", "dropped"])):
        case "weight":
            body["weights"] = {other: draw(SHARE)}
        case "content":
            body |= {"weights": {other: 1}, "resolvePolicy": "Content", "routePolicy": draw(ROUTES)}
        case "dropped":  # there is no such version yet
            body |= {"weights": {}, "resolvePolicy": "Content", "routePolicy": draw(ROUTES)}
    return body


@given(body=aliases(), before=aliases())
def test_an_alias_comes_back(body: dict[str, Json], before: dict[str, Json]) -> None:
    made = {"description": "", **travelling(alias.KIND, body, creating=True)}
    assert_same(alias.KIND, body, {"name": "live", **made, "last_modified": "2026-01-01 00:00:00"})
    # Whether a PUT keeps what it does not name or not (facts 5), all that differs is named.
    whole = travelling(alias.KIND, body, creating=False)
    for kept in ({}, {"description": "", **travelling(alias.KIND, before, creating=True)}):
        assert_same(alias.KIND, body, {"name": "live", **kept, **whole})
    assert not (whole["additional_version_weights"] and whole["additional_version_strategy"])


def test_an_alias_waits_for_a_version_that_comes() -> None:
    coming = Output(step="create huawei/t/version/default/f/new", pointer="/versionId")
    body: dict[str, Json] = {"aliasName": "live", "version": coming, "weights": {coming: 0.1}}
    assert alias.sent(body, NAMES, SCOPE) == {
        "name": "live",
        "version": coming,
        "additional_version_weights": {coming: 10},
    }
    routes = {"condition": "or", "policyItems": [{"type": "Header", "key": "x", "operator": "=", "value": "1"}]}
    ruled = alias.sent({"weights": {coming: 1}, "resolvePolicy": "Content", "routePolicy": routes}, NAMES, SCOPE)
    assert ruled["additional_version_strategy"] == {
        coming: {"rules": [{"rule_type": "Header", "param": "x", "op": "=", "value": "1"}], "combine_type": "or"}
    }


@pytest.mark.parametrize(
    ("body", "name", "paths"),
    [
        ({"version": "2", "weights": {"1": 0.1}}, "live", []),
        ({"version": "2", "weights": {"1": 0.125}}, "live", ["weights.1"]),
        ({"version": "2", "weights": {"2": 0.1}}, "live", ["weights"]),
        ({"version": "2"}, "latest", [""]),
        ({"version": "2", "weights": {"1": 1}, "resolvePolicy": "Content"}, "live", ["resolvePolicy"]),
        (
            {"version": "2", "weights": {"1": 0.5}, "resolvePolicy": "Content", "routePolicy": {"policyItems": [{}]}},
            "live",
            ["weights.1"],
        ),
        (
            {"version": "2", "resolvePolicy": "Content", "routePolicy": {"policyItems": [{}]}},
            "live",
            ["resolvePolicy"],
        ),
        ({"version": "2", "routePolicy": {"policyItems": [{}]}}, "live", ["routePolicy"]),
    ],
)
def test_what_an_alias_cannot_be(body: dict[str, Json], name: str, paths: list[str]) -> None:
    assert [one.path for one in alias.check(body, "v2", name)] == paths


def test_two_aliases_of_one_version_cannot_be() -> None:
    assert alias.collides({"version": "latest"}, {"version": "latest"})
    assert not alias.collides({"version": "latest"}, {"version": "previous"})


# Versions


@given(description=TEXT, number=NUMBER, of_function=TEXT)
def test_a_version_comes_back(description: str, number: str, of_function: str) -> None:
    body = {"description": description}
    made = travelling(version.KIND, body, creating=True)
    assert made == {"description": description}
    # The service keeps the function's own description beside it (facts 4).
    answer = {"version": number, "version_description": made["description"], "description": of_function}
    assert_same(version.KIND, body, answer)
    assert said(version.KIND, answer)["versionId"] == number


# Layers


@given(description=TEXT, runtime=st.sampled_from(layer.RUNTIMES), number=st.integers(1, 10**6))
def test_a_layer_comes_back(description: str, runtime: str, number: int) -> None:
    file: dict[str, Json] = {"compatibleRuntime": [runtime], "description": description, "code": {"checksum": "ab"}}
    archive = ArchiveRef(sha256="00", crc64="1", size=1)
    wire = {"compatibleRuntime": [runtime], "description": description, "code": {"zipFile": archive}}
    made = layer.sent(wire, NAMES, SCOPE)
    assert made["depend_type"] == "zip"
    assert made["depend_file"] is archive
    answer = {"name": made["name"], "runtime": made["runtime"], "description": made["description"]}
    answer |= {"version": number, "etag": "ab", "id": "v-id", "dep_id": "d-id"}
    assert_same(layer.KIND, file, answer)
    told = said(layer.KIND, answer)
    assert (told["layerName"], told["versionId"], told["id"]) == ("libs", str(number), "v-id")


def test_a_layer_may_lie_in_a_bucket() -> None:
    code = {"ossBucketName": "packages", "ossObjectName": "libs/1.zip"}
    made = layer.sent({"code": code, "compatibleRuntime": ["python3.10"]}, NAMES, SCOPE)
    assert made == {
        "name": "libs",
        "runtime": "Python3.10",
        "depend_type": "obs",
        "depend_link": "https://packages.obs.cn-north-4.myhuaweicloud.com/libs/1.zip",
    }


def test_an_unknown_runtime_is_told_as_it_is() -> None:
    assert said(layer.KIND, {"runtime": "Rust1.0"})["compatibleRuntime"] == ["Rust1.0"]
    assert set(WORDS.values()) - set(layer.RUNTIMES) == {"custom-container"}


# Reserved instances


MOMENT = st.datetimes().filter(lambda moment: 1971 <= moment.year <= 9998).map(lambda one: f"{one:%Y-%m-%dT%H:%M:%SZ}")
COUNT = st.integers(0, 1000)


@st.composite
def provisions(draw: st.DrawFn) -> dict[str, Json]:
    def several(item: st.SearchStrategy[dict[str, Json]]) -> st.SearchStrategy[list[dict[str, Json]]]:
        return st.lists(item, max_size=3, unique_by=lambda one: str(one["name"]))

    name = st.from_regex("[a-z]{1,8}", fullmatch=True)
    action = st.fixed_dictionaries(
        {
            "name": name,
            "startTime": MOMENT,
            "endTime": MOMENT,
            "target": COUNT,
            "scheduleExpression": st.sampled_from(["cron(0 0 12 * * *)", "cron(0 */10 * * * ?)"]),
        }
    )
    policy = st.fixed_dictionaries(
        {
            "name": name,
            "metricType": st.just("ProvisionedConcurrencyUtilization"),
            "metricTarget": st.integers(1, 99).map(lambda percent: percent / 100),
            "minCapacity": COUNT,
        }
    )
    words = {
        "target": COUNT,
        "alwaysAllocateCPU": st.booleans(),
        "scheduledActions": several(action),
        "targetTrackingPolicies": several(policy),
    }
    return draw(st.fixed_dictionaries({}, optional=words))


@given(body=provisions())
def test_reserved_instances_come_back(body: dict[str, Json]) -> None:
    made = travelling(provision.KIND, body, creating=False)
    assert_same(provision.KIND, body, made)
    listed = {
        "function_urn": "urn:fss:cn-north-4:p1:function:default:shop-web",
        "qualifier_type": "alias",
        "qualifier_name": "live",
        "min_count": made["count"],
        "idle_mode": made["idle_mode"],
        # Empty lists may be left out or be null.
        "tactics_config": {key: value or None for key, value in made["tactics_config"].items()},
    }
    assert_same(provision.KIND, body, listed)
    assert said(provision.KIND, listed)["behind"] == "default:shop-web:live"


def test_no_reserved_instances_are_no_config() -> None:
    body = live_body(provision.KIND, said(provision.KIND, dict(provision.KIND.delete.body)), SCOPE.api)
    assert all(body[name] in values for name, values in provision.KIND.absent.items())


def test_what_reserved_instances_cannot_be() -> None:
    action = {"name": "a", "startTime": "2026-02-30T00:00:00Z", "endTime": "2026-03-01T00:00:00Z", "target": 1}
    policy = {"name": "p", "metricType": "ProvisionedConcurrencyUtilization", "metricTarget": 0.555, "minCapacity": 2}
    body: dict[str, Json] = {"target": 2, "scheduledActions": [action], "targetTrackingPolicies": [policy]}
    assert [one.path for one in provision.check(body, "v2", "live")] == [
        "scheduledActions.0.startTime",
        "scheduledActions.0.target",
        "targetTrackingPolicies.0.metricTarget",
    ]
    action |= {"startTime": "2026-03-01T00:00:00Z", "target": 2}
    policy["metricTarget"] = 0.55
    assert [one.path for one in provision.check(body, "v2", "live")] == ["scheduledActions.0.endTime"]


# Async invoke configs


PLACE = st.one_of(
    st.tuples(st.from_regex("obs://[a-z0-9]{3,8}(/[a-z/]{1,8})?", fullmatch=True), st.integers(0, 365)),
    st.tuples(st.sampled_from(["dis://events", "urn:smn:cn-north-4:p1:topic"]), st.none()),
    st.tuples(st.just("urn:fss:cn-north-4:p1:function:default:shop-sink:latest"), st.none()),
)
END = PLACE.map(lambda place: {"destination": place[0], **({"expires": place[1]} if place[1] is not None else {})})
ASYNC = st.fixed_dictionaries(
    {},
    optional={
        "maxAsyncEventAgeInSeconds": st.integers(1, 86400),
        "maxAsyncRetryAttempts": st.integers(0, 3),
        "enableAsyncStatusLog": st.booleans(),
        "destinationConfig": st.fixed_dictionaries({}, optional={"onSuccess": END, "onFailure": END}),
    },
)


@given(body=ASYNC, before=ASYNC)
def test_an_async_config_comes_back(body: dict[str, Json], before: dict[str, Json]) -> None:
    for kept, creating in (({}, True), (travelling(async_invoke.KIND, before, creating=False), False)):
        made = travelling(async_invoke.KIND, body, creating=creating)
        for end in made.get("destination_config", {}).values():
            assert isinstance(end["param"], str)
        answer = {"func_urn": "urn:fss:cn-north-4:p1:function:default:shop-web:!live", **kept, **made}
        assert_same(async_invoke.KIND, body, answer)
        assert said(async_invoke.KIND, answer)["behind"] == "default:shop-web:live"


def test_a_destination_that_the_file_cannot_say_goes_back_as_it_was() -> None:
    end = {"destination": "EG", "param": '{"channel": "c"}'}
    body = live_body(async_invoke.KIND, said(async_invoke.KIND, {"destination_config": {"on_failure": end}}), SCOPE.api)
    sent = async_invoke.sent({"destinationConfig": body["destinationConfig"]}, NAMES, SCOPE)
    assert sent == {"destination_config": {"on_failure": end}}


def test_a_destination_may_come_later() -> None:
    urn = Output(step="create huawei/t/function/default/f", pointer="/urn")
    sent = async_invoke.sent({"destinationConfig": {"onSuccess": {"destination": urn}}}, NAMES, SCOPE)
    assert sent["destination_config"]["on_success"] == {
        "destination": "FunctionGraph",
        "param": LaterJson(value={"func_urn": urn}),
    }


def test_only_objects_expire() -> None:
    ends = {
        "onSuccess": {"destination": "dis://x", "expires": 3},
        "onFailure": {"destination": "obs://b1", "expires": 3},
    }
    found = list(async_invoke.check({"destinationConfig": ends}, "v2", "latest"))
    assert [one.path for one in found] == ["destinationConfig.onSuccess.expires"]


# Names


@pytest.mark.parametrize(
    ("qualifier_name", "end"), [("latest", "latest"), ("12", "12"), ("live", "!live"), ("v1", "!v1")]
)
def test_a_qualifier_has_its_place_in_a_path(qualifier_name: str, end: str) -> None:
    names = provision.KIND.names(("default", "shop-web", qualifier_name))
    assert names["behind"] == end
    call = provision.KIND.delete.call(names, SCOPE, resource="x")
    assert call.path == (
        f"/fgs/functions/urn:fss:cn-north-4:p1:function:default:shop-web:{end.replace('!', '%21')}/reservedinstances"
    )
    assert call.body == {"count": 0, "idle_mode": False}
    urn = f"urn:fss:cn-north-4:p1:function:default:shop-web:{end}"
    assert qualifier.behind_of(urn) == f"default:shop-web:{qualifier_name}"


def test_what_stands_behind_a_foreign_version_is_not_that_of_an_alias() -> None:
    urn = "urn:fss:cn-north-4:p1:function:default:shop-web"
    assert qualifier.behind_of(f"{urn}:v20260101-101010") == "default:shop-web:=v20260101-101010"
    assert qualifier.behind_of(urn) == "default:shop-web:latest"
    assert qualifier.named(("shop", "web", "LATEST"), {}) == ("latest",)


def test_what_to_do_is_said_of_codes_that_the_vendor_has() -> None:
    for kind in (version.KIND, alias.KIND, layer.KIND, provision.KIND, async_invoke.KIND):
        assert all(re.fullmatch(r"FSS\.[0-9]{4}", code) for code in (*kind.hints, *kind.missing))
        assert not kind.missing & set(kind.hints)


# Every field of the vendor's requests

LEFT_OUT: Mapping[str, Mapping[str, str]] = {
    "CreateFunctionVersionRequestBody": {
        "digest": "what it means is nowhere said (facts 4, 19)",
        "version": "asked for by the numbering",
    },
    "CreateVersionAliasRequestBody": {"name": "the identity"},
    "UpdateVersionAliasRequestBody": {},
    "CreateDependencyRequestBody": {},
    "UpdateFunctionReservedInstancesCountRequestBody": {},
    "UpdateFunctionAsyncInvokeConfigRequestBody": {
        name: "no read gives it, so that a change could not be seen (facts 9)"
        for name in ("log_group_id", "log_group_name", "log_stream_id", "log_stream_name")
    },
}
_RULED: Mapping[str, Json] = {
    "version": "2",
    "description": "x",
    "weights": {"1": 1},
    "resolvePolicy": "Content",
    "routePolicy": {"policyItems": [{"type": "Header", "key": "a", "operator": "in", "value": "b"}]},
}
_RESERVED: Mapping[str, Json] = {
    "target": 1,
    "scheduledActions": [
        {
            "name": "a",
            "startTime": "2026-01-01T00:00:00Z",
            "endTime": "2026-01-02T00:00:00Z",
            "target": 1,
            "scheduleExpression": "cron(0 0 12 * * *)",
        }
    ],
    "targetTrackingPolicies": [
        {"name": "p", "metricType": "ProvisionedConcurrencyUtilization", "metricTarget": 0.5, "minCapacity": 1}
    ],
}
_ASYNC: Mapping[str, Json] = {
    "destinationConfig": {"onSuccess": {"destination": "obs://bucket/p"}, "onFailure": {"destination": "dis://s"}}
}


def _names_in(value: Json) -> set[str]:
    """The keys of all objects, those of maps by version left out."""
    match value:
        case Mapping():
            below = set[str]().union(*map(_names_in, value.values()))
            return below | {key for key in value if not key.isdecimal()}
        case list():
            return set[str]().union(*map(_names_in, value))
        case _:
            return set()


def _dependency() -> Json:
    zipped = layer.sent({"code": {"zipFile": 1}, "compatibleRuntime": ["http"], "description": ""}, NAMES, SCOPE)
    linked = layer.sent({"code": {"ossBucketName": "b", "ossObjectName": "k"}}, NAMES, SCOPE)
    return {**zipped, **linked}


@pytest.mark.parametrize(
    ("request_body", "also", "sent"),
    [
        ("CreateFunctionVersionRequestBody", (), travelling(version.KIND, {"description": "x"}, creating=True)),
        ("CreateVersionAliasRequestBody", ("VersionStrategy", "VersionStrategyRules"), _RULED),
        ("UpdateVersionAliasRequestBody", ("VersionStrategy", "VersionStrategyRules"), _RULED),
        ("CreateDependencyRequestBody", (), _dependency()),
        (
            "UpdateFunctionReservedInstancesCountRequestBody",
            ("TacticsConfig", "CronConfig", "MetricConfig"),
            travelling(provision.KIND, _RESERVED, creating=False),
        ),
        (
            "UpdateFunctionAsyncInvokeConfigRequestBody",
            ("FuncAsyncDestinationConfig", "FuncDestinationConfig"),
            travelling(async_invoke.KIND, _ASYNC, creating=False),
        ),
    ],
)
def test_every_field_of_the_vendors_request_is_sent_or_left_out_for_a_reason(
    request_body: str, also: tuple[str, ...], sent: Json
) -> None:
    from huaweicloudsdkfunctiongraph.v2 import model

    if sent is _RULED:
        sent = travelling(alias.KIND, _RULED, creating=False)
    known = {name for one in (request_body, *also) for name in getattr(model, one).attribute_map.values()}
    left_out = LEFT_OUT[request_body]
    assert all(left_out.values())
    assert _names_in(sent) | set(left_out) == known
    assert not _names_in(sent) & set(left_out)
