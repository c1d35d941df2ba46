"""How a trigger travels: the file's words to event data and back; what tells one trigger apart. Facts 2, 6. Pure."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from fcdeploy.kinds.descriptor import NamesInFile, Scope
from fcdeploy.kinds.huawei.trigger_types import BY_CODE, DEDICATED, TYPES, TriggerType
from fcdeploy.kinds.huawei.urn import LATEST
from fcdeploy.model import Json, Output

RELEASE = "RELEASE"
RELEASE_ID = "DEFAULT_ENVIRONMENT_RELEASE_ID"
"""The environment that every gateway has (facts 6.3)."""

UNKNOWN = "?"
"""How the name of a trigger begins that is left alone: nothing is known of its type, or it stands behind a version that
others named."""

_AUTHS: Final = {"anonymous": "NONE", "function": "IAM", "app": "APP"}
_AUTH_WORDS: Final = {value: key for key, value in _AUTHS.items()}
_STATUSES: Final = {True: "ACTIVE", False: "DISABLED"}
_HOURS: Final = {"h": 1, "d": 24}
_RATE = re.compile(r"([0-9]+)([mhd])")
_LONGEST = 48

GATEWAY: Final[Mapping[str, str]] = {
    "groupId": "group_id",
    "envId": "env_id",
    "envName": "env_name",
    "path": "path",
    "protocol": "protocol",
    "matchMode": "match_mode",
    "domain": "sl_domain",
    "instanceId": "instance_id",
}
"""Fields of an http trigger that are members of its event data as they are."""


def identify(called: tuple[str, ...], body: Mapping[str, Json]) -> tuple[str, ...]:
    """The last part of the identity of what the file calls so: its name where the service keeps one, else what tells
    such triggers apart; with the qualifier unless that is `latest`."""
    given = body.get("config")
    words = given if isinstance(given, Mapping) else {}
    qualifier = body.get("qualifier")
    return (_last_part(str(body.get("type")), called[-1], words, _plain(qualifier) or LATEST),)


def in_file(own: tuple[str, ...], body: Mapping[str, Json]) -> Iterator[NamesInFile]:
    """What a file can call a trigger: the name that the service keeps, or any."""
    name = own[-1].partition("@")[0]
    kind = TYPES.get(str(body.get("type")))
    if kind is None or kind.named:
        yield (name,), {}
        return
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name)
    yield (plain,), {}
    for number in itertools.count(2):
        yield (f"{plain}-{number}",), {}


def derive(names: Mapping[str, str]) -> dict[str, str]:
    """The end of the function's URN behind which a trigger stands, and its own name, from the names of the identity."""
    name, _, qualifier = names.get("triggerName", "").partition("@")
    return {"name": name, "qualifierEnd": _urn_end(qualifier)}


def _urn_end(qualifier: str) -> str:
    """`3` is a version, `live` an alias (facts 2)."""
    if not qualifier:
        return ""
    return f":{qualifier}" if qualifier.isdecimal() else f":!{qualifier}"


def _qualifier(urn_end: str) -> str:
    if urn_end in ("", LATEST):
        return LATEST
    return urn_end.removeprefix("!") if urn_end.isdecimal() or urn_end.startswith("!") else UNKNOWN


def _last_part(word: str, name: str, words: Mapping[str, Json], qualifier: str) -> str:
    kind = TYPES.get(word)
    own = name if kind is None or kind.named else f"{word}-{_natural(kind, words)}"
    return own if qualifier == LATEST else f"{own}@{qualifier}"


def _natural(kind: TriggerType, words: Mapping[str, Json]) -> str:
    """What says most of a trigger, with a digest of all that tells it apart where that is more, or is not plain."""
    shown = _joined(words.get(kind.shown)).rpartition(":")[2]
    beside = [_joined(words.get(name)) for name in kind.beside]
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", shown)[:_LONGEST].strip("-")
    if plain == shown and shown and not any(beside):
        return plain
    digest = hashlib.sha256(json.dumps([shown, *beside]).encode()).hexdigest()[:8]
    return f"{plain}-{digest}" if plain else digest


def _joined(value: Json) -> str:
    return ",".join(sorted(map(_plain, value))) if isinstance(value, list) else _plain(value)


def _plain(value: Json) -> str:
    return str.__str__(value) if isinstance(value, str) else ""


def sent(body: Mapping[str, Json], names: Mapping[str, str | Output], scope: Scope) -> dict[str, Json]:
    """The body of a create or an update: event data, and the status where that can be chosen."""
    del scope
    word = str(body.get("type"))
    kind = TYPES[word]
    given = body.get("config")
    words = given if isinstance(given, Mapping) else {}
    name = str(names["triggerName"]).partition("@")[0]
    code = DEDICATED if body.get("instanceId") and word == "http" else kind.code
    # An update names the type in its path, with the id that the service gave.
    made: dict[str, Json] = {} if "trigger_id" in names else {"trigger_type_code": code}
    if kind.starts is not None:
        made["trigger_status"] = _STATUSES[
            words.get("enable") is not False and words.get("enable", kind.starts) is True
        ]
    named = {kind.named: name} if kind.named else {}
    if word == "timer":
        return made | {"event_data": named | _timer_sent(words)}
    if word == "http":
        return made | {"event_data": named | _gateway_sent(body, words, name)}
    members = {
        kind.wire[key]: _as_sent(key, value)
        for key, value in words.items()
        if key in kind.wire and not (key in kind.silent and value in (None, ""))
    }
    return made | {"event_data": named | members}


