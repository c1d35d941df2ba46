"""Triggers (facts 6): under a function's version or alias, with event data of a form of their type."""

import secrets

from fcdeploy.emulator.exchange import NO_CONTENT, Json, Reply, Request
from fcdeploy.emulator.huawei.common import TRIGGER, VERSIONS, changed_row, meant, new_row, page, to_time_text
from fcdeploy.emulator.huawei.errors import BAD_BODY, BAD_PARAMETER, TRIGGER_LIMIT, TRIGGER_TYPE
from fcdeploy.emulator.huawei.fields import Anything, Struct, Text, read_body
from fcdeploy.emulator.huawei.trigger_fields import TYPES, TriggerType, exists, not_found
from fcdeploy.emulator.huawei.urn import LATEST, Named, named, to_urn
from fcdeploy.emulator.routes import Coverage, Route
from fcdeploy.emulator.rows import new_id, public
from fcdeploy.emulator.store import Row, Session

MOST = 10
MOST_PULLING = 10
_STATUSES = ("ACTIVE", "DISABLED")
_CREATE = Struct(
    {
        "trigger_type_code": Text(allowed=tuple(TYPES), error=TRIGGER_TYPE),
        "trigger_status": Text(allowed=_STATUSES),
        "event_type_code": Text(),
        "event_data": Anything(),
    },
    required={"trigger_type_code": TRIGGER_TYPE, "event_data": BAD_PARAMETER},
)
_UPDATE = Struct({"trigger_status": Text(allowed=_STATUSES), "event_data": Anything()})
_POLLING = Struct({name: Anything() for name in ("is_serial", "max_fetch_bytes", "polling_interval", "polling_unit")})


def _qualifier(asked: Named) -> str:
    return asked.qualifier or LATEST


def _under(session: Session, asked: Named) -> list[Row]:
    """Return the triggers of the version or alias that is meant, in the order of their creation."""
    meant(session, asked)
    rows = session.children(TRIGGER, asked.place)
    return sorted((row for row in rows if row.body["_qualifier"] == _qualifier(asked)), key=lambda row: row.seq)


def _check_status(kind: TriggerType, given: Json) -> None:
    if given.get("trigger_status") == "DISABLED" and not kind.switches:
        raise BAD_PARAMETER("a trigger of this type cannot be disabled")


def create_trigger(request: Request) -> Reply:
    """POST /fgs/triggers/{urn}: 201."""
    asked = named(request)
    given = read_body(request.body, _CREATE)
    code = str(given["trigger_type_code"])
    kind = TYPES[code]
    data = kind.fields.read(given["event_data"], "event_data")
    _check_status(kind, given)
    gateway = code in ("APIG", "DEDICATEDGATEWAY")
    trigger_id = secrets.token_hex(16) if gateway else new_id()
    if gateway:
        data = _of_gateway(request, asked, data, trigger_id)
    now = to_time_text(request.now)
    body: Json = {
        "trigger_id": trigger_id,
        "trigger_type_code": code,
        "trigger_status": given.get("trigger_status") or kind.starts,
        "event_data": data,
        "last_updated_time": now,
        "created_time": now,
        "_qualifier": _qualifier(asked),
    }
    with request.world.write(request.tenant) as session:
        rows = _under(session, asked)
        if kind.unique:
            same = [row for row in rows if row.body["trigger_type_code"] == code]
            if any(_data(row).get(kind.unique) == data.get(kind.unique) for row in same):
                raise exists(code)(data.get(kind.unique))
        pulling = [row for row in rows if TYPES[str(row.body["trigger_type_code"])].pulls]
        if len(rows) >= MOST or (kind.pulls and len(pulling) >= MOST_PULLING):
            raise TRIGGER_LIMIT(MOST)
        row = new_row(request, TRIGGER, asked.place, trigger_id, body)
        session.put(row)
    return Reply(status=201, body=public(row.body))


def _data(row: Row) -> Json:
    data = row.body["event_data"]
    return data if isinstance(data, dict) else {}


def _of_gateway(request: Request, asked: Named, data: Json, trigger_id: str) -> Json:
    """Return the event data of an HTTP trigger with what the gateway adds (facts 6.3)."""
    info = data["func_info"]
    host = str(data.get("sl_domain") or f"{data['group_id']}.apig.{request.tenant.region}.huaweicloudapis.com")
    return {
        **data,
        "triggerid": trigger_id,
        "api_id": secrets.token_hex(16),
        "api_name": data["name"],
        "backend_type": "FUNCTION",
        "sl_domain": host,
        "invoke_url": f"{str(data['protocol']).lower()}://{host}{data['path']}",
        "roma_app_id": "",
        "func_info": {
            "invocation_type": "sync",
            **(info if isinstance(info, dict) else {}),
            "function_urn": to_urn(request, asked.place),
            "version": _qualifier(asked).removeprefix("!"),
        },
    }


def list_triggers(request: Request) -> Reply:
    """GET /fgs/triggers/{urn}: a bare list (facts 6.1)."""
    asked = named(request)
    with request.world.read(request.tenant) as session:
        return Reply(body=[public(row.body) for row in _under(session, asked)])


def list_project_triggers(request: Request) -> Reply:
    """GET /fgs/triggers: of all functions, each with the URN of its function (facts 6.1)."""
    with request.world.read(request.tenant) as session:
        rows = session.scan(TRIGGER)
    bodies = [
        {**public(row.body), "func_urn": to_urn(request, row.parent, str(row.body["_qualifier"]))} for row in rows
    ]
    shown, following = page(request, bodies, most=500)
    return Reply(body={"triggers": shown, "next_marker": following})


