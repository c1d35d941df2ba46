"""Lists: limit, prefix, startKey and nextToken (facts 7.1)."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass

from fcdeploy.emulator.alibaba.errors import invalid_argument
from fcdeploy.emulator.errors import echo
from fcdeploy.emulator.exchange import Request
from fcdeploy.emulator.store import Row, Session

DEFAULT_LIMIT = 20
MOST = 100


@dataclass(frozen=True, slots=True)
class Page:
    """What a list call asks for. ``start`` is the first name that may appear."""

    limit: int
    prefix: str
    start: str


def limit_of(request: Request, default: int = DEFAULT_LIMIT, least: int = 1, most: int = MOST) -> int:
    """Return the limit; one out of range is InvalidArgument ([INF], the stricter reading of facts 16.10)."""
    text = request.one("limit")
    if text is None:
        return default
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
    if not least <= number <= most:
        raise invalid_argument(f"Limit is set to an invalid value (allowed: [{least}, {most}], actual: '{echo(text)}')")
    return number


def to_token(name: str) -> str:
    """Return the opaque token of a page that begins with ``name``."""
    return base64.urlsafe_b64encode(name.encode("utf-8", "replace")).decode().rstrip("=")


def from_token(token: str) -> str:
    """Return the name in a token of :func:`to_token`; InvalidArgument for any other text."""
    try:
        padded = token.encode("ascii") + b"=" * (-len(token) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise invalid_argument(f"NextToken is set to an invalid value (actual: '{echo(token)}')") from None


def page_of(request: Request) -> Page:
    """Return what the query asks for: nextToken wins over startKey, the prefix filters in any case (facts 7.1)."""
    token = request.one("nextToken")
    start = from_token(token) if token is not None else request.one("startKey") or ""
    return Page(limit_of(request), request.one("prefix") or "", start)


def list_page(
    session: Session, kind: str, parent: str, page: Page, keep: Callable[[Row], bool] | None = None
) -> tuple[list[Row], str | None]:
    """Return a page of rows, ascending bytewise by name, and the token of the next page, None at the end.

    ``keep`` filters; a page is filled up however many rows it rejects.
    """
    found: list[Row] = []
    start = page.start
    while True:
        rows = session.children(kind, parent, start=start, prefix=page.prefix, limit=page.limit + 1)
        found += [row for row in rows if keep is None or keep(row)]
        if len(found) > page.limit:
            return found[: page.limit], to_token(found[page.limit].name)
        if len(rows) <= page.limit:
            return found, None
        start = rows[-1].name + "\x00"


def with_token(body: dict[str, object], token: str | None) -> dict[str, object]:
    """Return the list body, with ``nextToken`` only when there is more (facts 7.1, "End": absent)."""
    return body if token is None else {**body, "nextToken": token}
