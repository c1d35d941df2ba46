"""Functions: metadata and code, which are two resources here (facts 3)."""

from fcdeploy.emulator.exchange import NO_CONTENT, Json, Reply, Request
from fcdeploy.emulator.huawei.code import Code, read_code
from fcdeploy.emulator.huawei.common import (
    ALIAS,
    FUNCTION,
    RESERVED,
    TRIGGER,
    VERSION,
    VERSIONS,
    changed_row,
    function_row,
    meant,
    new_row,
    page,
)
from fcdeploy.emulator.huawei.dependency_rows import check_dependencies
from fcdeploy.emulator.huawei.errors import (
    BAD_PARAMETER,
    CODE_TYPE,
    FORBIDDEN,
    FUNCTION_EXISTS,
    FUNCTION_LIMIT,
    NAME,
    PACKAGE,
    RUNTIME,
    VERSION_IN_ALIAS,
)
from fcdeploy.emulator.huawei.fields import read_body
from fcdeploy.emulator.huawei.function_fields import (
    CODE,
    CONFIG,
    CONFIG_ONLY,
    CREATE,
    IMAGE,
    INSTANCES,
    check_config,
    unset,
)
from fcdeploy.emulator.huawei.function_rows import (
    code_view,
    image_name,
    listed,
    logs_of,
    new_body,
    shown,
    with_dependencies,
)
from fcdeploy.emulator.huawei.urn import LATEST, Named, named
from fcdeploy.emulator.routes import Coverage, Extent, Route
from fcdeploy.emulator.store import Row, Session


def _with_code(session: Session, body: Json, code: Code) -> Json:
    kept: Json | None = None
    if code.content is not None:
        kept = {"digest": session.put_blob(code.content)}
    return {**body, **code.fields, "_code": kept}


def create_function(request: Request) -> Reply:
    """POST /fgs/functions."""
    given = read_body(request.body, CREATE)
    runtime = str(given["runtime"])
    if "code_type" not in given:
        if runtime != IMAGE:
            raise CODE_TYPE("code_type is missing")
        given["code_type"] = "Custom-Image-Swr"
    code = read_code(request, given, runtime)
    body = new_body(request, given)
    check_config(body)
    package, name = str(body["package"]), str(body["func_name"])
    with request.world.write(request.tenant) as session:
        if session.get(FUNCTION, package, name) is not None:
            raise FUNCTION_EXISTS()
        most = request.world.settings.functions_per_project
        if session.count_all(FUNCTION) >= most:
            raise FUNCTION_LIMIT(most)
        check_dependencies(session, body)
        row = new_row(request, FUNCTION, package, name, _with_code(session, body, code))
        session.put(row)
        return Reply(body=with_dependencies(session, shown(request, f"{package}/{name}", row.body, LATEST)))


def list_functions(request: Request) -> Reply:
    """GET /fgs/functions: by name, and ``func_name`` may be a part of it (facts 3.1)."""
    package, part = request.one("package_name"), request.one("func_name")
    with request.world.read(request.tenant) as session:
        rows = [
            row
            for row in session.scan(FUNCTION)
            if (package is None or row.parent == package) and (part is None or part in row.name)
        ]
        bodies, following = page(request, [listed(request, row) for row in rows])
    return Reply(body={"functions": bodies, "next_marker": following, "count": len(rows)})


def get_config(request: Request) -> Reply:
    """GET /fgs/functions/{urn}/config; the URN comes back with the qualifier that was asked with (facts 2)."""
    asked = named(request)
    with request.world.read(request.tenant) as session:
        _, row = meant(session, asked)
        qualifier = "" if not asked.qualifier else str(row.body["version"])
        return Reply(body=with_dependencies(session, shown(request, asked.place, row.body, qualifier)))


def get_code(request: Request) -> Reply:
    """GET /fgs/functions/{urn}/code: the code itself behind a link (facts 3.4)."""
    asked = named(request)
    with request.world.read(request.tenant) as session:
        _, row = meant(session, asked)
        return Reply(body=code_view(request, session, asked, row, link=True))


def _to_write(session: Session, asked: Named) -> Row:
    """Return the working copy; what is published does not change (facts 3.5)."""
    working, found = meant(session, asked)
    if found is not working:
        raise FORBIDDEN(f"version {found.name} is published and does not change")
    return working


