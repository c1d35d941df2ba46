"""What is said of the `code:` of a spec by those who look at the file system: validate, plan, apply."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from fcdeploy.diagnostics import Diagnostic
from fcdeploy.spec.project import read_project

HEAD = """
apiVersion: fcdeploy/v1
project: shop
targets:
  dev: {provider: alibaba, account: "1", region: cn-hangzhou}
  prod: {provider: alibaba, account: "2", region: cn-hangzhou}
defaults: {function: {runtime: python3.10, handler: index.handler}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("bare", "whole", "node"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "requirements.txt").write_text("requests\nboto3\n")
        (tmp_path / name / "package.json").write_text('{"dependencies": {"left-pad": "1.0"}}')
    (tmp_path / "whole" / "requests").mkdir()
    return tmp_path


def found(folder: Path, functions: str, layers: str = "{}") -> tuple[Diagnostic, ...]:
    (folder / "fcdeploy.yaml").write_text(f"{HEAD}layers: {layers}\nservices:\n  web:\n    functions:\n{functions}")
    project = read_project(folder, environ={})
    assert [one for one in project.diagnostics(project.targets) if "beside it" in one.summary] == []
    return tuple(one for one in project.diagnostics(project.targets, code=True) if "beside it" in one.summary)


def test_nothing_installed_is_a_warning_at_the_first_function_that_has_the_code(folder: Path) -> None:
    functions = """
      whole: {code: ./whole}
      first: {code: ./bare}
      again: {code: ./bare}
      built: {code: {path: ./bare, build: [make]}}
      layered: {code: {path: ./bare, exclude: ["*.md"]}, layers: [libs]}
      java: {code: {path: ./bare, exclude: ["*.rst"]}, runtime: java11, handler: example.App::handleRequest}
      node: {code: ./node, runtime: nodejs16}
"""
    first, node, layer = sorted(
        found(folder, functions, "{libs: {code: ./bare/, compatibleRuntime: [nodejs16, nodejs14]}}"),
        key=lambda one: one.path.startswith("layers"),
    )
    assert (first.summary, first.path) == (
        "`requirements.txt` has nothing installed beside it",
        "services.web.functions.first.code",
    )
    assert first.severity.value == "warning" and first.span is not None
    assert first.detail == "it asks for requests, boto3"
    assert "pip install -r requirements.txt -t ." in first.hint and "`build`" in first.hint
    assert (node.summary, node.path) == (
        "`package.json` has nothing installed beside it",
        "services.web.functions.node.code",
    )
    assert (layer.summary, layer.path) == ("`package.json` has nothing installed beside it", "layers.libs.code")


def test_many_functions_look_at_their_folder_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    functions = yaml.safe_dump({f"f{number}": {"code": "./bare"} for number in range(100)})
    read: list[Path] = []
    real = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *args, **named: read.append(self) or real(self, *args, **named))
    (one,) = found(folder, "".join(f"      {line}\n" for line in functions.splitlines()))
    assert one.path == "services.web.functions.f0.code"
    # Once for both targets.
    assert [path.name for path in read if path.name == "requirements.txt"] == ["requirements.txt"]


def test_each_cloud_takes_code_from_its_own_buckets(folder: Path) -> None:
    spec = yaml.safe_load(HEAD)
    spec["targets"] = {
        "a": {"provider": "alibaba", "region": "cn-hangzhou"},
        "h": {"provider": "huawei", "region": "cn-north-4"},
    }
    both = {"alibaba": {"code": "oss://bucket/a.zip"}, "huawei": {"code": "obs://bucket/a.zip"}}
    functions = {"oss": {"code": "oss://bucket/a.zip"}, "obs": {"code": "obs://bucket/a.zip"}, "both": both}
    spec["services"] = {"web": {"functions": functions}}
    (folder / "fcdeploy.yaml").write_text(yaml.safe_dump(spec))
    project = read_project(folder, environ={})
    told = [one for one in project.diagnostics(project.targets, code=True) if one.severity.value == "error"]
    assert sorted((one.summary, one.path) for one in told) == [
        ("Function Compute takes no code from OBS", "services.web.functions.obs.code"),
        ("FunctionGraph takes no code from OSS", "services.web.functions.oss.code"),
    ]
    assert all("`obs://bucket/object`" in one.hint or "`oss://bucket/object`" in one.hint for one in told)
    hints = [one.hint for one in project.diagnostics(project.targets) if "cannot be seen" in one.summary]
    assert len(hints) == 4 and sum("SHA-512" in one for one in hints) == 2
