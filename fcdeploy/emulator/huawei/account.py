"""What belongs to a project and to no function: quotas, logs, lists of what there may be (facts 11)."""

from fcdeploy.emulator.exchange import Json, Reply, Request
from fcdeploy.emulator.huawei.common import FUNCTION, LOGS, VERSIONS, function_row, new_row
from fcdeploy.emulator.huawei.errors import LTS_ENABLED
from fcdeploy.emulator.huawei.function_fields import RUNTIMES
from fcdeploy.emulator.huawei.trigger_fields import TYPES
from fcdeploy.emulator.huawei.urn import named
from fcdeploy.emulator.routes import Coverage, Extent, Route
from fcdeploy.emulator.rows import new_id


def list_quotas(request: Request) -> Reply:
    """GET /fgs/quotas."""
    with request.world.read(request.tenant) as session:
        functions = session.scan(FUNCTION)
    size = sum(int(str(row.body["code_size"])) for row in functions)
    found = (
        ("fgs_func_scale_down_timeout", 0, 60, ""),
        ("fgs_func_occurs", 0, 1000, ""),
        ("fgs_func_pat_idle_time", 0, 3600, ""),
        ("fgs_func_num", len(functions), request.world.settings.functions_per_project, ""),
        ("fgs_func_code_size", size // 1_048_576, 10240, "MB"),
        ("fgs_workflow_num", 0, 512, ""),
        ("fgs_on_demand_instance_limit", 0, 1000, ""),
        ("fgs_func_qos_limit", 0, 1000, ""),
    )
    resources: list[Json] = [
        {"type": kind, "used": used, "quota": quota, **({"unit": unit} if unit else {})}
        for kind, used, quota, unit in found
    ]
    return Reply(body={"quotas": {"resources": resources}})


def enable_logs(request: Request) -> Reply:
    """POST /fgs/functions/enable-lts-logs: once."""
    with request.world.write(request.tenant) as session:
        if session.get(LOGS, "", "") is not None:
            raise LTS_ENABLED()
        session.put(new_row(request, LOGS, "", "", {"group_id": new_id()}))
    return Reply(body={})


def get_logs(request: Request) -> Reply:
    """GET /fgs/functions/{urn}/lts-log-detail: the names that metadata leaves out (facts 3.4)."""
    with request.world.read(request.tenant) as session:
        logs = function_row(session, named(request)).body["_log"]
    known = logs if isinstance(logs, dict) else {}
    return Reply(body={name: known.get(name, "") for name in ("group_id", "group_name", "stream_id", "stream_name")})


def list_runtimes(request: Request) -> Reply:
    """GET /fgs/runtimetypes."""
    del request
    return Reply(body=[{"type": each, "display_name": each} for each in RUNTIMES])


def list_trigger_types(request: Request) -> Reply:
    """GET /fgs/triggertypes."""
    del request
    return Reply(body=[{"type": each, "display_name": each} for each in TYPES])


_SOURCES = ("facts 11", "SDK 3.1.219")

ROUTES = (
    Route(
        operation="ListQuotas",
        method="GET",
        template="/{}/fgs/quotas",
        call=list_quotas,
        versions=VERSIONS,
        coverage=Coverage(sources=_SOURCES, choices=("10 GB of code in all",)),
    ),
    Route(
        operation="EnableLtsLogs",
        method="POST",
        template="/{}/fgs/functions/enable-lts-logs",
        call=enable_logs,
        versions=VERSIONS,
        coverage=Coverage(sources=_SOURCES, choices=("again: 400 FSS.1221",)),
    ),
    Route(
        operation="ShowLtsLogDetails",
        method="GET",
        template="/{}/fgs/functions/{}/lts-log-detail",
        call=get_logs,
        versions=VERSIONS,
        coverage=Coverage(sources=("facts 3.4",)),
    ),
    Route(
        operation="ListRuntimeTypes",
        method="GET",
        template="/{}/fgs/runtimetypes",
        call=list_runtimes,
        versions=VERSIONS,
        coverage=Coverage(extent=Extent.PARTIAL, missing="display names are the types", sources=("facts 3.6",)),
    ),
    Route(
        operation="ListTriggerTypes",
        method="GET",
        template="/{}/fgs/triggertypes",
        call=list_trigger_types,
        versions=VERSIONS,
        coverage=Coverage(extent=Extent.PARTIAL, missing="display names are the types", sources=("facts 3.6",)),
    ),
)
