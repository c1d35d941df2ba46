"""The JSON plan lists the calls that apply sends, body and all, and hides in them what must not be seen (laws 1, 9)."""

from __future__ import annotations

import json
from typing import Any

from fcdeploy.cli.views import plans_view
from fcdeploy.model import Json
from fcdeploy.render.json import document_text, plans_content

HIDDEN = {"sensitive": True}


def calls(stage: Any) -> dict[str, dict[str, Json]]:
    """The steps of the JSON plan of the only target, by operation."""
    view = plans_view(stage.plan_report(), destroy=False, with_bodies=True)
    (target,) = json.loads(document_text("plan", plans_content(view)))["targets"]
    return {step["operation"]: step for step in target["steps"]}


def test_a_call_shows_its_body_and_no_secret(stage: Any) -> None:
    stage.environ["TOKEN_SOURCE"] = "s3cr3t of the caller"
    spec = stage.spec(1)
    spec["vars"] = {"level": "3"}
    spec["secrets"] = {"TOKEN": {"env": "TOKEN_SOURCE"}}
    function = spec["services"]["s"]["functions"]["f0"]
    function["environmentVariables"] = {"PLAIN": "p", "LEVEL": "${{ vars.level }}", "KEY": "${{ secret('TOKEN') }}"}
    stage.write(spec)
    sent = calls(stage)
    assert list(sent) == ["CreateService", "TagResource", "CreateFunction", "CreateTrigger"]
    body = sent["CreateFunction"]["body"]
    assert body["functionName"] == "f0" and body["timeout"] == 3, "defaults are sent, so they are listed"
    # What is no plain literal in the file could be a live value one day, so it is never shown (S42).
    assert body["environmentVariables"] == {"PLAIN": "p", "LEVEL": HIDDEN, "KEY": HIDDEN}
    assert body["code"]["zipFile"]["archive"]["size"] > 0
    assert sent["CreateTrigger"]["body"]["triggerConfig"]["cronExpression"] == "@every 1m"
    assert sent["TagResource"]["body"]["tags"] == {"fcdeploy.project": "staged", "fcdeploy.target": "dev"}

    stage.apply()
    stage.change("function", "s", "f0", environmentVariables={"PLAIN": "theirs", "MORE": "a live value"})
    (step,) = calls(stage).values()
    assert step["operation"] == "UpdateFunction" and step["guard"] == "ifMatch"
    assert step["body"] == {"environmentVariables": {"PLAIN": "p", "LEVEL": HIDDEN, "KEY": HIDDEN}}


def test_json_text_is_shown_without_the_passwords_in_it(stage: Any) -> None:
    spec = stage.spec(0)
    source = {"InstancePassword": "${{ vars.word }}", "Topic": "t", "InstanceUsername": "u"}
    config = {
        "eventRuleFilterPattern": "{}",
        "eventSourceConfig": {
            "eventSourceType": "RocketMQ",
            "eventSourceParameters": {"sourceRocketMQParameters": source},
        },
    }
    spec["vars"] = {"word": "pass-word-of-a-queue"}
    trigger = {"type": "eventbridge", "config": config}
    spec["services"]["s"]["functions"] = {"f": {"code": stage.write_source("src"), "triggers": {"t": trigger}}}
    stage.write(spec)
    shown = calls(stage)["CreateTrigger"]["body"]["triggerConfig"]["eventSourceConfig"]["eventSourceParameters"]
    assert shown["sourceRocketMQParameters"] == {**source, "InstancePassword": HIDDEN}
    stage.apply()

    # An update sends what is live as well where the file says nothing of it.
    del source["InstancePassword"]
    source["Topic"] = "other"
    stage.write(spec)
    shown = calls(stage)["UpdateTrigger"]["body"]["triggerConfig"]["eventSourceConfig"]["eventSourceParameters"]
    assert shown["sourceRocketMQParameters"] == {"InstancePassword": HIDDEN, "Topic": "other", "InstanceUsername": "u"}
