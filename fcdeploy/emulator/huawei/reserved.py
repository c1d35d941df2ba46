"""Reserved instances of a version or alias (facts 8)."""

from fcdeploy.emulator.exchange import Json, Reply, Request
from fcdeploy.emulator.huawei.common import ALIAS, RESERVED, VERSIONS, meant, new_row, page_info
from fcdeploy.emulator.huawei.errors import BAD_PARAMETER, RESERVED_INVALID
from fcdeploy.emulator.huawei.fields import Flag, Many, Struct, Text, Whole, read_body
from fcdeploy.emulator.huawei.urn import Named, named, to_urn
from fcdeploy.emulator.routes import Coverage, Route
from fcdeploy.emulator.rows import public
from fcdeploy.emulator.store import Row, Session

MOST = 1000
_COUNT = Whole(least=0, most=MOST, error=RESERVED_INVALID)
_CRON = ("name", "cron", "count", "start_time", "expired_time")
_NAME = Text(shortest=1, longest=60, error=RESERVED_INVALID)
_FIELDS = Struct(
    {
        "count": _COUNT,
        "idle_mode": Flag(),
        "tactics_config": Struct(
            {
                "cron_configs": Many(
                    item=Struct(
                        {
                            "name": _NAME,
                            "cron": Text(shortest=1, error=RESERVED_INVALID),
                            "count": _COUNT,
                            "start_time": Whole(least=0),
                            "expired_time": Whole(least=0),
                        },
                        required=dict.fromkeys(
                            ("name", "cron", "count", "start_time", "expired_time"), RESERVED_INVALID
                        ),
                    )
                ),
                "metric_configs": Many(
                    item=Struct(
                        {
                            "name": _NAME,
                            "type": Text(allowed=("Concurrency",), error=RESERVED_INVALID),
                            "threshold": Whole(least=1, most=99, error=RESERVED_INVALID),
                            "min": _COUNT,
                        },
                        required=dict.fromkeys(("name", "type", "threshold", "min"), RESERVED_INVALID),
                    )
                ),
            }
        ),
    },
    required={"count": RESERVED_INVALID},
)


def _check(session: Session, asked: Named, given: Json) -> None:
    """Refuse a policy below the base count, and an alias beside its version (facts 8)."""
    tactics = given.get("tactics_config")
    if isinstance(tactics, dict):
        counts = [one["count"] for one in tactics.get("cron_configs") or []]
        counts += [one["min"] for one in tactics.get("metric_configs") or []]
        base = given["count"]
        assert isinstance(base, int)
        if any(count < base for count in counts):
            raise RESERVED_INVALID("a policy has less than count")
    if not given["count"]:
        return
    alias = asked.alias
    for other in session.children(RESERVED, asked.place):
        held = other.body["min_count"]
        if other.name == asked.qualifier or not held:
            continue
        if alias is not None:
            row = session.get(ALIAS, asked.place, alias)
            clash = row is not None and row.body["version"] == other.name
        else:
            row = session.get(ALIAS, asked.place, other.name.removeprefix("!"))
            clash = other.name.startswith("!") and row is not None and row.body["version"] == asked.qualifier
        if clash:
            raise RESERVED_INVALID("both an alias and its version")


def put_reserved(request: Request) -> Reply:
    """PUT /fgs/functions/{urn}/reservedinstances: there is no delete, a count of 0 is none (facts 8)."""
    asked = named(request)
    given = read_body(request.body, _FIELDS)
    if not asked.qualifier:
        raise BAD_PARAMETER("the URN names no version and no alias")
    tactics = given.get("tactics_config") or {"cron_configs": None, "metric_configs": None}
    with request.world.write(request.tenant) as session:
        meant(session, asked)
        _check(session, asked, given)
        alias = asked.alias
        body: Json = {
            "qualifier_type": "version" if alias is None else "alias",
            "qualifier_name": alias or asked.qualifier,
            "min_count": given["count"],
            "idle_mode": given.get("idle_mode", False),
            "tactics_config": tactics,
        }
        session.put(new_row(request, RESERVED, asked.place, asked.qualifier, body))
    return Reply(body={"count": body["min_count"], "idle_mode": body["idle_mode"], "tactics_config": tactics})


def _there(row: Row) -> bool:
    tactics = row.body["tactics_config"]
    return bool(row.body["min_count"]) or (isinstance(tactics, dict) and any(tactics.values()))


def list_configs(request: Request) -> Reply:
    """GET /fgs/functions/reservedinstanceconfigs: of all functions, or of one."""
    urn = request.one("function_urn")
    with request.world.read(request.tenant) as session:
        place = named(request, urn).place if urn is not None else None
        rows = [row for row in session.scan(RESERVED) if _there(row) and place in (None, row.parent)]
    items: list[Json] = [{"function_urn": to_urn(request, row.parent), **public(row.body)} for row in rows]
    shown, info = page_info(request, items, 500)
    return Reply(body={"reserved_instances": shown, "page_info": info, "count": len(items)})


def list_counts(request: Request) -> Reply:
    """GET /fgs/functions/reservedinstances: how many each version or alias has."""
    urn = request.one("urn")
    with request.world.read(request.tenant) as session:
        place = named(request, urn).place if urn is not None else None
        rows = [row for row in session.scan(RESERVED) if row.body["min_count"] and place in (None, row.parent)]
    items: list[Json] = [
        {"func_urn": to_urn(request, row.parent, row.name), "count": row.body["min_count"]} for row in rows
    ]
    shown, info = page_info(request, items, 400)
    return Reply(body={"reservedinstances": shown, "page_info": info, "count": len(items)})


def _address(request: Request) -> tuple[str, str]:
    asked = named(request)
    return asked.place, asked.qualifier


_SOURCES = ("facts 8, 12", "SDK 3.1.219")

ROUTES = (
    Route(
        operation="UpdateFunctionReservedInstancesCount",
        method="PUT",
        template="/{}/fgs/functions/{}/reservedinstances",
        call=put_reserved,
        versions=VERSIONS,
        kind=RESERVED,
        address=_address,
        coverage=Coverage(
            sources=_SOURCES,
            choices=(
                "the URN must have a qualifier, latest included; what is left out is none",
                "not for an alias and its version both; the account's quota is not counted",
            ),
        ),
    ),
    Route(
        operation="ListReservedInstanceConfigs",
        method="GET",
        template="/{}/fgs/functions/reservedinstanceconfigs",
        call=list_configs,
        versions=VERSIONS,
        coverage=Coverage(sources=_SOURCES, choices=("the URN without a qualifier; one of nothing is not listed",)),
    ),
    Route(
        operation="ListFunctionReservedInstances",
        method="GET",
        template="/{}/fgs/functions/reservedinstances",
        call=list_counts,
        versions=VERSIONS,
        coverage=Coverage(sources=_SOURCES),
    ),
)
