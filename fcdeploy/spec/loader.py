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

MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 64
MAX_ALIASED = 1_000_000
"""How many nodes aliases and merges may stand for in all; the file's own nodes are bounded by its size."""

_CORE = "tag:yaml.org,2002:"
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_QUOTE = 'quote the template: "${{ … }}"'


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


def load(source: bytes | str, name: str, *, found: list[Diagnostic] | None = None) -> Node:
    """Load YAML text; `name` is the file's name in messages. Raises SpecError; see `read_spec` for `found`."""
    text = _decoded(source, name) if isinstance(source, bytes) else source.removeprefix("\ufeff")
    bad = _UNPRINTABLE.search(text)
    if bad is not None:
        raise SpecError(
            [
                error(
                    f"a control character (U+{ord(bad[0]):04X}) stands in the file",
                    span=_span_of_index(text, bad.start(), name),
                    hint='delete it, or write it as an escape inside double quotes ("\\x07")',
                )
            ]
        )
    builder = _Builder(name)
    try:
        root = builder.build(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError as problem:
        builder.found.append(_syntax_error(problem, text, name))
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
                    span=_span_of_index(before, len(before), name),
                    hint="save it as UTF-8",
                )
            ]
        ) from None


def _span_of_index(text: str, index: int, name: str) -> Span:
    before = re.split("\r\n|[\n\r\x85\u2028\u2029]", text[:index])
    return Span(file=name, line=len(before), column=len(before[-1]) + 1)


def _syntax_error(problem: yaml.YAMLError, text: str, name: str) -> Diagnostic:
    """What libyaml found, with the hint that fits the line where it stumbled."""
    mark = getattr(problem, "problem_mark", None) or getattr(problem, "context_mark", None)
    start = getattr(problem, "context_mark", None)
    what = getattr(problem, "problem", None) or getattr(problem, "context", None) or str(problem)
    if mark is None:
        return error(f"not valid YAML: {what}", span=Span(file=name, line=1, column=1))
    lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", text)
    line = lines[mark.line] if mark.line < len(lines) else ""
    detail = ""
    if start is not None and getattr(problem, "context", None) not in (None, "while scanning for the next token"):
        detail = f"{problem.context} that begins at line {start.line + 1}, column {start.column + 1}"  # type: ignore[attr-defined]
    hint = ""
    if "\t" in line[: mark.column + 1] and not line[: mark.column].strip():
        hint = "YAML indents with spaces; replace the tab"
    elif _has_bare_template(line, mark.column):
        hint = _QUOTE
    elif "mapping values are not allowed" in what:
        hint = "quote the text if it holds `: `; otherwise check the indentation"
    elif "did not find expected key" in what:
        hint = "check the indentation of this line"
    elif "cannot start any token" in what and line[mark.column : mark.column + 1] in ("@", "`", "%"):
        hint = f"quote text that begins with `{line[mark.column]}`"
    elif "undefined alias" in what:
        hint = "an anchor (`&name`) must stand before its alias (`*name`)"
    return error(
        f"not valid YAML: {what}",
        detail=detail,
        hint=hint,
        span=Span(file=name, line=mark.line + 1, column=mark.column + 1),
    )


def _has_bare_template(line: str, column: int) -> bool:
    """Whether the template nearest before a column, or the first of the line, stands outside quotes."""
    start = line.rfind(TEMPLATE_START, 0, column + len(TEMPLATE_START))
    if start < 0:
        start = line.find(TEMPLATE_START)
    before = line[: max(start, 0)]
    return start >= 0 and before.count('"') % 2 == 0 and before.count("'") % 2 == 0


class _Open:
    """A map or list whose end has not come yet; `height` and `spread` measure it with aliases written out."""

    __slots__ = ("anchor", "column", "elements", "entries", "height", "key", "key_at", "line", "merges", "spread")

    def __init__(self, line: int, column: int, anchor: str | None, is_map: bool) -> None:
        self.line = line
        self.column = column
        self.anchor = anchor
        self.entries: dict[str, Node] | None = {} if is_map else None
        self.elements: list[Node] = []
        self.key: str | None = None
        self.key_at: tuple[int, int] | None = None
        self.merges: list[Node] = []
        self.height = 0
        self.spread = 1


# Keys that cannot be used still take their value, so that the rest of the file is checked.
_UNUSABLE = "\0"
_MERGE = "\0<<"


