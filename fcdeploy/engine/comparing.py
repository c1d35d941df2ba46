"""One resource on both sides by itself: what the file gives beside what is live, whatever becomes of others. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from fcdeploy.engine.canonical import desired_body
from fcdeploy.engine.diff import differing, forces_replacement
from fcdeploy.engine.difference import Difference
from fcdeploy.engine.ignoring import with_live
from fcdeploy.engine.lasting import lowered
from fcdeploy.engine.marks import as_travelling, marked
from fcdeploy.engine.ownership import mark_tags, says_itself
from fcdeploy.engine.pins import still_pinned
from fcdeploy.engine.sealing import ignoring_all, seal_tags, sealing_findings, unlike, with_unlike
from fcdeploy.engine.snapshot import Desired, Site
from fcdeploy.engine.wire import moved_values
from fcdeploy.kinds.descriptor import Kind, Marking
from fcdeploy.kinds.fields import Codec
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Action, Address, ArchiveRef, Json, Live, Mark, Resource


class Sides(Struct, frozen=True, kw_only=True):
    """All that the comparison of one resource depends on, but for where it is.

    `mark` is the one at the end of its description, None where it has none there. `archive` is the live code, where it
    was fetched; `same_code`: it has the same content as the file's although its checksum is another (S27).
    """

    resource: Resource
    live: Live | None
    mark: Mark | None
    archive: ArchiveRef | None = None
    same_code: bool = False

    def are(self, other: Sides) -> bool:
        """Whether they are the very values of others: to compare what is in them would be the work that is saved."""
        return (
            self.resource is other.resource
            and self.live is other.live
            and self.mark == other.mark
            and self.archive is other.archive
            and self.same_code == other.same_code
        )


class Comparing:
    """The comparisons of a target, each made once for the same two values and kept until one of them is another.

    So what has been read is compared while the rest is still being read, and a plan that is looked at again, with some
    resources read singly, compares those alone (S19).
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._made: dict[Address, tuple[Sides, Difference]] = {}
        self._wanted: Desired = {}
        self._external: frozenset[Address] = frozenset()

    def want(self, desired: Desired) -> None:
        """What the file wants, from when that is known."""
        self._wanted = desired
        self._external = frozenset(address for address, resource in desired.items() if resource.external)

    def see(self, lives: Mapping[Address, Live]) -> None:
        """Compare what has just been read with what is wanted there, as far as that says all by itself."""
        for address, live in lives.items():
            resource = self._wanted.get(address)
            if resource is None or resource.awaits or resource.absent or resource.external:
                continue
            if kind_of(address).numbering is None:
                mark = self._site.mark if says_itself(address, self._external) else None
                self.compared(Sides(resource=resource, live=live, mark=mark))

    def compared(self, sides: Sides) -> Difference:
        """What differs between the two."""
        made = self._made.get(sides.resource.address)
        if made is not None and made[0].are(sides):
            return made[1]
        found = _compared(sides, self._site)
        self._made[sides.resource.address] = (sides, found)
        return found


def _compared(sides: Sides, site: Site) -> Difference:
    address, live = sides.resource.address, sides.live
    kind = kind_of(address)
    resource = ignoring_all(sides.resource, kind)
    if live is not None and resource.ignore:
        resource = _with_live_values(resource, live, sides.archive)
    body = desired_body(kind, resource.body, site.scope.api)
    if live is not None and resource.ignore:
        # Once more, since a default may have taken a place of which the file says nothing.
        body = with_live(body, live.body, resource.ignore)
    if kind.marking is Marking.TAGS and kind.tags is not None:
        seals = seal_tags(resource, kind, body, live.body if live is not None else None, site.scope)
        body[kind.tags.field] = {**(body.get(kind.tags.field) or {}), **mark_tags(site.mark), **seals}
    body = marked(kind, body, sides.mark)
    notes = sealing_findings(resource, kind, body)
    if live is None:
        return Difference(address=address, action=Action.CREATE, resource=resource, body=body, live=None, notes=notes)
    # What the service itself moved counts once the file says what it is to be.
    moved = {name: value for name, value in moved_values(kind, live).items() if name in body and name not in live.body}
    body = still_pinned(kind, body, live)
    live = as_travelling(kind, replace(live, body={**live.body, **moved}) if moved else live)
    body |= lowered(kind, body, live.body)
    if sides.same_code:
        body = _with_live_code(kind, body, live.body)
    fields = with_unlike(kind, differing(kind, body, live.body, site.scope.api), unlike(kind, body, live.body))
    action = Action.NONE
    if fields:
        action = Action.UPDATE
        if any(forces_replacement(one, live.body.get(one.name), body.get(one.name)) for one in fields):
            action = Action.REPLACE
        noted = {kind.mark_field, kind.pin_field} & {one.name for one in fields}
        if noted:
            # Where the text is ignored it is the mark or the pin that is written, and that has to be so afterwards.
            resource = replace(resource, ignore=tuple(path for path in resource.ignore if path[0] not in noted))
    return Difference(
        address=address,
        action=action,
        resource=resource,
        body=body,
        live=live,
        fields=fields,
        archive=sides.archive,
        notes=notes,
    )


def _with_live_values(resource: Resource, live: Live, archive: ArchiveRef | None) -> Resource:
    """The resource as if the file gave what is live where it is to be ignored: defaults can depend on it."""
    archives = [one.name for one in kind_of(resource.address).fields if one.codec is Codec.ARCHIVE]
    kept = {name: {"zipFile": archive} for name in archives if archive is not None and (name,) in resource.ignore}
    return replace(
        resource,
        body=with_live(resource.body, live.body, resource.ignore),
        payloads={**resource.payloads, **kept},
    )


def _with_live_code(kind: Kind, body: dict[str, Json], live: Mapping[str, Json]) -> dict[str, Json]:
    """Equal content under another checksum is no change (S27)."""
    return {
        **body,
        **{one.name: live[one.name] for one in kind.fields if one.codec is Codec.ARCHIVE and one.name in live},
    }
