"""The steps of one change: calls with their guards, what they promise and what takes them back. Pure."""

from __future__ import annotations

from functools import lru_cache

from msgspec.structs import replace

from fcdeploy.engine.create_steps import create_steps, recreation
from fcdeploy.engine.difference import Difference as Difference
from fcdeploy.engine.groups import BODY
from fcdeploy.engine.guards import OWN_ETAG as OWN_ETAG
from fcdeploy.engine.guards import live_guard
from fcdeploy.engine.snapshot import Site
from fcdeploy.engine.threeway import is_sensitive
from fcdeploy.engine.update_steps import update_steps
from fcdeploy.engine.wire import plain_call
from fcdeploy.kinds.registry import KINDS
from fcdeploy.model import Action, Step

UNDO = "undo "
"""How the id of every undo step begins."""


def steps_of(difference: Difference, site: Site) -> tuple[Step, ...]:
    """The steps of one difference in their order; `needs` names only steps of the same difference."""
    if difference.action is Action.NONE:
        return ()
    resource, address = difference.resource, difference.address
    plain = _plain_paths(address.provider, address.kind, resource.literal if resource is not None else frozenset())
    ignored = resource.ignore if resource is not None else ()
    if not plain and not ignored:
        return _bare_steps_of(difference, site)
    return tuple(
        [
            replace(
                step,
                literal=plain,
                ignored=() if step.action is Action.DELETE else ignored,
                undo=tuple(
                    [
                        replace(undo, literal=plain, ignored=ignored if _spares(undo, difference) else ())
                        for undo in step.undo
                    ]
                ),
            )
            for step in _bare_steps_of(difference, site)
        ]
    )


def _spares(undo: Step, difference: Difference) -> bool:
    """Whether an undo may find anything at the ignored paths: not where it deletes what is then made again, as it was
    when the plan was made; another value there would be lost."""
    return undo.action is not Action.DELETE or difference.action is Action.CREATE


@lru_cache(maxsize=1024)  # most resources of a kind give the same fields
def _plain_paths(provider: str, name: str, literal: frozenset[str]) -> frozenset[str]:
    """Sensitive fields that the file gives as plain literals: a conflict may name their live values (S42)."""
    return frozenset(path for path in literal if is_sensitive(KINDS[(provider, name)], path))


def _bare_steps_of(difference: Difference, site: Site) -> tuple[Step, ...]:
    match difference.action:
        case Action.CREATE:
            return create_steps(difference, site)
        case Action.UPDATE:
            return update_steps(difference, site)
        case Action.DELETE:
            return (_delete(difference, site, last=not difference.makes_room),)
        case Action.REPLACE:
            gone = _delete(difference, site, last=False)
            made = create_steps(difference, site)
            return (gone, replace(made[0], needs=made[0].needs | {gone.id}), *made[1:])
        case Action.NONE:
            return ()


def _delete(difference: Difference, site: Site, *, last: bool) -> Step:
    kind, address, live = difference.kind, difference.address, difference.live
    assert live is not None
    return Step(
        id=f"delete {address}",
        address=address,
        action=Action.DELETE,
        group=BODY,
        call=plain_call(kind.delete, kind, address.identity, site.scope, address.short, raw=live.raw),
        guard=live_guard(kind, live, site),
        before=dict(live.body),
        after=None,
        last=last,
        undo=recreation(difference, site),
    )
