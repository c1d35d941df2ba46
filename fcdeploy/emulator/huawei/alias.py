"""Aliases: names for versions, one for a version, with a share of the calls for one other (facts 5)."""

from fcdeploy.emulator.exchange import NO_CONTENT, Json, Reply, Request
from fcdeploy.emulator.huawei.common import (
    ALIAS,
    RESERVED,
    TRIGGER,
    VERSION,
    VERSIONS,
    alias_row,
    changed_row,
    function_row,
    new_row,
    to_time_text,
)
from fcdeploy.emulator.huawei.errors import (
    ADDITIONAL_IS_MAIN,
    ADDITIONAL_VERSION,
    ALIAS_EXISTS,
    ALIAS_HAS_TRIGGERS,
    ALIAS_LIMIT,
    ALIAS_NAME,
    BAD_PARAMETER,
    DESCRIPTION,
    VERSION_HAS_ALIAS,
    VERSION_NAME,
    VERSION_NOT_FOUND,
    WEIGHT,
)
from fcdeploy.emulator.huawei.fields import Anything, Many, Map, Struct, Text, Type, Whole, read_body
from fcdeploy.emulator.huawei.urn import LATEST, Named, named, to_urn
from fcdeploy.emulator.routes import Coverage, Route
from fcdeploy.emulator.rows import public
from fcdeploy.emulator.store import Session

MOST = 10

_RULES = Map(
    item=Struct(
        {
            "rules": Many(
                item=Struct(
                    {
                        "rule_type": Text(allowed=("Header",)),
                        "param": Text(pattern=r"[A-Za-z0-9_-]+"),
                        "op": Text(allowed=("=", "in")),
                        "value": Text(shortest=1),
                    },
                    required=("rule_type", "param", "op", "value"),
                )
            ),
            "combine_type": Text(allowed=("and", "or")),
        }
    ),
    most=1,
)
_CHANGEABLE: dict[str, Type] = {
    "version": Text(shortest=1),
    "description": Text(longest=512, error=DESCRIPTION),
    "additional_version_weights": Map(item=Whole(least=0, most=100, error=WEIGHT)),
    "additional_version_strategy": _RULES,
}
_CREATE = Struct(
    {"name": Text(pattern=r"[A-Za-z]([A-Za-z0-9_-]{0,62}[A-Za-z0-9])?", error=ALIAS_NAME), **_CHANGEABLE},
    required={"name": ALIAS_NAME, "version": VERSION_NAME},
)
_UPDATE = Struct({"name": Anything(), **_CHANGEABLE}, required={"version": VERSION_NAME})


def _check(session: Session, asked: Named, body: Json, name: str) -> None:
    """Refuse versions that are not there, are taken, or are in two places at once."""
    version = str(body["version"])
    if version != LATEST and session.get(VERSION, asked.place, version) is None:
        raise VERSION_NOT_FOUND(version)
    for other in session.children(ALIAS, asked.place):
        if other.name != name and other.body["version"] == version:
            raise VERSION_HAS_ALIAS(version)
    weights, strategy = body["additional_version_weights"], body["additional_version_strategy"]
    if weights and strategy:
        raise BAD_PARAMETER("additional_version_weights and additional_version_strategy exclude each other")
    for shares in (weights, strategy):
        if not isinstance(shares, dict):
            continue
        if len(shares) > 1:
            raise ADDITIONAL_VERSION("more than one")
        for each in shares:
            if each == version:
                raise ADDITIONAL_IS_MAIN(each)
            if each == LATEST or session.get(VERSION, asked.place, each) is None:
                raise ADDITIONAL_VERSION(each)


def _answer(request: Request, asked: Named, body: Json) -> Json:
    return {**public(body), "alias_urn": to_urn(request, asked.place, f"!{body['name']}")}