def _live(session: Session, request: Request, asked: Named) -> Row:
    meant(session, asked)
    code, trigger_id = request.params[2], request.params[3]
    row = session.get(TRIGGER, asked.place, trigger_id)
    if row is None or row.body["trigger_type_code"] != code or row.body["_qualifier"] != _qualifier(asked):
        raise not_found(code)(trigger_id)
    return row


def get_trigger(request: Request) -> Reply:
    """GET /fgs/triggers/{urn}/{type}/{id}."""
    with request.world.read(request.tenant) as session:
        return Reply(body=public(_live(session, request, named(request)).body))


def update_trigger(request: Request) -> Reply:
    """PUT /fgs/triggers/{urn}/{type}/{id}: status, and event data as an object or, as the SDK has it, as a list of one
    object with polling fields (facts 6.2, 18).
    """
    given = read_body(request.body, _UPDATE)
    with request.world.write(request.tenant) as session:
        asked = named(request)
        row = _live(session, request, asked)
        kind = TYPES[request.params[2]]
        _check_status(kind, given)
        data = _data(row)
        if "event_data" in given:
            data = _updated(kind, data, given["event_data"])
        status = given.get("trigger_status") or row.body["trigger_status"]
        now = to_time_text(request.now)
        body = {**row.body, "trigger_status": status, "event_data": data, "last_updated_time": now}
        row = changed_row(request, row, body)
        session.put(row)
    return Reply(body=public(row.body))


def _updated(kind: TriggerType, before: Json, given: object) -> Json:
    if isinstance(given, list):
        if len(given) > 1:
            raise BAD_BODY("event_data has more than one item")
        change = _POLLING.read(given[0], "event_data[0]") if given else {}
    elif isinstance(given, dict):
        change = given
    else:
        raise BAD_BODY("event_data must be an object or a list")
    if isinstance(change.get("is_serial"), bool):
        change = {**change, "is_serial": str(change["is_serial"]).lower()}
    if kind.unique and change.get(kind.unique, before.get(kind.unique)) != before.get(kind.unique):
        raise BAD_PARAMETER(f"event_data.{kind.unique} cannot be changed")
    merged = {**before, **change}
    known = kind.fields.read(merged, "event_data")
    now, was = known.get("func_info"), before.get("func_info")
    if isinstance(now, dict) and isinstance(was, dict):
        # Whom the gateway calls does not change with how.
        known = {**known, "func_info": {**was, **now}}
    return {**{key: value for key, value in before.items() if key not in known}, **known}


def delete_trigger(request: Request) -> Reply:
    """DELETE /fgs/triggers/{urn}/{type}/{id}."""
    with request.world.write(request.tenant) as session:
        asked = named(request)
        session.delete(TRIGGER, asked.place, _live(session, request, asked).name)
    return NO_CONTENT


def delete_triggers(request: Request) -> Reply:
    """DELETE /fgs/triggers/{urn}: without a qualifier or of latest all of the function, else those of the version or
    alias (facts 6.1).
    """
    asked = named(request)
    with request.world.write(request.tenant) as session:
        rows = _under(session, asked)
        if _qualifier(asked) == LATEST:
            rows = session.children(TRIGGER, asked.place)
        for row in rows:
            session.delete(TRIGGER, asked.place, row.name)
    return NO_CONTENT


def _trigger_address(request: Request) -> tuple[str, str]:
    return named(request).place, request.params[3]


_SOURCES = ("facts 6, 13, 18", "SDK 3.1.219")
_T = "/{}/fgs/triggers/{}"
_ONE = f"{_T}/{{}}/{{}}"

ROUTES = (
    Route(
        operation="CreateFunctionTrigger",
        method="POST",
        template=_T,
        call=create_trigger,
        versions=VERSIONS,
        kind=TRIGGER,
        coverage=Coverage(
            sources=_SOURCES,
            choices=(
                "event data is checked for every type; the things that it names are not looked for",
                "one of a kind: timer and CTS by name, HTTP by path, SMN by topic, LTS by stream",
                "OBS events in the s3: form; is_serial is a string on create",
            ),
        ),
    ),
    Route(
        operation="ListFunctionTriggers",
        method="GET",
        template=_T,
        call=list_triggers,
        versions=VERSIONS,
        coverage=Coverage(sources=_SOURCES, choices=("those of the qualifier, latest without one",)),
    ),
    Route(
        operation="ListProjectTriggers",
        method="GET",
        template="/{}/fgs/triggers",
        call=list_project_triggers,
        versions=VERSIONS,
        coverage=Coverage(sources=("facts 6.1, 12",)),
    ),
    Route(
        operation="ShowFunctionTrigger",
        method="GET",
        template=_ONE,
        call=get_trigger,
        versions=VERSIONS,
        kind=TRIGGER,
        address=_trigger_address,
        coverage=Coverage(sources=_SOURCES, choices=("a function that is gone is 404, not 500 FSS.0500",)),
    ),
    Route(
        operation="UpdateTrigger",
        method="PUT",
        template=_ONE,
        call=update_trigger,
        versions=VERSIONS,
        kind=TRIGGER,
        address=_trigger_address,
        coverage=Coverage(
            sources=_SOURCES,
            choices=("the new status is there at once", "the field that tells triggers apart cannot change"),
        ),
    ),
    Route(
        operation="DeleteFunctionTrigger",
        method="DELETE",
        template=_ONE,
        call=delete_trigger,
        versions=VERSIONS,
        kind=TRIGGER,
        address=_trigger_address,
        coverage=Coverage(sources=_SOURCES),
    ),
    Route(
        operation="BatchDeleteFunctionTriggers",
        method="DELETE",
        template=_T,
        call=delete_triggers,
        versions=VERSIONS,
        coverage=Coverage(sources=_SOURCES),
    ),
)
