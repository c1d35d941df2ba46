"""Values that a step's reply gave, put where later steps wait for them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias
from urllib.parse import quote

from fcdeploy.kinds.descriptor import NEW, Kind, Scope
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Address, Call, Json, Output, Step, outputs_marked

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


def has_output(value: Json) -> bool:
    """Whether a value that only an earlier step gives stands anywhere inside."""
    match value:
        case Output():
            return True
        case Mapping():
            return any(has_output(key) or has_output(item) for key, item in value.items())
        case list() | tuple():
            return any(has_output(item) for item in value)
        case _:
            return False


def outputs_in(kind: Kind, identity: tuple[str, ...], raw: Mapping[str, Json], scope: Scope) -> dict[str, Json]:
    """The outputs of a numbered resource: its number from a reply or a list, and what can be said with it."""
    assert kind.numbering is not None
    number = str(raw[kind.identity[-1]])
    places = {**kind.names(identity[:-1]), kind.identity[-1]: number, "region": scope.region, "account": scope.account}
    return {
        kind.identity[-1]: number,
        **{name: template.format_map(places) for name, template in kind.numbering.outputs.items()},
    }


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
        case Mapping():
            return {
                _value(key, outputs) if isinstance(key, Output) else key: _filled(item, outputs)
                for key, item in value.items()
            }
        case list() | tuple():
            return [_filled(item, outputs) for item in value]
        case _:
            return value


def _value(output: Output, outputs: Outputs) -> Json:
    return outputs[output.step][output.pointer.removeprefix("/")]
