from __future__ import annotations

from pathlib import Path

import pytest

from fcdeploy.diagnostics import Severity
from fcdeploy.errors import SpecError, UsageError
from fcdeploy.model import Address, Sensitive
from fcdeploy.spec.loader import load
from fcdeploy.spec.outline import outline
from fcdeploy.spec.project import Project, read_project

SPEC = """
apiVersion: fcdeploy/v1
project: shop
vars: {memory: 128, region: cn-hangzhou}
targets:
  dev: {provider: alibaba, account: "1", region: "${{ vars.region }}", vars: {memory: 256}}
  prod: {provider: alibaba, account: "2", region: cn-shanghai}
secrets: {TOKEN: {env: TOKEN}, PROD: {env: PROD}}
services:
  orders:
    functions:
      handle:
        runtime: python3.10
        handler: index.handler
        code: ./src
        memorySize: ${{ vars.memory }}
        environmentVariables:
          TOKEN: ${{ secret(vars.secret|default('TOKEN')) }}
"""


def write(folder: Path, text: str = SPEC, name: str = "fcdeploy.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def memory(project: Project, target: str) -> object:
    (chosen,) = project.select([target])
    address = Address(provider="alibaba", target=target, kind="function", identity=("orders", "handle"))
    return project.expand(chosen)[address].body["memorySize"]


def test_a_folder_stands_for_its_spec(tmp_path: Path) -> None:
    write(tmp_path)
    project = read_project(tmp_path, environ={"TOKEN": "t"})
    assert project.name == "shop"
    assert project.root == tmp_path
    assert [target.name for target in project.targets] == ["dev", "prod"]
    assert project.default_target is None
    (code,) = [one.code["code"] for one in project.expand(project.targets[0]).values() if one.code]
    assert (code.value, code.base) == ("./src", str(tmp_path))
    assert code.span is not None and code.span.line == 15


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no such file"):
        read_project(tmp_path, environ={})


def test_variables_come_from_file_target_var_file_and_option(tmp_path: Path) -> None:
    path = write(tmp_path)
    over = write(tmp_path, "memory: 512\n", "over.yaml")
    world = {"TOKEN": "t"}
    assert memory(read_project(path, environ=world), "prod") == 128
    assert memory(read_project(path, environ=world), "dev") == 256
    assert memory(read_project(path, environ=world, var_files=[over]), "dev") == 512
    given = read_project(path, environ=world, var_files=[over], assignments=["memory=1024"])
    assert memory(given, "dev") == 1024
    moved = read_project(path, environ=world, assignments=["region=cn-beijing"])
    assert [target.region for target in moved.targets] == ["cn-beijing", "cn-shanghai"]


def test_an_assignment_that_is_none_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        read_project(write(tmp_path), environ={}, assignments=["memory"])


def test_secrets_stay_secret_in_bodies(tmp_path: Path) -> None:
    project = read_project(write(tmp_path), environ={"TOKEN": "t0p"})
    bodies = [one.body for one in project.expand(project.targets[0]).values() if one.address.kind == "function"]
    token = bodies[0]["environmentVariables"]["TOKEN"]
    assert isinstance(token, Sensitive)
    assert token == "t0p"
    assert token.parts == ({"secret": "TOKEN"},)


def test_only_what_is_chosen_is_judged_and_its_secrets_read(tmp_path: Path) -> None:
    path = write(
        tmp_path, SPEC.replace("region: cn-shanghai}", "region: cn-shanghai, vars: {secret: PROD, memory: 1}}")
    )
    project = read_project(path, environ={"TOKEN": "t"})
    dev, prod = project.targets
    assert project.check([dev]) == ()
    assert project.expand(dev)
    with pytest.raises(SpecError) as caught:
        project.check([dev, prod])
    assert [one.summary for one in caught.value.diagnostics] == [
        "`memorySize` must be 128 to 32768 and a multiple of 64",
        "the secret `PROD` is not there: the environment variable `PROD` is not set",
    ]
    assert all("in target prod" in one.detail for one in caught.value.diagnostics)
    with pytest.raises(SpecError):
        project.expand(prod)


def test_equal_findings_of_several_targets_are_told_once(tmp_path: Path) -> None:
    path = write(tmp_path, SPEC.replace("index.handler", "5").replace("  orders:", "  orders-${{ target.name }}:"))
    project = read_project(path, environ={"TOKEN": "t"})
    (only,) = project.diagnostics(project.targets)
    assert only.summary == "`handler` must be text"
    assert "target" not in only.detail


def test_warnings_do_not_stop(tmp_path: Path) -> None:
    project = read_project(write(tmp_path, SPEC.replace("./src", "oss://bucket/a.zip")), environ={"TOKEN": "t"})
    (only,) = project.check(project.targets)
    assert only.severity is Severity.WARNING
    assert project.expand(project.targets[0])


def test_a_shared_service_is_told_without_reading_the_other_targets_secrets(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    text = SPEC.replace(
        'account: "2", region: cn-shanghai}', 'account: "1", region: cn-hangzhou, vars: {secret: PROD}}'
    )
    text = text.replace("PROD: {env: PROD}", f'PROD: {{command: [touch, "{ran}"]}}')
    project = read_project(write(tmp_path, text), environ={"TOKEN": "t"})
    with pytest.raises(SpecError) as caught:
        project.expand(project.targets[0])
    assert [one.summary for one in caught.value.diagnostics] == [
        "targets `dev` and `prod` both have the service `orders`"
    ]
    assert not ran.exists()


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ('account: "1", region: a', 'account: "1", region: a', True),
        ('account: "1", region: a', 'account: "1", region: b', False),
        ('account: "1", region: a', 'account: "2", region: a', False),
        ("region: a", "region: a", True),
    ],
)
def test_targets_share_an_account_and_region_or_nothing(tmp_path: Path, one: str, other: str, shared: bool) -> None:
    head = "apiVersion: fcdeploy/v1\nproject: p\ntargets:\n"
    targets = f"  x: {{provider: alibaba, {one}}}\n  y: {{provider: alibaba, {other}}}\n"
    project = read_project(write(tmp_path, f"{head}{targets}services: {{s: {{}}}}\n"), environ={})
    assert bool(project.diagnostics(project.targets)) is shared


