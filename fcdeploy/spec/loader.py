"""YAML text -> `Node`, with every problem as a diagnostic at its line (S1).

The tree is built from libyaml's events. Composing nodes is five times slower on a large file and recurses in C:
a few thousand `[` crash the process. Building from events costs no stack, so depth is ours to bound.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from fcdeploy.diagnostics import Diagnostic, Span, error
from fcdeploy.errors import SpecError
from fcdeploy.spec.node import TEMPLATE_START, Node
from fcdeploy.spec.scalars import plain_scalar, tagged_scalar
from fcdeploy.spec.syntax import QUOTE, span_of_index, syntax_error
from fcdeploy.spec.traced import Trace

MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 64
MAX_ALIASED = 1_000_000
"""How many nodes aliases and merges may stand for in all; the file's own nodes are bounded by its size."""

MAX_RENDERED = 120_000
"""Events of YAML that a file may hold which a template made: its size says nothing of theirs."""

_CORE = "tag:yaml.org,2002:"
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PRINTABLE_ASCII = bytes((0x09, 0x0A, 0x0D, *range(0x20, 0x7F)))


def read_spec(path: Path, name: str | None = None, *, found: list[Diagnostic] | None = None) -> Node:
    """Read and load a file; `name` is how messages call it. Raises SpecError with everything that is wrong.

    With `found`, what leaves a tree to go on with (a key that stands twice) is added to it instead of raised.
    """
    name = str(path) if name is None else name
    top = Span(file=name, line=1, column=1)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise SpecError([error("this is a folder, not a file", span=top, hint="name the file inside it")])
        if status.st_size > MAX_BYTES:
            raise SpecError([error(f"the file is larger than {MAX_BYTES // 2**20} MiB", span=top)])
        content = path.read_bytes()
    except FileNotFoundError:
        raise SpecError([error("there is no such file", span=top, hint="name it with -f")]) from None
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
        raise SpecError([error("the file cannot be read", detail=reason, span=top)]) from problem
    return load(content, name, found=found)


def load(source: bytes | str, name: str, *, found: list[Diagnostic] | None = None, trace: Trace | None = None) -> Node:
    """Load YAML text; `name` is the file's name in messages. Raises SpecError; see `read_spec` for `found`.

    `trace` leads from text that a template made to the template: every place is then one of the template.
    """

    def place(line: int, column: int) -> Span:
        return trace.span(line, column) if trace is not None else Span(file=name, line=line, column=column)

    text = _decoded(source, name) if isinstance(source, bytes) else source.removeprefix("\ufeff")
    # A table is twenty times as fast as the pattern, and most files have nothing that it does not know.
    plain = text.isascii() and not text.encode().translate(None, _PRINTABLE_ASCII)
    bad = None if plain else _UNPRINTABLE.search(text)
    if bad is not None:
        raise SpecError(
            [
                error(
                    f"a control character (U+{ord(bad[0]):04X}) stands in the file",
                    span=span_of_index(text, bad.start(), place),
                    hint='delete it, or write it as an escape inside double quotes ("\\x07")',
                )
            ]
        )
    builder = _Builder(name, trace)
    try:
        # Not yaml.parse, whose own loop costs as much again as reading an event.
        root = builder.build(iter(yaml.CSafeLoader(text).get_event, None))
    except yaml.YAMLError as problem:
        builder.found.append(syntax_error(problem, text, place))
        root = None
    if builder.found:
        if found is None or root is None:
            raise SpecError(builder.found)
        found += builder.found
    if root is None or (root.value is None and not root.text):
        raise SpecError(
            [
                error(
                    "the file is empty",
                    span=Span(file=name, line=1, column=1),
                    hint="a spec begins with `apiVersion: fcdeploy/v1`",
                )
            ]
        )
    return root


def _decoded(content: bytes, name: str) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        raise SpecError(
            [
                error(
                    "the file is in UTF-16 or UTF-32",
                    span=Span(file=name, line=1, column=1),
                    hint="save it as UTF-8",
                )
            ]
        )
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as problem:
        before = content[: problem.start].decode("utf-8").removeprefix("\ufeff")
        raise SpecError(
            [
                error(
                    f"the file is not UTF-8: byte 0x{content[problem.start]:02X}",
                    span=span_of_index(
                        before, len(before), lambda line, column: Span(file=name, line=line, column=column)
                    ),
                    hint="save it as UTF-8",
                )
            ]
        ) from None


class _Open:
    """A map or list whose end has not come yet; `height` and `spread` measure it with aliases written out."""

    __slots__ = (
        *("anchor", "column", "elements", "entries", "file", "height"),
        *("key", "key_at", "line", "merges", "spread"),
    )

    def __init__(self, file: str, line: int, column: int, anchor: str | None, is_map: bool) -> None:
        self.file = file
        self.line = line
        self.column = column
        self.anchor = anchor
        self.entries: dict[str, Node] | None = {} if is_map else None
        self.elements: list[Node] = []
        self.key: str | None = None
        self.key_at: tuple[str, int, int] | None = None
        self.merges: list[Node] = []
        self.height = 0
        self.spread = 1


