"""What a trigger of each type holds (facts 6.3): fields, limits, and which of them can be switched off."""

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fcdeploy.emulator.errors import ErrorKind
from fcdeploy.emulator.exchange import Json
from fcdeploy.emulator.huawei.fields import Anything, Flag, Many, Struct, Text, Whole

_SMN, _DMS, _DIS = (ErrorKind(f"FSS.{code}", 400, "the trigger is invalid: %s") for code in (1102, 1103, 1104))
_OBS, _APIG, _TIMER = (ErrorKind(f"FSS.{code}", 400, "the trigger is invalid: %s") for code in (1106, 1107, 1109))
_LTS, _KAFKA, _DDS, _CTS = (
    ErrorKind(f"FSS.{code}", 400, "the trigger is invalid: %s") for code in (1110, 1112, 1164, 1305)
)
_OTHER = ErrorKind("FSS.0400", 400, "the trigger is invalid: %s")
_EXISTS = {
    "SMN": 1141,
    "DMS": 1142,
    "DIS": 1143,
    "OBS": 1145,
    "APIG": 1146,
    "DEDICATEDGATEWAY": 1146,
    "TIMER": 1148,
    "LTS": 1149,
    "KAFKA": 1150,
    "DDS": 1166,
}
_NOT_FOUND = {
    "SMN": 1132,
    "DMS": 1133,
    "DIS": 1134,
    "OBS": 1136,
    "APIG": 1138,
    "DEDICATEDGATEWAY": 1138,
    "TIMER": 1140,
    "LTS": 1160,
    "DDS": 1163,
    "KAFKA": 1174,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerType:
    """One type. ``starts``: its status at first; ``switches``: it can be disabled; ``unique`` names the field of which
    no two triggers of a function have the same value; ``pulls``: it asks for events, instead of being told.
    """

    fields: Struct
    error: ErrorKind = _OTHER
    starts: str = "ACTIVE"
    switches: bool = False
    unique: str = ""
    pulls: bool = False


def _name(error: ErrorKind) -> Text:
    return Text(pattern=r"[A-Za-z][A-Za-z0-9_-]{0,63}", error=error)


def _timer_check(given: Json, name: str) -> None:
    schedule = str(given["schedule"])
    if given["schedule_type"] == "Rate":
        found = re.fullmatch(r"([0-9]{1,2})([mhd])", schedule)
        if found is None or not 1 <= int(found[1]) <= {"m": 60, "h": 24, "d": 30}[found[2]]:
            raise _TIMER(f"{name}.schedule = {schedule}")
        return
    found = re.match(r"CRON_TZ=(\S+) +", schedule)
    if found is not None:
        try:
            ZoneInfo(found[1])
        except (ZoneInfoNotFoundError, ValueError):
            raise _TIMER(f"{name}.schedule = {schedule}") from None
        schedule = schedule[found.end() :]
    if schedule.startswith("@every "):
        if re.fullmatch(r"(?:[0-9]+h)?(?:[0-9]+m)?(?:[0-9]+s)?", schedule[7:]) is None or not schedule[7:]:
            raise _TIMER(f"{name}.schedule = {schedule}")
        return
    parts = schedule.split()
    if len(parts) not in (5, 6) or any(re.fullmatch(r"[0-9A-Za-z*?/,#-]+", part) is None for part in parts):
        raise _TIMER(f"{name}.schedule = {schedule}")


def _gateway(**more: Text) -> Struct:
    text = Text(shortest=1, longest=255, error=_APIG)
    names = ("name", "type", "path", "protocol", "req_method", "group_id", "match_mode", "env_name", "env_id", "auth")
    return Struct(
        {
            **dict.fromkeys(("name", "group_id", "env_name", "env_id", "group_name", "sl_domain"), text),
            "type": Whole(allowed=(1, 2), error=_APIG),
            "path": Text(pattern=r"/.{0,254}", error=_APIG),
            "protocol": Text(allowed=("HTTP", "HTTPS"), error=_APIG),
            "req_method": Text(
                allowed=("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "ANY"), error=_APIG
            ),
            "match_mode": Text(allowed=("SWA", "NORMAL"), error=_APIG),
            "auth": Text(allowed=("IAM", "APP", "NONE"), error=_APIG),
            "backend_type": Text(allowed=("FUNCTION",), error=_APIG),
            "func_info": Struct(
                {
                    "timeout": Whole(least=1, most=60000, error=_APIG),
                    "function_urn": Text(),
                    "invocation_type": Text(allowed=("sync", "async"), error=_APIG),
                    "version": Text(),
                },
                required={"timeout": _APIG},
            ),
            **more,
        },
        required=dict.fromkeys((*names, "func_info", *more), _APIG),
    )


def _made(error: ErrorKind, required: str, **fields: object) -> Struct:
    made = {name: kind if hasattr(kind, "read") else Text() for name, kind in fields.items()}
    return Struct(made, required=dict.fromkeys(required.split(), error))


def _all(names: str) -> dict[str, Text]:
    return dict.fromkeys(names.split(), Text(shortest=1))


_EVENTS = tuple(
    f"s3:Object{event}"
    for event in (
        *(f"Created:{each}" for each in ("*", "Put", "Post", "Copy", "CompleteMultipartUpload")),
        *(f"Removed:{each}" for each in ("*", "Delete", "DeleteMarkerCreated")),
    )
)
_BATCH = Whole(least=1, most=10000)
_PULL = {
    "polling_interval": Whole(least=2, most=60000),
    "polling_unit": Text(allowed=("s", "ms")),
    "max_fetch_bytes": Whole(least=1024, most=4194304),
}

TYPES: dict[str, TriggerType] = {
    "TIMER": TriggerType(
        fields=Struct(
            {
                "name": _name(_TIMER),
                "schedule_type": Text(allowed=("Rate", "Cron"), error=_TIMER),
                "schedule": Text(shortest=1, error=_TIMER),
                "user_event": Text(longest=2048, error=_TIMER),
            },
            required=dict.fromkeys(("name", "schedule_type", "schedule"), _TIMER),
            check=_timer_check,
        ),
        error=_TIMER,
        switches=True,
        unique="name",
    ),
    "APIG": TriggerType(fields=_gateway(), error=_APIG, unique="path"),
    "DEDICATEDGATEWAY": TriggerType(
        fields=_gateway(instance_id=Text(shortest=1, error=_APIG)), error=_APIG, unique="path"
    ),
    "CTS": TriggerType(
        fields=Struct(
            {"name": _name(_CTS), "operations": Many(item=Text(pattern=r"[^:]+:[^:]*:[^:]*", error=_CTS), most=100)},
            required=dict.fromkeys(("name", "operations"), _CTS),
        ),
        error=_CTS,
        unique="name",
    ),
    "DDS": TriggerType(
        fields=_made(
            _DDS,
            "instance_id collection_name db_name db_password batch_size",
            **_all("instance_id collection_name db_name db_password db_user"),
            batch_size=_BATCH,
        ),
        error=_DDS,
        starts="DISABLED",
        switches=True,
        pulls=True,
    ),
    "DMS": TriggerType(
        fields=_made(
            _DMS,
            "queue_id consumer_group_id polling_interval",
            **_all("queue_id consumer_group_id"),
            polling_interval=Whole(least=1, most=60),
        ),
        error=_DMS,
        switches=True,
        pulls=True,
    ),
    "DIS": TriggerType(
        fields=_made(
            _DIS,
            "stream_name sharditerator_type batch_size polling_interval polling_unit is_serial",
            **_all("stream_name"),
            sharditerator_type=Text(allowed=("TRIM_HORIZON", "LATEST")),
            batch_size=_BATCH,
            is_serial=Text(allowed=("true", "false")),
            **_PULL,
        ),
        error=_DIS,
        pulls=True,
    ),
    "LTS": TriggerType(
        fields=_made(_LTS, "log_group_id log_topic_id", **_all("log_group_id log_topic_id")),
        error=_LTS,
        switches=True,
        unique="log_topic_id",
    ),
    "OBS": TriggerType(
        fields=_made(
            _OBS,
            "bucket events",
            bucket=Text(shortest=1, longest=64),
            events=Many(item=Text(allowed=_EVENTS, error=_OBS)),
            name=Text(longest=64),
            prefix=Text(longest=1024),
            suffix=Text(longest=1024),
        ),
        error=_OBS,
    ),
    "SMN": TriggerType(
        fields=_made(_SMN, "topic_urn", topic_urn=Text(shortest=1, longest=255)), error=_SMN, unique="topic_urn"
    ),
    "KAFKA": TriggerType(
        fields=_made(
            _KAFKA,
            "instance_id topic_ids batch_size",
            instance_id=Text(shortest=1),
            topic_ids=Many(item=Text(shortest=1)),
            batch_size=Whole(least=1, most=1000),
            kafka_user=Text(),
            kafka_password=Text(),
            kafka_connect_address=Text(),
            kafka_ssl_enable=Flag(),
        ),
        error=_KAFKA,
        starts="DISABLED",
        switches=True,
        pulls=True,
    ),
    "RABBITMQ": TriggerType(
        fields=_made(
            _OTHER,
            "instance_id batch_size access_password exchange_name",
            **_all("instance_id access_password exchange_name"),
            batch_size=Whole(least=1, most=1000),
            access_user=Text(),
            vhost=Text(),
            ssl_enable=Flag(),
            connect_address=Text(),
        ),
        pulls=True,
    ),
    "ROCKETMQ": TriggerType(
        fields=_made(
            _OTHER,
            "instance_id",
            instance_id=Text(shortest=1),
            batch_size=_BATCH,
            enable_acl=Flag(),
            access_key=Text(),
            secret_key=Text(),
        ),
        pulls=True,
    ),
    "OPENSOURCEKAFKA": TriggerType(fields=_made(_OTHER, "topic_ids", topic_ids=Anything(), batch_size=_BATCH)),
    "EVENTGRID": TriggerType(
        fields=_made(
            _OTHER,
            "channel_id source_name trigger_name agency",
            **_all("channel_id source_name trigger_name agency"),
            channel_name=Text(),
            bucket=Text(),
            event_types=Many(item=Text()),
            Key_encode=Flag(),
        )
    ),
}


def not_found(kind: str) -> ErrorKind:
    """Return the error for a trigger of this type that is not there (facts 13)."""
    return ErrorKind(f"FSS.{_NOT_FOUND.get(kind, 1131)}", 404, "Not found the trigger %s")


def exists(kind: str) -> ErrorKind:
    """Return the error for a trigger of this type that is there already (facts 13)."""
    if kind == "CTS":
        return ErrorKind("FSS.1307", 400, "The trigger %s has existed")
    return ErrorKind(f"FSS.{_EXISTS.get(kind, 1141)}", 409, "The trigger %s has existed")
