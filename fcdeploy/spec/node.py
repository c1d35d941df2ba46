"""`Node`: a piece of YAML that knows the line it came from, through templates, defaults and overlays (DESIGN 4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from msgspec import Struct

from fcdeploy.diagnostics import Span
from fcdeploy.model import Json

Path: TypeAlias = tuple[str | int, ...]
"""Where a node stands: map keys and list positions from the root."""

TEMPLATE_START = "${{"


class Node(Struct, eq=False):
    """A map, a list or a scalar with its place. Treat it as immutable: anchors and defaults share nodes.

    `value`      dict[str, Node], list[Node], or a scalar; after templating also the leaves of `fcdeploy.model`
    `span`       where the value is written; for an alias, where the anchored value is
    `key_span`   where the key is written, for an entry of a map
    `quoted`     the scalar was written in quotes or as a block
    `text`       the source of a plain number, boolean or null (`3.10`, `007`); "" otherwise
    `lead`       columns between `span` and the first character of the text, None where a character of the value is
                 not one column of the source (blocks, escapes, several lines)
    `templated`  the value came out of a `${{ }}`;   `origin` is then the text of that scalar as written
    `pasted`     something in it was put there by a `{{ }}`, when the file was rendered as text
    `dynamic`    a template stands in it or below it
    """

    # Positional because a large file makes some 300,000 of these; `Node.of` is the convenient door.
    value: Any
    _file: str
    _line: int
    _column: int
    _key_line: int = 0
    _key_column: int = 0
    dynamic: bool = False
    quoted: bool = False
    text: str = ""
    lead: int | None = None
    templated: bool = False
    origin: str | None = None
    pasted: bool = False
    _key_file: str = ""

    @classmethod
    def of(cls, value: Json, span: Span, *, templated: bool = False, origin: str | None = None) -> Node:
        """Plain JSON as nodes that all stand at one place. `${{` inside it is text, never a template."""
        file, line, column = span.file, span.line, span.column

        def made(one: Json) -> Node:
            if isinstance(one, dict):
                one = {str(key): made(item) for key, item in one.items()}
            elif isinstance(one, (list, tuple)):
                one = [made(item) for item in one]
            return Node(one, file, line, column, 0, 0, False, False, "", None, templated, origin)

        return made(value)

    @property
    def span(self) -> Span:
        """Where the value is written."""
        return Span(file=self._file, line=self._line, column=self._column)

    @property
    def file(self) -> str:
        """The file in which the value is written."""
        return self._file

    @property
    def key_span(self) -> Span | None:
        """Where the key is written, for an entry of a map."""
        if not self._key_line:
            return None
        return Span(file=self._key_file or self._file, line=self._key_line, column=self._key_column)

    @property
    def fields(self) -> dict[str, Node]:
        """The entries of a map; empty for anything else."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> list[Node]:
        """The elements of a list; empty for anything else."""
        return self.value if isinstance(self.value, list) else []

    @property
    def what(self) -> str:
        """What it is, in the words of a message."""
        return kind_of(self.value)

    def at(self, path: Sequence[str | int] | Iterable[str | int]) -> Node | None:
        """The node at a path of keys and list positions, or None when there is none."""
        found, left = self.nearest(path)
        return None if left else found

    def nearest(self, path: Iterable[str | int]) -> tuple[Node, Path]:
        """The deepest node that exists on the way to `path`, and what is left of the path there."""
        node, steps = self, tuple(path)
        for depth, step in enumerate(steps):
            value = node.value
            if isinstance(value, dict) and step in value:
                node = value[str(step)]
            elif isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
                node = value[step]
            else:
                return node, steps[depth:]
        return node, ()

    def plain(self) -> Json:
        """The value as JSON; leaves of `fcdeploy.model` stay as they are."""
        value = self.value
        if isinstance(value, dict):
            return {key: item.plain() for key, item in value.items()}
        if isinstance(value, list):
            return [item.plain() for item in value]
        return value

    def with_value(self, value: Json, *, templated: bool | None = None, origin: str | None = None) -> Node:
        """The same place with another value: maps and lists of nodes, or a leaf."""
        return Node(
            value,
            self._file,
            self._line,
            self._column,
            self._key_line,
            self._key_column,
            _is_dynamic(value),
            self.quoted,
            "" if templated else self.text,
            self.lead,
            self.templated if templated is None else templated,
            self.origin if origin is None else origin,
            self.pasted,
            self._key_file,
        )

    def under_key(self, line: int, column: int) -> Node:
        """The same value below another key of the same file: what an alias stands for."""
        return Node(
            self.value,
            self._file,
            self._line,
            self._column,
            line,
            column,
            self.dynamic,
            self.quoted,
            self.text,
            self.lead,
            self.templated,
            self.origin,
            self.pasted,
        )

    def __repr__(self) -> str:
        # Never the value: it may hold a secret.
        return f"Node({self.what} at {self.span})"


def kind_of(value: Json) -> str:
    """What a JSON value is, in the words of a message."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case dict():
            return "a map"
        case list() | tuple():
            return "a list"
        case _:
            return "a value known after apply"


def path_text(path: Iterable[str | int]) -> str:
    """A path as it is printed in diagnostics: `services.images.functions[0]`; keys with dots are quoted."""
    made = ""
    for step in path:
        if isinstance(step, int):
            made += f"[{step}]"
        elif "." in step or "[" in step or not step:
            made += f'["{step}"]'
        else:
            made += f".{step}" if made else step
    return made


def merged(base: Node | None, over: Node) -> Node:
    """`over` laid over `base` (S3): maps merge deeply, lists and scalars replace, null cancels and is then absent.

    Every piece keeps its own place. The result itself stands where `over` does. A null below `over` or `base`
    that cancels nothing is absent as well; nulls inside lists stay.
    """
    if not isinstance(over.value, dict):
        return over
    before = base.value if base is not None and isinstance(base.value, dict) else {}
    made: dict[str, Node] = {}
    for key, item in before.items():
        if key not in over.value:
            kept = without_nulls(item)
            if kept.value is not None:
                made[key] = kept
    for key, item in over.value.items():
        if item.value is not None:
            made[key] = merged(before.get(key), item)
    return over.with_value(made)


def laid(base: Node | None, over: Node | None) -> Node:
    """A JSON merge patch (RFC 7396), but that nulls stay: they still have a default to cancel."""
    if over is None or base is None:
        made = over if over is not None else base
        assert made is not None
        return made
    if not isinstance(over.value, dict) or not isinstance(base.value, dict):
        return over
    before = base.value
    return over.with_value({**before, **{key: laid(before.get(key), item) for key, item in over.value.items()}})


def without_nulls(node: Node) -> Node:
    """The node without map entries whose value is null, at every depth outside lists."""
    value = node.value
    if not isinstance(value, dict):
        return node
    for item in value.values():
        if item.value is None or isinstance(item.value, dict):
            break
    else:
        return node
    kept = {key: without_nulls(item) for key, item in value.items() if item.value is not None}
    if len(kept) == len(value) and all(kept[key] is value[key] for key in kept):
        return node
    return node.with_value(kept)


def _is_dynamic(value: Json) -> bool:
    if isinstance(value, dict):
        for key, item in value.items():
            if item.dynamic or TEMPLATE_START in key:
                return True
    elif isinstance(value, list):
        for item in value:
            if item.dynamic:
                return True
    return False
