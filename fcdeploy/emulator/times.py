"""Points in time as the APIs write them."""

import calendar
import time
from functools import lru_cache


@lru_cache(maxsize=1024)
def to_utc_text(seconds: int) -> str:
    """Return ``2020-04-23T06:32:43Z`` (facts 3.4)."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def from_utc_text(text: str) -> int:
    """Return unix seconds of a text made by :func:`to_utc_text`; ValueError for another form."""
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


@lru_cache(maxsize=16)
def to_http_date(seconds: int) -> str:
    """Return an RFC 1123 date; independent of the locale."""
    moment = time.gmtime(seconds)
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[moment.tm_wday]
    month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[moment.tm_mon - 1]
    return f"{day}, {moment.tm_mday:02d} {month} {moment.tm_year} " + time.strftime("%H:%M:%S GMT", moment)


def later_text(now: float, before: str) -> str:
    """Return the time of an update: now, but strictly later than ``before`` (facts 3.4, lastModifiedTime)."""
    return to_utc_text(max(int(now), from_utc_text(before) + 1))
