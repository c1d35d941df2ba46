"""The vendor's own client, unmodified, sees what was deployed, and what it changes shows in the next plan."""

from __future__ import annotations

import io
import urllib.request
import zipfile
from typing import Any

import pytest

from fcdeploy.model import Action

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture
def fc2(stage: Any) -> Any:
    import fc2

    return fc2.Client(endpoint=stage.emulator.url, accessKeyID="ak", accessKeySecret="sk")


def test_the_sdk_reads_what_was_deployed(stage: Any, fc2: Any) -> None:
    stage.write(stage.spec(3))
    plan = stage.plan()
    checksums = {
        change.address.identity[-1]: one.after["checksum"]
        for change in plan.changes
        for one in change.fields
        if one.path == "code"
    }
    stage.apply()
    assert [one["serviceName"] for one in fc2.list_services().data["services"]] == ["s"]
    functions = fc2.list_functions("s").data["functions"]
    assert {one["functionName"]: one["codeChecksum"] for one in functions} == checksums
    code = fc2.get_function_code("s", "f0").data
    assert code["checksum"] == checksums["f0"]
    with urllib.request.urlopen(code["url"], timeout=10) as answer:
        archive = zipfile.ZipFile(io.BytesIO(answer.read()))
    assert archive.read("index.py") == (stage.root / "src/index.py").read_bytes()
    trigger = fc2.get_trigger("s", "f1", "t").data
    assert trigger["triggerConfig"] == {"cronExpression": "@every 2m", "payload": "", "enable": True}
    tags = fc2.get_resource_tags("services/s").data["tags"]
    assert tags == {"fcdeploy.project": "staged", "fcdeploy.target": "dev"}


def test_what_the_sdk_changes_shows_in_the_plan(stage: Any, fc2: Any) -> None:
    stage.write(stage.spec(2))
    stage.apply()
    assert stage.plan().is_empty
    fc2.update_function("s", "f0", memorySize=512, environmentVariables={"NUMBER": "changed"})
    fc2.delete_trigger("s", "f1", "t")
    plan = stage.plan()
    changes = {str(change.address): change for change in plan.changes}
    assert {address: change.action for address, change in changes.items()} == {
        "dev:alibaba.function:s/f0": Action.UPDATE,
        "dev:alibaba.trigger:s/f1/t": Action.CREATE,
    }
    fields = {one.path: (one.before, one.after) for one in changes["dev:alibaba.function:s/f0"].fields}
    assert fields == {"memorySize": (512, 128), "environmentVariables.NUMBER": ("changed", "0")}
    stage.apply()
    assert fc2.get_function("s", "f0").data["memorySize"] == 128
    assert stage.plan().is_empty
