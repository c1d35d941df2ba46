"""From canonical bodies to requests, by the tables of the kinds. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from fcdeploy.engine.groups import BODY, group_named, replaces_whole
from fcdeploy.engine.outputs import json_text
from fcdeploy.kinds.descriptor import Kind, Operation, Scope
from fcdeploy.kinds.fields import NOT_SENT, Codec, Field
from fcdeploy.model import PLAIN, ArchiveRef, Call, Json, Live, Output


def create_call(
    kind: Kind,
    identity: tuple[str, ...],
    body: Mapping[str, Json],
    given: Mapping[str, Json],
    payloads: Mapping[str, Json],
    scope: Scope,
    resource: str,
) -> Call:
    """The create of a canonical body: every field that is given or has a default that is sent (law 2)."""
    sent: dict[str, Json] = {} if kind.named_by_path else {kind.identity[-1]: identity[-1]}
    headers: dict[str, str] = {}
    as_is, later = kind.sent_as_is, kind.made_later
    for one in kind.writable(scope.api):
        name = one.name
        if name in as_is:
            if (value := body.get(name)) is not None:
                sent[name] = value
        elif name in later:
            continue
        elif one.codec is Codec.ARCHIVE:
            _add_archive(one, payloads, sent, headers)
        elif body.get(name, NOT_SENT) is not None and (value := _created_value(one, body, given)) is not None:
            sent[name] = wire_value(one, value, body, scope.api, creating=True)
    names = kind.names(identity)
    sent = _translated(kind, sent, names, scope)
    return kind.create.call(names, scope, resource=resource, body=sent, headers=headers)


def update_call(
    kind: Kind,
    identity: tuple[str, ...],
    fields: tuple[Field, ...],
    body: Mapping[str, Json],
    payloads: Mapping[str, Json],
    scope: Scope,
    resource: str,
    *,
    group: str = BODY,
    raw: Mapping[str, Json] | None = None,
) -> Call:
    """The update of just these fields of a group to their values in `body`, and of those that go with them (S18).

    `raw` is what the service said of it, for what paths name besides the identity.
    """
    sent: dict[str, Json] = {}
    headers: dict[str, str] = {}
    for one in (*fields, *_along(kind, fields, body, group, scope.api)):
        if one.codec is Codec.ARCHIVE:
            _add_archive(one, payloads, sent, headers)
        else:
            travelling = wire_value(one, body.get(one.name), body, scope.api, creating=False)
            if travelling is not NOT_SENT:
                sent[one.name] = travelling
    names = kind.names(identity, raw)
    sent = _translated(kind, sent, names, scope)
    return group_named(kind, group).update.call(names, scope, resource=resource, body=sent, headers=headers)


def _along(kind: Kind, fields: tuple[Field, ...], body: Mapping[str, Json], group: str, api: str) -> tuple[Field, ...]:
    """The fields that travel with these although they do not change."""
    more = {name for one in fields for name in one.together}
    if replaces_whole(kind, group):
        # What is not set need not be told: whether left out or not, it is not set afterwards.
        told = (one for one in kind.writable(api) if body.get(one.name) not in (None, {}, []))
        rest = [one for one in told if kind.group_of(one.name) == group]
        more |= {name for one in rest for name in (one.name, *one.together) if name in body}
    along = map(kind.field, sorted(more - {one.name for one in fields}))
    # What cannot be told again whole is better not told at all.
    return tuple(one for one in along if not one.chosen(body).has_write_only or body.get(one.name) is None)


def _translated(kind: Kind, sent: dict[str, Json], names: Mapping[str, str | Output], scope: Scope) -> dict[str, Json]:
    """What travels for these values by field (S45)."""
    return sent if kind.translation is None else dict(kind.translation.sent(sent, names, scope))


def travelling_archives(kind: Kind, fields: tuple[Field, ...], payloads: Mapping[str, Json]) -> dict[str, Json]:
    """What an update of these fields sends of archives, where the call itself no longer tells: to send it again."""
    if kind.translation is None:
        return {}
    names = {name for one in fields for name in (one.name, *one.together)}
    return {
        one.name: payloads[one.name]
        for one in kind.fields
        if one.codec is Codec.ARCHIVE and one.name in names and one.name in payloads
    }


def plain_call(
    operation: Operation,
    kind: Kind,
    identity: tuple[str, ...],
    scope: Scope,
    resource: str,
    *,
    raw: Mapping[str, Json] | None = None,
) -> Call:
    """A call without a body: read, delete, list, tags of one resource; `raw` as for `update_call`."""
    return operation.call(kind.names(identity, raw), scope, resource=resource)


def tag_calls(
    kind: Kind,
    identity: tuple[str, ...],
    before: Mapping[str, Json],
    after: Mapping[str, Json],
    scope: Scope,
    resource: str,
) -> tuple[Call, ...]:
    """The calls that turn one tag map into another: at most one that adds and one that removes."""
    assert kind.tags is not None
    names = kind.names(identity)
    changed = {key: value for key, value in sorted(after.items()) if before.get(key) != value}
    gone = sorted(set(before) - set(after))
    calls: list[Call] = []
    if changed:
        put: Json = [{"key": key, "value": value} for key, value in changed.items()] if kind.tags.pairs else changed
        calls.append(kind.tags.put.call(names, scope, resource=resource, body={kind.tags.answer: put}))
    if gone:
        removed: Json = [{"key": key} for key in gone] if kind.tags.pairs else gone
        calls.append(kind.tags.remove.call(names, scope, resource=resource, body={kind.tags.removed: removed}))
    return tuple(calls)


def wire_value(field: Field, value: Json, whole: Mapping[str, Json], api: str, *, creating: bool) -> Json:
    """How a canonical value travels. None becomes the value that empties the field, or null where there is none."""
    if value is None:
        return field.empty
    if type(value) in PLAIN and field.codec is Codec.PLAIN and not field.wrapped:
        return value  # most values; what follows costs more
    if isinstance(value, Mapping) and field.members(whole):
        travelling: Json = _travelling(field.chosen(whole).every_member, value, whole, api, creating=creating)
    elif isinstance(value, list) and field.item is not None:
        # A list is replaced whole, so each of its items is new.
        travelling = [wire_value(field.item, item, whole, api, creating=True) for item in value]
    else:
        travelling = value
    if field.codec is Codec.JSON_TEXT and field.text_since <= api:
        return json_text(travelling)
    return {field.wrapped: travelling} if field.wrapped else travelling


def _travelling(
    known: Mapping[str, Field], value: Mapping[str, Json], whole: Mapping[str, Json], api: str, *, creating: bool
) -> dict[str, Json]:
    """A canonical object with these members as it travels."""
    parts: dict[str, Json] = {}
    for key, item in value.items():
        member = known.get(key)
        if member is not None and member.is_plain and item is not None and type(item) in PLAIN:
            parts[key] = item  # most members; what follows costs more
        elif item is not None or not creating or (member is not None and _sends_empty(member)):
            parts.update(_parts(member, key, item, whole, api, creating=creating))
    return {key: item for key, item in parts.items() if item is not None}


def _parts(
    field: Field | None, key: str, value: Json, whole: Mapping[str, Json], api: str, *, creating: bool
) -> tuple[tuple[str, Json], ...]:
    """The members that a member of a canonical object travels as."""
    if field is None:
        return ((key, value),)
    if field.split:
        return tuple(zip(field.split, str(value).split("/"), strict=True))
    return ((key, wire_value(field, value, whole, api, creating=creating)),)


def overlaid(field: Field, desired: Json, live: Json) -> Json:
    """`desired` with what the service chose for itself filled in from `live`: an update sends whole objects (S18)."""
    members = field.every_member
    if not (isinstance(desired, Mapping) and isinstance(live, Mapping) and members):
        return desired
    filled = {
        key: overlaid(members[key], value, live.get(key)) if key in members else value for key, value in desired.items()
    }
    kept = {key: value for key, value in live.items() if key not in desired and key in members}
    return {**filled, **kept}


def standing(kind: Kind, live: Live) -> dict[str, Json]:
    """A canonical live body with what the service itself changes: an update sends that as it is (S23)."""
    return {**moved_values(kind, live), **live.body}


def moved_values(kind: Kind, live: Live) -> dict[str, Json]:
    """What the service says of the fields that it itself may change (S23)."""
    return {one.name: live.raw[one.name] for one in kind.moved if live.raw.get(one.name) is not None}


def _sends_empty(field: Field) -> bool:
    """Whether a create sends the empty value of a member that is not set."""
    return field.empty is not None and any(one.value is None and one.sent for one in field.defaults)


def _created_value(field: Field, body: Mapping[str, Json], given: Mapping[str, Json]) -> Json:
    """What a create sends of a field: None where that is nothing, since it is not set or the service is known to agree
    with its default (law 2)."""
    name = field.name
    named = given.get(name)
    if named is not None and name in body:
        return body[name]
    default = field.default(given)
    if named is None and default is not None and not default.sent:
        return None
    if name in body:
        return body[name]
    if field.moved_by and named is not None:
        return named
    return default.value if default is not None else None


def _add_archive(field: Field, payloads: Mapping[str, Json], sent: dict[str, Json], headers: dict[str, str]) -> None:
    payload = payloads.get(field.name)
    if payload is None:
        return
    sent[field.name] = payload
    references = [item for item in payload.values() if isinstance(item, ArchiveRef)]
    if references and field.checksum_header:
        headers[field.checksum_header] = references[0].crc64
