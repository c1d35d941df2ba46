"""Pins: what was moved back by hand stays there until somebody says otherwise (S33). Pure.

A pinned resource says so with ` [fcdeploy:pinned]` at the end of a description. Canonical bodies are without it, on
both sides; what travels has it. `Live.pinned` says what was found. The note stays as long as what it names stays.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from msgspec.structs import replace

from fcdeploy.diagnostics import Diagnostic, error
from fcdeploy.engine.canonical import agrees
from fcdeploy.engine.snapshot import Snapshot
from fcdeploy.engine.steps import Difference
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.fields import Field
from fcdeploy.kinds.registry import KINDS, kind_of
from fcdeploy.model import Action, Address, Json, Live, Output, Resource, text_of

NOTE = " [fcdeploy:pinned]"

_NOTED = re.compile(r"(?:^| )\[fcdeploy:pinned\]\Z")


def pointer(kind: Kind) -> Field | None:
    """The field that names one of a numbered kind beside it, and so can be moved back; None where there is none."""
    for one in kind.fields:
        named = KINDS[(kind.provider, one.refers)] if one.refers and not one.by_key else None
        if kind.pin_field and named is not None and named.numbering is not None and named.parent == kind.parent:
            return one
    return None


def with_pin(description: Json) -> Json:
    """The description with the note at its end, once."""
    bare = without_pin(description)[0] if isinstance(description, str) else description
    # The service may trim what begins with a blank.
    note = NOTE if bare else NOTE.lstrip()
    return text_of((bare, note))


def without_pin(description: str) -> tuple[str, bool]:
    """The description without the note, and whether it was there."""
    found = _NOTED.search(description)
    return (description, False) if found is None else (description[: found.start()], True)


def pinned(kind: Kind, body: Mapping[str, Json]) -> dict[str, Json]:
    """The body as it travels: the note in its field."""
    return {**body, kind.pin_field: with_pin(body.get(kind.pin_field) or "")}


def unpinned(kind: Kind, body: Mapping[str, Json]) -> tuple[dict[str, Json], bool]:
    """The canonical body of one that travelled, and whether it was pinned."""
    text = body.get(kind.pin_field) if kind.pin_field else None
    if not isinstance(text, str):
        return dict(body), False
    bare, was = without_pin(text)
    return ({**body, kind.pin_field: bare}, True) if was else (dict(body), False)


def still_pinned(kind: Kind, body: dict[str, Json], live: Live) -> dict[str, Json]:
    """The desired body of what was read as pinned: with the note as long as it is not moved."""
    field = pointer(kind) if live.pinned else None
    stays = field is not None and body.get(field.name) == live.body.get(field.name)
    return pinned(kind, body) if stays else body


def pin_findings(found: Iterable[Difference], snapshot: Snapshot, *, forward: bool) -> tuple[Diagnostic, ...]:
    """What would move forward again although somebody moved it back and pinned it (S33)."""
    if forward:
        return ()
    return tuple(
        _refusal(one, field, snapshot.lives[one.address])
        for one in found
        if one.action in (Action.UPDATE, Action.REPLACE)
        and one.address in snapshot.lives
        and snapshot.lives[one.address].pinned
        and (field := pointer(one.kind)) is not None
        and _is_forward(snapshot.lives[one.address].body.get(field.name), one.body.get(field.name))
    )


def _is_forward(now: Json, then: Json) -> bool:
    return isinstance(then, Output) or _number(then) > _number(now)


def _number(value: Json) -> float:
    """A number for comparing; what is none stands for the newest of all."""
    return float(value) if isinstance(value, str) and value.isdecimal() else float("inf")


def _refusal(difference: Difference, field: Field, live: Live) -> Diagnostic:
    resource = difference.resource
    there, meant = live.body.get(field.name), difference.body.get(field.name)
    to = "the new one" if isinstance(meant, Output) else f"{field.refers} {meant}"
    return error(
        f"{difference.address.short} was moved back to {field.refers} {there} and pinned there",
        detail=f"this plan would move it forward again, to {to}",
        hint=f'to keep it there, write `{field.spec_name}: "{there}"`; to move it all the same, pass --forward',
        address=str(difference.address),
        span=(resource.spans.get(field.name) or resource.span) if resource is not None else None,
    )


def number_before(
    live: Live, existing: Iterable[int], *, earlier: str | None = None, to: str | None = None
) -> str | None:
    """The number to move back to, None where there is none that exists.

    `to` as asked for. Else the one that it had before its last move (`earlier`, where a journal tells), else the
    greatest among those that get a share besides it, else the greatest there is; always one below where it is now.
    """
    kind = kind_of(live.address)
    field = pointer(kind)
    assert field is not None
    numbers = set(existing)
    if to is not None:
        return to if to.isdecimal() and int(to) in numbers else None
    now = _number(live.body.get(field.name))
    below = sorted(number for number in numbers if number < now)
    shares = {int(key) for one in _shares(kind, field) for key in live.body.get(one.name) or {} if key.isdecimal()}
    if earlier is not None and earlier.isdecimal() and int(earlier) in below:
        return earlier
    best = [number for number in below if number in shares] or below
    return str(best[-1]) if best else None


def moved_back(live: Live, number: str, declared: Resource | None) -> Difference:
    """The one write that moves it back, all to this number, and pins it. `live` was read singly."""
    kind = kind_of(live.address)
    field = pointer(kind)
    assert field is not None
    whole = {field.name: number, **{one.name: {} for one in _shares(kind, field)}}
    before = pinned(kind, live.body) if live.pinned else dict(live.body)
    after = pinned(kind, {**live.body, **whole})
    fields = tuple(
        one for one in kind.fields if one.name in after and not agrees(one, after[one.name], before.get(one.name))
    )
    return Difference(
        address=live.address,
        action=Action.UPDATE if fields else Action.NONE,
        resource=Resource(
            address=live.address,
            body=after,
            span=declared.span if declared is not None else None,
            literal=declared.literal if declared is not None else frozenset(),
        ),
        body=after,
        live=replace(live, body=before, pinned=False),
        fields=fields,
        reason="moved back and pinned",
    )


def kept_line(address: Address, numbers: Collection[str]) -> str:
    """What the file says to keep it there: `aliases: {live: {version: "7"}}`.

    Where the file says it once for several that stand at different numbers, it can only leave them where they are.
    """
    kind = kind_of(address)
    field = pointer(kind)
    assert field is not None
    words = f'{field.spec_name}: "{min(numbers)}"' if len(numbers) == 1 else f"ignore: [{field.spec_name}]"
    return f"{kind.section}: {{{address.identity[-1]}: {{{words}}}}}"


def _shares(kind: Kind, field: Field) -> tuple[Field, ...]:
    """The maps that give others a share."""
    return tuple(one for one in kind.fields if one.by_key and one.refers == field.refers)
