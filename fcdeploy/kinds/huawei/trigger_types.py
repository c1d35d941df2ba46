"""What there is to say of each type of trigger: the members of `config`, and what they are called in a trigger's event
data. Facts 6.2, 6.3."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from msgspec import Struct

from fcdeploy.kinds.fields import Access, Field, Order, Reset, boolean, integer, strings, text

METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "ANY")
MOST_OPERATIONS = 100
_OBS_EVENTS = (
    *(f"s3:ObjectCreated:{one}" for one in ("*", "Put", "Post", "Copy", "CompleteMultipartUpload")),
    *(f"s3:ObjectRemoved:{one}" for one in ("*", "Delete", "DeleteMarkerCreated")),
)
_WRITTEN = "It cannot be read back: a new one travels with the next change of the trigger."


class TriggerType(Struct, frozen=True, kw_only=True, dict=True):
    """One type: its code in the API, its fields, and the member of the event data that each of them travels as.

    `named`: the member that holds the trigger's name, which tells it apart; of others that does `shown`, the field that
    says most to a reader, together with those of `beside`. `starts`: whether it is enabled at first; None: it cannot be
    disabled. `silent` are fields that are not sent where they are empty.
    """

    code: str
    fields: tuple[Field, ...]
    wire: Mapping[str, str]
    named: str = ""
    shown: str = ""
    beside: tuple[str, ...] = ()
    starts: bool | None = None
    silent: frozenset[str] = frozenset()

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """The members of the event data that nobody is to see, though some answers have them (facts 6.3)."""
        return tuple(self.wire[one.name] for one in self.fields if one.access is Access.WRITE_ONLY)


def _told(name: str, title: str, description: str, **rest: object) -> Field:
    """A text that must be given."""
    return text(name, title, description, default=None, required=True, minLength=1, **rest)


def _key(name: str, title: str, description: str, **rest: object) -> Field:
    """A text that tells the trigger apart from others: with another it is another trigger."""
    return _told(name, title, description, access=Access.CREATE_ONLY, **rest)


def _chosen(name: str, title: str, description: str, **rest: object) -> Field:
    """A text whose default the service chooses."""
    return text(name, title, description, default=None, reset=Reset.NONE, **rest)


def _secret(name: str, title: str, description: str, *, required: bool = False) -> Field:
    return text(
        name,
        title,
        f"{description} {_WRITTEN}",
        default=None,
        required=required,
        reset=Reset.NONE,
        access=Access.WRITE_ONLY,
        sensitive=True,
    )


def _batch(most: int, description: str = "How many messages a call gets at most.") -> Field:
    return integer("batchSize", "Batch", description, required=True, minimum=1, maximum=most)


def _enable(starts: bool) -> Field:
    behaves = "" if starts else "A new trigger of this type is disabled unless `enable: true` is written."
    return boolean("enable", "Enabled", "Whether events call the function.", default=starts, behaves=behaves)


def _ssl(description: str) -> Field:
    return boolean("sslEnable", "TLS", description, default=None, reset=Reset.NONE)


TIMER = TriggerType(
    code="TIMER",
    named="name",
    starts=True,
    fields=(
        _told(
            "cronExpression",
            "Schedule",
            "`@every 5m`, or six cron fields, seconds first; `CRON_TZ=Zone` before them.",
            behaves="Without `CRON_TZ=Zone` before it, it counts in the time zone of the region.",
        ),
        text(
            "payload",
            "Payload",
            "Text that each call gets.",
            behaves="The function gets it as `user_event` of an object that has also `time` and `trigger_name`.",
        ),
        _enable(True),
    ),
    # The words differ by more than their names: trigger_travel has it.
    wire={"payload": "user_event"},
)

HTTP = TriggerType(
    code="APIG",
    named="name",
    fields=(
        text(
            "authType",
            "Authentication",
            "anonymous: everybody may call; function: calls are signed with keys of IAM; app: with those of an app.",
            default=None,
            required=True,
            enum=["anonymous", "function", "app"],
            behaves="`function` asks for a signature of the account's own users, which API Gateway checks.",
        ),
        strings(
            "methods",
            "Methods",
            "The HTTP method that is accepted: one, or `ANY` for all.",
            required=True,
            order=Order.SET,
            minItems=1,
            uniqueItems=True,
            item={"enum": [*METHODS]},
            behaves="API Gateway hands the function an event with `httpMethod`, `path`, `headers` and a Base64 `body`; "
            "the function must answer an object with `statusCode`, `headers`, `body` and `isBase64Encoded`.",
        ),
    ),
    wire={},
)

TYPES: Mapping[str, TriggerType] = {
    "timer": TIMER,
    "http": HTTP,
    "obs": TriggerType(
        code="OBS",
        shown="bucket",
        beside=("prefix", "suffix"),
        silent=frozenset({"prefix", "suffix"}),
        fields=(
            _key("bucket", "Bucket", "Name of the bucket.", maxLength=64),
            strings(
                "events",
                "Events",
                "Which events of the bucket call the function.",
                required=True,
                order=Order.SET,
                minItems=1,
                uniqueItems=True,
                item={"enum": [*_OBS_EVENTS]},
            ),
            text("prefix", "Prefix", "How an object's name begins.", access=Access.CREATE_ONLY, maxLength=1024),
            text("suffix", "Suffix", "How an object's name ends.", access=Access.CREATE_ONLY, maxLength=1024),
        ),
        wire={"bucket": "bucket", "events": "events", "prefix": "prefix", "suffix": "suffix"},
    ),
    "smn": TriggerType(
        code="SMN",
        shown="topicUrn",
        fields=(_key("topicUrn", "Topic", "URN of the topic.", maxLength=255),),
        wire={"topicUrn": "topic_urn"},
    ),
    "dis": TriggerType(
        code="DIS",
        shown="streamName",
        fields=(
            _key("streamName", "Stream", "Name of the stream."),
            _told("shardIteratorType", "Start", "Where reading begins.", enum=["TRIM_HORIZON", "LATEST"]),
            _batch(10000),
            integer("pollingInterval", "Interval", "Time between two calls.", required=True, minimum=2, maximum=60000),
            _told("pollingUnit", "Unit", "Of the interval: seconds or milliseconds.", enum=["s", "ms"]),
            boolean("isSerial", "In turn", "Whether a call waits for the one before it.", default=None, required=True),
            integer(
                "maxFetchBytes",
                "Bytes",
                "How much is fetched at once.",
                reset=Reset.NONE,
                minimum=1024,
                maximum=4194304,
            ),
        ),
        wire={
            "streamName": "stream_name",
            "shardIteratorType": "sharditerator_type",
            "batchSize": "batch_size",
            "pollingInterval": "polling_interval",
            "pollingUnit": "polling_unit",
            "isSerial": "is_serial",
            "maxFetchBytes": "max_fetch_bytes",
        },
    ),
    "lts": TriggerType(
        code="LTS",
        shown="logTopicId",
        beside=("logGroupId",),
        starts=True,
        fields=(
            _key("logGroupId", "Log group", "Id of the log group."),
            _key("logTopicId", "Log stream", "Id of the log stream."),
            _enable(True),
        ),
        wire={"logGroupId": "log_group_id", "logTopicId": "log_topic_id"},
    ),
    "cts": TriggerType(
        code="CTS",
        named="name",
        fields=(
            strings(
                "operations",
                "Operations",
                "What is followed, each as `service:resource;resource:operation;operation`.",
                required=True,
                order=Order.SET,
                minItems=1,
                maxItems=MOST_OPERATIONS,
                uniqueItems=True,
                item={"pattern": r"^[^:]+:[^:]*:[^:]*$"},
            ),
        ),
        wire={"operations": "operations"},
    ),
    "dms": TriggerType(
        code="DMS",
        shown="queueId",
        starts=True,
        fields=(
            _key("queueId", "Queue", "Id of the queue."),
            _told("consumerGroupId", "Consumer group", "Id of the consumer group."),
            integer("pollingInterval", "Interval", "Seconds between two calls.", required=True, minimum=1),
            _enable(True),
        ),
        wire={"queueId": "queue_id", "consumerGroupId": "consumer_group_id", "pollingInterval": "polling_interval"},
    ),
    "kafka": TriggerType(
        code="KAFKA",
        shown="topicIds",
        beside=("instanceId",),
        starts=False,
        fields=(
            _key("instanceId", "Instance", "Id of the Kafka instance; the function must stand in its network."),
            strings(
                "topicIds",
                "Topics",
                "Ids of the topics that are read.",
                required=True,
                access=Access.CREATE_ONLY,
                order=Order.SET,
                minItems=1,
                uniqueItems=True,
            ),
            _batch(1000),
            _chosen("user", "User", "Name of the instance's user."),
            _secret("password", "Password", "The user's password."),
            _chosen("connectAddress", "Address", "Where the instance is reached."),
            _ssl("Whether the connection is encrypted."),
            _enable(False),
        ),
        wire={
            "instanceId": "instance_id",
            "topicIds": "topic_ids",
            "batchSize": "batch_size",
            "user": "kafka_user",
            "password": "kafka_password",
            "connectAddress": "kafka_connect_address",
            "sslEnable": "kafka_ssl_enable",
        },
    ),
    "dds": TriggerType(
        code="DDS",
        shown="collectionName",
        beside=("instanceId", "dbName"),
        starts=False,
        fields=(
            _key("instanceId", "Instance", "Id of the database instance; the function must stand in its network."),
            _key("dbName", "Database", "Name of the database."),
            _key("collectionName", "Collection", "Name of the collection."),
            _secret("dbPassword", "Password", "The database's password.", required=True),
            _batch(10000, "How many events a call gets at most."),
            _enable(False),
        ),
        wire={
            "instanceId": "instance_id",
            "dbName": "db_name",
            "collectionName": "collection_name",
            "dbPassword": "db_password",
            "batchSize": "batch_size",
        },
    ),
    "rabbitmq": TriggerType(
        code="RABBITMQ",
        shown="exchangeName",
        beside=("instanceId",),
        fields=(
            _key("instanceId", "Instance", "Id of the RabbitMQ instance; the function must stand in its network."),
            _key("exchangeName", "Exchange", "Name of the exchange."),
            _batch(1000),
            _chosen("user", "User", "Name of the instance's user."),
            _secret("password", "Password", "The user's password.", required=True),
            _chosen("vhost", "Virtual host", "Name of the virtual host."),
            _chosen("connectAddress", "Address", "Where the instance is reached."),
            _ssl("Whether the connection is encrypted."),
        ),
        wire={
            "instanceId": "instance_id",
            "exchangeName": "exchange_name",
            "batchSize": "batch_size",
            "user": "access_user",
            "password": "access_password",
            "vhost": "vhost",
            "connectAddress": "connect_address",
            "sslEnable": "ssl_enable",
        },
    ),
    "rocketmq": TriggerType(
        code="ROCKETMQ",
        shown="instanceId",
        fields=(
            _key("instanceId", "Instance", "Id of the RocketMQ instance; the function must stand in its network."),
            integer("batchSize", "Batch", "How many messages a call gets at most.", reset=Reset.NONE, minimum=1),
            boolean(
                "enableAcl", "Access control", "Whether the instance asks who reads.", default=None, reset=Reset.NONE
            ),
            _chosen("accessKey", "Access key", "Name under which the trigger reads.", sensitive=True),
            _secret("secretKey", "Secret key", "The key that goes with the name."),
        ),
        wire={
            "instanceId": "instance_id",
            "batchSize": "batch_size",
            "enableAcl": "enable_acl",
            "accessKey": "access_key",
            "secretKey": "secret_key",
        },
    ),
    "eventgrid": TriggerType(
        code="EVENTGRID",
        named="trigger_name",
        fields=(
            _told("channelId", "Channel", "Id of the event channel."),
            _chosen("channelName", "Channel's name", "Name of the event channel."),
            _told("sourceName", "Source", "Name of the event source, such as `HC.OBS.DWR`."),
            _told("agency", "Agency", "The agency with which events are delivered."),
            _chosen("bucket", "Bucket", "Name of the bucket, where the source is one."),
            strings(
                "eventTypes",
                "Event types",
                "Which events call the function.",
                defaults=(),
                reset=Reset.NONE,
                order=Order.SET,
                minItems=1,
                uniqueItems=True,
            ),
            boolean(
                "keyEncode", "Encoded keys", "Whether names of objects are encoded.", default=None, reset=Reset.NONE
            ),
        ),
        wire={
            "channelId": "channel_id",
            "channelName": "channel_name",
            "sourceName": "source_name",
            "agency": "agency",
            "bucket": "bucket",
            "eventTypes": "event_types",
            "keyEncode": "Key_encode",
        },
    ),
}
"""Every type by the file's word for it. OPENSOURCEKAFKA is not: no more of it is known than its name (facts 6.2)."""

VARIANTS: Mapping[str, tuple[Field, ...]] = {name: one.fields for name, one in TYPES.items()}
"""Members of `config` by type."""

DEDICATED = "DEDICATEDGATEWAY"
"""The code of a type http whose gateway is the account's own."""

BY_CODE: Mapping[str, str] = {**{one.code: name for name, one in TYPES.items()}, DEDICATED: "http"}
"""The file's word for each code of the API."""