def update_config(request: Request) -> Reply:
    """PUT /fgs/functions/{urn}/config.

    A field that is left out stays, or goes back to what it is when it was never given, as the settings say: which of
    the two the service does is not documented (facts 3.5, 19). The network is opened by leaving it out either way.
    """
    asked = named(request)
    given = read_body(request.body, CONFIG)
    with request.world.write(request.tenant) as session:
        row = _to_write(session, asked)
        _check_same(row, given)
        before = dict(row.body)
        if request.world.settings.config_replaces:
            absent = unset(str(before["type"]))
            before |= {key: absent[key] for key in CONFIG_ONLY & absent.keys()}
        else:
            before["network_controller"] = None
        body = {**before, **{key: value for key, value in given.items() if key != "log_config"}}
        if "log_config" in given or "enable_lts_log" in given:
            body |= logs_of(given)
        strategy = given.get("strategy_config")
        if isinstance(strategy, dict):
            # Terraform sends one of the two alone (facts 3.3).
            old = before["strategy_config"]
            body["strategy_config"] = {**(old if isinstance(old, dict) else {}), **strategy}
        check_config(body)
        row = changed_row(request, row, body)
        session.put(row)
        return Reply(body=with_dependencies(session, shown(request, asked.place, row.body, asked.qualifier)))


def _check_same(row: Row, given: Json) -> None:
    """Refuse a name, package or runtime that is another one: none of them can change (facts 3.2, 19)."""
    for key, error in (("func_name", NAME), ("package", PACKAGE), ("runtime", RUNTIME)):
        if key in given and given[key] != row.body[key]:
            raise error(f"{key} cannot be changed from {row.body[key]} to {given[key]}")


def update_code(request: Request) -> Reply:
    """PUT /fgs/functions/{urn}/code: the code whole, and the dependencies when they are given (facts 3.5)."""
    asked = named(request)
    given = read_body(request.body, CODE)
    with request.world.read(request.tenant) as session:
        runtime = str(function_row(session, asked).body["runtime"])
    code = read_code(request, given, runtime)
    with request.world.write(request.tenant) as session:
        row = _to_write(session, asked)
        body = _with_code(session, row.body, code)
        if "depend_version_list" in given:
            body["depend_version_list"] = given["depend_version_list"]
            check_dependencies(session, body)
        body["image_name"] = image_name(request.now)
        row = changed_row(request, row, body)
        session.put(row)
        return Reply(body=code_view(request, session, asked, row, link=False))


def update_max_instances(request: Request) -> Reply:
    """PUT /fgs/functions/{urn}/config-max-instance: it shows up as strategy_config.concurrency (facts 3.5)."""
    asked = named(request)
    given = read_body(request.body, INSTANCES)
    with request.world.write(request.tenant) as session:
        row = _to_write(session, asked)
        old = row.body["strategy_config"]
        strategy = {**(old if isinstance(old, dict) else {}), "concurrency": given["max_instance_num"]}
        body = {**row.body, "strategy_config": strategy}
        check_config(body)
        row = changed_row(request, row, body)
        session.put(row)
        return Reply(body=with_dependencies(session, shown(request, asked.place, row.body, asked.qualifier)))


def delete_function(request: Request) -> Reply:
    """DELETE /fgs/functions/{urn}: the whole function, one version, or **the version that an alias points to**
    (facts 3.7).
    """
    asked = named(request)
    with request.world.write(request.tenant) as session:
        row, found = meant(session, asked)
        if not asked.qualifier:
            session.delete_beneath(asked.place)
            session.delete(FUNCTION, row.parent, row.name)
        elif found is row:
            raise BAD_PARAMETER("the version latest cannot be deleted")
        else:
            _delete_version(session, asked, found.name)
    return NO_CONTENT


def _delete_version(session: Session, asked: Named, version: str) -> None:
    """Remove a version with its aliases, triggers and reserved instances; an additional version is refused."""
    aliases = session.children(ALIAS, asked.place)
    for alias in aliases:
        weights, strategy = alias.body["additional_version_weights"], alias.body["additional_version_strategy"]
        if any(isinstance(one, dict) and version in one for one in (weights, strategy)):
            raise VERSION_IN_ALIAS(version, alias.name)
    gone = {version, *(f"!{alias.name}" for alias in aliases if alias.body["version"] == version)}
    for trigger in session.children(TRIGGER, asked.place):
        if trigger.body["_qualifier"] in gone:
            session.delete(TRIGGER, asked.place, trigger.name)
    for name in gone:
        session.delete(RESERVED, asked.place, name)
        session.delete(ALIAS, asked.place, name.removeprefix("!"))
    session.delete(VERSION, asked.place, version)


