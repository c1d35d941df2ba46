"""What the kinds share: names of rows, times, looking up a function and what of it is meant."""

import time
from dataclasses import replace

from fcdeploy.emulator.exchange import Json, Request
from fcdeploy.emulator.huawei.errors import (
    ALIAS_NOT_FOUND,
    BAD_PARAMETER,
    FUNCTION_NOT_FOUND,
    VERSION_NOT_FOUND,
)
from fcdeploy.emulator.huawei.urn import LATEST, Named
from fcdeploy.emulator.store import Row, Session, etag_of
from fcdeploy.emulator.times import to_utc_text

VERSIONS = ("v2",)

# Kinds of rows. Parent and name say where a row lives; "P/F" is a function's place.
FUNCTION = "fgs-function"  # parent P, name F: the working copy; "_tags", "_secrets", "_published" are kept beside it
VERSION = "fgs-version"  # parent P/F, name V
ALIAS = "fgs-alias"  # parent P/F, name A
TRIGGER = "fgs-trigger"  # parent P/F, name the trigger's id; "_qualifier" is what it stands on
DEPENDENCY = "fgs-dependency"  # parent "", name the dependency's name; body has dep_id and the last number
DEPENDENCY_VERSION = "fgs-dependency-version"  # parent dep_id, name number_name(N)
RESERVED = "fgs-reserved"  # parent P/F, name V or !A
ASYNC_CONFIG = "fgs-async-config"  # parent P/F, name V or !A
LOGS = "fgs-logs"  # parent "", name "": that the log service was enabled


def to_time_text(seconds: float) -> str:
    """Return ``2019-10-25 15:37:27``: one of the two shapes, the one that the SDK reads as a time (facts 3.4, 18)."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))


def new_row(request: Request, kind: str, parent: str, name: str, body: Json) -> Row:
    """Return a row for something made now."""
    now = to_utc_text(int(request.now))
    return Row(kind=kind, parent=parent, name=name, body=body, etag=etag_of(body), created=now, modified=now)


def changed_row(request: Request, row: Row, body: Json) -> Row:
    """Return the row after an update; ``last_modified`` has one second's resolution (facts 14)."""
    if "last_modified" in body:
        body = {**body, "last_modified": to_time_text(request.now)}
    return replace(row, body=body, etag=etag_of(body), modified=to_utc_text(int(request.now)))


def function_row(session: Session, named: Named) -> Row:
    """Return the working copy; raises FSS.1051."""
    row = session.get(FUNCTION, named.package, named.name)
    if row is None:
        raise FUNCTION_NOT_FOUND(named.name)
    return row


def meant(session: Session, named: Named) -> tuple[Row, Row]:
    """Return the working copy, and the row that the qualifier means: itself, or a published version."""
    row = function_row(session, named)
    version = named.version
    if named.alias is not None:
        version = str(alias_row(session, named, named.alias).body["version"])
    if version == LATEST:
        return row, row
    found = session.get(VERSION, named.place, version)
    if found is None:
        raise VERSION_NOT_FOUND(version)
    return row, found


def alias_row(session: Session, named: Named, alias: str) -> Row:
    """Return an alias; raises FSS.1053 (404, facts 18)."""
    row = session.get(ALIAS, named.place, alias)
    if row is None:
        raise ALIAS_NOT_FOUND(alias)
    return row


def number_of(request: Request, key: str, default: int, most: int) -> int:
    """Return a whole number of the query: absent, 0 and above ``most`` are ``most``-bounded defaults (facts 12)."""
    text = request.one(key)
    if text is None:
        return default
    try:
        number = int(text)
    except ValueError:
        raise BAD_PARAMETER(f"{key} = {text}") from None
    if number < 0:
        raise BAD_PARAMETER(f"{key} = {text}")
    return default if number == 0 or number > most else number


def page(request: Request, items: list[Json], *, key: str = "maxitems", most: int = 400) -> tuple[list[Json], int]:
    """Return the page that ``marker``, an offset, begins, and the marker of the next (facts 12)."""
    text = request.one("marker") or "0"
    if not (text.isascii() and text.isdigit()):
        raise BAD_PARAMETER(f"marker = {text}")
    start = int(text)
    shown = items[start : start + number_of(request, key, most, most)]
    return shown, start + len(shown)


def page_info(request: Request, items: list[Json], most: int) -> tuple[list[Json], Json]:
    """Return a page and its ``page_info``, as the lists of reserved instances have it (facts 8, 12)."""
    shown, following = page(request, items, key="limit", most=most)
    start = following - len(shown)
    return shown, {
        "next_marker": following,
        "previous_marker": max(0, start - number_of(request, "limit", most, most)),
        "current_count": len(shown),
    }
