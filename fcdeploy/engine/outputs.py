"""Values that a step's reply gave, put where later steps wait for them. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import TypeAlias
from urllib.parse import quote

from msgspec.structs import replace

from fcdeploy.engine.redact import has_secret
from fcdeploy.kinds.descriptor import NEW, Kind, Scope
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import (
    Action,
    Address,
    Call,
    Json,
    LaterJson,
    LaterText,
    Output,
    Sensitive,
    Step,
    has_later,
    outputs_marked,
    text_of,
    to_json,
)

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode

Outputs: TypeAlias = Mapping[str, Mapping[str, Json]]
"""What replies gave, by the id of the step and the name of the output."""


def create_id(address: Address) -> str:
    """The id of the step that creates a resource."""
    return f"create {address}"


def output_of(address: Address, name: str) -> Output:
    """What the create of a resource will give under this name."""
    return Output(step=create_id(address), pointer=f"/{name}")


def number_of(address: Address) -> str | Output:
    """The last part of the identity of a numbered resource, known after its create if it is new."""
    return output_of(address, kind_of(address).identity[-1]) if address.identity[-1] == NEW else address.identity[-1]


def outputs_in(kind: Kind, identity: tuple[str, ...], raw: Mapping[str, Json], scope: Scope) -> dict[str, Json]:
    """The outputs of a numbered resource: its number, what can be said with it, and what paths to it need.

    `raw` is what the service said of it; KeyError where it lacks a member that is wanted.
    """
    return {
        kind.identity[-1]: identity[-1],
        **{part: str(raw[part]) for part in kind.given},
        **outputs_said(kind, identity, raw, scope),
    }


def outputs_said(kind: Kind, identity: tuple[str, ...], raw: Mapping[str, Json], scope: Scope) -> dict[str, str]:
    """What can be said with the number of a resource, by its templates; KeyError as for `outputs_in`."""
    assert kind.numbering is not None
    places = said_names(kind, identity, raw, scope)
    return {name: template.format_map(places) for name, template in kind.numbering.outputs.items()}


def said_names(kind: Kind, identity: tuple[str, ...], raw: Mapping[str, Json], scope: Scope) -> dict[str, str]:
    """What templates about a numbered resource may name: its names, the members of its answer, and where it is."""
    members = kind.numbering.members if kind.numbering is not None else ()
    told = {member: str(raw[member]) for member in members if raw.get(member) is not None}
    return {**kind.names(identity, raw), **told, "region": scope.region, "account": scope.account}


def with_gifts(steps: Collection[Step], awaiting: Collection[Address]) -> tuple[Step, ...]:
    """The steps, each with the names of what others want of its reply; `awaiting` are the resources that refer."""
    wanted: dict[str, set[str]] = {}
    for step in steps if awaiting else ():
        for output in () if step.address not in awaiting else _all_in((step.call.body, step.after)):
            wanted.setdefault(output.step, set()).add(output.pointer.removeprefix("/"))
    if not wanted:
        return tuple(steps)
    return tuple(
        replace(step, gives=tuple(sorted(wanted[step.id])))
        if step.id in wanted and kind_of(step.address).numbering is None
        else step
        for step in steps
    )


def _all_in(value: Json) -> Iterator[Output]:
    match value:
        case str() | int() | float() | None:  # most values; the checks below cost more
            return
        case Output():
            yield value
        case LaterText():
            yield from (part for part in value.parts if isinstance(part, Output))
        case LaterJson():
            yield from _all_in(value.value)
        case Mapping():
            for item in value.values():
                yield from _all_in(item)
        case list() | tuple():
            for item in value:
                yield from _all_in(item)
        case _:
            pass


def gifts(step: Step, raw: Mapping[str, Json]) -> dict[str, Json]:
    """What a step is to give, from what the service says of its resource; what it does not say is left out.

    What a new resource is named by is there in any case, if need be as "": what takes the step back looks again.
    """
    kind = kind_of(step.address)
    if not step.gives and not kind.given:  # nearly all
        return {}
    found = {name: kind.attribute(name) for name in step.gives}
    given = {name: str(raw.get(name) or "") for name in kind.given} if step.action is Action.CREATE else {}
    return given | {
        name: str(raw[attribute.member])
        for name, attribute in found.items()
        if attribute is not None and raw.get(attribute.member) not in (None, "")
    }


def lacking(step: Step, outputs: Mapping[str, Json]) -> list[str]:
    """The names of what a step is to give and these outputs do not have."""
    given = kind_of(step.address).given if step.action is Action.CREATE else ()
    return [name for name in (*given, *step.gives) if outputs.get(name) in (None, "")]


def filled_step(step: Step, outputs: Outputs) -> Step:
    """The step with every output that is known in its place; raises KeyError for one that should be and is not."""
    if not outputs:
        return step
    return replace(
        step,
        address=_filled_address(step.address, outputs),
        call=filled_call(step.call, outputs),
        before=_filled(step.before, outputs),
        after=_filled(step.after, outputs),
        content=_filled(step.content, outputs),
    )


def filled_call(call: Call, outputs: Outputs) -> Call:
    """The call with every output in its path and body in its place."""
    path = call.path
    for mark, output in outputs_marked(path).items():
        path = path.replace(mark, quote(str(_value(output, outputs)), safe=""))
    return replace(call, path=path, body=_filled(call.body, outputs))


def _filled_address(address: Address, outputs: Outputs) -> Address:
    given = outputs.get(create_id(address), {})
    number = given.get(kind_of(address).identity[-1]) if address.identity[-1] == NEW else None
    return address if number is None else replace(address, identity=(*address.identity[:-1], str(number)))


def _filled(value: Json, outputs: Outputs) -> Json:
    match value:
        case Output():
            return _value(value, outputs)
        case LaterText():
            return text_of(_filled(part, outputs) for part in value.parts)
        case LaterJson():
            return json_text(_filled(value.value, outputs))
        case Mapping():
            return {
                _value(key, outputs) if isinstance(key, Output) else key: _filled(item, outputs)
                for key, item in value.items()
            }
        case list() | tuple():
            return [_filled(item, outputs) for item in value]
        case _:
            return value


def json_text(value: Json) -> Json:
    """A value as JSON text: a secret inside keeps the text a secret, and what comes later lets all of it come later."""
    if value == []:
        return ""
    if has_later(value):
        return LaterJson(value=value)
    text = _encode(value)
    # Its origin is the JSON that it was made from.
    return Sensitive(text, parts=({"jsonText": to_json(value)},)) if has_secret(value) else text


def _value(output: Output, outputs: Outputs) -> Json:
    return outputs[output.step][output.pointer.removeprefix("/")]
