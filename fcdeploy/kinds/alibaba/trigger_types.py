"""The configuration of each trigger type. Facts 9.3 and its table "per type"."""

from __future__ import annotations

from collections.abc import Mapping

from fcdeploy.kinds.alibaba.service import API_2021
from fcdeploy.kinds.fields import (
    Access,
    Default,
    Field,
    Order,
    Reset,
    boolean,
    integer,
    obj,
    strings,
    strings_by_name,
    text,
)

_OSS_EVENTS = [
    "oss:ObjectCreated:*",
    *(
        f"oss:ObjectCreated:{name}"
        for name in (
            *("PutObject", "PutSymlink", "PostObject", "CopyObject", "InitiateMultipartUpload", "UploadPart"),
            *("UploadPartCopy", "CompleteMultipartUpload", "AppendObject"),
        )
    ),
    "oss:ObjectRemoved:*",
    *(f"oss:ObjectRemoved:{name}" for name in ("DeleteObject", "DeleteObjects", "AbortMultipartUpload")),
    "oss:ObjectReplication:*",
    *(f"oss:ObjectReplication:{name}" for name in ("ObjectCreated", "ObjectRemoved", "ObjectModified")),
]
_METHODS = ["GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS"]


def _chosen(name: str, title: str, description: str, **rest: object) -> Field:
    """A text whose default the service chooses."""
    return text(name, title, description, default=None, reset=Reset.NONE, **rest)


def _parameters(name: str, title: str, keys: str, secrets: tuple[str, ...] = ()) -> Field:
    return obj(
        name,
        title,
        f"Parameters of a {title} source.",
        defaults=(),
        reset=Reset.NONE,
        fields=tuple(
            Field(
                name=key,
                title=key,
                description=f"{key} of the {title} source.",
                schema={"type": ["string", "integer", "boolean"]},
                reset=Reset.NONE,
                sensitive=key in secrets,
            )
            for key in keys.split()
        ),
    )


_EVENT_SOURCES = (
    _parameters("sourceMNSParameters", "MNS", "RegionId QueueName IsBase64Decode"),
    _parameters(
        "sourceRocketMQParameters",
        "RocketMQ",
        "RegionId InstanceId Topic Tag Offset GroupID Timestamp AuthType InstanceType InstanceEndpoint InstanceVpcId "
        "InstanceVSwitchIds InstanceSecurityGroupId InstanceUsername InstancePassword InstanceNetwork FilterType "
        "FilterSql",
        secrets=("InstancePassword",),
    ),
    _parameters("sourceRabbitMQParameters", "RabbitMQ", "RegionId InstanceId VirtualHostName QueueName"),
    _parameters(
        "sourceKafkaParameters",
        "Kafka",
        "RegionId InstanceId Topic ConsumerGroup OffsetReset Network VpcId VSwitchIds SecurityGroupId",
    ),
    _parameters(
        "sourceDTSParameters",
        "DTS",
        "BrokerUrl InitCheckPoint Username Password RegionId Sid TaskId Topic",
        secrets=("Password",),
    ),
    _parameters("sourceMQTTParameters", "MQTT", "InstanceId RegionId Topic"),
)

