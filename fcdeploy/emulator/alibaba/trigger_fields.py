"""What each type of trigger takes: its source ARN, its role, its triggerConfig (facts 9.3)."""

import re
from dataclasses import dataclass

from fcdeploy.emulator.alibaba.errors import invalid_argument
from fcdeploy.emulator.alibaba.fields import Anything, Flag, Many, Map, Struct, Text, Whole
from fcdeploy.emulator.errors import echo
from fcdeploy.emulator.exchange import Json

EVENTBRIDGE_HEADER = "x-fc-enable-eventbridge-trigger"
PAYLOAD_MOST = 131_072  # facts 9.3: payload of a timer, 128 KB

_OSS_CREATED = (
    *("*", "PutObject", "PutSymlink", "PostObject", "CopyObject", "InitiateMultipartUpload", "UploadPart"),
    *("UploadPartCopy", "CompleteMultipartUpload", "AppendObject"),
)
_OSS_REMOVED = ("*", "DeleteObject", "DeleteObjects", "AbortMultipartUpload")
_OSS_REPLICATION = ("*", "ObjectCreated", "ObjectRemoved", "ObjectModified")
OSS_EVENTS = (
    *(f"oss:ObjectCreated:{name}" for name in _OSS_CREATED),
    *(f"oss:ObjectRemoved:{name}" for name in _OSS_REMOVED),
    *(f"oss:ObjectReplication:{name}" for name in _OSS_REPLICATION),
)

_EVERY = re.compile(r"@every [1-9][0-9]*(s|m|h)")
_CRON = re.compile(r"(CRON_TZ=[A-Za-z0-9_+\-/]+ )?[^\s]+( +[^\s]+){5}")
_CRON_FIELD = re.compile(r"[0-9A-Za-z*?,/#\-]+")


class CronExpression:
    """``@every 5m`` or six fields, seconds first, with an optional ``CRON_TZ=...`` before them."""

    def read(self, value: object, label: str) -> str:
        """Return the expression as it was sent."""
        text = Text().read(value, label)
        if _EVERY.fullmatch(text):
            return text
        fields = text.split()[1:] if text.startswith("CRON_TZ=") else text.split()
        if not _CRON.fullmatch(text) or len(fields) != 6 or not all(_CRON_FIELD.fullmatch(each) for each in fields):
            raise invalid_argument(
                f"{label} should be a cron expression of 6 fields or '@every' expression (actual: '{echo(text)}')"
            )
        return text


class Payload:
    """The text that a timer hands to the function."""

    def read(self, value: object, label: str) -> str:
        """Return the text; too long is InvalidArgument."""
        text = Text().read(value, label)
        size = len(text.encode())
        if size > PAYLOAD_MOST:
            raise invalid_argument(
                f"{label} exceeds the maximum allowed length (max: {PAYLOAD_MOST}, actual: '{size}')"
            )
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerType:
    """One trigger type. ``source`` is the pattern of sourceArn, "" when there is none; ``needed`` are the keys of the
    configuration that a create must give; ``fixed`` types refuse a changed configuration.
    """

    config: Struct
    needed: tuple[str, ...] = ()
    source: str = ""
    role: bool = True
    config_required: bool = True
    fixed: bool = False


_SOURCE_PARAMETERS = (
    *("sourceMNSParameters", "sourceRocketMQParameters", "sourceRabbitMQParameters", "sourceKafkaParameters"),
    *("sourceDTSParameters", "sourceMQTTParameters"),
)
_SOURCE_TYPES = ("Default", "MNS", "RocketMQ", "RabbitMQ", "Kafka", "DTS", "MQTT")