class _Builder:
    """Events to nodes. `found` collects what is wrong; building goes on so that all is told at once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found: list[Diagnostic] = []
        self.open: list[_Open] = []
        self.root: Node | None = None
        self.anchors: dict[str, tuple[Node, int, int] | None] = {}
        self.aliased = 0

    def build(self, events: Iterator[Any]) -> Node | None:
        """Consume the events; None when there is no document or a bound is exceeded."""
        documents = 0
        for event in events:
            kind = type(event)
            mark = event.start_mark
            if kind is yaml.ScalarEvent:
                self._scalar(event, mark.line + 1, mark.column + 1)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                is_map = kind is yaml.MappingStartEvent
                if event.tag not in (None, "!", _CORE + ("map" if is_map else "seq")):
                    self._refuse_tag(event.tag, mark.line + 1, mark.column + 1)
                if event.anchor:
                    self.anchors[event.anchor] = None
                self.open.append(_Open(mark.line + 1, mark.column + 1, event.anchor, is_map))
                if len(self.open) > MAX_DEPTH:
                    self._say(f"nested deeper than {MAX_DEPTH} levels", mark.line + 1, mark.column + 1)
                    return None
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._close()
            elif kind is yaml.AliasEvent:
                if not self._alias(event.anchor, mark.line + 1, mark.column + 1):
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
                    self._say("YAML directives are not understood", mark.line + 1, mark.column + 1)
        return self.root

    def _scalar(self, event: Any, line: int, column: int) -> None:
        text: str = event.value
        is_plain = not event.style
        value: Any = text
        try:
            if event.tag is None or event.tag == "!":
                if is_plain and event.tag is None:
                    value = plain_scalar(text)
            elif event.tag.startswith(_CORE):
                value = tagged_scalar(text, event.tag[len(_CORE) :])
            else:
                raise KeyError(event.tag)
        except KeyError:
            self._refuse_tag(event.tag, line, column)
        except ValueError as problem:
            self._say(str(problem), line, column, hint="quote it if it is text")
        top = self.open[-1] if self.open else None
        if top is not None and top.entries is not None and top.key is None:
            self._key(top, text, value, is_plain, line, column)
            if event.anchor:
                self.anchors[event.anchor] = (Node(value, self.name, line, column, quoted=not is_plain), 0, 1)
            return
        dynamic = value is text and TEMPLATE_START in text
        lead = None
        if dynamic and event.style not in ("|", ">"):
            end = event.end_mark
            lead = 0 if is_plain else 1
            if end.line + 1 != line or end.column + 1 - column != len(text) + 2 * lead:
                lead = None
        node = Node(value, self.name, line, column, 0, 0, dynamic, not is_plain, "" if value is text else text, lead)
        if event.anchor:
            self.anchors[event.anchor] = (node, 0, 1)
        self._put(node, 0, 1)

    def _key(self, top: _Open, text: str, value: Any, is_plain: bool, line: int, column: int) -> None:
        entries = top.entries
        top.key_at = (line, column)
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
            self._say("the template in this key has no end before `: `", line, column, hint=_QUOTE)
        elif entries is not None and text in entries:
            top.key = _UNUSABLE
            first = entries[text].key_span
            self._say(f"the key `{text}` stands twice in this map", line, column, detail=f"the first is at {first}")

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
            top.key, top.key_at = _UNUSABLE, (node.span.line, node.span.column)
            hint = 'a template is written "${{ … }}"' if isinstance(node.value, dict) else ""
            self._say(f"a key must be text, not {node.what}", *top.key_at, hint=hint)
            return
        top.key = None
        if key is _MERGE:
            top.merges = self._merge_sources(node, at)
        elif key is not _UNUSABLE:
            node._key_line, node._key_column = at
            top.entries[key] = node

    def _merge_sources(self, node: Node, at: tuple[int, int]) -> list[Node]:
        sources = [node] if isinstance(node.value, dict) else node.items
        wrong = next((one for one in sources if not isinstance(one.value, dict)), None)
        if wrong is not None or (not isinstance(node.value, (dict, list))):
            self._say(f"`<<` takes a map or a list of maps, not {(wrong or node).what}", *at, hint="`<<: *anchor`")
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
        node = Node(value, self.name, done.line, done.column, 0, 0, dynamic)
        if done.anchor:
            self.anchors[done.anchor] = (node, done.height, done.spread)
        self._put(node, done.height, done.spread)

    def _refuse_tag(self, tag: str, line: int, column: int) -> None:
        shown = "!!" + tag[len(_CORE) :] if tag.startswith(_CORE) else tag
        self._say(f"the tag `{shown}` is not understood", line, column, hint="write the value without a tag")

    def _say(self, summary: str, line: int, column: int, *, detail: str = "", hint: str = "") -> None:
        span = Span(file=self.name, line=line, column=column)
        self.found.append(error(summary, detail=detail, hint=hint, span=span))
