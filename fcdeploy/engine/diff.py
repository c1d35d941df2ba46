"""What differs between desired and live, field by field, with the line that says so. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec import Struct

from fcdeploy.diagnostics import Span, nearest_span
from fcdeploy.engine.canonical import agrees, visible
from fcdeploy.engine.redact import HIDDEN, has_secret, shown
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.fields import Access, Codec, Field, Reset
from fcdeploy.model import PLAIN, FieldChange, Json, Resource


def differing(kind: Kind, desired: Mapping[str, Json], live: Mapping[str, Json], api: str) -> tuple[Field, ...]:
    """The top-level fields on which the two canonical bodies disagree.

    A field that `desired` does not have is the service's to choose and never differs; a WRITE_ONLY one cannot be seen.
    One with variants is given as the one that both bodies are of.
    """
    # Most values are equal, and plain or empty: only of the others the tables are asked.
    unlike = [
        name
        for name, value in desired.items()
        if type(other := live.get(name)) is not type(value) or other != value or (value and type(value) not in PLAIN)
    ]
    of = kind.field_of
    differ = {name for name in unlike if not agrees(of[name], desired[name], live.get(name))}
    if not differ:
        return ()
    return tuple(
        one.chosen(desired) if one.chosen(desired) is one.chosen(live) else one
        for one in kind.writable(api)
        if one.name in differ and one.access is not Access.WRITE_ONLY
    )


def field_changes(
    fields: tuple[Field, ...],
    desired: Mapping[str, Json],
    live: Mapping[str, Json],
    resource: Resource,
    notes: Mapping[str, str] | None = None,
) -> tuple[FieldChange, ...]:
    """The differences as a person reads them: one entry a member or map key, values redacted (S42).

    `notes` adds an explanation by field name, such as the files that differ in an archive.
    """
    return tuple(leaf.change for leaf in leaf_changes(fields, desired, live, resource, notes))


class Leaf(Struct, frozen=True, kw_only=True):
    """A smallest member that differs: its path and both values as they are, secrets included; `change` is for people.

    `given` says whether the file itself names it.
    """

    path: tuple[str, ...]
    before: Json
    after: Json
    given: bool
    change: FieldChange


def leaf_changes(
    fields: tuple[Field, ...],
    desired: Mapping[str, Json],
    live: Mapping[str, Json],
    resource: Resource,
    notes: Mapping[str, str] | None = None,
) -> Iterator[Leaf]:
    """`field_changes` with the values that they were made from, for the engine's own eyes."""
    for one in fields:
        yield from _changes(one, desired.get(one.name), live.get(one.name), resource, (notes or {}).get(one.name))


def created_fields(kind: Kind, resource: Resource, body: Mapping[str, Json]) -> tuple[FieldChange, ...]:
    """What a create sets because the file says so, and the mark; defaults are not listed."""
    given = {name: value for name, value in resource.body.items() if value is not None and name not in kind.planning}
    if kind.mark_field and body.get(kind.mark_field):
        given[kind.mark_field] = body[kind.mark_field]
    if kind.tags is not None:
        given[kind.tags.field] = body.get(kind.tags.field)
    return tuple(
        [
            FieldChange(path=path, before=None, after=shown(value) if hidden else value, after_hidden=hidden)
            for path, value, hidden in _lines(given)
        ]
    )


def returning_fields(
    kind: Kind, before: Mapping[str, Json], after: Mapping[str, Json], literal: Collection[str]
) -> tuple[FieldChange, ...]:
    """What a step of a way back puts back, from what was there before it to what is there after it, values redacted.

    No file says which of these values are secrets: one that was hidden on either side is hidden on both, and so is
    every value of a sensitive field but those of the paths in `literal` (S42). Defaults are not listed.
    """
    return tuple(_returning_fields(kind, before, after, literal))


def _returning_fields(
    kind: Kind, before: Mapping[str, Json], after: Mapping[str, Json], literal: Collection[str]
) -> Iterator[FieldChange]:
    for name, new in after.items():
        field, old = kind.field(name).chosen({**before, **after}), before.get(name)
        default = field.default(after)
        if agrees(field, new, old) or (old is None and default is not None and new == default.value):
            continue
        # A map that comes back whole is one line a key, so that what is no secret can be seen.
        whole = isinstance(new, Mapping) and field.codec is not Codec.ARCHIVE
        for path, was, now in _leaves(field, {} if old is None and whole else old, new):
            dotted = ".".join(path)
            hide = (dotted not in literal and field.hides(path[1:])) or (has_secret(was) or has_secret(now))
            yield FieldChange(
                path=dotted,
                before=HIDDEN if hide and was is not None else shown(was),
                after=HIDDEN if hide and now is not None else shown(now),
                before_hidden=hide and was is not None,
                after_hidden=hide and now is not None,
            )


