"""The call of a step once more, over what stands there now (S18, S20). Pure."""

from __future__ import annotations

from collections.abc import Mapping

from fcdeploy.engine.groups import is_tags, replaces_whole
from fcdeploy.engine.wire import plain_call, standing, update_call
from fcdeploy.kinds.descriptor import Kind, Scope
from fcdeploy.kinds.fields import Codec
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Action, Call, Json, Live, Step


def rebuilt(step: Step, values: Mapping[str, Json], live: Live, scope: Scope) -> Call:
    """The update again, our changes over the body as it is now."""
    kind = kind_of(step.address)
    fields = tuple(kind.field(name) for name in values)
    body = step.call.body or {}
    sent = {one.name: body[one.name] for one in fields if one.codec is Codec.ARCHIVE and one.name in body}
    return update_call(
        kind,
        step.address.identity,
        fields,
        {**standing(kind, live), **values},
        step.payloads if kind.translation is not None else sent,
        scope,
        step.address.short,
        group=step.group,
        raw=live.raw,
    )


def aimed(step: Step, call: Call, promise: Mapping[str, Json] | None, live: Live, scope: Scope) -> Call:
    """The call for what was read just before it, and is what the plan saw.

    What the service itself moves is not compared, and goes along as it is now (S23); so does all that an update
    replaces, and the names that the service gave.
    """
    kind = kind_of(step.address)
    if is_tags(step):
        return call
    if step.action is Action.DELETE:
        if not kind.given:
            return call
        return plain_call(kind.delete, kind, step.address.identity, scope, step.address.short, raw=live.raw)
    if kind.given or replaces_whole(kind, step.group) or any(one.moved_by for one in kind.fields):
        return rebuilt(step, promise or {}, live, scope)
    return call


def is_as_left(kind: Kind, promise: Mapping[str, Json], seen: Live, now: Live) -> bool:
    """Whether nothing but what was written differs between the looks before and after a write; tags do not count."""
    beside = {*promise, kind.tags.field} if kind.tags is not None else {*promise}
    bodies = ({name: item for name, item in live.body.items() if name not in beside} for live in (seen, now))
    return next(bodies) == next(bodies)
