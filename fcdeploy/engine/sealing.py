"""Whether secrets changed that reads do not give back: by a salted digest of all of them, kept in a tag (S22). Pure.

The salt is where the resource is and what it is called, so that the same secrets of the same resource have the same
digest in each plan, and those of another resource have another.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Mapping
from functools import lru_cache

from msgspec.structs import replace

from fcdeploy.diagnostics import Diagnostic, error
from fcdeploy.engine.canonical import compact
from fcdeploy.kinds.descriptor import Kind, Scope
from fcdeploy.kinds.fields import Field
from fcdeploy.model import Address, Json, Resource, has_later

_COST, _BLOCK, _LANES, _BYTES = 2**12, 8, 1, 24


def digest(values: Mapping[str, Json], address: Address, scope: Scope, tag: str) -> str:
    """The digest of a map of secrets: 24 bytes of scrypt as base64url, 32 characters.

    Slow on purpose (4 MB, some 10 ms), and made once in a process.
    """
    salt = "\0".join((address.provider, scope.region, scope.account, address.kind, *address.identity, tag))
    return _scrypt(compact(values), salt)


@lru_cache(maxsize=4096)
def _scrypt(text: str, salt: str) -> str:
    made = hashlib.scrypt(text.encode(), salt=salt.encode(), n=_COST, r=_BLOCK, p=_LANES, dklen=_BYTES)
    return base64.urlsafe_b64encode(made).decode()


def ignoring_all(resource: Resource, kind: Kind) -> Resource:
    """The resource with the secrets of a map that is ignored ignored as well."""
    if not resource.ignore:
        return resource
    more = tuple((one.secrets_in,) for one in kind.fields if one.secrets_in and (one.name,) in resource.ignore)
    return replace(resource, ignore=tuple(dict.fromkeys((*resource.ignore, *more)))) if more else resource


def seal_tags(
    resource: Resource, kind: Kind, body: Mapping[str, Json], live: Mapping[str, Json] | None, scope: Scope
) -> dict[str, Json]:
    """The tags that say what the secrets of a canonical body are; of a field that is ignored, those that live has."""
    assert kind.tags is not None or not kind.sealed
    found: dict[str, Json] = {}
    for one in kind.sealed:
        values = body.get(one.name)
        if live is not None and (one.name,) in resource.ignore:
            standing = _tags(kind, live).get(one.digest_tag)
            found |= {} if standing is None else {one.digest_tag: standing}
        elif isinstance(values, Mapping) and values and not has_later(values):
            found[one.digest_tag] = digest(values, resource.address, scope, one.digest_tag)
    return found


def unlike(kind: Kind, desired: Mapping[str, Json], live: Mapping[str, Json]) -> tuple[Field, ...]:
    """The fields whose secrets are others than those that live says it has, or of which it does not say."""
    if not kind.sealed:
        return ()
    ours, theirs = _tags(kind, desired), _tags(kind, live)
    return tuple(
        one for one in kind.sealed if desired.get(one.name) and ours.get(one.digest_tag) != theirs.get(one.digest_tag)
    )


def with_unlike(kind: Kind, fields: tuple[Field, ...], more: Collection[Field]) -> tuple[Field, ...]:
    """Both in the order of the kind's table, in which `fields` are."""
    if not more:
        return fields
    found = {one.name: one for one in (*more, *fields)}
    return tuple(found[one.name] for one in kind.fields if one.name in found)


def sealing_findings(resource: Resource, kind: Kind, body: Mapping[str, Json]) -> tuple[Diagnostic, ...]:
    """What cannot be kept of secrets that cannot be read back."""
    found: list[Diagnostic] = []
    for one in kind.sealed:
        values = body.get(one.name)
        beside = {each.name for each in kind.fields if each.secrets_in == one.name}
        later = [key for key, value in values.items() if has_later(value)] if isinstance(values, Mapping) else []
        found += [
            error(
                f"{one.spec_name}.{key} is not known before the apply",
                detail="it is told apart by a digest, which a plan has to know",
                hint="keep the secret apart from what `ref()` gives, in a variable of its own",
                address=str(resource.address),
                span=resource.spans.get(f"{one.name}.{key}") or resource.span,
            )
            for key in sorted(later)
        ]
        found += [
            error(
                f"{'.'.join(path)} cannot be ignored",
                detail="nobody can read what it is now, so it could not be kept while another secret changes",
                hint=f"ignore all of them: `ignore: [{one.spec_name}]`",
                address=str(resource.address),
                span=resource.span,
            )
            for path in resource.ignore
            # A variable that is no secret has a value to keep; the file may name either map, or both mean one key.
            if len(path) > 1 and path[0] in {one.name, *beside} and path[1] in (values or {})
            if path[0] in beside or not any((name, *path[1:]) in resource.ignore for name in beside)
        ]
    return tuple(found)


def _tags(kind: Kind, body: Mapping[str, Json]) -> Mapping[str, Json]:
    found = body.get(kind.tags.field) if kind.tags is not None else None
    return found if isinstance(found, Mapping) else {}