def _lines(given: Mapping[str, Json]) -> Iterator[tuple[str, Json, bool]]:
    """One line a field, and whether there is a secret in it; a map with one takes a line a key, so that what is no
    secret can be seen."""
    for name, value in given.items():
        hidden = type(value) not in PLAIN and has_secret(value)
        if hidden and isinstance(value, Mapping):
            yield from _lines({f"{name}.{key}": item for key, item in value.items()})
        else:
            yield name, value, hidden


def forces_replacement(field: Field, before: Json, after: Json) -> bool:
    """Whether this difference cannot be written to the living resource."""
    if field.access is Access.CREATE_ONLY:
        return True
    if field.reset is Reset.RECREATE and after is None and before is not None:
        return True
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return any(
            forces_replacement(member, before.get(member.name), after.get(member.name))
            for member in (*field.fields, *(one for members in field.variants.values() for one in members))
            if member.name in after and before.get(member.name) != after.get(member.name)
        )
    return False


def _changes(field: Field, after: Json, before: Json, resource: Resource, note: str | None) -> Iterator[Leaf]:
    replaces = forces_replacement(field, before, after)
    for path, old, new in _leaves(field, before, after):
        dotted = ".".join(path)
        hidden = field.hides(path[1:])
        before_hidden = old is not None and ((hidden and dotted not in resource.literal) or has_secret(new))
        after_hidden = has_secret(new)
        given = is_given(path, resource.body)
        change = FieldChange(
            path=dotted,
            before=HIDDEN if before_hidden else shown(old),
            after=shown(new),
            before_hidden=before_hidden,
            after_hidden=after_hidden,
            forces_replacement=replaces,
            note=note or _unseen(field, before, after) or ("" if old is None or given else "not in the file"),
            span=place_in(resource, dotted),
        )
        yield Leaf(path=path, before=old, after=new, given=given, change=change)


def _unseen(field: Field, before: Json, after: Json) -> str:
    """What travels with a change although nobody can say whether it differs (S22)."""
    if before is None or not isinstance(after, Mapping):
        return ""
    names = [one.name for one in field.every_member.values() if one.access is Access.WRITE_ONLY]
    return f"{' and '.join(names)}, which cannot be read, goes with it" if names else ""


def _leaves(field: Field, before: Json, after: Json) -> Iterator[tuple[tuple[str, ...], Json, Json]]:
    """(path, before, after) of the smallest members that differ; a list is one leaf."""
    if field.has_write_only and before is None and isinstance(after, Mapping):
        before = {}  # one line a key, so that what is no secret can be seen
    elif field.has_write_only and not field.digest_tag:
        after = visible(field, after)
    both = isinstance(before, Mapping) and isinstance(after, Mapping)
    if not both or field.codec is Codec.ARCHIVE:
        yield (field.name,), before, after
        return
    from deepdiff import DeepDiff  # late: 0.14 s, and most runs differ nowhere

    seen: set[tuple[str, ...]] = set()
    for group in DeepDiff(dict(before), dict(after), view="tree", threshold_to_diff_deeper=0).values():
        for item in group:
            path: list[str] = []
            for part in item.path(output_format="list"):
                if not isinstance(part, str):
                    break
                path.append(part)
            key = tuple(path)
            if key in seen or _unmanaged(field, key, after) or _is_same_text(_get(before, key), _get(after, key)):
                continue
            seen.add(key)
    # The library goes through sets, whose order differs from process to process; the same input gives the same bytes.
    for key in sorted(seen):
        yield (field.name, *key), _get(before, key), _get(after, key)


def _is_same_text(before: Json, after: Json) -> bool:
    """Whether both are one text; a secret that is live already is another type, but no other value."""
    return isinstance(before, str) and isinstance(after, str) and before == after


def _unmanaged(field: Field, path: tuple[str, ...], after: Json) -> bool:
    """Whether only live has this member, and it is the service's to choose."""
    for part in path:
        known = field.every_member
        if part not in known:
            return False
        if not isinstance(after, Mapping) or part not in after:
            return True
        after, field = after[part], known[part]
    return False


def is_given(path: Sequence[str], body: Mapping[str, Json]) -> bool:
    """Whether the file itself says something about this member; what stands in a list is part of the list."""
    value: Json = body
    for part in path:
        if not isinstance(value, Mapping):
            return True
        if value.get(part) is None:
            return False
        value = value[part]
    return True


def _get(value: Json, path: tuple[str, ...]) -> Json:
    for part in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def place_in(resource: Resource, dotted: str) -> Span | None:
    """The line of the nearest member that the file names."""
    return nearest_span(resource.spans, dotted, resource.span)
