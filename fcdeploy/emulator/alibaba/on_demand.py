"""On-demand configs: the most instances that a function behind a qualifier may have (facts 9.8).

They belong to nothing: the vendor's own test puts them for a service that does not exist, so neither service,
function nor qualifier is looked at, and deleting those leaves them. A row has the name that its
``resource`` field shows.
"""

from fcdeploy.emulator.alibaba.common import LATEST, ON_DEMAND, changed_row, check_if_match, new_row
from fcdeploy.emulator.alibaba.errors import ON_DEMAND_NOT_FOUND, PRECONDITION_FAILED, invalid_argument
from fcdeploy.emulator.alibaba.fields import Struct, Whole, read_body
from fcdeploy.emulator.alibaba.paging import list_page, page_of, with_token
from fcdeploy.emulator.alibaba.qualifiers import service_reference
from fcdeploy.emulator.alibaba.versions import BOTH
from fcdeploy.emulator.exchange import NO_CONTENT, Json, Reply, Request
from fcdeploy.emulator.routes import Coverage, Route
from fcdeploy.emulator.store import Row


def _resource(request: Request) -> str:
    service, qualifier = service_reference(request)
    return f"services/{service}.{qualifier or LATEST}/functions/{request.params[1]}"


def _shown(row: Row) -> Json:
    return {"resource": row.name, "maximumInstanceCount": row.body["maximumInstanceCount"]}


def put_on_demand_config(request: Request) -> Reply:
    """PUT .../on-demand-config."""
    fields = Struct({"maximumInstanceCount": Whole(least=0, most=request.world.settings.instances_per_region)})
    given = read_body(request.body, fields)
    if "maximumInstanceCount" not in given:
        raise invalid_argument("MaximumInstanceCount is required but not provided")
    name = _resource(request)
    with request.world.write(request.tenant) as session:
        row = session.get(ON_DEMAND, "", name)
        if row is not None:
            check_if_match(request, row)
            row = changed_row(request, row, {**row.body, **given})
        elif request.if_match is not None:
            raise PRECONDITION_FAILED()
        else:
            row = new_row(request, ON_DEMAND, "", name, given)
        session.put(row)
    return Reply(body=_shown(row), etag=row.etag)


def get_on_demand_config(request: Request) -> Reply:
    """GET .../on-demand-config."""
    name = _resource(request)
    with request.world.read(request.tenant) as session:
        row = session.get(ON_DEMAND, "", name)
    if row is None:
        raise ON_DEMAND_NOT_FOUND(name)
    return Reply(body=_shown(row), etag=row.etag)


def delete_on_demand_config(request: Request) -> Reply:
    """DELETE .../on-demand-config."""
    name = _resource(request)
    with request.world.write(request.tenant) as session:
        row = session.get(ON_DEMAND, "", name)
        if row is None:
            raise ON_DEMAND_NOT_FOUND(name)
        check_if_match(request, row)
        session.delete(ON_DEMAND, "", name)
    return NO_CONTENT


def list_on_demand_configs(request: Request) -> Reply:
    """GET /on-demand-configs: prefix and startKey are of the resource; ``configs`` is null when there is none."""
    page = page_of(request)
    with request.world.read(request.tenant) as session:
        rows, token = list_page(session, ON_DEMAND, "", page)
    return Reply(body=with_token({"configs": [_shown(row) for row in rows] or None}, token))


def _address(request: Request) -> tuple[str, str]:
    return "", _resource(request)


_SOURCES = ("facts 6.2, 7.1, 9.8", "SDK tests, on-demand configs")
_ON_ITS_OWN = "service, function and qualifier need not exist, and deleting them leaves the config (facts 9.8)"

ROUTES = (
    Route(
        operation="PutFunctionOnDemandConfig",
        method="PUT",
        template="/services/{}/functions/{}/on-demand-config",
        call=put_on_demand_config,
        versions=BOTH,
        kind=ON_DEMAND,
        address=_address,
        coverage=Coverage(
            sources=_SOURCES,
            choices=(
                _ON_ITS_OWN,
                "maximumInstanceCount from 0 to the instances of a region, 100 unless set otherwise (facts 13)",
                "If-Match on a config that is not there: 412",
                "no qualifier means LATEST",
            ),
        ),
    ),
    Route(
        operation="GetFunctionOnDemandConfig",
        method="GET",
        template="/services/{}/functions/{}/on-demand-config",
        call=get_on_demand_config,
        versions=BOTH,
        kind=ON_DEMAND,
        address=_address,
        coverage=Coverage(sources=_SOURCES),
    ),
    Route(
        operation="DeleteFunctionOnDemandConfig",
        method="DELETE",
        template="/services/{}/functions/{}/on-demand-config",
        call=delete_on_demand_config,
        versions=BOTH,
        kind=ON_DEMAND,
        address=_address,
        coverage=Coverage(sources=_SOURCES, choices=("one that is not there: 404 OnDemandConfigNotFound",)),
    ),
    Route(
        operation="ListOnDemandConfigs",
        method="GET",
        template="/on-demand-configs",
        call=list_on_demand_configs,
        versions=BOTH,
        coverage=Coverage(sources=_SOURCES),
    ),
)
