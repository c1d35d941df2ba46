"""What names another resource: in the file `service/name`, on the wire an ARN (S24). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from msgspec.structs import replace

from fcdeploy.engine.snapshot import Desired
from fcdeploy.kinds.descriptor import Scope
from fcdeploy.kinds.fields import Field
from fcdeploy.kinds.registry import KINDS
from fcdeploy.model import Json, Resource


def located(desired: Desired, scope: Scope) -> Desired:
    """The resources with every `{function: service/name}` as the ARN that it means in this account and region."""
    return {address: _located(resource, scope) for address, resource in desired.items()}


def _located(resource: Resource, scope: Scope) -> Resource:
    """The very resource where nothing in it is meant so: what was worked out for it before holds on."""
    provider = resource.address.provider
    given = [one for one in _fields(provider, resource.address.kind) if resource.body.get(one.name) is not None]
    body = _object(provider, tuple(given), resource.body, scope) if given else resource.body
    return resource if body == resource.body else replace(resource, body=body)


@cache
def _fields(provider: str, kind: str) -> tuple[Field, ...]:
    """The top-level fields in which an ARN may be given by name."""
    return tuple(one for one in KINDS[(provider, kind)].fields if _names_one(one))


def _names_one(field: Field) -> bool:
    below = (*field.fields, *((field.item,) if field.item is not None else ()))
    return bool(field.arn) or any(map(_names_one, below))


def _object(provider: str, fields: tuple[Field, ...], body: Mapping[str, Json], scope: Scope) -> dict[str, Json]:
    found = {one.name: _value(provider, one, body[one.name], scope) for one in fields if one.name in body}
    return {**body, **found}


def _value(provider: str, field: Field, value: Json, scope: Scope) -> Json:
    if isinstance(value, list) and field.item is not None:
        return [_value(provider, field.item, item, scope) for item in value]
    if not isinstance(value, Mapping):
        return value
    if field.arn:
        kind = KINDS[(provider, field.refers)]
        names = kind.names(tuple(str(value[field.refers]).split("/")))
        return field.arn.format(region=scope.region, account=scope.account, **names)
    return _object(provider, field.fields, value, scope)
