"""Provision configs: instances that are kept ready for a function behind an alias (facts 9.7)."""

from fcdeploy.emulator.alibaba.common import LATEST, PROVISION, changed_row, check_if_match, new_row
from fcdeploy.emulator.alibaba.errors import PRECONDITION_FAILED, invalid_argument
from fcdeploy.emulator.alibaba.fields import Flag, Many, Struct, Whole, read_body
from fcdeploy.emulator.alibaba.function import function_in_view
from fcdeploy.emulator.alibaba.paging import from_token, limit_of, to_token, with_token
from fcdeploy.emulator.alibaba.provision_fields import ACTION, POLICY, TARGET_MOST, check_names
from fcdeploy.emulator.alibaba.provision_rows import current_of, is_gone, standing
from fcdeploy.emulator.alibaba.qualifiers import live_service, service_reference
from fcdeploy.emulator.alibaba.versions import BOTH
from fcdeploy.emulator.exchange import Json, Reply, Request
from fcdeploy.emulator.routes import Coverage, Extent, Route
from fcdeploy.emulator.store import Row, Session

ACTIONS_MOST = 100  # facts 13

_FIELDS = Struct(
    {
        "target": Whole(least=0, most=TARGET_MOST),
        "scheduledActions": Many(item=ACTION, most=ACTIONS_MOST),
        "targetTrackingPolicies": Many(item=POLICY, most=ACTIONS_MOST),
        "alwaysAllocateCPU": Flag(),
    }
)
_UNSET: Json = {"target": 0, "scheduledActions": [], "targetTrackingPolicies": [], "alwaysAllocateCPU": True}


def _reference(request: Request) -> tuple[str, str, str]:
    """Return service, qualifier and function of a path; the qualifier is required: LATEST or an alias (facts 15)."""
    service, qualifier = service_reference(request)
    if qualifier is None:
        raise invalid_argument("Qualifier is required but not provided")
    if qualifier[:1].isdigit():
        raise invalid_argument("Qualifier is set to an invalid value (allowed: LATEST | an alias): no version")
    return service, qualifier, request.params[1]


def _resource(request: Request, service: str, name: str) -> str:
    return f"{request.tenant.account}#{service}#{name}"


def _shown(request: Request, row: Row) -> Json:
    # Nothing here keeps instances from starting; a fault's touch can put an error there.
    return {
        "resource": _resource(request, row.parent, row.name),
        **{key: row.body[key] for key in _UNSET},
        "current": current_of(request, row),
        "currentError": row.body.get("currentError", ""),
    }


def _nothing(request: Request, service: str, name: str) -> Reply:
    """Return what stands for a config that is not there: zeroes (facts 16.4, and FC 3.0 answers so)."""
    return Reply(
        body={"resource": _resource(request, service, name), **_UNSET, "current": 0, "currentError": ""},
    )


def _stored(request: Request, session: Session, service: str, name: str) -> Row | None:
    row = session.get(PROVISION, service, name)
    return None if row is None or is_gone(request, row) else row


def put_provision_config(request: Request) -> Reply:
    """PUT .../provision-config: null keeps a list, ``[]`` clears it (facts 7.2); target 0 and no list takes it away."""
    service, qualifier, function = _reference(request)
    given = read_body(request.body, _FIELDS)
    if "target" not in given:
        raise invalid_argument("Target is required but not provided")
    check_names(given)
    name = f"{qualifier}#{function}"
    with request.world.write(request.tenant) as session:
        live_service(session, service)
        row = _stored(request, session, service, name)
        if row is None or given["target"]:  # what stands can be taken away, whatever became of the version behind it
            function_in_view(session, service, qualifier, function)
        if row is not None:
            check_if_match(request, row)
            moment: Json = {"_was": current_of(request, row), "_put": request.now}
            row = changed_row(request, row, {**row.body, **given, **moment})
        elif request.if_match is not None:
            raise PRECONDITION_FAILED()
        else:
            row = new_row(request, PROVISION, service, name, {**_UNSET, **given, "_was": 0, "_put": request.now})
        if is_gone(request, row):
            session.delete(PROVISION, service, name)
            return _nothing(request, service, name)
        session.put(row)
    return Reply(body=_shown(request, row), etag=row.etag)


