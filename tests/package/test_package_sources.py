"""S25: what a `code` value means, and what is said of one that means nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from fcdeploy.model import Sensitive
from fcdeploy.package.errors import PackageError
from fcdeploy.package.sources import CodeSource, SourceKind, read_code_source


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path.resolve()
    (root / "src").mkdir()
    (root / "src" / "index.py").write_text("x = 1\n")
    (root / "app.JAR").write_bytes(b"jar")
    (root / "code.zip").write_bytes(b"zip")
    (root / "packed").write_bytes(b"zip without a suffix")
    (root / ".env.prod").write_text("SECRET=1\n")
    (root / "linked.zip").symlink_to("packed")
    os.mkfifo(root / "pipe")
    (root / "loop").symlink_to("loop")
    return root


@pytest.mark.parametrize(
    ("code", "kind", "name"),
    [
        ("./src", SourceKind.FOLDER, "src"),
        ("src/", SourceKind.FOLDER, "src"),
        ("src/../src", SourceKind.FOLDER, "src"),
        ("src/index.py", SourceKind.FILE, "src/index.py"),
        ("app.JAR", SourceKind.ARCHIVE, "app.JAR"),
        ("code.zip", SourceKind.ARCHIVE, "code.zip"),
        ("linked.zip", SourceKind.ARCHIVE, "packed"),
        ("packed", SourceKind.FILE, "packed"),
        ({"path": "./src"}, SourceKind.FOLDER, "src"),
        ({"path": "./src", "build": None}, SourceKind.FOLDER, "src"),
        ({"path": "code.zip", "oss": None}, SourceKind.ARCHIVE, "code.zip"),
        ({"file": "src/index.py"}, SourceKind.FILE, "src/index.py"),
        ({"file": "code.zip"}, SourceKind.FILE, "code.zip"),
        ({"zip": "packed"}, SourceKind.ARCHIVE, "packed"),
    ],
)
def test_local_code(project: Path, code: object, kind: SourceKind, name: str) -> None:
    assert read_code_source(code, project) == CodeSource(kind=kind, path=project / name)


def test_an_absolute_path_stays(project: Path) -> None:
    assert read_code_source(str(project / "src"), Path("/elsewhere")).path == project / "src"


def test_a_command_of_a_folder(project: Path) -> None:
    assert read_code_source({"path": "src", "build": ["make", ""]}, project).build == ("make", "")


@pytest.mark.parametrize(
    ("code", "summary"),
    [
        ({"path": "src", "build": "make all"}, "is not a program with its arguments"),
        ({"path": "src", "build": []}, "is not a program with its arguments"),
        ({"path": "src", "build": ["make", 1]}, "is not a program with its arguments"),
        ({"path": "src", "build": [""]}, "cannot be run"),
        ({"path": "src", "build": ["make", "a\0b"]}, "cannot be run"),
        ({"path": "src/index.py", "build": ["make"]}, "only applies to a folder"),
        ({"zip": "packed", "build": ["make"]}, "only applies to a folder"),
    ],
)
def test_what_is_no_command_or_has_no_folder_is_refused(project: Path, code: object, summary: str) -> None:
    with pytest.raises(PackageError, match=summary):
        read_code_source(code, project)


def test_a_command_with_a_secret_is_refused_and_never_repeated(project: Path) -> None:
    token = Sensitive("hunter2-hunter2", parts=({"secret": "TOKEN"},))
    with pytest.raises(PackageError, match="must not hold a secret") as caught:
        read_code_source({"path": "src", "build": ["curl", "-H", token]}, project)
    assert "hunter2" not in f"{caught.value.summary}{caught.value.detail}{caught.value.hint}"


def test_patterns_of_a_folder(project: Path) -> None:
    source = read_code_source({"path": "src", "include": ["*.py", "lib/"], "exclude": "tests/"}, project)
    assert (source.include, source.exclude) == (("*.py", "lib/"), ("tests/",))


@pytest.mark.parametrize(
    ("code", "checksum"),
    [
        ("oss://my-bucket/a/b.zip", None),
        ({"oss": "oss://my-bucket/a/b.zip"}, None),
        ({"oss": "oss://my-bucket/a/b.zip", "checksum": "11051210869376104954"}, "11051210869376104954"),
        ({"oss": "oss://my-bucket/a/b.zip", "checksum": 18446744073709551615}, "18446744073709551615"),
        ({"oss": "oss://my-bucket/a/b.zip", "checksum": 0}, "0"),
    ],
)
def test_oss(tmp_path: Path, code: object, checksum: str | None) -> None:
    expected = CodeSource(kind=SourceKind.OSS, bucket="my-bucket", object_name="a/b.zip", checksum=checksum)
    assert read_code_source(code, tmp_path) == expected


@pytest.mark.parametrize("checksum", [None, "ab" * 16, "01" * 64])
def test_obs(tmp_path: Path, checksum: str | None) -> None:
    expected = CodeSource(
        kind=SourceKind.OSS, scheme="obs", bucket="my.bucket", object_name="a/b.zip", checksum=checksum
    )
    assert read_code_source({"obs": "obs://my.bucket/a/b.zip", "checksum": checksum}, tmp_path) == expected
    assert read_code_source("obs://my.bucket/a/b.zip", tmp_path) == replace(expected, checksum=None)


OSS = "oss://my-bucket/b.zip"
REFUSED: list[tuple[Any, str]] = [
    ("./missing", "does not exist"),
    ("src/index.py/more", "cannot be read"),
    ("loop", "cannot be read"),
    ("", "empty"),
    ("a\0b", "NUL"),
    ("pipe", "neither a file nor a folder"),
    (".env.prod", "never goes into an archive"),
    (7, "neither a path nor a mapping"),
    (None, "neither a path nor a mapping"),
    (["src"], "neither a path nor a mapping"),
    ({}, "exactly one of"),
    ({"path": "src", "zip": "code.zip"}, "`path` and `zip`"),
    ({"path": "src", "ignore": []}, "no key `ignore`"),
    ({"path": 3}, "`code.path` is not a string"),
    ({"zip": "src"}, "`code.zip` is a folder"),
    ({"file": "src"}, "`code.file` is a folder"),
    ({"path": "src", "include": [1]}, "not a list of patterns"),
    ({"path": "src", "exclude": {"a": 1}}, "not a list of patterns"),
    ({"zip": "code.zip", "exclude": ["x"]}, "only apply to a folder"),
    ({"oss": OSS, "include": ["x"]}, "only apply to a folder"),
    ({"path": "src", "checksum": "1"}, "`code.checksum` belongs to `code.oss`"),
    ({"oss": OSS, "checksum": "0x1f"}, "not a CRC-64"),
    ({"oss": OSS, "checksum": "007"}, "not a CRC-64"),
    ({"oss": OSS, "checksum": True}, "not a CRC-64"),
    ({"oss": OSS, "checksum": -1}, "not a CRC-64"),
    ({"oss": OSS, "checksum": 18446744073709551616}, "not a CRC-64"),
    ("oss://my-bucket", "oss://bucket/key"),
    ("oss://my-bucket/", "oss://bucket/key"),
    ("oss:///key", "oss://bucket/key"),
    ("oss://My_Bucket/key", "OSS bucket"),
    ("oss://my-bucket//key", "oss://bucket/key"),
    ("oss://my-bucket/folder/", "oss://bucket/key"),
    ({"oss": "my-bucket/key"}, "oss://bucket/key"),
    ({"oss": "obs://my-bucket/key"}, "oss://bucket/key"),
    ({"oss": OSS, "obs": "obs://my-bucket/key"}, "`oss` and `obs`"),
    ("oss://my.bucket/key", "OSS bucket"),
    ("obs://.bucket/key", "OBS bucket"),
    ("obs://my-bucket/", "obs://bucket/key"),
    ({"obs": "obs://my-bucket/key", "checksum": "11051210869376104954"}, "not an MD5 or SHA-512"),
    ({"obs": "obs://my-bucket/key", "checksum": "AB" * 16}, "not an MD5 or SHA-512"),
]


@pytest.mark.parametrize(("code", "said"), REFUSED, ids=[repr(code) for code, _ in REFUSED])
def test_refused(project: Path, code: object, said: str) -> None:
    with pytest.raises(PackageError) as caught:
        read_code_source(code, project)
    assert said in caught.value.summary
    assert caught.value.hint
    assert "\n" not in caught.value.summary


def test_an_error_carries_its_path(project: Path) -> None:
    with pytest.raises(PackageError) as caught:
        read_code_source("./missing", project)
    assert caught.value.path == project / "missing"
    assert caught.value.detail == str(project / "missing")
