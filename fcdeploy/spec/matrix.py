"""`matrix`, `exclude` and `name` of a target: many targets out of one entry of `targets` (S6). Pure.

Which rows there are is settled without evaluating what stands in them, as far as it is written out: a value may be a
template that uses the others of its row.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import product

from msgspec import Struct

from fcdeploy.diagnostics import Diagnostic, Span, did_you_mean, error, named, warning
from fcdeploy.model import Json, Sensitive
from fcdeploy.spec.node import TEMPLATE_START, Node, kind_of, path_text
from fcdeploy.spec.scope import Scope
from fcdeploy.spec.template import rendered
from fcdeploy.spec.values import Failed, TemplateFault, to_text

MATRIX, EXCLUDE, NAME = "matrix", "exclude", "name"
WORDS = (MATRIX, EXCLUDE, NAME)
"""What says which targets an entry stands for; no target has them itself."""
MOST_ROWS = 1_000
KEY_PATTERN = r"^[A-Za-z_][-_A-Za-z0-9]{0,62}$"

_LAID_ENTRY_BY_ENTRY = ("vars", "patch")
_EXAMPLE = "matrix: {region: [cn-hangzhou, cn-shanghai]}"
_PATTERN_HINT = "write what they have in common: [{region: cn-*, stage: dev}]"


class Row(Struct, frozen=True, kw_only=True):
    """A target before it is evaluated: its fields, those of its row laid over them.

    `word` is the key under `targets` that it comes from, `free` are names of its row that only templates use, `place`
    is where it is told of: its row, where rows are written out.
    """

    name: str
    word: str
    node: Node
    place: Span
    free: frozenset[str] = frozenset()


_Entries = Mapping[str, Node]


def rows(
    word: str, node: Node, fields: Collection[str], scope_of: Callable[[Node], Scope], found: list[Diagnostic]
) -> tuple[Row, ...]:
    """The targets that one entry of `targets` stands for: itself alone, where it has no matrix.

    `fields` are those that a target may have; `scope_of` gives the scope of templates for a target's fields. What is
    wrong is added to `found`; rows that it makes unusable are left out.
    """
    bare = node.with_value({key: item for key, item in node.fields.items() if key not in WORDS})
    matrix = _Matrix(word, node, bare, fields, scope_of, found)
    if is_given(node, MATRIX):
        return matrix.rows()
    for key in (EXCLUDE, NAME):
        if is_given(node, key):
            hint = "a target is called what its key says" if key == NAME else ""
            matrix.say(f"`{key}` has no effect without `{MATRIX}`", matrix.place(key), key, hint=hint)
    return (Row(name=word, word=word, node=bare, place=node.key_span or node.span),)


def is_given(node: Node, key: str) -> bool:
    """Whether an entry of `targets` says this word; null says nothing."""
    return key in node.fields and node.fields[key].value is not None


class _Matrix(Struct):
    word: str
    node: Node
    bare: Node
    fields: Collection[str]
    scope_of: Callable[[Node], Scope]
    found: list[Diagnostic]

    def rows(self) -> tuple[Row, ...]:
        before = len(self.found)
        scope = self.scope_of(self.bare)
        written = self.evaluated(self.node.fields[MATRIX], scope, MATRIX)
        made = self.entries(written, scope) if written is not None else []
        if len(self.found) > before:
            return ()
        keys = tuple(dict.fromkeys(key for entries, _ in made for key in entries))
        made = [({key: entries[key] for key in keys if key in entries}, place) for entries, place in made]
        whole = [(entries, place, self.laid_over(entries)) for entries, place in made]
        kept = self.kept(whole, keys, scope)
        if not kept and len(self.found) == before:
            self.say(f"`{EXCLUDE}` leaves no row", self.place(EXCLUDE), EXCLUDE)
        free = frozenset(keys) - frozenset(self.fields)
        found: list[Row] = []
        for entries, place, node in kept:
            name = self.name(entries, node)
            if name is not None:
                found.append(Row(name=name, word=self.word, node=node, place=place, free=free))
        return tuple(found)

    def say(self, summary: str, span: Span, *path: str | int, hint: str = "") -> None:
        self.found.append(error(summary, span=span, path=path_text(("targets", self.word, *path)), hint=hint))

    def place(self, key: str) -> Span:
        item = self.node.fields[key]
        return item.key_span or item.span

    def evaluated(self, node: Node, scope: Scope, *path: str | int) -> Node | None:
        """What one template gives in its place; anything else as it stands. None when it failed."""
        if not node.dynamic or isinstance(node.value, (dict, list)):
            return node
        made, problems = rendered(node, scope, ("targets", self.word, *path))
        self.found += problems
        return None if problems else made

    def entries(self, written: Node, scope: Scope) -> list[tuple[_Entries, Span]]:
        """The rows as the file means them, each with the place where it is told of."""
        if isinstance(written.value, list):
            found = [self.row(item, scope, at) for at, item in enumerate(written.items)]
            if not found:
                self.say(f"`{MATRIX}` has no row", written.span, MATRIX, hint=_EXAMPLE)
            if len(found) > MOST_ROWS:
                self.too_many(len(found))
            return found
        if not isinstance(written.value, dict):
            what = f"`{MATRIX}` must be a map of lists or a list of rows, not {written.what}"
            self.say(what, written.span, MATRIX, hint=_EXAMPLE)
            return []
        if not written.fields:
            self.say(f"`{MATRIX}` has no row", written.span, MATRIX, hint=_EXAMPLE)
        lists = {key: self.values(key, item, scope) for key, item in written.fields.items()}
        number = math.prod(map(len, lists.values()))
        if number > MOST_ROWS:
            self.too_many(number)
            return []
        place = self.node.key_span or self.node.span
        return [(dict(zip(lists, chosen, strict=True)), place) for chosen in product(*lists.values())]

    def too_many(self, number: int) -> None:
        self.say(f"`{MATRIX}` has more than {MOST_ROWS:,} rows: {number:,}", self.place(MATRIX), MATRIX)

    def row(self, item: Node, scope: Scope, at: int) -> tuple[_Entries, Span]:
        made = self.evaluated(item, scope, MATRIX, at)
        if made is not None and not isinstance(made.value, dict):
            hint = "- {region: cn-hangzhou, stage: dev}"
            self.say(f"a row must be a map, not {made.what}", item.span, MATRIX, at, hint=hint)
        elif made is not None and not made.fields:
            self.say("a row must say something", item.span, MATRIX, at)
        entries = made.fields if made is not None else {}
        for key, value in entries.items():
            self.check_key(key, value.key_span or item.span, MATRIX, at)
        return entries, item.span

    def values(self, key: str, item: Node, scope: Scope) -> Sequence[Node]:
        self.check_key(key, item.key_span or item.span, MATRIX)
        made = self.evaluated(item, scope, MATRIX, key)
        if made is None:
            return ()
        if not isinstance(made.value, list):
            hint = "" if isinstance(made.value, dict) or made.templated else f"{key}: [{made.text or made.value}]"
            self.say(f"`{key}` must be a list of values, not {made.what}", item.span, MATRIX, key, hint=hint)
        elif not made.items:
            self.say(f"`{key}` has no value", item.span, MATRIX, key)
        return made.items

    def check_key(self, key: str, span: Span, *path: str | int) -> None:
        if TEMPLATE_START in key:
            self.say("a name in a matrix cannot be a template", span, *path, key)
        elif key in WORDS:
            self.say(f"`{key}` cannot stand in a matrix", span, *path, key, hint=f"write it beside `{MATRIX}`")
        elif not re.fullmatch(KEY_PATTERN, key):
            hint = "up to 63 letters, digits, `_` and `-`, beginning with a letter or `_`"
            self.say(f"`{key}` cannot be the name of a matrix' values", span, *path, key, hint=hint)

    def laid_over(self, entries: _Entries) -> Node:
        """The target's fields with those of a row over them."""
        made = dict(self.bare.fields)
        for key, item in entries.items():
            below = made.get(key)
            both = below is not None and isinstance(below.value, dict) and isinstance(item.value, dict)
            if key in _LAID_ENTRY_BY_ENTRY and both and below is not None:
                item = item.with_value({**below.fields, **item.fields})
            made[key] = item
        return self.bare.with_value(made)

    def kept(
        self, whole: list[tuple[_Entries, Span, Node]], keys: Sequence[str], scope: Scope
    ) -> list[tuple[_Entries, Span, Node]]:
        """The rows that `exclude` leaves."""
        written = self.node.fields.get(EXCLUDE)
        if written is None or written.value is None:
            return whole
        listed = self.evaluated(written, scope, EXCLUDE)
        if listed is None:
            return []
        if not isinstance(listed.value, list):
            self.say(f"`{EXCLUDE}` must be a list, not {listed.what}", written.span, EXCLUDE, hint=_PATTERN_HINT)
            return []
        known = [self.known(entries, node) for entries, _, node in whole]
        out: set[int] = set()
        for at, item in enumerate(listed.items):
            entry, problems = rendered(item, scope, ("targets", self.word, EXCLUDE, at))
            self.found += problems
            if problems or not self.is_pattern(entry, keys, at):
                continue
            pattern = entry.plain()
            matching = {place for place, row in enumerate(known) if _matches(pattern, row)}
            if not matching:
                self.found.append(
                    warning(
                        "no row of the matrix is like this",
                        span=entry.span,
                        path=path_text(("targets", self.word, EXCLUDE, at)),
                        hint=_nearest(pattern, known),
                    )
                )
            out |= matching
        return [one for place, one in enumerate(whole) if place not in out]

    def known(self, entries: _Entries, node: Node) -> dict[str, Json]:
        """A row's values, its templates evaluated."""
        made: dict[str, Json] = {}
        scope: Scope | None = None
        for key, item in entries.items():
            if item.dynamic:
                scope = scope or self.scope_of(self.with_name(node, entries))
                item, problems = rendered(item, scope, ("targets", self.word, key))
                self.found += problems
            made[key] = item.plain()
        return made

    def is_pattern(self, entry: Node, keys: Sequence[str], at: int) -> bool:
        before = len(self.found)
        if not isinstance(entry.value, dict):
            self.say(f"a pattern of rows must be a map, not {entry.what}", entry.span, EXCLUDE, at, hint=_PATTERN_HINT)
        elif not entry.fields:
            self.say("a pattern of rows must say something", entry.span, EXCLUDE, at, hint=_PATTERN_HINT)
        for key in entry.fields:
            if key not in keys:
                hint = did_you_mean(key, keys) or f"its names are: {', '.join(keys)}"
                span = entry.fields[key].key_span or entry.span
                self.say(f"the matrix has no field `{key}`", span, EXCLUDE, at, key, hint=hint)
        return len(self.found) == before

    def with_name(self, node: Node, entries: _Entries) -> Node:
        """The fields with the name as templates see it: `name`, or the values of the row in the order of its keys."""
        if is_given(self.node, NAME):
            name = self.node.fields[NAME]
        else:
            # A map or a list has no text form; what else there is of the row has to tell it from the others.
            said = [key for key, one in entries.items() if one.value is not None and not (one.fields or one.items)]
            text = "/".join([self.word, *(f"${{{{ target['{key}'] }}}}" for key in said)])
            span = self.place(MATRIX)
            name = Node(text, span.file, span.line, span.column, dynamic=True)
        return node.with_value({NAME: name, **node.fields})

    def name(self, entries: _Entries, node: Node) -> str | None:
        """The name of one row's target; None when it has none, and that is told."""
        fields = self.with_name(node, entries)
        name = fields.fields[NAME]
        made: Json = name.value
        if not isinstance(made, (dict, list)):
            try:
                made = self.scope_of(fields).follow(name, ("target", NAME))
            except Failed as failed:
                self.found += failed.diagnostics
                return None
        if isinstance(made, int) and not isinstance(made, bool):
            made = str(made)
        if isinstance(made, Sensitive):
            self.say("a target's name cannot be made from a secret", name.span, NAME)
        elif not isinstance(made, str):
            self.say(f"`{NAME}` must be text, not {kind_of(made)}", name.span, NAME)
        else:
            return made
        return None


def _text(value: Json) -> str | None:
    """A value's text form; None where there is none, and for a secret, which nothing is compared with."""
    if isinstance(value, Sensitive):
        return None
    try:
        return to_text(value)
    except TemplateFault:
        return None


def _matches(pattern: Mapping[str, Json], row: Mapping[str, Json]) -> bool:
    return all(key in row and _is_like(row[key], wanted) for key, wanted in pattern.items())


def _is_like(value: Json, wanted: Json) -> bool:
    if value == wanted:
        return True
    texts = _text(value), _text(wanted)
    return texts[0] is not None and texts[1] is not None and fnmatchcase(texts[0], texts[1])


def _nearest(pattern: Mapping[str, Json], known: Sequence[Mapping[str, Json]]) -> str:
    """What may have been meant instead of the first value that no row has."""
    for key, wanted in pattern.items():
        there = [row[key] for row in known if key in row]
        if any(_is_like(value, wanted) for value in there):
            continue
        texts = dict.fromkeys(text for value in there if (text := _text(value)) is not None)
        return did_you_mean(_text(wanted) or "", texts) or f"`{key}` is one of: {named(texts)}"
    return "each of its values is there, but no row has all of them"
