"""Which series there are of what the service numbers, and what their own lists need to be asked for (S23)."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from fcdeploy.engine.canonical import said
from fcdeploy.engine.lists import ReadChecked, read_pages
from fcdeploy.errors import ReadFailed
from fcdeploy.kinds.conditions import holds
from fcdeploy.kinds.descriptor import Kind, Scope
from fcdeploy.model import Json


class Series(Struct, frozen=True, kw_only=True):
    """One series: what the service says of its newest (as `said` gives it), and the `given` names that paths to its
    members need."""

    newest: Mapping[str, Json]
    given: Mapping[str, str]


def needs_given(kind: Kind) -> bool:
    """Whether the list of a series cannot be asked for by the series' name alone."""
    return not kind.listing.operation.parts().isdisjoint(kind.given)


async def read_all_series(read: ReadChecked, kind: Kind, scope: Scope, *, name: str = "") -> dict[str, Series]:
    """Every series by its name; with `name` that one alone, if there is one. Raises ReadFailed."""
    numbering = kind.numbering
    assert numbering is not None and numbering.series is not None
    query = {numbering.by_name: name} if name and numbering.by_name else None
    items = await read_pages(read, numbering.series, {}, scope, kind.section, query)
    found: dict[str, Series] = {}
    for item in items:
        if not isinstance(item, Mapping):
            raise ReadFailed("the service's answer is not an object", resource=kind.section)
        called = str(item[numbering.called.get(kind.identity[0], kind.identity[0])])
        if (name and called != name) or (numbering.strangers and holds(numbering.strangers, item)):
            continue
        members = {part: item.get(numbering.called.get(part, part)) for part in kind.given}
        given = {part: str(value) for part, value in members.items() if value is not None}
        found[called] = Series(newest=said(kind, item), given=given)
    return found
