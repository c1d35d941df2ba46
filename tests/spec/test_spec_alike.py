"""Targets that have the very same resources are judged and expanded once: nobody can tell from what comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fcdeploy.kinds.alibaba.layer import LONGEST_DESCRIPTION
from fcdeploy.spec.project import Project, read_project

HEAD = """
apiVersion: fcdeploy/v1
project: shop
targets:
"""
REGIONS = ("hangzhou", "shanghai", "beijing", "shenzhen")
PLAIN = """
services:
  orders:
    description: text
    functions:
      handle:
        runtime: python3.10
        handler: index.handler
        code: .
        environmentVariables: {{PASSWORD: {password}}}
        triggers:
          t: {{type: timer, config: {{cronExpression: "{cron}", enable: true}}}}
"""
SEALED = """
customDomains:
  shop.example.com:
    protocol: HTTPS
    certConfig:
      certName: one
      certificate: "-----BEGIN CERTIFICATE-----some-----END CERTIFICATE-----"
      privateKey: "-----BEGIN PRIVATE KEY-----some-----END PRIVATE KEY-----"
"""
LAYER = """
layers:
  tools: {description: %s, compatibleRuntime: [python3.10], code: .}
"""


def _plain(password: str = "x", cron: str = "0 0 0 * * *") -> str:
    return PLAIN.format(password=password, cron=cron)


def _spec(names: list[str], body: str, more: str = "") -> str:
    targets = [
        f'  {name}: {{provider: alibaba, region: cn-{region}, account: "{number}"{more if number == 1 else ""}}}'
        for number, (name, region) in enumerate(zip(names, REGIONS, strict=False))
    ]
    return HEAD + "\n".join(targets) + "\n" + body


def _read(folder: Path, text: str) -> Project:
    folder.mkdir(exist_ok=True)
    (folder / "fcdeploy.yaml").write_text(text)
    return read_project(folder, environ={})


BODIES = {
    "sound": _plain(),
    "a warning": _plain(password="AKIAIOSFODNN7EXAMPLE"),
    "a mistake": _plain(cron="never"),
    "too long for the mark of some": LAYER % ("d" * (LONGEST_DESCRIPTION - len(" [fcdeploy:shop/abc]"))),
    "write-only values": SEALED,
    "defaults with a block": "defaults: {function: {alibaba: {memorySize: 256}, huawei: {memorySize: 128}}}" + _plain(),
}
NAMES = ["ab", "abc", "abcd", "abcde"]


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("more", ["", ", vars: {one: 1}", ", patch: {'function:orders/handle': {timeout: 9}}"])
def test_targets_together_come_to_what_each_comes_to_alone(tmp_path: Path, body: str, more: str) -> None:
    together = _read(tmp_path / "spec", _spec(NAMES, body, more))
    for target in together.targets:
        alone = _read(tmp_path / "spec", _spec(NAMES, body, more))
        (own,) = alone.select([target.name])
        assert together.diagnostics([target], code=True) == alone.diagnostics([own], code=True)
        if not any(one.severity.value == "error" for one in alone.diagnostics([own])):
            expected, found = alone.expand(own), together.expand(target)
            assert list(found) == list(expected)
            assert [(one.body, one.refs, one.literal, dict(one.spans), one.code) for one in found.values()] == [
                (one.body, one.refs, one.literal, dict(one.spans), one.code) for one in expected.values()
            ]
            assert {one.target for one in found} == {target.name}


def test_only_the_targets_whose_mark_does_not_fit_are_told(tmp_path: Path) -> None:
    project = _read(tmp_path, _spec(NAMES, BODIES["too long for the mark of some"]))
    told = [one.name for one in project.targets if project.diagnostics([one])]
    assert told == ["abcd", "abcde"]


def test_a_target_with_a_patch_is_judged_and_expanded_by_itself(tmp_path: Path) -> None:
    patch = ", patch: {'function:orders/handle': {timeout: 9}}"
    project = _read(tmp_path, _spec(NAMES, _plain(), patch))
    timeouts = [
        resource.body.get("timeout")
        for target in project.targets
        for address, resource in project.expand(target).items()
        if address.kind == "function"
    ]
    assert timeouts == [None, 9, None, None]
    wrong = _read(tmp_path, _spec(NAMES, _plain(), patch.replace("9", "never")))
    assert [bool(wrong.diagnostics([one])) for one in wrong.targets] == [False, True, False, False]


def test_targets_without_any_resource_are_not_taken_for_each_other(tmp_path: Path) -> None:
    said = ["{}", "7", "{}", "[x]"]
    targets = [
        f"  {name}: {{provider: alibaba, region: cn-{region}, vars: {{all: {all_of_it}}}}}"
        for name, region, all_of_it in zip(NAMES, REGIONS, said, strict=True)
    ]
    for order in (targets, targets[::-1]):
        project = _read(tmp_path, HEAD + "\n".join(order) + "\nservices: ${{ vars.all }}\n")
        wrong = {one.name for one in project.targets if project.diagnostics([one])}
        assert wrong == {"abc", "abcde"}


def test_what_is_the_same_is_worked_out_once(tmp_path: Path) -> None:
    project = _read(tmp_path, _spec(NAMES, _plain()))
    first, *others = (list(project.expand(target).values()) for target in project.targets)
    for other in others:
        assert all(one.body is same.body for one, same in zip(other, first, strict=True))


def test_a_secret_knows_the_target_that_it_is_of(tmp_path: Path) -> None:
    project = _read(tmp_path, _spec(NAMES, SEALED))
    for target in project.targets:
        (domain,) = [one for one in project.expand(target).values() if one.address.kind == "customDomain"]
        key = domain.body["certConfig"]["privateKey"]
        assert key.parts[0]["given"][0] == str(domain.address)