TYPES: dict[str, TriggerType] = {
    "oss": TriggerType(
        source=r"acs:oss:[^:]*:[^:]*:[^:/]+",
        needed=("events",),
        config=Struct(
            {
                "events": Many(item=Text(allowed=OSS_EVENTS), least=1),
                "filter": Struct({"key": Struct({"prefix": Text(), "suffix": Text()})}),
            }
        ),
    ),
    "log": TriggerType(
        source=r"acs:log:[^:]*:[^:]*:project/[^/]+",
        needed=("sourceConfig", "jobConfig", "logConfig"),
        config=Struct(
            {
                "sourceConfig": Struct({"logstore": Text(shortest=1), "startTime": Anything()}, required=("logstore",)),
                "jobConfig": Struct({"maxRetryTime": Whole(least=0, most=100), "triggerInterval": Whole(least=1)}),
                "functionParameter": Map(item=Anything()),
                "logConfig": Struct({"project": Text(), "logstore": Text()}),
                "enable": Flag(),
            }
        ),
    ),
    "timer": TriggerType(
        role=False,
        needed=("cronExpression",),
        config=Struct({"cronExpression": CronExpression(), "payload": Payload(), "enable": Flag()}),
    ),
    "http": TriggerType(
        role=False,
        needed=("authType", "methods"),
        config=Struct(
            {
                "authType": Text(allowed=("anonymous", "function", "jwt")),
                "methods": Many(
                    item=Text(allowed=("GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS")), least=1
                ),
                "disableURLInternet": Flag(),
                "authConfig": Anything(),
            }
        ),
    ),
    "tablestore": TriggerType(
        source=r"acs:ots:[^:]*:[^:]*:instance/[^/]+/table/[^/]+", config=Struct({}), config_required=False
    ),
    "cdn_events": TriggerType(
        source=r"acs:cdn:[^:]*:[^:]*(:.*)?",
        needed=("eventName", "eventVersion"),
        config=Struct(
            {
                "eventName": Text(shortest=1),
                "eventVersion": Text(shortest=1),
                "notes": Text(),
                "filter": Map(item=Many(item=Text())),
            }
        ),
    ),
    "mns_topic": TriggerType(
        source=r"acs:mns:[^:]*:[^:]*:/topics/[^/]+",
        fixed=True,
        config=Struct(
            {
                "filterTag": Text(),
                "notifyContentFormat": Text(allowed=("STREAM", "JSON")),
                "notifyStrategy": Text(allowed=("BACKOFF_RETRY", "EXPONENTIAL_DECAY_RETRY")),
            }
        ),
    ),
    "rds": TriggerType(
        source=r"acs:rds:.+",
        needed=("subscriptionObjects",),
        config=Struct(
            {
                "subscriptionObjects": Many(item=Text(), least=1),
                "retry": Whole(least=0),
                "concurrency": Whole(least=1),
                "eventFormat": Text(),
            }
        ),
    ),
    "eventbridge": TriggerType(
        role=False,  # the service-linked role is used; Terraform's examples send none
        needed=("eventRuleFilterPattern", "eventSourceConfig"),
        config=Struct(
            {
                "triggerEnable": Flag(),
                "asyncInvocationType": Flag(),
                "eventRuleFilterPattern": Text(),
                "eventSourceConfig": Struct(
                    {
                        "eventSourceType": Text(allowed=_SOURCE_TYPES),
                        "eventSourceParameters": Struct({name: Map(item=Anything()) for name in _SOURCE_PARAMETERS}),
                    },
                    required=("eventSourceType",),
                ),
                "eventSinkConfig": Anything(),
                "runOptions": Anything(),
            }
        ),
    ),
}


def check_config(kind: str, config: Json) -> None:
    """Refuse a configuration that lacks what its type needs."""
    for name in TYPES[kind].needed:
        if name not in config:
            raise invalid_argument(f"TriggerConfig.{name[0].upper()}{name[1:]} is required but not provided")


def merged_config(kind: str, live: Json, given: Json) -> Json:
    """Return the configuration after an update: given keys replace, the others stay (facts 7.2, per type).

    Raises:
        ApiError: InvalidArgument when the type's configuration cannot be changed (facts 6.3, 7.3).
    """
    result = {**live, **given}
    if TYPES[kind].fixed and result != live:
        raise invalid_argument("Updating trigger is not supported yet.")
    return result
