"""Three bodies: as the plan saw it, as we want it, as it is now (S20, S21). Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from fcdeploy.engine.canonical import agrees, compact, covers, visible
from fcdeploy.engine.ignoring import Ignored, among, is_ignored
from fcdeploy.engine.redact import HIDDEN, has_secret, shown
from fcdeploy.kinds.conditions import value_at
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.fields import Field
from fcdeploy.model import Json, checksum_text


def unfulfilled(
    kind: Kind, after: Mapping[str, Json], live: Mapping[str, Json], ignored: Ignored = ()
) -> tuple[str, ...]:
    """The top-level fields of the promise that live does not keep; what is ignored is no part of it (S17)."""
    promise = among(after, live, ignored)
    return tuple(name for name, value in promise.items() if not agrees(kind.field(name), value, live.get(name)))


def touched(
    kind: Kind, before: Mapping[str, Json], after: Mapping[str, Json], live: Mapping[str, Json]
) -> tuple[tuple[str, Json, Json], ...]:
    """(path, as planned from, as it is now) of what the step writes and somebody changed: wire fields or map keys."""
    return tuple(
        difference
        for name, wanted in after.items()
        for difference in (
            _touched_whole(kind.field(name), before.get(name), wanted, live.get(name))
            if kind.field(name).chosen(live).has_write_only
            else _touched(name, before.get(name), wanted, live.get(name))
        )
    )


def drifted(
    kind: Kind,
    before: Mapping[str, Json],
    after: Mapping[str, Json],
    live: Mapping[str, Json],
    ignored: Ignored = (),
) -> tuple[tuple[str, Json, Json], ...]:
    """(path, as planned from, as it is now) of what changed meanwhile and the step does not write.

    What is already as the step wants it is the step's own effect; what is ignored is others' to change (S17).
    """
    ours = {path for path, _, _ in touched(kind, before, after, live)}
    return tuple(
        (path, was, now)
        for name in before
        for path, was, now in _leaves(name, before[name], live.get(name))
        if path not in ours and not (name in after and value_at(after, path) == now) and not is_ignored(path, ignored)
    )


def merged(
    kind: Kind, before: Mapping[str, Json], after: Mapping[str, Json], live: Mapping[str, Json]
) -> dict[str, Json]:
    """What to write now: our changes over the body as it is (S18: maps are merged key by key).

    What only goes along, because the service wants it in every update, goes as it is now.
    What holds something that cannot be read is one value: half of it would not fit the other half (S22).
    """
    return {
        name: wanted
        if kind.field(name).chosen(live).has_write_only
        else _merged(before.get(name), wanted, live.get(name))
        for name, wanted in after.items()
    }


def is_same(before: Mapping[str, Json], live: Mapping[str, Json], ignored: Ignored = ()) -> bool:
    """Whether nothing that matters changed since the plan."""
    return all(covers(value, live.get(name)) for name, value in among(before, live, ignored).items())


def value_shown(kind: Kind, path: str, value: Json, literal: Collection[str] = ()) -> str:
    """A live value as it may be printed in a message; that of a sensitive field only where the file is plain (S42)."""
    if has_secret(value) or (path not in literal and is_sensitive(kind, path)):
        return HIDDEN
    if isinstance(value, Mapping) and value.keys() == {"checksum"}:
        return checksum_text(str(value["checksum"]))
    return "not set" if value is None else compact(shown(value))


def _touched(path: str, before: Json, wanted: Json, now: Json) -> Iterator[tuple[str, Json, Json]]:
    if before == wanted or now in (before, wanted):
        return
    if all(isinstance(value, Mapping) for value in (before, wanted, now)):
        for key in sorted({*before, *wanted}):
            yield from _touched(f"{path}.{key}", before.get(key), wanted.get(key), now.get(key))
        return
    yield path, before, now


def _touched_whole(field: Field, before: Json, wanted: Json, now: Json) -> Iterator[tuple[str, Json, Json]]:
    if now not in (before, visible(field, wanted)):
        yield field.name, before, now


def _leaves(path: str, before: Json, now: Json) -> Iterator[tuple[str, Json, Json]]:
    if before == now:
        return
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in sorted({*before, *now}):
            yield from _leaves(f"{path}.{key}", before.get(key), now.get(key))
        return
    yield path, before, now


def _merged(before: Json, wanted: Json, now: Json) -> Json:
    if before == wanted and now is not None:
        return now
    if not all(isinstance(value, Mapping) for value in (before, wanted, now)):
        return wanted
    result = dict(now)
    for key in {*before, *wanted}:
        if key not in wanted:
            result.pop(key, None)
        elif before.get(key) != wanted[key]:
            result[key] = _merged(before.get(key), wanted[key], now.get(key))
    return result


def is_sensitive(kind: Kind, path: str) -> bool:
    """Whether a dotted path leads into a field whose live values are hidden (S42)."""
    first, _, rest = path.partition(".")
    known = kind.field_of.get(first)
    return known is not None and known.hides_something and known.hides(rest.split(".") if rest else ())
