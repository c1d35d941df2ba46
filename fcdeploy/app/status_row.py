"""What `status` says of one live resource."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from fcdeploy.app.reports import StatusRow
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Json, Live


def status_row(live: Live) -> StatusRow:
    """A live resource in a line, and in the members that its kind reports."""
    kind = kind_of(live.address)
    # The mark of whose it is says nothing here.
    raw = {**live.raw, kind.mark_field: live.body.get(kind.mark_field)} if kind.mark_field else live.raw
    return StatusRow(
        address=live.address,
        modified=_modified(kind, live.raw),
        about=kind.about(raw) if kind.about is not None else "",
        reported={name: live.raw[name] for name in kind.reported if live.raw.get(name) is not None},
    )


def _modified(kind: Kind, raw: Mapping[str, Json]) -> str:
    """When it was last changed, as the service says it; seconds since the epoch are written out, in UTC."""
    found = next((raw[name] for name in kind.times if raw.get(name)), "")
    if isinstance(found, int):
        return datetime.fromtimestamp(found, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(found)
