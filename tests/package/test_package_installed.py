"""Which folders lack what their own files ask for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fcdeploy.package.installed import named, read_missing
from fcdeploy.package.sources import read_code_source

INDEX = {"index.py": b""}


def missing(root: Path, runtimes: tuple[str, ...] = ("python3.10",), code: object = ".") -> list[str]:
    return [one.file for one in read_missing(read_code_source(code, root), runtimes)]


@pytest.mark.parametrize(
    ("requirements", "beside", "told"),
    [
        (b"requests==2.32\nboto3\n", {}, True),
        (b"\xef\xbb\xbfrequests\n", {}, True),
        (b"git+https://example.com/tool.git\n", {}, True),
        (b"-r base.txt\n", {}, True),
        (b"requests \\\n  --hash=sha256:00\n", {}, True),
        # Nothing is asked for.
        (b"", {}, False),
        (b"# requests\n\n   # boto3\n", {}, False),
        (b"--index-url https://example.com/simple\n", {}, False),
        (b'dataclasses; python_version < "3.7"\n', {}, False),
        (b"\xff\xfe", {}, False),
        # Something of it is there.
        (b"requests\n", {"requests-2.32.dist-info/METADATA": b""}, False),
        (b"requests\n", {"requests/__init__.py": b""}, False),
        (b"PyYAML\n", {"yaml/__init__.py": b""}, False),
        (b"python-dateutil\n", {"dateutil/__init__.py": b""}, False),
        (b"typing-extensions\n", {"typing_extensions.py": b""}, False),
        (b"lxml\n", {"python/lib/python3.10/site-packages/lxml-5.dist-info/METADATA": b""}, False),
        (b"lxml\n", {"vendor/lxml/etree.so": b""}, False),
        (b"tool\n", {"tool.cpython-310-x86_64-linux-gnu.so": b""}, False),
        # What is there is something else.
        (b"requests\n", {"src/requests/__init__.py": b"", "tests/x.py": b""}, True),
    ],
)
def test_requirements(
    tmp_path: Path, write_tree: Callable[..., Path], requirements: bytes, beside: dict[str, bytes], told: bool
) -> None:
    write_tree(tmp_path, {**INDEX, "requirements.txt": requirements, **beside})
    assert missing(tmp_path) == (["requirements.txt"] if told else [])


@pytest.mark.parametrize(
    ("package", "beside", "told"),
    [
        (b'{"dependencies": {"left-pad": "1"}}', {}, True),
        (b'{"dependencies": {}}', {}, False),
        (b'{"devDependencies": {"jest": "1"}}', {}, False),
        (b'{"dependencies": ["left-pad"]}', {}, False),
        (b"[1]", {}, False),
        (b"{", {}, False),
        (b'{"dependencies": {"left-pad": "1"}}', {"node_modules/left-pad/index.js": b""}, False),
        (b'{"dependencies": {"left-pad": "1"}}', {"nodejs/node_modules/left-pad/index.js": b""}, False),
    ],
)
def test_package_json(
    tmp_path: Path, write_tree: Callable[..., Path], package: bytes, beside: dict[str, bytes], told: bool
) -> None:
    write_tree(tmp_path, {"index.js": b"", "package.json": package, **beside})
    assert missing(tmp_path, ("nodejs16",)) == (["package.json"] if told else [])


@pytest.mark.parametrize(
    ("runtimes", "told"),
    [
        (("python3.9",), ["requirements.txt"]),
        (("nodejs18",), ["package.json"]),
        (("java11",), []),
        (("custom.debian10",), ["requirements.txt", "package.json"]),
        (("python3.9", "python3.10"), ["requirements.txt"]),
        ((), ["requirements.txt", "package.json"]),
    ],
)
def test_what_another_language_needs_is_not_missed(
    tmp_path: Path, write_tree: Callable[..., Path], runtimes: tuple[str, ...], told: list[str]
) -> None:
    write_tree(tmp_path, {**INDEX, "requirements.txt": b"requests", "package.json": b'{"dependencies": {"a": "1"}}'})
    assert missing(tmp_path, runtimes) == told


def test_what_is_built_or_left_out_or_no_folder_is_not_missed(tmp_path: Path, write_tree: Callable[..., Path]) -> None:
    write_tree(tmp_path, {**INDEX, "requirements.txt": b"requests"})
    assert missing(tmp_path, code={"path": ".", "include": ["*.py"]}) == ["requirements.txt"]
    for code in ({"path": ".", "build": ["make"]}, {"path": ".", "exclude": ["*.txt"]}, {"file": "index.py"}):
        assert missing(tmp_path, code=code) == []
    (tmp_path / ".fcignore").write_text("requirements.txt\n")
    assert missing(tmp_path) == []


def test_a_few_are_named(tmp_path: Path, write_tree: Callable[..., Path]) -> None:
    write_tree(tmp_path, {**INDEX, "requirements.txt": b"a\nb[x]>=1 # why\nc@https://example.com/c.whl\n-e ./d\ne\n"})
    (one,) = read_missing(read_code_source(".", tmp_path))
    assert one.names == ("a", "b", "c", "e")
    assert named(one) == "a, b, c and 1 more"
