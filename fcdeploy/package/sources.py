"""Where the code of a function or layer comes from: the spec's `code` value, read (S25)."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

from msgspec import Struct

from fcdeploy.model import Sensitive
from fcdeploy.package.crc import LARGEST
from fcdeploy.package.errors import PackageError, os_reason
from fcdeploy.package.leftout import is_always_left_out

ARCHIVE_SUFFIXES = frozenset({".zip", ".jar", ".war"})
BUCKETS = ("oss", "obs")
"""Schemes of addresses in buckets, each of one cloud; also the keys under which `code` names them."""
_PLACES = ("path", "file", "zip", *BUCKETS)
_KEYS = frozenset({*_PLACES, "include", "exclude", "checksum", "build"})
_NAMES = {"oss": r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", "obs": r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"}
_SIGNS = {
    "oss": "letters, digits and hyphens, with no hyphen",
    "obs": "letters, digits, hyphens and dots, with one of the first two",
}
_OSS_KEY_LIMIT = 1023
SHELL_HINT = 'write the program and its arguments, such as ["npm", "ci"]; for a shell: ["sh", "-c", "…"]'


class SourceKind(StrEnum):
    """How the code is given. OSS: as an object in a bucket, whose scheme tells the cloud."""

    FOLDER = "folder"
    FILE = "file"
    ARCHIVE = "archive"
    OSS = "oss"


class CodeSource(Struct, frozen=True, kw_only=True):
    """The code of one function or layer. Hashable: equal sources are packaged once in a run (S28).

    `path` is absolute with its symbolic links resolved, and None for OSS. `include` and `exclude` are gitignore
    patterns and only a folder has them; so is it with `build`, a program and its arguments that make the code out of
    the folder. `scheme`, `bucket`, `object_name` and `checksum` (None where the file does not give it; CRC-64 in
    unsigned decimal in OSS, MD5 or SHA-512 in hex in OBS) belong to an object in a bucket.
    """

    kind: SourceKind
    path: Path | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    build: tuple[str, ...] = ()
    scheme: str = "oss"
    bucket: str = ""
    object_name: str = ""
    checksum: str | None = None


def read_code_source(code: object, folder: Path) -> CodeSource:
    """The source that a spec's `code` value means; a relative path starts at `folder`, the spec file's own.

    Looks at the file system to tell a folder from a file. What `build` names is the caller's to run.
    Raises PackageError for a value of the wrong shape and for a path that is missing or neither file nor folder.
    """
    if isinstance(code, str):
        scheme = bucket_scheme(code)
        return _object(code, scheme, None) if scheme else _local("path", code, folder)
    if not isinstance(code, Mapping):
        _refuse("`code` is neither a path nor a mapping", "write `code: ./folder` or `code: {path: ./folder}`")
    unknown = sorted(str(key) for key in code if key not in _KEYS)
    if unknown:
        _refuse(f"`code` has no key `{unknown[0]}`", f"it takes {', '.join(sorted(_KEYS))}")
    given = [place for place in _PLACES if code.get(place) is not None]
    if len(given) != 1:
        said = " and ".join(f"`{place}`" for place in given) or "none"
        _refuse(f"`code` needs exactly one of {', '.join(_PLACES)}; it has {said}", "keep the one that is meant")
    place = given[0]
    value = code[place]
    if not isinstance(value, str):
        _refuse(f"`code.{place}` is not a string", "write the path or the address in quotes")
    include, exclude = _patterns(code, "include"), _patterns(code, "exclude")
    build = _command(code.get("build"))
    checksum = _checksum(code.get("checksum"), place)
    if place in BUCKETS:
        source = _object(value, place, checksum)
    else:
        if checksum is not None:
            _refuse(
                "`code.checksum` belongs to `code.oss` or `code.obs`",
                "leave it out: the checksum of local code is computed from its bytes",
            )
        source = _local(place, value, folder, include=include, exclude=exclude, build=build)
    if (include or exclude) and source.kind is not SourceKind.FOLDER:
        _refuse("`code.include` and `code.exclude` only apply to a folder", "leave them out", source.path)
    if build and source.kind is not SourceKind.FOLDER:
        _refuse("`code.build` only applies to a folder", "name the folder with `path`, or leave it out", source.path)
    return source


def _refuse(summary: str, hint: str, path: Path | None = None) -> NoReturn:
    raise PackageError(summary, hint=hint, path=path)


def _patterns(code: Mapping[object, object], key: str) -> tuple[str, ...]:
    value = code.get(key)
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        _refuse(f"`code.{key}` is not a list of patterns", f'write `{key}: ["*.md"]`')
    return tuple(value)


def _command(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple) or not value or not all(isinstance(item, str) for item in value):
        _refuse("`code.build` is not a program with its arguments", SHELL_HINT)
    if any(isinstance(item, Sensitive) for item in value):
        # Every process of the machine may read the arguments of every other.
        _refuse("`code.build` must not hold a secret", "the command has your environment: let it read the secret there")
    if not value[0] or any("\0" in item for item in value):
        _refuse("`code.build` cannot be run: it has no program, or a NUL character", SHELL_HINT)
    return tuple(str(item) for item in value)


def bucket_scheme(address: str) -> str:
    """The scheme of an address in a bucket, "" for what is none."""
    scheme, separator, _ = address.partition("://")
    return scheme if separator and scheme in BUCKETS else ""


def _checksum(value: object, place: str) -> str | None:
    if value is None:
        return None
    if place == "obs":
        if isinstance(value, str) and re.fullmatch(r"[0-9a-f]{32}|[0-9a-f]{128}", value):
            return value
        _refuse("`code.checksum` is not an MD5 or SHA-512 in hex", "take the archive's own, in lower-case letters")
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str) and re.fullmatch(r"0|[1-9][0-9]{0,19}", text) and int(text) <= LARGEST:
        return text
    _refuse(
        "`code.checksum` is not a CRC-64 in unsigned decimal",
        "take the object's `x-oss-hash-crc64ecma`, a number of up to 20 digits",
    )


def _object(address: str, scheme: str, checksum: str | None) -> CodeSource:
    begin = f"{scheme}://"
    bucket, slash, key = address.removeprefix(begin).partition("/")
    named = re.fullmatch(_NAMES[scheme], bucket)
    well_formed = (
        address.startswith(begin)
        and slash
        and named
        and 0 < len(key.encode("utf-8", "surrogatepass")) <= _OSS_KEY_LIMIT
        and key[0] not in "/\\"
        and not key.endswith("/")
    )
    if address.startswith(begin) and slash and bucket and not named:
        hint = f"3 to 63 lower-case {_SIGNS[scheme]} at either end"
        _refuse(f"`{bucket}` cannot be the name of an {scheme.upper()} bucket", hint)
    if not well_formed:
        refused = f"the {scheme.upper()} address is not of the form {begin}bucket/key"
        _refuse(refused, f"write `{begin}my-bucket/path/code.zip`")
    return CodeSource(kind=SourceKind.OSS, scheme=scheme, bucket=bucket, object_name=key, checksum=checksum)


def _local(
    place: str,
    text: str,
    folder: Path,
    *,
    include: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
    build: tuple[str, ...] = (),
) -> CodeSource:
    if not text or "\0" in text:
        _refuse("the code path is empty or holds a NUL character", "write the path of a folder, file or archive")
    given = folder / text
    try:
        path = Path(os.path.realpath(given, strict=True))
        mode = path.stat().st_mode
    except FileNotFoundError:
        hint = "a relative path starts at the folder of the spec file"
        raise PackageError(f"the code path does not exist: {text}", detail=str(given), hint=hint, path=given) from None
    except OSError as error:
        raise PackageError(
            f"the code path cannot be read: {text}", detail=os_reason(error), hint="check its permissions", path=given
        ) from error
    if stat.S_ISDIR(mode):
        if place != "path":
            _refuse(f"`code.{place}` is a folder: {text}", "use `path` for a folder", path)
        return CodeSource(kind=SourceKind.FOLDER, path=path, include=include, exclude=exclude, build=build)
    if not stat.S_ISREG(mode):
        _refuse(
            f"the code path is neither a file nor a folder: {text}", "sockets, pipes and devices hold no code", path
        )
    if place == "zip" or (place == "path" and given.suffix.lower() in ARCHIVE_SUFFIXES):
        return CodeSource(kind=SourceKind.ARCHIVE, path=path)
    if is_always_left_out(path.name):
        _refuse(f"{path.name} is a file that never goes into an archive", "name the source file itself", path)
    return CodeSource(kind=SourceKind.FILE, path=path)