def test_a_failed_target_hides_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        read_project(write(tmp_path, SPEC.replace("provider: alibaba,", "").replace("./src", "5")), environ={})
    told = [one.summary for one in caught.value.diagnostics]
    assert told == ["the target needs `provider`", "the target needs `provider`", "`code` must be text or a map"]


def test_parents_come_before_children_and_refs_lead_up(tmp_path: Path) -> None:
    text = SPEC + "        triggers:\n          t: {type: timer, config: {cronExpression: '@every 5m'}}\n"
    desired = read_project(write(tmp_path, text), environ={"TOKEN": "t"})
    made = desired.expand(desired.targets[0])
    assert [address.kind for address in made] == ["service", "function", "trigger"]
    seen = set()
    for address, resource in made.items():
        assert resource.refs <= seen
        assert resource.address == address
        seen.add(address)


def test_a_word_may_come_out_of_a_template(tmp_path: Path) -> None:
    text = SPEC.replace(
        "vars: {memory: 128,",
        "vars: {memory: 128, more: {a: {when: false}, 'b': {when: true}}, one: {when: false, lost: 1},",
    )
    text += "  more: {functions: '${{ vars.more }}', description: '${{ vars.region }}'}\n  one: ${{ vars.one }}\n"
    text += "  text: {functions: {f: '${{ vars.text }}'}}\n"
    project = read_project(write(tmp_path, text, "fcdeploy.yaml"), environ={"TOKEN": "t"}, assignments=["text=x"])
    found = project.diagnostics(project.targets[:1])
    assert {one.path for one in found} == {
        "services.more.functions.b.runtime",
        "services.text.functions.f",
    }


def test_of_a_target_that_nobody_asked_for_only_what_decides_its_names_is_evaluated() -> None:
    text = """
project: shop
defaults: {service: {description: d}}
outputs: {a: "${{ ref('b') }}"}
services:
  "a-${{ target.name }}": {when: vars.big, absent: true, alibaba: {role: r}, role: r, functions: {f: {code: src}}}
  b: {external: true, logConfig: {project: p}}
  c: "${{ vars.c }}"
layers: {l: {code: src}}
customDomains: {}
"""
    assert outline(load(text, "x.yaml"), "alibaba").plain() == {
        "project": "shop",
        "defaults": {"service": {"description": "d"}},
        "services": {
            "a-${{ target.name }}": {"when": "vars.big", "absent": True, "alibaba": {"role": "r"}},
            "b": {"external": True},
            "c": "${{ vars.c }}",
        },
        "layers": {"l": {}},
        "customDomains": {},
    }
