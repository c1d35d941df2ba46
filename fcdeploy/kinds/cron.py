"""Timer expressions of Function Compute: `@every 5m`, or six cron fields, seconds first (facts 9.3, S5)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS: tuple[tuple[str, int, int, Sequence[str], int], ...] = (
    ("seconds", 0, 59, (), 0),
    ("minutes", 0, 59, (), 0),
    ("hours", 0, 23, (), 0),
    ("day of month", 1, 31, (), 0),
    ("month", 1, 12, _MONTHS, 1),
    ("day of week", 0, 7, _DAYS, 0),
)
_DURATION = re.compile(r"^([0-9]+(\.[0-9]+)?(h|m|s))+$")
_TIME_ZONE = re.compile(r"^(CRON_TZ|TZ)=[A-Za-z][A-Za-z0-9_+/-]*$")


@lru_cache(maxsize=1024)
def cron_problem(expression: str) -> str | None:
    """What is wrong with a timer expression, or None. The text says which part and what is allowed there."""
    words = expression.split()
    if not words:
        return "the expression is empty"
    if words[0] == "@every":
        if len(words) != 2 or not _DURATION.match(words[1]):
            return "`@every` takes one duration such as `5m` or `1h30m`"
        if not re.search(r"[1-9]", words[1]):
            return "the interval of `@every` must be longer than 0"
        return None
    if words[0].startswith("@"):
        return f"`{words[0]}` is not known; only `@every DURATION` is"
    if "=" in words[0]:
        if not _TIME_ZONE.match(words[0]) or not _is_zone(words[0].partition("=")[2]):
            return f"`{words[0]}` is not a time zone such as `CRON_TZ=Asia/Shanghai`"
        words = words[1:]
    if len(words) != len(_FIELDS):
        known = "seconds minutes hours day-of-month month day-of-week"
        return f"has {len(words)} fields, needs 6: {known}"
    for word, (name, low, high, names, first) in zip(words, _FIELDS, strict=True):
        problem = _field_problem(word, low, high, names, first, question=name.startswith("day"))
        if problem:
            return f"{name}: {problem}"
    return _calendar_problem(words[3], words[4], words[5])


def _calendar_problem(day: str, month: str, weekday: str) -> str | None:
    """A day that none of the months has, such as 31 February; a day of week may still match (classic cron)."""
    if weekday not in ("*", "?") or not day.isdecimal() or month in ("*",) or not re.fullmatch(r"[A-Za-z0-9,]+", month):
        return None
    months = [_number(part, _MONTHS, 1) for part in month.split(",")]
    if all(number is not None and int(day) > _LONGEST[number - 1] for number in months):
        return f"day of month: there is no day {int(day)} in month {month}"
    return None


def _is_zone(name: str) -> bool:
    from zoneinfo import available_timezones

    known = available_timezones()
    # A machine without time zone files (a minimal container) knows none; then the service has the last word.
    return not known or name in known


def _field_problem(word: str, low: int, high: int, names: Sequence[str], first: int, *, question: bool) -> str | None:
    for part in word.split(","):
        span, slash, step = part.partition("/")
        if slash and not (step.isdecimal() and int(step) > 0):
            return f"`{part}` has a step that is not a positive number"
        if span == "?":
            if not question:
                return "`?` is allowed for day of month and day of week only"
            continue
        if span == "*":
            continue
        bounds = [_number(text, names, first) for text in span.split("-")]
        if len(bounds) > 2 or any(bound is None for bound in bounds):
            return f"`{part}` is not a number, a range or `*`"
        numbers = [bound for bound in bounds if bound is not None]
        if any(not low <= bound <= high for bound in numbers):
            return f"`{part}` is outside {low}-{high}"
        if len(numbers) == 2 and numbers[0] > numbers[1]:
            return f"`{part}` ends before it begins"
    return None


def _number(text: str, names: Sequence[str], first: int) -> int | None:
    if text.isdecimal() and text.isascii():
        return int(text)
    return names.index(text.upper()) + first if text.upper() in names else None