_EVENTBRIDGE = (
    boolean("triggerEnable", "Enabled", "Whether events call the function.", default=True),
    boolean("asyncInvocationType", "Asynchronous", "Whether calls are asynchronous.", default=False),
    text(
        "eventRuleFilterPattern",
        "Filter",
        "The event pattern, as JSON text; `{}` takes every event.",
        default=None,
        required=True,
    ),
    obj(
        "eventSourceConfig",
        "Event source",
        "Where events come from.",
        required=True,
        fields=(
            text(
                "eventSourceType",
                "Source type",
                "The kind of source.",
                default=None,
                required=True,
                enum=["Default", "MNS", "RocketMQ", "RabbitMQ", "Kafka", "DTS", "MQTT"],
            ),
            obj(
                "eventSourceParameters",
                "Source parameters",
                "One member, by the source type.",
                defaults=(),
                reset=Reset.NONE,
                fields=_EVENT_SOURCES,
            ),
        ),
    ),
    obj(
        "eventSinkConfig",
        "Delivery",
        "How events are delivered.",
        defaults=(),
        reset=Reset.NONE,
        fields=(
            obj(
                "deliveryOption",
                "Delivery option",
                "How events are delivered.",
                defaults=(),
                reset=Reset.NONE,
                fields=(
                    _chosen("mode", "Mode", "The delivery mode."),
                    _chosen("eventSchema", "Event schema", "The form of an event."),
                    integer("concurrency", "Concurrency", "Deliveries at the same time.", reset=Reset.NONE),
                ),
            ),
        ),
    ),
    obj(
        "runOptions",
        "Run options",
        "Batches, retries and dead letters.",
        defaults=(),
        reset=Reset.NONE,
        fields=(
            _chosen("mode", "Mode", "`event-driven` or `event-streaming`."),
            integer("maximumTasks", "Tasks", "Consumers at the same time.", reset=Reset.NONE, minimum=1),
            _chosen("errorsTolerance", "Tolerance", "What an error does.", enum=["ALL", "NONE"]),
            obj(
                "retryStrategy",
                "Retries",
                "How failed events are repeated.",
                defaults=(),
                reset=Reset.NONE,
                fields=(
                    _chosen("PushRetryStrategy", "Strategy", "The name of the strategy."),
                    integer("MaximumEventAgeInSeconds", "Age", "Seconds that an event lives.", reset=Reset.NONE),
                    integer("MaximumRetryAttempts", "Attempts", "How often an event is repeated.", reset=Reset.NONE),
                ),
            ),
            obj(
                "deadLetterQueue",
                "Dead letters",
                "Where events go that could not be delivered.",
                defaults=(),
                reset=Reset.NONE,
                fields=(_chosen("Arn", "ARN", "ARN of the queue or topic."),),
            ),
            obj(
                "batchWindow",
                "Batches",
                "When a batch is full.",
                defaults=(),
                reset=Reset.NONE,
                fields=(
                    integer("CountBasedWindow", "Count", "Events in a batch.", reset=Reset.NONE, minimum=0),
                    integer("TimeBasedWindow", "Time", "Seconds of a batch.", reset=Reset.NONE, minimum=0),
                ),
            ),
        ),
    ),
)

