"""A resolved spec -> what one target is to have: resources by address, bodies under API names. Pure (DESIGN 3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from fcdeploy.diagnostics import Span
from fcdeploy.kinds.fields import Codec
from fcdeploy.kinds.registry import KINDS
from fcdeploy.model import LATER, Address, CodeRef, Json, Resource, Target, refs_in
from fcdeploy.spec.former import former_name
from fcdeploy.spec.ignored import WORD as IGNORE
from fcdeploy.spec.ignored import ignored_paths
from fcdeploy.spec.node import Node
from fcdeploy.spec.placed import Placed, resources, standing
from fcdeploy.spec.plain import kept_secret
from fcdeploy.spec.references import names_in
from fcdeploy.spec.refs_found import Found
from fcdeploy.spec.secret_members import move_secrets, moved_places
from fcdeploy.spec.shape import Shape, shapes
from fcdeploy.spec.traced import PartOf
from fcdeploy.spec.words import OUTPUTS, ROLLOUT

Desired: TypeAlias = Mapping[Address, Resource]
"""What a target is to have. Parents come before what stands beneath them."""


def expand(
    resolved: Node, target: Target, folders: Mapping[str, str], there: Iterable[Placed] | None = None
) -> Desired:
    """Every resource of a spec that has passed validation; `folders` are those of the spec's files, by their names.

    `there` is what stands in it, where it has been found. A retired target expands like any other: what is done with it
    is the planner's decision (S9).
    """
    made: dict[Address, Resource] = {}
    there = standing(resolved, target.provider) if there is None else there
    everything = [placed for placed in there if not placed.kind.grouping]
    named = Found(everything)
    for placed in everything:
        one = _resource(placed, target, folders, named)
        made[one.address] = one
    return made


def outputs_of(resolved: Node, target: Target) -> dict[str, Json]:
    """What `outputs:` of a spec that has passed validation says, references by whole identity (S46)."""
    node = resolved.fields.get(OUTPUTS)
    if node is None:
        return {}
    named = Found(resources(resolved, target.provider))
    return {name: _with_references(item.plain(), named) for name, item in node.fields.items()}


def probe_of(resolved: Node, target: Target) -> dict[str, Json]:
    """What the probe of a rollout says for this target, references by whole identity; empty where there is none."""
    node = resolved.at([ROLLOUT, "probe"])
    if node is None or not node.fields:
        return {}
    named = Found(resources(resolved, target.provider))
    return {name: _with_references(item.plain(), named) for name, item in node.fields.items()}


def _with_references(value: Json, named: Found) -> Json:
    match value:
        case dict():
            return {key: _with_references(item, named) for key, item in value.items()}
        case list():
            return [_with_references(item, named) for item in value]
        case _:
            return named.resolved(value)


def code_folder(node: Node, folders: Mapping[str, str]) -> str:
    """The folder that a value of `code:` counts from: that of the file in which its path is written."""
    fields = node.fields
    path = next((fields[name] for name in ("path", "file", "zip") if name in fields), node) if fields else node
    file = path.file
    # What a template of another folder wrote counts from where the file that it was rendered for lies.
    return folders.get(file.document if isinstance(file, PartOf) else file, "")


def _resource(placed: Placed, target: Target, folders: Mapping[str, str], known_names: Found) -> Resource:
    kind = placed.kind
    body: dict[str, Json] = {}
    code: dict[str, CodeRef] = {}
    literal: list[str] = []
    known = shapes(kind.provider, kind.name)
    reader = _Reader(placed.node, kind.provider, known_names, literal)
    for name, node in placed.node.fields.items():
        shape = known.get(name)
        if shape is None:
            continue
        field = shape.field
        if type(node.value) in _SIMPLE and not field.refers and field.codec is not Codec.ARCHIVE:
            # Most fields, without a call: there are some ten thousand in a large file.
            body[field.name] = node.value
            if not (node.templated or node.pasted):
                literal.append(field.name)
        elif field.codec is Codec.ARCHIVE:
            code[field.name] = CodeRef(value=node.plain(), base=code_folder(node, folders), span=node.span)
        else:
            body[field.name], is_literal = reader.read(node, shape, field.name)
            if is_literal:
                literal.append(field.name)
    move_secrets(kind, body, literal)
    named = [(one.kind, known_names.identity(placed.kind.provider, one.kind, one.called)) for one in names_in(placed)]
    if kind.parent:
        named.append((kind.parent, placed.identity[:-1]))
    later = [ref for value in body.values() for ref in refs_in(value)] if reader.waits and not placed.absent else []
    if later:
        body = {name: _with_references(value, known_names) for name, value in body.items()}
        named += [(one.kind, one.identity) for value in body.values() for one in refs_in(value)]
    address = Address(provider=target.provider, target=target.name, kind=kind.name, identity=placed.identity)
    return Resource(
        address=address,
        body=kept_secret(address, body),
        code=code,
        refs=frozenset(
            [
                Address(provider=target.provider, target=target.name, kind=name, identity=identity)
                for name, identity in named
            ]
        ),
        span=placed.node.key_span or placed.node.span,
        spans=Places(placed),
        literal=frozenset(literal),
        protect=placed.is_set("protect"),
        absent=placed.absent,
        ignore=ignored_paths(placed) if IGNORE in placed.node.fields else (),
        renamed_from=former_name(placed),
        external=placed.external,
        awaits=bool(later),
        called=placed.called if placed.called != placed.identity else (),
    )


_SIMPLE = frozenset({str, int, bool, type(None)})


class _Reader:
    """Reads the values of one resource. `literal` collects the paths of what is literal below those that are read,
    `waits` says whether one of them is known only later."""

    __slots__ = ("known_names", "literal", "provider", "resource", "waits")

    def __init__(self, resource: Node, provider: str, known_names: Found, literal: list[str]) -> None:
        self.resource = resource
        self.provider = provider
        self.known_names = known_names
        self.literal = literal
        self.waits = False

    def read(self, node: Node, shape: Shape | None, path: str) -> tuple[Json, bool]:
        """The value under API names, and whether all of it is a plain literal of the file (S42)."""
        value = node.value
        whole = not (node.templated or node.pasted)
        if type(value) in _SIMPLE and (shape is None or not shape.field.refers):
            return value, whole
        if type(value) is dict:
            known = shape.below(self.resource) if shape is not None else {}
            named = shape.field.refers if shape is not None and shape.field.arn else None
            made: dict[str, Json] = {}
            for key, item in value.items():
                member = known.get(key)
                name = member.field.name if member is not None else key
                below = f"{path}.{name}"
                made[name], is_literal = self.read(item, member, below)
                if is_literal:
                    self.literal.append(below)
                else:
                    whole = False
                if key == named:
                    made[name] = self._named(key, made[name])
            return made, whole
        if type(value) is list:
            one = shape.item if shape is not None else None
            items: list[Json] = []
            for index, item in enumerate(value):
                below = f"{path}.{index}"
                read, is_literal = self.read(item, one, below)
                items.append(read)
                if is_literal:
                    self.literal.append(below)
                else:
                    whole = False
            return items, whole
        # `60.0` is a whole number to JSON Schema; the wire wants it written as one.
        if type(value) is float and shape is not None and shape.field.schema.get("type") == "integer":
            value = int(value)
        if shape is not None and shape.field.refers and not shape.field.arn:
            value = self._named(shape.field.refers, value)
        self.waits = self.waits or isinstance(value, LATER)
        return value, whole

    def _named(self, kind: str, value: Json) -> Json:
        """The name of another resource as it is called in the cloud, where that is another than in the file (S44)."""
        if KINDS[(self.provider, kind)].numbering is not None or not isinstance(value, str):
            return value
        called = tuple(str.__str__(value).split("/"))
        identity = self.known_names.identity(self.provider, kind, called)
        return value if identity == called else "/".join(identity)


class Places(Mapping[str, Span]):
    """The line of each dotted path (API names) of a resource; looked up only for what is spoken of."""

    __slots__ = ("_found", "_placed")

    def __init__(self, placed: Placed) -> None:
        self._placed = placed
        self._found: dict[str, Node] | None = None

    def _nodes(self) -> dict[str, Node]:
        if self._found is None:
            self._found = _places(self._placed)
        return self._found

    def __getitem__(self, path: str) -> Span:
        return self._nodes()[path].span

    def __contains__(self, path: object) -> bool:
        return path in self._nodes()

    def __iter__(self) -> Iterator[str]:
        return iter(self._nodes())

    def __len__(self) -> int:
        return len(self._nodes())

    def __repr__(self) -> str:
        return f"Places({self._placed.node.span})"


def _places(placed: Placed) -> dict[str, Node]:
    known = shapes(placed.kind.provider, placed.kind.name)
    found: dict[str, Node] = {}
    for name, node in placed.node.fields.items():
        shape = known.get(name)
        if shape is None:
            continue
        if shape.field.secrets_in:
            places: dict[str, Node] = {}
            _add_places(places, shape.field.name, node, shape, placed.node)
            found |= moved_places(shape.field, node, places)
        else:
            _add_places(found, shape.field.name, node, shape, placed.node)
    return found


def _add_places(found: dict[str, Node], path: str, node: Node, shape: Shape | None, resource: Node) -> None:
    found[path] = node
    value = node.value
    if type(value) is dict:
        known = shape.below(resource) if shape is not None else {}
        for key, item in value.items():
            member = known.get(key)
            _add_places(found, f"{path}.{member.field.name if member else key}", item, member, resource)
    elif type(value) is list:
        for index, item in enumerate(value):
            _add_places(found, f"{path}.{index}", item, shape.item if shape is not None else None, resource)
