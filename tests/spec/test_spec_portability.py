"""What differs between the targets of a file: fields, resources that are missing, behaviour of one word (S45)."""

from __future__ import annotations

from pathlib import Path

from fcdeploy.model.portability import Said
from fcdeploy.render.portability import portability_content, portability_text
from fcdeploy.spec.project import read_project

TWO_REGIONS = """
apiVersion: fcdeploy/v1
project: shop
targets:
  near: {provider: alibaba, region: cn-hangzhou, account: "1", vars: {memory: 128}}
  far: {provider: alibaba, region: cn-shanghai, account: "1", vars: {memory: 256}}
secrets: {TOKEN: {env: TOKEN}}
services:
  shop:
    functions:
      pay:
        runtime: python3.10
        handler: index.handler
        code: oss://bucket/pay.zip
        memorySize: ${{ vars.memory }}
        environmentVariables: {STAGE: live, PLACE: "${{ target.region }}", TOKEN: "${{ secret('TOKEN') }}"}
      audit:
        when: ${{ target.name == 'near' }}
        runtime: python3.10
        handler: index.handler
        code: oss://bucket/audit.zip
      same:
        runtime: python3.10
        handler: index.handler
        code: oss://bucket/same.zip
"""


def test_fields_and_missing_resources_are_told_with_their_targets_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "fcdeploy.yaml"
    file.write_text(TWO_REGIONS)
    project = read_project(file, environ={"TOKEN": "zebra-9"})

    found = project.portability(project.targets)

    pay, audit = found.resources
    assert pay.path == "services.shop.functions.pay"
    assert pay.span is not None and pay.span.line == 11
    assert {word.path: word.said for word in pay.words} == {
        "memorySize": (Said(targets=("near",), value="128"), Said(targets=("far",), value="256")),
        # What a template made of a value that may be a secret is not shown.
        "environmentVariables.PLACE": (
            Said(targets=("near",), value="(sensitive)"),
            Said(targets=("far",), value="(sensitive)"),
        ),
    }
    assert found.behaviours == ()
    assert (audit.path, audit.absent_from, audit.words) == ("services.shop.functions.audit", ("far",), ())
    shown = portability_text(found) + str(portability_content(found))
    assert "zebra-9" not in shown


def test_one_target_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    file = tmp_path / "fcdeploy.yaml"
    file.write_text(TWO_REGIONS)
    project = read_project(file, environ={"TOKEN": "zebra-9"})

    assert (
        portability_text(project.portability(project.targets[:1])) == "There is one target, near: nothing to compare.\n"
    )
