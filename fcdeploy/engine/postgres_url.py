"""The address of a shared journal: what is taken for one, and how it is shown. Pure.

A password may stand in it. So nothing here repeats a text that could not be read as an address.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from fcdeploy.errors import UsageError

SCHEMES = ("postgresql", "postgres")

_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[^\s\[\]:/@?#,]*)(?::\d{1,5})?")
_SECRET = ("password", "sslpassword")
_FORM = "write postgresql://USER@HOST:PORT/DATABASE?sslmode=verify-full, and give the password in PGPASSWORD"


def postgres_url(text: str) -> str:
    """The text, when it is the address of a PostgreSQL database. Raises UsageError, which does not repeat it."""
    parts = urlsplit(text)
    if parts.scheme not in SCHEMES or not text.startswith(f"{parts.scheme}://"):
        raise UsageError("--journal takes the address of a PostgreSQL database", hint=_FORM)
    before, found, hosts = parts.netloc.rpartition("@")
    # A password with a `/`, `@`, `?` or `#` of its own would make a part of it the host, and that is named in messages.
    if (
        re.search(r"[\s\x00]", text)
        or "@" in before
        or "@" in parts.path
        or parts.fragment
        or (found and not before)
        or not all(_HOST.fullmatch(host) for host in hosts.split(","))
    ):
        raise UsageError(
            "--journal is not a valid address",
            detail="it is not repeated here, since a password may stand in it",
            hint=f"{_FORM}; a password that stands in it has %40 for `@`, %2F for `/`, %3F for `?`, %23 for `#`",
        )
    return text


def shown_url(url: str) -> str:
    """The address as it may be printed: without a password."""
    parts = urlsplit(url)
    user, found, hosts = parts.netloc.rpartition("@")
    user = user.partition(":")[0]
    query = urlencode([pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in _SECRET])
    return f"{parts.scheme}://{user}{found}{hosts}{parts.path}{'?' if query else ''}{query}"


def passwords_in(url: str) -> tuple[str, ...]:
    """What must not be printed of an address, as it stands there and as it is meant."""
    parts = urlsplit(url)
    written = parts.netloc.rpartition("@")[0].partition(":")[2]
    given = [value for name, value in parse_qsl(parts.query) if name in _SECRET]
    return tuple(dict.fromkeys(one for one in (written, unquote(written), *given, *map(quote, given)) if one))