def collect(request: Request) -> Reply:
    """PUT /fgs/functions/{urn}/collect/{state}: pin a function to the top of the console, or not."""
    if request.params[2] not in ("true", "false"):
        raise BAD_PARAMETER(f"state = {request.params[2]}")
    with request.world.read(request.tenant) as session:
        function_row(session, named(request))
    return Reply(body={})


_SOURCES = ("facts 2, 3, 13", "API reference, CreateFunction (2022-02-22)", "SDK 3.1.219")
_F = "/{}/fgs/functions/{}"

ROUTES = (
    Route(
        operation="CreateFunction",
        method="POST",
        template="/{}/fgs/functions",
        call=create_function,
        versions=VERSIONS,
        kind=FUNCTION,
        coverage=Coverage(
            extent=Extent.PARTIAL,
            missing="code in OBS is read from the folder given as OSS, else a zip is made from the object's address",
            sources=_SOURCES,
            choices=(
                "names of 1 to 60 characters; a package that is not known is made by naming it",
                "code_filename is needed for zip and jar; a zip must be one",
                "inline code up to 10 KB; the digest of every form is SHA-512 over the decoded bytes",
                "variables: 20, together 4096 characters, names of letters, digits and _ that begin with a letter",
                "400 instances at most by default for type v2, -1 for v1; type v2 by default",
                "tags in the body are ignored: their form is not known",
            ),
        ),
    ),
    Route(
        operation="ListFunctions",
        method="GET",
        template="/{}/fgs/functions",
        call=list_functions,
        versions=VERSIONS,
        coverage=Coverage(
            sources=("facts 3.1, 3.4, 12",),
            choices=("by package and name; count is the total; next_marker is the marker plus what was returned",),
        ),
    ),
    Route(
        operation="ShowFunctionConfig",
        method="GET",
        template=f"{_F}/config",
        call=get_config,
        versions=VERSIONS,
        kind=FUNCTION,
        coverage=Coverage(sources=_SOURCES, choices=("the URN has a qualifier when it was asked with one",)),
    ),
    Route(
        operation="ShowFunctionCode",
        method="GET",
        template=f"{_F}/code",
        call=get_code,
        versions=VERSIONS,
        kind=FUNCTION,
        coverage=Coverage(sources=_SOURCES, choices=("func_code.link serves the code for 30 minutes",)),
    ),
    Route(
        operation="UpdateFunctionConfig",
        method="PUT",
        template=f"{_F}/config",
        call=update_config,
        versions=VERSIONS,
        kind=FUNCTION,
        coverage=Coverage(
            sources=(*_SOURCES, "facts 19"),
            choices=(
                "a field that is left out stays, or with a switch goes back to its default; the network opens",
                "another name, package or runtime is refused; a published version is 403",
            ),
        ),
    ),
    Route(
        operation="UpdateFunctionCode",
        method="PUT",
        template=f"{_F}/code",
        call=update_code,
        versions=VERSIONS,
        kind=FUNCTION,
        coverage=Coverage(sources=_SOURCES, choices=("dependencies that are left out stay",)),
    ),
    Route(
        operation="UpdateFunctionMaxInstanceConfig",
        method="PUT",
        template=f"{_F}/config-max-instance",
        call=update_max_instances,
        versions=VERSIONS,
        kind=FUNCTION,
        coverage=Coverage(sources=_SOURCES),
    ),
    Route(
        operation="DeleteFunction",
        method="DELETE",
        template=_F,
        call=delete_function,
        versions=VERSIONS,
        kind=FUNCTION,
        coverage=Coverage(sources=("facts 3.7", *_SOURCES), choices=("latest: 400 FSS.0400",)),
    ),
    Route(
        operation="UpdateFunctionCollectState",
        method="PUT",
        template=f"{_F}/collect/{{}}",
        call=collect,
        versions=VERSIONS,
        coverage=Coverage(extent=Extent.PARTIAL, missing="nothing shows the pin", sources=("facts 3.1",)),
    ),
)
