"""Aliases: names for versions, with a share of the calls for others (facts 9.5)."""

from fcdeploy.emulator.alibaba.common import ALIAS, LATEST, VERSION, changed_row, check_if_match, new_row, reply_of
from fcdeploy.emulator.alibaba.errors import (
    ALIAS_EXISTS,
    ALIAS_NOT_FOUND,
    VERSION_NOT_FOUND,
    WEIGHT_HAS_MAIN,
    invalid_argument,
)
from fcdeploy.emulator.alibaba.fields import Many, Map, Number, Struct, Text, checked_name, read_body
from fcdeploy.emulator.alibaba.paging import list_page, page_of, with_token
from fcdeploy.emulator.alibaba.provision_rows import check_not_provisioned
from fcdeploy.emulator.alibaba.qualifiers import live_service, service_to_write
from fcdeploy.emulator.alibaba.versions import BOTH
from fcdeploy.emulator.exchange import NO_CONTENT, Json, Reply, Request
from fcdeploy.emulator.routes import Coverage, Route
from fcdeploy.emulator.rows import number_name, public
from fcdeploy.emulator.store import Row, Session

NAME_LONGEST = 128

_VERSION_ID = Text(pattern=r"[0-9]{1,9}")
_FIELDS = Struct(
    {
        "aliasName": Text(),
        "versionId": _VERSION_ID,
        "description": Text(),
        "additionalVersionWeight": Map(item=Number(least=0, most=1)),
        "resolvePolicy": Text(allowed=("Random", "Content")),
        "routePolicy": Struct(
            {
                "condition": Text(),
                "policyItems": Many(
                    item=Struct({"key": Text(), "operator": Text(), "type": Text(), "value": Text()}),
                ),
            }
        ),
    }
)


def _check_version(session: Session, service: str, version: str) -> None:
    if session.get(VERSION, service, number_name(int(version))) is None:
        raise VERSION_NOT_FOUND(version, service)


def _check_given(session: Session, service: str, given: Json) -> None:
    """Refuse versions that do not exist now; what an earlier call named is not looked at again (facts 1.16)."""
    version, weights = given.get("versionId"), given.get("additionalVersionWeight")
    if isinstance(version, str):
        _check_version(session, service, version)
    if isinstance(weights, dict):
        for each in weights:
            _check_version(session, service, _VERSION_ID.read(each, "AdditionalVersionWeight key"))


def _check_rules(request: Request, body: Json) -> None:
    """Refuse weights and policies that do not go together, in the body as it would be stored."""
    weights, main = body["additionalVersionWeight"], body["versionId"]
    if isinstance(weights, dict):
        if any(int(each) == int(str(main)) for each in weights) and not request.world.settings.main_version_in_weights:
            listed = " ".join(f"{each}:{weights[each]:g}" for each in sorted(weights))
            raise WEIGHT_HAS_MAIN(f"map[{listed}]", main)
        if sum(weights.values()) > 1 + 1e-9:
            raise invalid_argument("the sum of AdditionalVersionWeight is set to an invalid value (allowed: [0, 1])")
    route = body["routePolicy"]
    if body["resolvePolicy"] == "Content" and not (isinstance(route, dict) and route.get("policyItems")):
        raise invalid_argument("RoutePolicy is required but not provided when ResolvePolicy is 'Content'")


def create_alias(request: Request) -> Reply:
    """POST /services/{S}/aliases."""
    service = service_to_write(request)
    given = read_body(request.body, _FIELDS)
    name = checked_name(given.pop("aliasName", None), "AliasName", NAME_LONGEST)
    if name == LATEST:
        raise invalid_argument("AliasName is set to an invalid value (it must not be 'LATEST')")
    if "versionId" not in given:
        raise invalid_argument("VersionId is required but not provided")
    unset = {"description": "", "additionalVersionWeight": None, "resolvePolicy": "Random", "routePolicy": None}
    body: Json = {"aliasName": name, **unset, **given}
    with request.world.write(request.tenant) as session:
        live_service(session, service)
        _check_given(session, service, given)
        if session.get(ALIAS, service, name) is not None:
            raise ALIAS_EXISTS(name, service)
        _check_rules(request, body)
        row = new_row(request, ALIAS, service, name, body)
        session.put(row)
    return reply_of(row)