def _ends(event: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """The line and column, from 1, of an event's first character and of the first one after it."""
    start, end = event.start_mark, event.end_mark
    return (start.line + 1, start.column + 1), (end.line + 1, end.column + 1)


# Keys that cannot be used still take their value, so that the rest of the file is checked.
_UNUSABLE = "\0"
_MERGE = "\0<<"


class _Builder:
    """Events to nodes. `found` collects what is wrong; building goes on so that all is told at once."""

    def __init__(self, name: str, trace: Trace | None) -> None:
        self.name = name
        self.trace = trace
        self.found: list[Diagnostic] = []
        self.open: list[_Open] = []
        self.root: Node | None = None
        self.anchors: dict[str, tuple[Node, int, int] | None] = {}
        self.aliased = 0
        self.rendered = 0
        # Each key once: a large file has the same few a thousand times.
        self.keys: dict[str, str] = {}

    def build(self, events: Iterator[Any]) -> Node | None:
        """Consume the events; None when there is no document or a bound is exceeded."""
        documents = 0
        for event in events:
            kind = type(event)
            mark = event.start_mark
            line, column = mark.line + 1, mark.column + 1
            if self.trace is not None:
                span = self.trace.span(line, column)
                self.name, line, column = span.file, span.line, span.column
                self.rendered += 1
                if self.rendered > MAX_RENDERED:
                    self._say(f"the template makes more than {MAX_RENDERED:,} names and values", line, column)
                    return None
            if kind is yaml.ScalarEvent:
                self._scalar(event, line, column)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                is_map = kind is yaml.MappingStartEvent
                if event.tag not in (None, "!", _CORE + ("map" if is_map else "seq")):
                    self._refuse_tag(event.tag, line, column)
                if event.anchor:
                    self.anchors[event.anchor] = None
                self.open.append(_Open(self.name, line, column, event.anchor, is_map))
                if len(self.open) > MAX_DEPTH:
                    self._say(f"nested deeper than {MAX_DEPTH} levels", line, column)
                    return None
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._close()
            elif kind is yaml.AliasEvent:
                if not self._alias(event.anchor, line, column):
                    return None
            elif kind is yaml.DocumentStartEvent:
                documents += 1
                if documents == 2:
                    self._say(
                        "a second document begins here",
                        mark.line + 1,
                        mark.column + 1,
                        hint="one file holds one project: remove the `---` or use a second file",
                    )
                    return None
                if event.tags or event.version not in (None, (1, 1), (1, 2)):
                    self._say("YAML directives are not understood", line, column)
        return self.root

    def _scalar(self, event: Any, line: int, column: int) -> None:
        text: str = event.value
        tag: str | None = event.tag
        anchor: str | None = event.anchor
        top = self.open[-1] if self.open else None
        if top is not None and top.key is None and top.entries is not None:
            known = self.keys.get(text) if tag is None and anchor is None else None
            if known is not None and known not in top.entries:
                top.key, top.key_at = known, (self.name, line, column)
                return
        else:
            top = None
        is_plain = not event.style
        value: Any = text
        try:
            if tag is None or tag == "!":
                if is_plain and tag is None:
                    value = plain_scalar(text)
            elif tag.startswith(_CORE):
                value = tagged_scalar(text, tag[len(_CORE) :])
            else:
                raise KeyError(tag)
        except KeyError:
            self._refuse_tag(event.tag, line, column)
        except ValueError as problem:
            self._say(str(problem), line, column, hint="quote it if it is text")
        if top is not None:
            self._key(top, text, value, is_plain, line, column)
            if anchor:
                self.anchors[anchor] = (Node(value, self.name, line, column, quoted=not is_plain), 0, 1)
            return
        dynamic = value is text and TEMPLATE_START in text
        lead = self._lead(event, text, is_plain) if dynamic else None
        node = Node(value, self.name, line, column, 0, 0, dynamic, not is_plain, "" if value is text else text, lead)
        if self.trace is not None and not self.trace.is_written(*_ends(event)):
            node.pasted = True
        if anchor:
            self.anchors[anchor] = (node, 0, 1)
        self._put(node, 0, 1)

    def _lead(self, event: Any, text: str, is_plain: bool) -> int | None:
        """Columns before the text of a scalar; None where its characters are not columns of the source."""
        if event.style in ("|", ">"):
            return None
        start, end = event.start_mark, event.end_mark
        lead = 0 if is_plain else 1
        if end.line != start.line or end.column - start.column != len(text) + 2 * lead:
            return None
        return lead if self.trace is None or self.trace.is_one_piece(*_ends(event)) else None

    def _key(self, top: _Open, text: str, value: Any, is_plain: bool, line: int, column: int) -> None:
        entries = top.entries
        top.key_at = (self.name, line, column)
        if is_plain and text == "<<":
            top.key = _MERGE
            if top.merges:
                self._say("`<<` stands twice in one map", line, column, hint="merge a list: `<<: [*one, *two]`")
            return
        top.key = text
        if not isinstance(value, str):
            top.key = _UNUSABLE
            shown = text if text else "(nothing)"
            self._say(f"a key must be text: {shown}", line, column, hint=f'quote it: "{text}"')
        elif is_plain and text.count(TEMPLATE_START) > text.count("}}"):
            top.key = _UNUSABLE
            self._say("the template in this key has no end before `: `", line, column, hint=QUOTE)
        elif entries is not None and text in entries:
            top.key = _UNUSABLE
            first = entries[text].key_span
            self._say(f"the key `{text}` stands twice in this map", line, column, detail=f"the first is at {first}")
        elif is_plain:
            self.keys[text] = text

    def _alias(self, anchor: str, line: int, column: int) -> bool:
        if anchor not in self.anchors:
            self._say(f"there is no anchor `&{anchor}` before this alias", line, column)
            self._put(Node(None, self.name, line, column), 0, 1)
            return True
        known = self.anchors[anchor]
        if known is None:
            self._say(f"`*{anchor}` stands inside its own anchor", line, column)
            return False
        node, height, spread = known
        self.aliased += spread
        if self.aliased > MAX_ALIASED:
            self._say(f"aliases stand for more than {MAX_ALIASED:,} nodes", line, column)
            return False
        if len(self.open) + height > MAX_DEPTH:
            self._say(f"nested deeper than {MAX_DEPTH} levels", line, column)
            return False
        top = self.open[-1] if self.open else None
        if top is not None and top.entries is not None and top.key is None:
            if isinstance(node.value, str):
                self._key(top, node.value, node.value, False, line, column)
            else:
                self._key(top, f"*{anchor}", None, False, line, column)
            return True
        self._put(node.under_key(0, 0), height, spread)
        return True

    def _put(self, node: Node, height: int, spread: int) -> None:
        """Hand a finished node to what encloses it."""
        if not self.open:
            self.root = node
            return
        top = self.open[-1]
        if height >= top.height:
            top.height = height + 1
        top.spread += spread
        if top.entries is None:
            top.elements.append(node)
            return
        key, at = top.key, top.key_at
        if key is None or at is None:
            # A map or a list in the place of a key.
            span = node.span
            top.key, top.key_at = _UNUSABLE, (span.file, span.line, span.column)
            hint = 'a template is written "${{ … }}"' if isinstance(node.value, dict) else ""
            self.found.append(error(f"a key must be text, not {node.what}", hint=hint, span=span))
            return
        top.key = None
        if key is _MERGE:
            top.merges = self._merge_sources(node, at)
        elif key is not _UNUSABLE:
            node._key_file, node._key_line, node._key_column = at
            top.entries[key] = node

    def _merge_sources(self, node: Node, at: tuple[str, int, int]) -> list[Node]:
        sources = [node] if isinstance(node.value, dict) else node.items
        wrong = next((one for one in sources if not isinstance(one.value, dict)), None)
        if wrong is not None or (not isinstance(node.value, (dict, list))):
            summary = f"`<<` takes a map or a list of maps, not {(wrong or node).what}"
            span = Span(file=at[0], line=at[1], column=at[2])
            self.found.append(error(summary, hint="`<<: *anchor`", span=span))
            return []
        return sources

    def _close(self) -> None:
        done = self.open.pop()
        value: Any = done.elements
        dynamic = False
        if done.entries is not None:
            value = done.entries
            for source in done.merges:
                for key, item in source.fields.items():
                    value.setdefault(key, item)
            for key, item in value.items():
                if item.dynamic or TEMPLATE_START in key:
                    dynamic = True
                    break
        else:
            for item in done.elements:
                if item.dynamic:
                    dynamic = True
                    break
        node = Node(value, done.file, done.line, done.column, 0, 0, dynamic)
        if done.anchor:
            self.anchors[done.anchor] = (node, done.height, done.spread)
        self._put(node, done.height, done.spread)

    def _refuse_tag(self, tag: str, line: int, column: int) -> None:
        shown = "!!" + tag[len(_CORE) :] if tag.startswith(_CORE) else tag
        self._say(f"the tag `{shown}` is not understood", line, column, hint="write the value without a tag")

    def _say(self, summary: str, line: int, column: int, *, detail: str = "", hint: str = "") -> None:
        span = Span(file=self.name, line=line, column=column)
        self.found.append(error(summary, detail=detail, hint=hint, span=span))
