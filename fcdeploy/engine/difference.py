"""One resource on both sides, and what is to happen to it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from fcdeploy.diagnostics import Diagnostic
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.fields import Field
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Action, Address, ArchiveRef, Json, Live, Resource


class Difference(Struct, frozen=True, kw_only=True):
    """One resource on both sides: `body` is the canonical desired body, `fields` the top-level fields that differ.

    Both bodies have the mark in its field, as they travel. `after_beneath`: it comes after all that happens beneath.
    `reason` says why where it is not plain. `notes` are findings that belong to it; errors among them stop the plan. Of
    the next of a series, `newest` is the number that it comes after ("" for none), `against` the newest that
    it was compared with, and `content` what it is to freeze.
    """

    address: Address
    action: Action
    resource: Resource | None
    body: Mapping[str, Json]
    live: Live | None
    fields: tuple[Field, ...] = ()
    archive: ArchiveRef | None = None
    makes_room: bool = False
    after_beneath: bool = False
    reason: str = ""
    notes: tuple[Diagnostic, ...] = ()
    newest: str = ""
    against: Live | None = None
    content: Mapping[str, Mapping[str, Json]] | None = None

    @property
    def kind(self) -> Kind:
        """The table of this resource's kind."""
        return kind_of(self.address)
