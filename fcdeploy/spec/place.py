"""Where something is wrong in a spec, and how that place and its value are called in a message. Pure."""

from __future__ import annotations

import json
from typing import Any

from msgspec import Struct

from fcdeploy.diagnostics import Diagnostic, Span, error
from fcdeploy.kinds import registry
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.model import Json, Sensitive
from fcdeploy.spec.node import Node, Path, kind_of, path_text

_LONGEST = 60


class Fault(Struct, frozen=True, kw_only=True):
    """What JSON Schema has against a value.

    `keyword` and what it has `wanted`; the `schema` around it; the `path` of the value; the `steps` to the keyword
    inside the schema. `key` is the name that is refused, where not the value is wrong but the key of one.
    """

    keyword: str
    wanted: Any
    schema: dict[str, Any]
    path: Path
    steps: tuple[str | int, ...]
    key: str | None = None


class Mistake(Struct, frozen=True, kw_only=True):
    """One thing that is wrong: `path` of what is wrong itself, an unknown or missing key included.

    `meant` is the known key that an unknown one probably is.
    """

    path: Path
    keyword: str
    diagnostic: Diagnostic
    meant: str = ""


class Unknown:
    """Stands in a tree for a value that could not be evaluated; nothing is said about it."""

    __slots__ = ()


UNKNOWN = Unknown()


def is_open(value: Json) -> bool:
    """Whether a value is not known yet, so that nothing can be said of it."""
    return not (value is None or isinstance(value, (str, bool, int, float, dict, list)))


class Place(Struct, frozen=True, kw_only=True):
    """A node of a spec: its path, and the kind of the resource that it stands in (`rest` is the path below that)."""

    root: Node
    provider: str
    path: Path
    node: Node
    kind: Kind | None
    rest: Path

    @classmethod
    def of(cls, root: Node, path: Path, provider: str) -> Place:
        """The place at a path, or the nearest above it that exists."""
        node, left = root.nearest(path)
        path = path[: len(path) - len(left)]
        kind, rest = resource_at(path, provider)
        return cls(root=root, provider=provider, path=path, node=node, kind=kind, rest=rest)

    @property
    def name(self) -> str:
        """How it is called in a summary."""
        if not self.path:
            return "the file"
        named = next((at for at in range(len(self.path) - 1, -1, -1) if isinstance(self.path[at], str)), 0)
        return f"`{short(path_text(self.path[named:]))}`"

    @property
    def key_span(self) -> Span:
        """Where its key is written, or the value when it has none."""
        return self.node.key_span or self.node.span

    @property
    def resource(self) -> Node:
        """The resource that it stands in."""
        return self.root.nearest(self.path[: len(self.path) - len(self.rest)])[0]

    def mistake(self, keyword: str, summary: str, *, detail: str = "", hint: str = "") -> Mistake:
        """Something wrong with the value here."""
        made = error(summary, detail=detail, hint=hint, span=self.node.span, path=path_text(self.path))
        return Mistake(path=self.path, keyword=keyword, diagnostic=made)

    def key_mistake(
        self, keyword: str, path: Path, summary: str, *, detail: str = "", hint: str = "", meant: str = ""
    ) -> Mistake:
        """Something wrong with a key at or below this place, or with the lack of one."""
        found, left = self.root.nearest(path)
        made = error(
            summary,
            detail=detail,
            hint=hint,
            span=self.key_span if left else found.key_span or found.span,
            path=path_text(path),
        )
        return Mistake(path=path, keyword=keyword, diagnostic=made, meant=meant)


def resource_at(path: Path, provider: str) -> tuple[Kind | None, Path]:
    """The kind of the resource in which a path lies, and the path below it. `defaults.K` counts as a K."""
    if len(path) >= 2 and path[0] == "defaults":
        return registry.KINDS.get((provider, str(path[1]))), path[2:]
    kind: Kind | None = None
    below: tuple[Kind, ...] = registry.sections(provider)
    while len(path) >= 2:
        deeper = next((one for one in below if one.section == path[0]), None)
        if deeper is None:
            break
        kind, path, below = deeper, path[2:], registry.within(deeper)
    return kind, path


def short(text: str) -> str:
    """Text cut to what fits in a line."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def shown(node: Node) -> str:
    """What was found, for a person; never a secret."""
    value = node.value
    match value:
        case Sensitive():
            return "(sensitive)"
        case dict():
            return "a map" if value else "an empty map"
        case list():
            return "a list" if value else "an empty list"
        case _:
            text = short(node.text or json.dumps(value, ensure_ascii=False))
    return f"{text}, from {short(node.origin.strip())}" if node.templated and node.origin else text


def shown_with_type(node: Node) -> str:
    """What was found where its type is the point."""
    if isinstance(node.value, (dict, list)) or node.value is None:
        return kind_of(node.value)
    return f"{kind_of(node.value)}: {shown(node)}"