def create_alias(request: Request) -> Reply:
    """POST /fgs/functions/{urn}/aliases."""
    asked = named(request)
    given = read_body(request.body, _CREATE)
    name = str(given["name"])
    unset: Json = {"description": "", "additional_version_weights": None, "additional_version_strategy": None}
    body = {**unset, **given, "last_modified": to_time_text(request.now)}
    with request.world.write(request.tenant) as session:
        function_row(session, asked)
        if session.get(ALIAS, asked.place, name) is not None:
            raise ALIAS_EXISTS(name)
        if session.count(ALIAS, asked.place) >= MOST:
            raise ALIAS_LIMIT(MOST)
        _check(session, asked, body, name)
        row = new_row(request, ALIAS, asked.place, name, body)
        session.put(row)
    return Reply(body=_answer(request, asked, row.body))


def list_aliases(request: Request) -> Reply:
    """GET /fgs/functions/{urn}/aliases: a bare list (facts 5)."""
    asked = named(request)
    with request.world.read(request.tenant) as session:
        function_row(session, asked)
        rows = session.children(ALIAS, asked.place)
    return Reply(body=[_answer(request, asked, row.body) for row in rows])


def get_alias(request: Request) -> Reply:
    """GET /fgs/functions/{urn}/aliases/{name}."""
    asked = named(request)
    with request.world.read(request.tenant) as session:
        function_row(session, asked)
        return Reply(body=_answer(request, asked, alias_row(session, asked, request.params[2]).body))


def update_alias(request: Request) -> Reply:
    """PUT /fgs/functions/{urn}/aliases/{name}: what is left out is gone, but for the description."""
    asked = named(request)
    given = read_body(request.body, _UPDATE)
    given.pop("name", None)
    with request.world.write(request.tenant) as session:
        function_row(session, asked)
        row = alias_row(session, asked, request.params[2])
        unset: Json = {"additional_version_weights": None, "additional_version_strategy": None}
        body = {**row.body, **unset, **given}
        _check(session, asked, body, row.name)
        row = changed_row(request, row, body)
        session.put(row)
    return Reply(body=_answer(request, asked, row.body))


def delete_alias(request: Request) -> Reply:
    """DELETE /fgs/functions/{urn}/aliases/{name}: refused while it has triggers; its reservation goes with it."""
    asked = named(request)
    with request.world.write(request.tenant) as session:
        function_row(session, asked)
        row = alias_row(session, asked, request.params[2])
        qualifier = f"!{row.name}"
        if any(one.body["_qualifier"] == qualifier for one in session.children(TRIGGER, asked.place)):
            raise ALIAS_HAS_TRIGGERS(row.name)
        session.delete(RESERVED, asked.place, qualifier)
        session.delete(ALIAS, asked.place, row.name)
    return NO_CONTENT


_SOURCES = ("facts 5, 13, 15", "SDK 3.1.219")
_A = "/{}/fgs/functions/{}/aliases"


def _alias_address(request: Request) -> tuple[str, str]:
    return named(request).place, request.params[2]


ROUTES = (
    Route(
        operation="CreateVersionAlias",
        method="POST",
        template=_A,
        call=create_alias,
        versions=VERSIONS,
        kind=ALIAS,
        coverage=Coverage(
            sources=_SOURCES,
            choices=("names of 1 to 64 characters", "one alias a version, latest included; one additional version"),
        ),
    ),
    Route(
        operation="ListVersionAliases",
        method="GET",
        template=_A,
        call=list_aliases,
        versions=VERSIONS,
        coverage=Coverage(sources=_SOURCES),
    ),
    Route(
        operation="ShowVersionAlias",
        method="GET",
        template=f"{_A}/{{}}",
        call=get_alias,
        versions=VERSIONS,
        kind=ALIAS,
        address=_alias_address,
        coverage=Coverage(sources=_SOURCES, choices=("missing: 404 FSS.1053, not 401 as in one example",)),
    ),
    Route(
        operation="UpdateVersionAlias",
        method="PUT",
        template=f"{_A}/{{}}",
        call=update_alias,
        versions=VERSIONS,
        kind=ALIAS,
        address=_alias_address,
        coverage=Coverage(sources=_SOURCES, choices=("weights and rules that are left out are gone",)),
    ),
    Route(
        operation="DeleteVersionAlias",
        method="DELETE",
        template=f"{_A}/{{}}",
        call=delete_alias,
        versions=VERSIONS,
        kind=ALIAS,
        address=_alias_address,
        coverage=Coverage(sources=_SOURCES),
    ),
)