def get_provision_config(request: Request) -> Reply:
    """GET .../provision-config; zeroes when there is none."""
    service, qualifier, function = _reference(request)
    name = f"{qualifier}#{function}"
    with request.world.read(request.tenant) as session:
        live_service(session, service)
        row = _stored(request, session, service, name)
        if row is None:
            function_in_view(session, service, qualifier, function)
            return _nothing(request, service, name)
        return Reply(body=_shown(request, row), etag=row.etag)


def list_provision_configs(request: Request) -> Reply:
    """GET /provision-configs?serviceName&qualifier, ordered by resource."""
    service, qualifier = request.one("serviceName"), request.one("qualifier")
    if qualifier is not None and service is None:
        raise invalid_argument("ServiceName is required when Qualifier is provided")
    limit = limit_of(request)
    token = request.one("nextToken")
    start = "" if token is None else from_token(token)
    with request.world.read(request.tenant) as session:
        if service is not None:
            rows = standing(request, session, service)
        else:
            rows = [row for row in session.scan(PROVISION) if not is_gone(request, row)]
    named = [(f"{row.parent}#{row.name}", row) for row in rows]
    found = [
        each
        for each in named
        if each[0] >= start and (qualifier is None or each[1].name.partition("#")[0] == qualifier)
    ]
    body: Json = {"provisionConfigs": [_shown(request, row) for _, row in found[:limit]]}
    return Reply(body=with_token(body, to_token(found[limit][0]) if len(found) > limit else None))


def _address(request: Request) -> tuple[str, str]:
    service, qualifier = service_reference(request)
    return service, f"{qualifier or LATEST}#{request.params[1]}"


_SOURCES = ("facts 6.3, 7.2, 9.7, 13", "API reference 2016-08-15, provision configs")
_NOT_SCALED = "scheduled actions and tracking policies are stored and checked, but never move the target"
_ZEROES = "a config that was never put reads as zeroes with 200 (facts 16.4)"

ROUTES = (
    Route(
        operation="PutProvisionConfig",
        method="PUT",
        template="/services/{}/functions/{}/provision-config",
        call=put_provision_config,
        versions=BOTH,
        kind=PROVISION,
        address=_address,
        coverage=Coverage(
            extent=Extent.PARTIAL,
            missing=_NOT_SCALED,
            sources=_SOURCES,
            choices=(
                "the qualifier is an alias that exists or LATEST; a version is refused (facts 15)",
                "target is required in every call (API reference 2016-08-15)",
                "names and expressions of actions, names and metrics of policies are required; their times are not",
                "metricType is ProvisionedConcurrencyUtilization alone, metricTarget above 0 and up to 1",
                "lists that are not set are shown as []",
                "If-Match is honoured, though the 2021 SDK cannot send it (facts 6.2)",
            ),
        ),
    ),
    Route(
        operation="GetProvisionConfig",
        method="GET",
        template="/services/{}/functions/{}/provision-config",
        call=get_provision_config,
        versions=BOTH,
        kind=PROVISION,
        address=_address,
        coverage=Coverage(sources=_SOURCES, choices=(_ZEROES,)),
    ),
    Route(
        operation="ListProvisionConfigs",
        method="GET",
        template="/provision-configs",
        call=list_provision_configs,
        versions=BOTH,
        coverage=Coverage(
            sources=("facts 7.1", "API reference 2016-08-15, ListProvisionConfigs"),
            choices=("a service that does not exist has an empty list", "a qualifier without a service is refused"),
        ),
    ),
)