def _live_alias(session: Session, service: str, name: str) -> Row:
    live_service(session, service)
    row = session.get(ALIAS, service, name)
    if row is None:
        raise ALIAS_NOT_FOUND(name, service)
    return row


def get_alias(request: Request) -> Reply:
    """GET /services/{S}/aliases/{A}."""
    with request.world.read(request.tenant) as session:
        return reply_of(_live_alias(session, service_to_write(request), request.params[1]))


def update_alias(request: Request) -> Reply:
    """PUT /services/{S}/aliases/{A}: given weights and policies replace the stored ones whole (facts 7.2, 9.5)."""
    service, name = service_to_write(request), request.params[1]
    given = read_body(request.body, _FIELDS)
    given.pop("aliasName", None)
    with request.world.write(request.tenant) as session:
        row = _live_alias(session, service, name)
        check_if_match(request, row)
        _check_given(session, service, given)
        body = {**row.body, **given}
        _check_rules(request, body)
        row = changed_row(request, row, body)
        session.put(row)
    return reply_of(row)


def delete_alias(request: Request) -> Reply:
    """DELETE /services/{S}/aliases/{A}: triggers and settings that name it are left alone (facts 9.5)."""
    service, name = service_to_write(request), request.params[1]
    with request.world.write(request.tenant) as session:
        row = _live_alias(session, service, name)
        check_if_match(request, row)
        check_not_provisioned(request, session, service, qualifier=name)
        session.delete(ALIAS, service, name)
    return NO_CONTENT


def list_aliases(request: Request) -> Reply:
    """GET /services/{S}/aliases."""
    service, page = service_to_write(request), page_of(request)
    with request.world.read(request.tenant) as session:
        live_service(session, service)
        rows, token = list_page(session, ALIAS, service, page)
    return Reply(body=with_token({"aliases": [public(row.body) for row in rows]}, token))


_SOURCES = ("facts 1.16, 1.18, 6.2, 7.2, 9.5", "API reference 2016-08-15, aliases")
_RULES = (
    "the main version among the weights: 400 AdditionalVersionContainsMajorVersion, by a switch allowed (facts 15)",
    "versions among the weights must exist; the weights of several add up to 1 at most",
    "LATEST is no version that an alias can point to",
    "resolvePolicy Content needs a routePolicy with items; their words are not checked",
)

ROUTES = (
    Route(
        operation="CreateAlias",
        method="POST",
        template="/services/{}/aliases",
        call=create_alias,
        versions=BOTH,
        kind=ALIAS,
        coverage=Coverage(sources=_SOURCES, choices=_RULES),
    ),
    Route(
        operation="GetAlias",
        method="GET",
        template="/services/{}/aliases/{}",
        call=get_alias,
        versions=BOTH,
        kind=ALIAS,
        coverage=Coverage(sources=_SOURCES),
    ),
    Route(
        operation="UpdateAlias",
        method="PUT",
        template="/services/{}/aliases/{}",
        call=update_alias,
        versions=BOTH,
        kind=ALIAS,
        coverage=Coverage(sources=_SOURCES, choices=(*_RULES, "weights {} are stored and shown as {}, unset is null")),
    ),
    Route(
        operation="DeleteAlias",
        method="DELETE",
        template="/services/{}/aliases/{}",
        call=delete_alias,
        versions=BOTH,
        kind=ALIAS,
        coverage=Coverage(
            sources=_SOURCES,
            choices=("refused while a provision config stands on it: 409 ProvisionConfigExist (facts 16.5)",),
        ),
    ),
    Route(
        operation="ListAliases",
        method="GET",
        template="/services/{}/aliases",
        call=list_aliases,
        versions=BOTH,
        coverage=Coverage(sources=("facts 7.1", "API reference 2016-08-15, ListAliases")),
    ),
)
