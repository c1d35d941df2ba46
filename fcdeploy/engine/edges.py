"""Which resources a body names, so that they are there before it and go only after it. Pure."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TypeAlias

from fcdeploy.kinds.descriptor import Kind, Scope
from fcdeploy.kinds.fields import Field
from fcdeploy.kinds.registry import KINDS, kind_of
from fcdeploy.model import Address, Json, Output

Name: TypeAlias = tuple[str, tuple[str, ...]]
"""A kind and an identity: one resource of the same target."""


def names_of(address: Address, body: Mapping[str, Json], scope: Scope) -> frozenset[Name]:
    """Every resource that this one names: by its own identity, or in a canonical body.

    What could be one of several kinds, as a qualifier, gives a name for each.
    """
    kind = kind_of(address)
    found = {
        (name, (*address.identity[: _above(kind, name)], address.identity[kind.identity.index(part)]))
        for part, kinds in kind.behind.items()
        for name in kinds
    }
    if kind.naming:
        found.update(_in_fields(kind, address.identity, kind.naming, body, scope))
    return frozenset(found)


def address_of(name: Name, like: Address) -> Address:
    """The address of a name in the same target."""
    return Address(provider=like.provider, target=like.target, kind=name[0], identity=name[1])


def _above(kind: Kind, name: str) -> int:
    return len(KINDS[(kind.provider, name)].identity) - 1


def _in_fields(
    kind: Kind, identity: tuple[str, ...], fields: tuple[Field, ...], body: Mapping[str, Json], scope: Scope
) -> Iterator[Name]:
    for one in fields:
        value = body.get(one.name)
        if value and one.names_others:  # nothing is called by an empty name
            yield from _in_field(kind, identity, one, value, body, scope)


def _in_field(
    kind: Kind, identity: tuple[str, ...], field: Field, value: Json, around: Mapping[str, Json], scope: Scope
) -> Iterator[Name]:
    for text in value if field.by_key else (value,):
        if field.behind and isinstance(text, str):
            root = tuple(str(around.get(field.root)).split("/")) if field.root else identity
            yield from ((name, (*root[: _above(kind, name)], text)) for name in field.behind)
        elif field.refers:
            yield from _referred(kind, identity, field, text, scope)
    if isinstance(value, list) and field.item is not None:
        for item in value:
            yield from _in_field(kind, identity, field.item, item, around, scope)
    elif isinstance(value, Mapping) and field.fields:
        yield from _in_fields(kind, identity, field.fields, value, scope)


def _referred(kind: Kind, identity: tuple[str, ...], field: Field, value: Json, scope: Scope) -> Iterator[Name]:
    if isinstance(value, Output):
        made = Address.parse(value.step.removeprefix("create "))
        yield made.kind, made.identity
    elif not isinstance(value, str):
        return
    elif field.arn:
        named = _arn_pattern(kind.provider, field.refers, field.arn, scope).fullmatch(value)
        if named is not None:
            parts = KINDS[(kind.provider, field.refers)].identity
            yield field.refers, tuple(named[part] for part in parts)
    elif KINDS[(kind.provider, field.refers)].numbering is not None:
        yield field.refers, (*identity[: _above(kind, field.refers)], value)
    else:
        yield field.refers, tuple(value.split("/"))


@cache
def _arn_pattern(provider: str, refers: str, arn: str, scope: Scope) -> re.Pattern[str]:
    """The ARN with the identity's parts as groups; what else it names may be anything."""
    parts = {name for _, name, _, _ in string.Formatter().parse(arn) if name is not None} - {"region", "account"}
    marked = arn.format(region=scope.region, account=scope.account, **{part: f"\0{part}\0" for part in parts})
    pattern = re.escape(marked)
    for part in parts:
        pattern = pattern.replace(re.escape(f"\0{part}\0"), f"(?P<{part}>[^/:]+)")
    return re.compile(pattern)
