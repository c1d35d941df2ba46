"""What a write is guarded by, by what its kind has (law 4). Pure."""

from __future__ import annotations

from fcdeploy.engine.snapshot import Site
from fcdeploy.kinds.descriptor import GuardStyle, Kind
from fcdeploy.model import Guard, IfMatch, JustCreated, Live, Recheck

OWN_ETAG = ""
"""In the guard of an undo: the ETag that the undone step was given, or the fingerprint of what it left; known only once
it is done."""

UNKNOWN_ETAG = ""
"""Of a resource that this run has written to, and somebody else perhaps as well: the next write looks for itself."""


def own_guard(kind: Kind, site: Site) -> Guard:
    """A write only to what this run itself left there."""
    return _guard(kind, OWN_ETAG, site)


def live_guard(kind: Kind, live: Live, site: Site) -> Guard:
    """A write only to what was read; raises ValueError where that was not read singly."""
    if kind.numbering is not None:
        return JustCreated()
    if live.etag is None:
        raise ValueError(f"{live.address} was not read singly, so there is nothing to guard its change")
    return _guard(kind, live.etag, site)


def _guard(kind: Kind, etag: str, site: Site) -> Guard:
    """A write only to what still has this ETag, or this fingerprint."""
    if kind.guard_in(site.scope.api) is GuardStyle.RECHECK:
        return Recheck(fingerprint=etag)
    return IfMatch(etag=etag)
