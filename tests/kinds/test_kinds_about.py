"""The one line that a table says of a resource, and the members that `status` gives as they are."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from fcdeploy.kinds.registry import KINDS

SAID: list[tuple[str, dict[str, Any], str]] = [
    ("service", {"description": "Thumbnails"}, "Thumbnails"),
    ("service", {"description": "", "vpcConfig": {"vpcId": "vpc-1", "vSwitchIds": []}}, "in vpc-1"),
    ("service", {"description": None, "vpcConfig": {"vpcId": ""}}, ""),
    ("function", {"runtime": "python3.10", "memorySize": 512, "description": "x"}, "python3.10, 512 MB"),
    ("function", {"runtime": "custom-container", "customContainerConfig": {"image": "r/i:1"}}, "r/i:1"),
    ("function", {"runtime": "custom", "memorySize": 8192, "gpuMemorySize": 8192}, "custom, 8192 MB, GPU 8192 MB"),
    (
        "trigger",
        {"triggerType": "timer", "triggerConfig": '{"cronExpression":"@every 5m","enable":true}', "qualifier": ""},
        "timer @every 5m",
    ),
    (
        "trigger",
        {"triggerType": "timer", "triggerConfig": {"cronExpression": "@every 5m", "enable": False}},
        "timer @every 5m, disabled",
    ),
    (
        "trigger",
        {
            "triggerType": "http",
            "triggerConfig": {"authType": "anonymous", "methods": ["GET", "POST"]},
            "qualifier": "live",
            "urlInternet": "https://x.fcapp.run",
            "urlIntranet": "https://x-vpc.fcapp.run",
        },
        "http GET POST, anonymous, calls live, https://x.fcapp.run",
    ),
    (
        "trigger",
        {"triggerType": "http", "triggerConfig": None, "urlInternet": None, "urlIntranet": "https://x-vpc.fcapp.run"},
        "http, https://x-vpc.fcapp.run",
    ),
    (
        "trigger",
        {"triggerType": "oss", "triggerConfig": "no JSON", "sourceArn": "acs:oss:cn-hangzhou:1:b"},
        "oss acs:oss:cn-hangzhou:1:b",
    ),
    ("provision", {"target": 2, "current": 1}, "1 of 2 instances ready"),
    (
        "provision",
        {"target": 2, "current": 0, "currentError": "quota", "scheduledActions": [{}], "targetTrackingPolicies": [{}]},
        "0 of 2 instances ready, scheduled, follows use, error: quota",
    ),
    ("provision", {"target": 2}, "2 instances"),
    ("onDemand", {"maximumInstanceCount": 5}, "at most 5 instances"),
    ("onDemand", {"maximumInstanceCount": 0}, "stopped: no instance may run"),
    (
        "asyncInvoke",
        {
            "maxAsyncRetryAttempts": 1,
            "maxAsyncEventAgeInSeconds": 60,
            "destinationConfig": {"onSuccess": {"destination": ""}, "onFailure": {"destination": "acs:mns:q"}},
        },
        "1 retry, within 60 s, failure to acs:mns:q",
    ),
    ("asyncInvoke", {"maxAsyncRetryAttempts": 0, "destinationConfig": None}, "0 retries"),
]


@pytest.mark.parametrize(("name", "body", "said"), SAID)
def test_a_resource_is_told_in_one_line(name: str, body: dict[str, Any], said: str) -> None:
    about = KINDS["alibaba", name].about
    assert about is not None
    assert about(body) == said


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: f"{kind.provider}-{kind.name}")
def test_a_kind_with_fields_has_its_line_and_it_holds_no_secret(kind: Any) -> None:
    if not kind.fields:
        return
    hiding = [one.name for one in kind.fields if one.hides_something]
    assert "\n" not in kind.about({})
    assert "hunter2" not in kind.about({name: {"hunter2": "hunter2"} for name in hiding})


def test_what_hides_something_is_not_reported() -> None:
    kind = KINDS["alibaba", "function"]
    for names in (("environmentVariables",), ("runtime", "runtime")):
        with pytest.raises(ValueError, match="named once and hides nothing"):
            replace(kind, reported=names)