def _as_sent(key: str, value: Json) -> Json:
    # Of this one yes and no travel as text (facts 6.3, DIS).
    return str(value).lower() if key == "isSerial" and isinstance(value, bool) else value


def _timer_sent(words: Mapping[str, Json]) -> dict[str, Json]:
    return {
        "schedule_type": "Cron",
        "schedule": words.get("cronExpression"),
        "user_event": words.get("payload") or "",
    }


def _gateway_sent(body: Mapping[str, Json], words: Mapping[str, Json], name: str) -> dict[str, Json]:
    methods = words.get("methods")
    made = {wire: body[field] for field, wire in GATEWAY.items() if body.get(field) is not None}
    info = {"timeout": body.get("timeout"), "invocation_type": body.get("invocationType")}
    return {
        "path": f"/{name}",
        **made,
        "type": 2 if body.get("public") is False else 1,
        "auth": _AUTHS.get(str(words.get("authType")), words.get("authType")),
        "req_method": methods[0] if isinstance(methods, list) and methods else "ANY",
        "backend_type": "FUNCTION",
        "func_info": {key: value for key, value in info.items() if value is not None},
    }


def said(raw: Mapping[str, Json]) -> dict[str, Json]:
    """What the service says of a trigger, with the fields and the names of its identity beside it; no passwords."""
    given = raw.get("event_data")
    members = dict(given) if isinstance(given, Mapping) else {}
    code = str(raw.get("trigger_type_code") or "")
    word = BY_CODE.get(code)
    place, qualifier = _place(raw.get("func_urn"))
    if word is None or qualifier == UNKNOWN:
        name = f"{UNKNOWN}{code.lower()}-{raw.get('trigger_id')}"
        return {**raw, **place, "type": word or code.lower(), "triggerName": name}
    kind = TYPES[word]
    for secret in kind.secrets:
        members.pop(secret, None)
    if word == "timer":
        words = _timer_said(members)
    elif word == "http":
        words = _gateway_said(members)
    else:
        words = {
            field: _as_said(field, members[wire]) for field, wire in kind.wire.items() if members.get(wire) is not None
        }
    status = raw.get("trigger_status")
    if kind.starts is not None and status is not None:
        words["enable"] = status == "ACTIVE"
    own = str(members.get(kind.named) or "") if kind.named else ""
    return {
        **raw,
        **place,
        **({"qualifier": qualifier} if qualifier else {}),
        **(_around(members, code) if word == "http" else {}),
        "event_data": members,
        "type": word,
        "config": words,
        "status": status,
        "subscriptionStatus": members.get("subscription_status"),
        "triggerName": _last_part(word, own, words, qualifier or LATEST),
    }


def _place(urn: Json) -> tuple[dict[str, str], str]:
    """The names of the function in its URN, and the qualifier; both empty where there is none (facts 2)."""
    parts = urn.split(":", 7) if isinstance(urn, str) else []
    if len(parts) < 7:
        return {}, ""
    return {"package": parts[5], "functionName": parts[6]}, _qualifier(parts[7] if len(parts) > 7 else "")


def _as_said(field: str, value: Json) -> Json:
    return value == "true" if field == "isSerial" and isinstance(value, str) else value


def _timer_said(members: Mapping[str, Json]) -> dict[str, Json]:
    schedule = members.get("schedule")
    if members.get("schedule_type") == "Rate" and isinstance(schedule, str):
        rate = _RATE.fullmatch(schedule)
        if rate is not None:
            number, unit = int(rate[1]), rate[2]
            schedule = f"@every {number}m" if unit == "m" else f"@every {number * _HOURS[unit]}h"
    return {"cronExpression": schedule, "payload": members.get("user_event")}


def _gateway_said(members: Mapping[str, Json]) -> dict[str, Json]:
    auth, method = members.get("auth"), members.get("req_method")
    return {
        "authType": _AUTH_WORDS.get(str(auth), auth),
        "methods": [method] if method is not None else None,
    }


def _around(members: Mapping[str, Json], code: str) -> dict[str, Json]:
    """The fields of an http trigger that do not stand in its `config`."""
    given = members.get("func_info")
    info = given if isinstance(given, Mapping) else {}
    kind = members.get("type")
    return {
        **{field: members[wire] for field, wire in GATEWAY.items() if members.get(wire) is not None},
        # A gateway that is shared has an id as well, and it is nobody's choice.
        "instanceId": members.get("instance_id") if code == DEDICATED else None,
        "public": None if kind is None else str(kind) == "1",
        "timeout": info.get("timeout"),
        "invocationType": info.get("invocation_type"),
        "urlInternet": members.get("invoke_url"),
    }
