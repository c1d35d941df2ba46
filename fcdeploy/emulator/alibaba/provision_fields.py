"""What a provision config is made of: scheduled actions and tracking policies, and the texts of their errors."""

import re

from fcdeploy.emulator.alibaba.errors import invalid_argument
from fcdeploy.emulator.alibaba.fields import Number, Struct, Text, Whole
from fcdeploy.emulator.errors import echo
from fcdeploy.emulator.exchange import Json
from fcdeploy.emulator.times import from_utc_text

TARGET_MOST = 10_000  # facts 13
METRICS = ("ProvisionedConcurrencyUtilization",)

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_CRON = re.compile(r"cron\( *[0-9A-Za-z*?,/#\-]+( +[0-9A-Za-z*?,/#\-]+){5} *\)")
_AT = re.compile(r"at\((.*)\)")


def _is_utc(text: str) -> bool:
    if _TIME.fullmatch(text) is None:
        return False
    try:
        from_utc_text(text)
    except ValueError:  # 2020-13-40T99:00:00Z
        return False
    return True


class UtcTime:
    """A moment like ``2020-10-10T10:10:10Z``; the message is that of facts 6.3, "time"."""

    def read(self, value: object, label: str) -> str:
        """Return the text as it was sent."""
        text = Text().read(value, label)
        if not _is_utc(text):
            name = label.rpartition(".")[2]
            raise invalid_argument(
                f"The {name} is not in UTC time format (example: '2020-10-10T10:10:10Z', actual: '{echo(text)}')"
            )
        return text


class ScheduleExpression:
    """``at(moment)`` or ``cron(six fields)``; the message is that of facts 6.3, "expression"."""

    def read(self, value: object, label: str) -> str:
        """Return the text as it was sent."""
        text = Text().read(value, label)
        moment = _AT.fullmatch(text)
        if not (_CRON.fullmatch(text) if moment is None else _is_utc(moment[1])):
            raise invalid_argument(
                "The ScheduleExpression should be atTime or cron expression (example: ['at(2020-10-10T10:10:10Z)', "
                f"'cron(0 */30 * * * *)'], actual: '{echo(text)}')"
            )
        return text


def _check_times(body: Json, label: str) -> None:
    """Refuse a span that ends before it begins ([INF])."""
    start, end = body.get("startTime"), body.get("endTime")
    if isinstance(start, str) and isinstance(end, str) and start >= end:
        raise invalid_argument(f"{label}.StartTime should be before {label}.EndTime")


def _check_policy(body: Json, label: str) -> None:
    """Refuse bounds that cross and a target that nothing can reach ([INF])."""
    _check_times(body, label)
    least, most = body["minCapacity"], body["maxCapacity"]
    assert isinstance(least, int) and isinstance(most, int)
    if least > most:
        raise invalid_argument(f"{label}.MinCapacity should not exceed {label}.MaxCapacity")
    if body["metricTarget"] == 0:
        raise invalid_argument(f"{label}.MetricTarget is set to an invalid value (allowed: (0, 1], actual: '0')")


ACTION = Struct(
    {
        "name": Text(shortest=1),
        "startTime": UtcTime(),
        "endTime": UtcTime(),
        "target": Whole(least=0, most=TARGET_MOST),
        "scheduleExpression": ScheduleExpression(),
    },
    required=("name", "target", "scheduleExpression"),
    check=_check_times,
)

POLICY = Struct(
    {
        "name": Text(shortest=1),
        "startTime": UtcTime(),
        "endTime": UtcTime(),
        "metricType": Text(allowed=METRICS),
        "metricTarget": Number(least=0, most=1),
        "minCapacity": Whole(least=0, most=TARGET_MOST),
        "maxCapacity": Whole(least=0, most=TARGET_MOST),
    },
    required=("name", "metricType", "metricTarget", "minCapacity", "maxCapacity"),
    check=_check_policy,
)


def check_names(given: Json) -> None:
    """Refuse two entries of one list with the same name (facts 6.3, "duplicate"; for policies [INF])."""
    for field, word in (("scheduledActions", "action"), ("targetTrackingPolicies", "policy")):
        entries = given.get(field)
        seen: set[object] = set()
        for entry in entries if isinstance(entries, list) else ():
            name = entry["name"]
            if name in seen:
                raise invalid_argument(
                    f"Duplicate {word} name '{echo(name)}' in {field[0].upper()}{field[1:]} is not allowed"
                )
            seen.add(name)
