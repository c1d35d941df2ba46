"""Code as it is sent and kept: base64, digest, sizes (facts 3.2, 3.4, 15)."""

import base64
import binascii
import hashlib
import io
import zipfile
from dataclasses import dataclass

from fcdeploy.emulator.exchange import Json, Request
from fcdeploy.emulator.huawei.errors import (
    BAD_PARAMETER,
    CODE,
    CODE_MISSING,
    CODE_TYPE,
    CODE_URL,
    INLINE_TOO_LARGE,
    PACKAGE_TOO_LARGE,
)
from fcdeploy.emulator.huawei.function_fields import IMAGE
from fcdeploy.emulator.rows import zip_of

INLINE_LARGEST = 10_240
PACKAGE_LARGEST = 52_428_800
_FILE_NAMES = {"Python": "index.py", "Node.js": "index.js", "PHP": "index.php", "Custom": "bootstrap"}
_DEFAULT = b"# -*- coding:utf-8 -*-\n"


@dataclass(frozen=True, slots=True)
class Code:
    """Archive or source: ``content`` as it was sent, None for an image; ``fields`` are what the function has of it."""

    content: bytes | None
    fields: Json


def read_code(request: Request, given: Json, runtime: str) -> Code:
    """Return the code of a body that names a ``code_type``.

    The digest is SHA-512 over the decoded bytes, of inline code without a zip around it (facts 3.4, verified).
    """
    kind = str(given["code_type"])
    if (kind == "Custom-Image-Swr") != (runtime == IMAGE):
        raise CODE_TYPE(f"code_type = {kind} with runtime {runtime}")
    if kind == "jar" and not runtime.startswith("Java"):
        raise CODE_TYPE(f"code_type = jar with runtime {runtime}")
    if kind == "inline" and not runtime.startswith(tuple(_FILE_NAMES)):
        raise CODE_TYPE(f"code_type = inline with runtime {runtime}")
    url, name = str(given.get("code_url") or ""), str(given.get("code_filename") or "")
    if kind == "obs":
        content = _from_bucket(request, url)
    elif kind == "Custom-Image-Swr":
        return Code(None, {"code_type": kind, "code_url": "", "code_filename": "", "code_size": 0, "digest": ""})
    else:
        if kind in ("zip", "jar") and not name:
            raise BAD_PARAMETER(f"code_filename is missing for code_type {kind}")
        content = _decoded(given, kind)
        url = ""
    if kind == "inline":
        name = next(file for start, file in _FILE_NAMES.items() if runtime.startswith(start))
    fields: Json = {
        "code_type": kind,
        "code_url": url,
        "code_filename": name,
        "code_size": len(content),
        "digest": hashlib.sha512(content).hexdigest(),
    }
    return Code(content, fields)


def _decoded(given: Json, kind: str) -> bytes:
    code = given.get("func_code")
    if not isinstance(code, dict):
        raise CODE_MISSING("func_code is missing")
    text = code.get("file") or ""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise CODE("func_code.file is not base64") from None
    if kind == "inline":
        if len(content) > INLINE_LARGEST:
            raise INLINE_TOO_LARGE(INLINE_LARGEST)
        return content or _DEFAULT
    if len(content) > PACKAGE_LARGEST:
        raise PACKAGE_TOO_LARGE(PACKAGE_LARGEST)
    if not content:
        return zip_of("index.py", _DEFAULT)
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise CODE("func_code.file is not a zip archive")
    return content


def _from_bucket(request: Request, url: str) -> bytes:
    """Return an object of OBS: read from the folder that stands for it, else a zip made from its name."""
    if not url.startswith("https://") or "/" not in url[8:]:
        raise CODE_URL(f"code_url = {url}")
    host, _, path = url[8:].partition("/")
    root = request.world.settings.oss_root
    if root is not None:
        file = (root / host.partition(".")[0] / path).resolve()
        if not file.is_relative_to(root.resolve()) or not file.is_file():
            raise CODE_URL(f"there is no {url}")
        return file.read_bytes()
    return zip_of("object.txt", url.encode())
