"""Values that can only be written, and so are secrets by their nature: told of where they stand in the file itself, and
kept as secrets wherever they come from (S22, S36, S41). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache

from fcdeploy.diagnostics import Diagnostic, warning
from fcdeploy.kinds.fields import Access, Field
from fcdeploy.kinds.registry import KINDS
from fcdeploy.kinds.risks import PLAIN_SECRET, rule_of
from fcdeploy.model import Address, Json, Resource, Sensitive
from fcdeploy.spec.node import Node, Path, path_text
from fcdeploy.spec.placed import Placed
from fcdeploy.spec.secretlike import is_plain_secret, is_secret_value
from fcdeploy.spec.shape import Shape, shapes

GIVEN = "given"
"""The part of a `Sensitive` that says where the file gives it: an address and a dotted path in API names."""


def kept_secret(address: Address, body: Mapping[str, Json]) -> Mapping[str, Json]:
    """The body with every value that can only be written as a secret; what it comes from is its place in the file."""
    if not keeps_secret(address, body):
        return body
    sealed = _sealed(address.provider, address.kind)
    return {
        name: _kept(sealed[name], value, address, name) if name in sealed else value for name, value in body.items()
    }


def keeps_secret(address: Address, body: Mapping[str, Json]) -> bool:
    """Whether a body says anything that can only be written, or holds such."""
    return not _sealed(address.provider, address.kind).keys().isdisjoint(body)


def plain_secret_findings(placed: Placed) -> Iterable[tuple[Path, Diagnostic]]:
    """Warnings of values that can only be written and that the file holds in plain text."""
    known = _holding(placed.kind.provider, placed.kind.name)
    return _plain_secrets(placed, known) if known else ()


def _plain_secrets(placed: Placed, known: Mapping[str, Shape]) -> Iterator[tuple[Path, Diagnostic]]:
    for path, shape, node in _members(known, placed.node, ()):
        if (
            shape.field.access is not Access.WRITE_ONLY
            or node.templated
            or node.pasted
            or isinstance(node.value, Sensitive)
        ):
            continue
        about = (*placed.path, *path)
        yield (
            about,
            warning(
                f"`{shape.field.spec_name}` stands in the file in plain text",
                detail="whoever can read the file, or its history, has it",
                hint="write `${{ secret('NAME') }}` and name its source under `secrets`",
                span=node.span,
                path=path_text(about),
                rule=rule_of(PLAIN_SECRET),
            ),
        )


def plain_text_findings(resource: Resource) -> list[Diagnostic]:
    """Warnings of what else looks like a secret and stands in the file in plain text; never what it is."""
    known = KINDS[(resource.address.provider, resource.address.kind)].field_of
    found: list[tuple[str, str]] = []
    for name, value in resource.body.items():
        if name in known:
            _add_alike(found, known[name], value, name, name, named=False)
    return [
        warning(
            f"`{name}` looks like a secret and stands in the file in plain text",
            detail="whoever can read the file, or its history, has it",
            hint="write `${{ secret('NAME') }}` and name its source under `secrets`",
            span=resource.spans.get(path, resource.span),
            address=str(resource.address),
            rule=rule_of(PLAIN_SECRET),
        )
        for path, name in found
        if path in resource.literal
    ]


def _add_alike(
    found: list[tuple[str, str]], field: Field | None, value: Json, path: str, name: str, *, named: bool
) -> None:
    """Add the path and the name of all text that looks like a secret.

    `named`: its name is one that the file gave it, so that it may say that it is a secret.
    """
    kind = type(value)
    if kind is str:
        if _looks_secret(name, value, named):
            found.append((path, name))
    elif kind is dict:
        known = field.every_member if field is not None else {}
        for key, item in value.items():
            if type(item) in _TEXTS:
                member = known.get(key)
                free = member is None or member.sensitive
                _add_alike(found, member, item, f"{path}.{key}", str(key), named=free)
    elif kind is list:
        for index, item in enumerate(value):
            _add_alike(found, None, item, f"{path}.{index}", name, named=named)


_TEXTS = frozenset({str, dict, list})


_PROSE = ("description", "notes")
"""Fields that are written for people."""


@lru_cache(maxsize=4_096)  # runtimes, handlers, schedules: a large file has the same few a thousand times
def _looks_secret(name: str, value: str, named: bool) -> bool:
    return is_plain_secret(name, value) if named else name not in _PROSE and is_secret_value(value)


@cache
def _sealed(provider: str, kind: str) -> Mapping[str, Field]:
    return {one.name: one for one in KINDS[(provider, kind)].fields if one.has_write_only}


@cache
def _holding(provider: str, kind: str) -> Mapping[str, Shape]:
    """The same fields as the file names them."""
    return {name: shape for name, shape in shapes(provider, kind).items() if shape.field.has_write_only}


def _kept(field: Field, value: Json, address: Address, path: str) -> Json:
    if field.access is Access.WRITE_ONLY:
        plain = isinstance(value, str) and not isinstance(value, Sensitive)
        return Sensitive(value, parts=({GIVEN: [str(address), path]},)) if plain else value
    if not isinstance(value, Mapping):
        return value
    known = field.every_member
    return {
        key: _kept(known[key], item, address, f"{path}.{key}") if key in known else item for key, item in value.items()
    }


def _members(known: Mapping[str, Shape], node: Node, path: Path) -> Iterator[tuple[Path, Shape, Node]]:
    for name, item in node.fields.items():
        if name in known:
            here = (*path, name)
            yield here, known[name], item
            yield from _members(known[name].members, item, here)