VARIANTS: Mapping[str, tuple[Field, ...]] = {
    "timer": (
        text("cronExpression", "Schedule", "`@every 5m`, or six cron fields.", default=None, required=True),
        text("payload", "Payload", "Text that each call gets."),
        boolean("enable", "Enabled", "Whether the timer runs.", default=True),
    ),
    "http": (
        text(
            "authType",
            "Authentication",
            "anonymous: everybody may call; function: calls are signed; jwt: calls carry a token.",
            default=None,
            required=True,
            enum=["anonymous", "function", "jwt"],
        ),
        strings(
            "methods",
            "Methods",
            "HTTP methods that are accepted.",
            required=True,
            order=Order.SET,
            minItems=1,
            uniqueItems=True,
            item={"enum": _METHODS},
        ),
        boolean("disableURLInternet", "No public URL", "Answer 403 on the public address.", default=False),
        text("authConfig", "JWT", "Settings of authType jwt, as JSON text.", since=API_2021),
    ),
    "oss": (
        strings(
            "events",
            "Events",
            "Which events of the bucket call the function.",
            required=True,
            order=Order.SET,
            minItems=1,
            uniqueItems=True,
            item={"enum": _OSS_EVENTS},
        ),
        obj(
            "filter",
            "Filter",
            "Which objects count.",
            empty={"key": {"prefix": "", "suffix": ""}},
            fields=(
                obj(
                    "key",
                    "Key",
                    "By the object's name.",
                    empty={"prefix": "", "suffix": ""},
                    fields=(
                        text("prefix", "Prefix", "How the name begins."),
                        text("suffix", "Suffix", "How the name ends."),
                    ),
                ),
            ),
        ),
    ),
    "log": (
        obj(
            "sourceConfig",
            "Source",
            "The logstore that is read.",
            required=True,
            fields=(
                text("logstore", "Logstore", "Name of the logstore.", default=None, required=True),
                Field(
                    name="startTime",
                    title="Start",
                    description="Where reading begins, in Unix seconds; the end of the log when left out.",
                    schema={"type": "integer", "minimum": 0},
                    reset=Reset.NONE,
                ),
            ),
        ),
        obj(
            "jobConfig",
            "Job",
            "How often and how stubbornly.",
            required=True,
            fields=(
                integer(
                    "maxRetryTime",
                    "Retries",
                    "How often a batch is repeated.",
                    reset=Reset.NONE,
                    minimum=0,
                    maximum=100,
                ),
                integer("triggerInterval", "Interval", "Seconds between two calls.", reset=Reset.NONE, minimum=1),
            ),
        ),
        strings_by_name("functionParameter", "Parameters", "Given to the function with each call."),
        obj(
            "logConfig",
            "Log",
            "Where the trigger itself logs.",
            # The service wants the object, empty where nothing is logged (facts 7.2, 9.3).
            defaults=(Default(value=None),),
            off="project",
            empty={"project": "", "logstore": ""},
            fields=(
                text("project", "Log project", "Name of the project.", default=None, required=True),
                text("logstore", "Logstore", "Name of the logstore.", default=None, required=True),
            ),
        ),
        boolean("enable", "Enabled", "Whether the trigger runs.", default=True),
    ),
    "tablestore": (),
    "cdn_events": (
        text("eventName", "Event", "The CDN event, such as `CachedObjectsRefreshed`.", default=None, required=True),
        text("eventVersion", "Version", "Version of the event.", default=None, required=True),
        text("notes", "Notes", "What the trigger is for."),
        Field(
            name="filter",
            title="Filter",
            description="Which events count: lists of values by key, such as `domain`.",
            schema={
                "type": "object",
                "additionalProperties": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            },
            defaults=(Default(value={}),),
        ),
    ),
    "mns_topic": (
        text("filterTag", "Tag", "Only messages with this tag.", access=Access.CREATE_ONLY),
        text(
            "notifyContentFormat",
            "Format",
            "How a message arrives.",
            default="STREAM",
            enum=["STREAM", "JSON"],
            access=Access.CREATE_ONLY,
        ),
        text(
            "notifyStrategy",
            "Retries",
            "How a failed message is repeated.",
            default="BACKOFF_RETRY",
            enum=["BACKOFF_RETRY", "EXPONENTIAL_DECAY_RETRY"],
            access=Access.CREATE_ONLY,
        ),
    ),
    "rds": (
        strings(
            "subscriptionObjects", "Tables", "Tables that are followed.", required=True, order=Order.SET, minItems=1
        ),
        integer("retry", "Retries", "How often an event is repeated.", reset=Reset.NONE, minimum=0),
        integer("concurrency", "Concurrency", "Calls at the same time.", reset=Reset.NONE, minimum=1),
        _chosen("eventFormat", "Format", "The form of an event, such as `protobuf`."),
    ),
    "eventbridge": _EVENTBRIDGE,
}
"""Members of `triggerConfig` by trigger type."""

NO_SOURCE = frozenset({"timer", "http", "eventbridge"})
NO_ROLE = frozenset({"timer", "http"})

SOURCE_PATTERNS: Mapping[str, tuple[str, str]] = {
    "oss": ("acs:oss:", "acs:oss:{region}:{account}:{bucket}"),
    "log": ("acs:log:", "acs:log:{region}:{account}:project/{project}"),
    "tablestore": ("acs:ots:", "acs:ots:{region}:{account}:instance/{instance}/table/{table}"),
    "cdn_events": ("acs:cdn:", "acs:cdn:*:{account}"),
    "mns_topic": ("acs:mns:", "acs:mns:{region}:{account}:/topics/{topic}"),
    "rds": ("acs:rds:", "acs:rds:{region}:{account}:dbinstance/{instance}"),
}
"""By type: how a source ARN begins, and its whole form."""
