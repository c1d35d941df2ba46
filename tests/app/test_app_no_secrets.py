"""Plans without secrets (S41): nothing is read, what holds a secret is no change, and the plan says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fcdeploy import app
from fcdeploy.cli.documents import plan_document
from fcdeploy.cli.entry import run
from fcdeploy.cli.views import plans_view
from fcdeploy.engine.digest import plan_digest
from fcdeploy.model import Action, Plan
from fcdeploy.render.text import plans_text

SECRET = "hunter2-s3cr3t"


def with_secrets(stage: Any) -> dict[str, Any]:
    spec: dict[str, Any] = stage.spec(2)
    spec["secrets"] = {
        "TOKEN": {"env": "TOKEN_SOURCE"},
        "RUN": {"command": ["sh", "-c", f"touch {stage.root}/was-run; printf {SECRET}"]},
    }
    function = spec["services"]["s"]["functions"]["f0"]
    function["environmentVariables"] = {
        "TOKEN": "${{ secret('TOKEN') }}",
        "PART": "${{ (secret('RUN')|fromjson).part if false else secret('RUN')|upper }}",
        "PLAIN": "seen",
    }
    function["triggers"]["t"]["config"]["payload"] = "key=${{ secret('TOKEN') }}"
    stage.write(spec)
    return spec


def plan_of(stage: Any) -> Plan:
    (result,) = stage.plan_report(secrets=False).results
    assert result.problem is None and result.plan is not None
    plan: Plan = result.plan
    assert plan.unread is not None
    return plan


def test_secrets_are_not_read_not_compared_and_shown_as_unknown(stage: Any) -> None:
    spec = with_secrets(stage)
    marker = Path(stage.root) / "was-run"
    stage.environ.pop("TOKEN_SOURCE", None)
    assert app.validate(stage.where())[0].resources == 5
    first = plan_of(stage)
    assert not marker.exists()
    assert {(one.address.short, one.path) for one in first.unread or ()} == {
        ("function s/f0", "environmentVariables.PART"),
        ("function s/f0", "environmentVariables.TOKEN"),
        ("trigger s/f0/t", "triggerConfig.payload"),
    }
    fields = {(one.address.short, field.path): field.after for one in first.changes for field in one.fields}
    assert fields["function s/f0", "environmentVariables.TOKEN"] == "(unknown)"
    assert fields["function s/f0", "environmentVariables.PART"] == "(unknown)"
    assert fields["function s/f0", "environmentVariables.PLAIN"] == "seen"
    stage.environ["TOKEN_SOURCE"] = SECRET
    # The digest is the one of the plan that reads them, which sets nothing else.
    assert plan_digest(stage.plan()) == plan_digest(first)
    stage.apply()
    marker.unlink()

    # What is live holds secrets that nobody reads now; one differs, which a plan without them cannot say.
    stage.environ["TOKEN_SOURCE"] = "another"
    reviewed = plan_of(stage)
    assert reviewed.is_empty and reviewed.changes == ()
    assert plan_digest(stage.plan()) != plan_digest(reviewed)
    marker.unlink()
    spec["services"]["s"]["functions"]["f0"]["environmentVariables"]["PLAIN"] = "changed"
    stage.write(spec)
    stage.environ["TOKEN_SOURCE"] = SECRET
    report = stage.plan_report(secrets=False)
    (change,) = report.results[0].plan.changes
    assert change.action is Action.UPDATE
    assert [(one.path, one.before, one.after) for one in change.fields] == [
        ("environmentVariables.PLAIN", "seen", "changed")
    ]
    assert not marker.exists()
    assert plan_digest(stage.plan()) == plan_digest(report.results[0].plan)

    said = "3 fields hold secrets and were not compared, since no secret was read"
    for form in ("json", "markdown", "html", "sarif"):
        document = plan_document(report, form, stage.where(secrets=False), destroy=False)
        assert said in document and SECRET not in document, form
    assert '"unread": [' in plan_document(report, "json", stage.where(secrets=False), destroy=False)
    text = plans_text(plans_view(report, destroy=False))
    assert said in text and "function s/f0 environmentVariables.TOKEN: (unknown)" in text and SECRET not in text


def test_what_cannot_be_saved_or_built_is_refused_before_anything_is_read(stage: Any, capsys: Any) -> None:
    where = ["-f", str(stage.root), "--endpoint", "http://127.0.0.1:1"]
    assert run(["plan", "--no-secrets", "--out", str(stage.root / "a.fcplan"), *where]) == 64
    assert "a plan without secrets cannot be saved" in capsys.readouterr().err
    assert not (stage.root / "a.fcplan").exists()
