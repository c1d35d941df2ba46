"""Export and import of functions (facts 11): the only way to get code back whole."""

import base64
import binascii
import io
import json
import zipfile

from fcdeploy.emulator.codelink import to_link
from fcdeploy.emulator.exchange import Json, Reply, Request
from fcdeploy.emulator.huawei.code import read_code
from fcdeploy.emulator.huawei.common import FUNCTION, VERSIONS, meant, new_row
from fcdeploy.emulator.huawei.dependency_rows import dependencies_of
from fcdeploy.emulator.huawei.errors import BAD_PARAMETER, CODE, FUNCTION_EXISTS, NAME, PACKAGE
from fcdeploy.emulator.huawei.fields import Struct, Text, read_body
from fcdeploy.emulator.huawei.function_fields import CREATE, NAME_PATTERN, check_config
from fcdeploy.emulator.huawei.function_rows import new_body, shown
from fcdeploy.emulator.huawei.urn import LATEST, named
from fcdeploy.emulator.routes import Coverage, Extent, Route

CONFIG_FILE = "function-config.json"
_FIELDS = Struct(
    {
        "func_name": Text(pattern=NAME_PATTERN, error=NAME),
        "file_name": Text(shortest=1),
        "file_type": Text(allowed=("zip",)),
        "file_code": Text(shortest=1),
        "package": Text(pattern=r"[A-Za-z0-9_-]{1,64}", error=PACKAGE),
    },
    required=("func_name", "file_name", "file_type", "file_code"),
)


def _flag(request: Request, name: str) -> bool:
    text = (request.one(name) or "false").lower()
    if text not in ("true", "false"):
        raise BAD_PARAMETER(f"{name} = {text}")
    return text == "true"


def export_function(request: Request) -> Reply:
    """GET /fgs/functions/{urn}/export: a link to the code, to the configuration as a file in a zip, or to both."""
    asked = named(request)
    wants_config, wants_code = _flag(request, "config"), _flag(request, "code")
    if not (wants_config or wants_code):
        raise BAD_PARAMETER("neither config nor code is asked for")
    with request.world.write(request.tenant) as session:
        _, row = meant(session, asked)
        kept = row.body.get("_code")
        digest = str(kept["digest"]) if isinstance(kept, dict) else ""
        if wants_code and not digest:
            raise CODE("an image cannot be exported")
        if wants_config:
            digest = session.put_blob(_bundle(request, row.body, digest if wants_code else ""))
    return Reply(body={"file_name": f"{asked.name}.zip", "code_url": to_link(request, digest)})


def _bundle(request: Request, body: Json, digest: str) -> bytes:
    """Return a zip of the configuration and, when asked for, of the code."""
    config = {key: value for key, value in shown(request, "", body, "").items() if not key.startswith("_")}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(zipfile.ZipInfo(CONFIG_FILE), json.dumps(config))
        content = request.world.store.blob(digest) if digest else None
        if content is not None:
            archive.writestr(zipfile.ZipInfo(str(body["code_filename"]) or "index.zip"), content)
    return made.getvalue()


def import_function(request: Request) -> Reply:
    """POST /fgs/functions/import: a function from the zip that an export of both gave; 409 when there is one."""
    given = read_body(request.body, _FIELDS)
    package, name = str(given.get("package") or "default"), str(given["func_name"])
    try:
        content = base64.b64decode(str(given["file_code"]), validate=True)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            config = json.loads(archive.read(CONFIG_FILE))
            file = next((one for one in archive.namelist() if one != CONFIG_FILE), None)
            code = archive.read(file) if file is not None else b""
    except (binascii.Error, ValueError, KeyError, zipfile.BadZipFile):
        raise CODE("file_code is not an exported function") from None
    told = {**config, "func_name": name, "package": package, "func_code": {"file": base64.b64encode(code).decode()}}
    made = CREATE.read({key: value for key, value in told.items() if value not in (None, "", [], 0)}, "")
    body = new_body(request, made)
    check_config(body)
    found = read_code(request, made, str(made["runtime"]))
    with request.world.write(request.tenant) as session:
        if session.get(FUNCTION, package, name) is not None:
            raise FUNCTION_EXISTS()
        assert found.content is not None
        kept = {"digest": session.put_blob(found.content)}
        row = new_row(request, FUNCTION, package, name, {**body, **found.fields, "_code": kept})
        session.put(row)
        answer = shown(request, f"{package}/{name}", row.body, LATEST)
        return Reply(body={**answer, "dependencies": dependencies_of(session, answer)})


ROUTES = (
    Route(
        operation="ExportFunction",
        method="GET",
        template="/{}/fgs/functions/{}/export",
        call=export_function,
        versions=VERSIONS,
        coverage=Coverage(
            extent=Extent.PARTIAL,
            missing="the file of a configuration has a form of its own",
            sources=("facts 11", "OTC SDK, function export"),
            choices=("answers file_name and code_url; code alone is what was uploaded, byte for byte",),
        ),
    ),
    Route(
        operation="ImportFunction",
        method="POST",
        template="/{}/fgs/functions/import",
        call=import_function,
        versions=VERSIONS,
        coverage=Coverage(extent=Extent.PARTIAL, missing="takes what this export gave", sources=("facts 11",)),
    ),
)
