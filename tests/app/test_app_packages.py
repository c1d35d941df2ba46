"""Which archives a command makes: each code once, however many functions, spellings and targets have it (S28)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fcdeploy.app.code import Packages
from fcdeploy.engine.snapshot import Desired
from fcdeploy.errors import SpecError
from fcdeploy.model import Address, CodeRef, Json, Resource
from fcdeploy.package.cache import ArchiveCache


def functions(folder: Path, codes: list[Json], target: str = "dev") -> Desired:
    found = {}
    for number, code in enumerate(codes):
        address = Address(provider="alibaba", target=target, kind="function", identity=("s", f"f{number:03}"))
        reference = CodeRef(value=code, base=str(folder))
        found[address] = Resource(address=address, body={"runtime": "python3.10"}, code={"code": reference})
    return found


def write_code(folder: Path) -> None:
    (folder / "code").mkdir()
    (folder / "code" / "index.py").write_text("def handler(event, context):\n    return 1\n")
    (folder / "code" / "more.py").write_text("MORE = 2\n")


def test_code_is_archived_once_for_all_functions_and_targets_that_have_it(tmp_path: Path) -> None:
    write_code(tmp_path)
    codes: list[Json] = ["code", "./code", {"path": "code"}, {"path": "code", "exclude": ["more.py"]}] * 25
    shared: dict[Path, ArchiveCache] = {}
    for target in ("dev", "prod"):
        packages = Packages(tmp_path / "cache", frozenset(), shared)
        done, findings = asyncio.run(packages.packaged(functions(tmp_path, codes, target)))
        assert not findings
        sent = [resource.payloads["code"]["zipFile"] for resource in done.values()]
        assert len(set(sent[:3])) == 1 and sent[3] != sent[0]
        assert sent == sent[:4] * 25
        assert {packages.path(one.sha256).is_file() for one in sent} == {True}
        assert [resource.body["code"] for resource in done.values()] == [{"checksum": one.crc64} for one in sent]
    # What was written just now is not remembered from one run to the next, but within a command it is.
    assert shared[tmp_path / "cache"].built == 2


def test_each_function_is_told_what_is_wrong_with_code_that_several_have(tmp_path: Path) -> None:
    write_code(tmp_path)
    (tmp_path / "code" / "more.py").unlink()
    (tmp_path / "code" / "more.py").symlink_to("nowhere")
    packages = Packages(tmp_path / "cache", frozenset())
    with pytest.raises(SpecError) as caught:
        asyncio.run(packages.packaged(functions(tmp_path, ["code", "gone", "gone", {"path": "code"}])))
    told = sorted((one.address.rpartition(":")[2], one.summary.split(":")[0]) for one in caught.value.diagnostics)
    assert told == [
        ("s/f000", f"the symbolic link {tmp_path}/code/more.py leads nowhere"),
        ("s/f001", "the code path does not exist"),
        ("s/f002", "the code path does not exist"),
        ("s/f003", f"the symbolic link {tmp_path}/code/more.py leads nowhere"),
    ]
