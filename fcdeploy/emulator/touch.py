"""The *touch* fault: another writer changes the resource that a request is about (facts 6.2 is what must notice)."""

import contextlib
from collections.abc import Mapping
from dataclasses import replace

from fcdeploy.emulator.dialect import Dialect
from fcdeploy.emulator.errors import ApiError
from fcdeploy.emulator.exchange import Request
from fcdeploy.emulator.routes import Route
from fcdeploy.emulator.store import Row, Session, etag_of
from fcdeploy.emulator.times import later_text


def write_touch(request: Request, dialect: Dialect, route: Route, change: Mapping[str, object]) -> None:
    """Change, delete or (on a create) create the resource that ``request`` addresses, as somebody else would.

    A resource that is not there is left alone: the request meets what it would have met anyway.
    """
    if route.method == "POST":
        _call(request, route)
        return
    if not route.kind:
        return
    parent, name = dialect.address(request, route)
    with request.world.write(request.tenant) as session:
        if change.get("delete") is True:
            # Nobody can delete what holds something (facts 10), so the other writer emptied it first.
            session.delete_beneath(f"{parent}/{name}" if parent else name)
            if route.method != "DELETE":
                session.delete(route.kind, parent, name)
        else:
            _change(session, request, dialect, session.get(route.kind, parent, name), change)
    if change.get("delete") is True and route.method == "DELETE":
        # What else goes with it (a layer with its last version), the operation knows.
        _call(request, route)


def _call(request: Request, route: Route) -> None:
    """The other writer asks for the same; a refusal changes nothing."""
    with contextlib.suppress(ApiError):
        route.call(request)


def _change(
    session: Session, request: Request, dialect: Dialect, row: Row | None, change: Mapping[str, object]
) -> None:
    if row is None:
        return
    body = dict(row.body)
    wanted = change.get("set")
    if isinstance(wanted, Mapping):
        body.update(wanted)
    else:
        body["description"] = f"{body.get('description') or ''} (touched)".strip()
    modified = later_text(request.now, row.modified)
    body = dialect.touched(body, request.now, modified)
    session.put(replace(row, body=body, etag=etag_of(body), modified=modified))
