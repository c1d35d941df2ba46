"""Live resources in the words of a spec: the way back from `spec.expand`. Pure.

Whoever prints live resources as lines for the file does it through here: `import`, and a refused adoption with what
would keep a resource (S12).

spec_tree(bodies)            sections, names and bodies as they nest in a file
spec_body(address, body)     one resource's own fields

Documented defaults are left out (S16), and so are marks (S10) and what the service calls "not set". `show` says how a
value appears; the default hides secrets and names no code folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from msgspec import Struct

from fcdeploy.engine.calling import Path, calling
from fcdeploy.engine.ownership import MARK_PROJECT, MARK_TARGET
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.fields import Access, Codec, Field
from fcdeploy.kinds.registry import KINDS, kind_of, parent_of
from fcdeploy.model import Address, Json


class Spot(Struct, frozen=True, kw_only=True):
    """Where a value stands: the resource, the words of the file below it, the nearest field.

    `hidden`: this field or one above it is sensitive (S42).
    """

    address: Address
    path: tuple[str, ...]
    field: Field
    hidden: bool


Show: TypeAlias = Callable[[Spot, Json], Json]
"""(where, canonical value) -> what the file says there; None leaves it out.

Asked for every scalar and for every code archive, and, with None for the value, for what the service takes but never
tells (WRITE_ONLY, and members of what only a digest tells of) and cannot do without.
"""


def concealed(spot: Spot, value: Json) -> Json:
    """Values for eyes that may see no secret; a placeholder stands for code."""
    if spot.field.codec is Codec.ARCHIVE:
        return "(the folder that holds its code)"
    return "(sensitive)" if spot.hidden and value != "" else value


def spec_tree(bodies: Mapping[Address, Mapping[str, Json]], show: Show = concealed) -> dict[str, Json]:
    """Canonical bodies as a file nests them; a resource whose parent is not among them stands at the top.

    Sections are in the order of the registry, names in their own. A body that may stand alone does where it is the
    only one, and a kind without fields is a list of names. What the service numbered beneath something is left out: a
    file says what the next one is to be, and none goes for not being in it (S32). At the top a number stands for its
    series. What no file could say beside the others is left out (see `calling`).
    """
    order = {key: at for at, key in enumerate(KINDS)}
    written = {
        address: body
        for address, body in bodies.items()
        if kind_of(address).numbering is None or parent_of(address) is None
    }
    places = calling(written)
    own: dict[Path, dict[str, Json]] = {}
    kinds: dict[Path, Kind] = {}
    beneath: dict[Path, dict[Path, None]] = {}
    for address in sorted(places, key=lambda one: (order[(one.provider, one.kind)], one)):
        kind, called = kind_of(address), places[address]
        naming = {kind.provider: dict(called.naming)} if called.naming else {}
        own[called.path] = {**naming, **spec_body(address, written[address], show)}
        kinds[called.path] = kind
        for depth in range(len(called.path)):
            beneath.setdefault(called.path[:depth], {})[called.path[: depth + 1]] = None

    def sections(above: Path) -> dict[str, Json]:
        by_section: dict[str, list[Path]] = {}
        for path in beneath.get(above, ()):
            by_section.setdefault(path[-1][0], []).append(path)
        return {
            section: _section(
                kinds.get(paths[0]), ((path[-1][1], {**own.get(path, {}), **sections(path)}) for path in paths)
            )
            for section, paths in by_section.items()
        }

    return sections(())


def spec_body(address: Address, body: Mapping[str, Json], show: Show = concealed) -> dict[str, Json]:
    """A canonical body under the file's names, without what is the case anyway."""
    kind = kind_of(address)
    made = _Writer(address, body, show).members(kind.fields, body, (), hidden=False)
    if kind.tags is not None:
        word = kind.field(kind.tags.field).spec_name
        tags = made.get(word)
        if isinstance(tags, dict):
            ours = {MARK_PROJECT, MARK_TARGET, *(one.digest_tag for one in kind.fields)}
            made[word] = {key: value for key, value in tags.items() if key not in ours}
            if not made[word]:
                del made[word]
    return made


def _section(kind: Kind | None, named: Iterable[tuple[str, dict[str, Json]]]) -> Json:
    """What stands under the key of a section; without a kind they are groups, of which a file says more than names."""
    found = dict(named)
    if kind is None:
        return found
    if not kind.fields and not any(found.values()):
        return list(found)
    if kind.alone and list(found) == [kind.alone]:
        return found[kind.alone]
    return found


class _Writer:
    """Writes the values of one resource."""

    def __init__(self, address: Address, whole: Mapping[str, Json], show: Show) -> None:
        self._address = address
        self._whole = whole
        self._show = show

    def members(
        self, fields: Iterable[Field], value: Mapping[str, Json], path: tuple[str, ...], *, hidden: bool
    ) -> dict[str, Json]:
        made: dict[str, Json] = {}
        for one in fields:
            here, secret = (*path, one.spec_name), hidden or one.sensitive
            if one.access is Access.WRITE_ONLY and one.required:
                shown = self._show(self._spot(here, one, secret), None)
            elif one.name not in value or self._goes_without_saying(one, value[one.name]):
                continue
            else:
                shown = self._value(one, value[one.name], here, hidden=secret)
            if shown is not None:
                made[one.spec_name] = shown
        return made

    def _goes_without_saying(self, field: Field, value: Json) -> bool:
        if value is None:
            return True
        default = field.default(self._whole)
        if default is not None and default.value is None and not default.compared:
            return True  # what is there is the service's own
        if (
            default is not None
            and default.value == value
            and isinstance(default.value, bool) == isinstance(value, bool)
        ):
            return True
        # "Not set", where nobody would set it back.
        return not field.required and (default is None or not default.compared) and value in ("", [], {})

    def _value(self, field: Field, value: Json, path: tuple[str, ...], *, hidden: bool) -> Json:
        if field.codec is Codec.ARCHIVE:
            return self._show(self._spot(path, field, hidden), value)
        if isinstance(value, Mapping):
            if field.digest_tag:
                # The service tells the keys alone.
                return {key: self._show(self._spot((*path, key), field, hidden), None) for key in value}
            members = field.members(self._whole)
            if members:
                return self.members(members, value, path, hidden=hidden)
        return self._free(field, value, path, hidden=hidden)

    def _free(self, field: Field, value: Json, path: tuple[str, ...], *, hidden: bool) -> Json:
        """A list, a map of any keys, or a scalar."""
        if isinstance(value, Mapping):
            return {key: self._free(field, item, (*path, key), hidden=hidden) for key, item in value.items()}
        if isinstance(value, list):
            one = field.item
            return [
                self._value(one, item, (*path, str(index)), hidden=hidden or one.sensitive)
                if one is not None
                else self._free(field, item, (*path, str(index)), hidden=hidden)
                for index, item in enumerate(value)
            ]
        return self._show(self._spot(path, field, hidden), value)

    def _spot(self, path: tuple[str, ...], field: Field, hidden: bool) -> Spot:
        return Spot(address=self._address, path=path, field=field, hidden=hidden)
