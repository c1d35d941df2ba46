"""`when` and `foreach`: which resources the file has in one target, with their templates evaluated (S46).

What is left out is not looked at any further: no template in it is evaluated and no secret is read for it. A resource
with `foreach` is made once for each item; every piece of it keeps the place of the template that it came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from fcdeploy.diagnostics import Diagnostic, Span, error
from fcdeploy.kinds.descriptor import NEW, Kind
from fcdeploy.model import Json
from fcdeploy.spec.early import CHOICES, early_words, sections_within
from fcdeploy.spec.node import TEMPLATE_START, Node, Path, path_text
from fcdeploy.spec.place import shown
from fcdeploy.spec.scope import Scope
from fcdeploy.spec.template import rendered, same_key
from fcdeploy.spec.values import Failed
from fcdeploy.spec.words import FOREACH, WHEN

MOST_ITEMS = 1_000
"""Of one `foreach`."""
MOST_TOGETHER = 10_000
"""Of every `foreach` of a target."""


class Item(Struct, frozen=True, kw_only=True):
    """One item of a `foreach`: how it is called in a message, and where it, or else the `foreach`, is written."""

    name: str
    span: Span


class Unfolding:
    """The resources of one target.

    `found` is what is wrong so far; `left_out` are those that `when` leaves out, by kind and identity, with the
    reason; `items` are those that a `foreach` made, by their path in the spec.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._made = 0
        self.found: list[Diagnostic] = []
        self.left_out: dict[tuple[str, tuple[str, ...]], str] = {}
        self.items: dict[str, Item] = {}

    def section(self, node: Node, kind: Kind) -> Node:
        """A section at the top of the file. One without templates and words is handed back as it is."""
        if CHOICES.isdisjoint(early_words(node, kind)):
            whole, problems = rendered(node, self._scope, (kind.section,))
            # A template may give a resource that has one.
            if whole is node or CHOICES.isdisjoint(early_words(whole, kind)):
                self.found.extend(problems)
                return whole
        made = self._section(node, kind, self._scope, (kind.section,), ())
        # Where there are too many, or too much was asked for to make them all, none is judged.
        too_much = self._made > MOST_TOGETHER or self._scope.surroundings.exhausted is not None
        return node.with_value({}) if made is None or too_much else made

    def _section(self, node: Node, kind: Kind, scope: Scope, path: Path, above: tuple[str, ...]) -> Node | None:
        """A map from names to resources; None when the body that stands in its place is left out."""
        node = self._evaluated(node, scope, path)
        if not isinstance(node.value, dict):
            return self._rendered(node, scope, path)
        if kind.alone and not CHOICES.isdisjoint(node.value):
            if FOREACH in node.value:
                summary = f"`{FOREACH}` needs names to make, and this {kind.title.lower()} has none"
                self._say(summary, node.value[FOREACH].key_span or node.span, (*path, FOREACH), "write it by name")
            return self._body(node, kind, scope, path, (*above, kind.alone))
        made: dict[str, Node] = {}
        for key, item in node.value.items():
            item = self._evaluated(item, scope, (*path, key))
            for each, inner in self._items(key, item, scope, (*path, key)):
                self._place(made, key, node, item, kind, inner, path, above, each)
        return node.with_value(made)

    def _place(
        self,
        made: dict[str, Node],
        key: str,
        section: Node,
        item: Node,
        kind: Kind,
        scope: Scope,
        path: Path,
        above: tuple[str, ...],
        each: Item | None,
    ) -> None:
        """Add one resource to its section under its own name."""
        name, place = key, item.key_span or item.span
        if section.dynamic and TEMPLATE_START in key:
            try:
                name = scope.key(key, place, (*path, key))
            except Failed as failed:
                # Its body is looked through all the same.
                self.found.extend((*failed.diagnostics, *rendered(item, scope, (*path, key))[1]))
                if each is not None:
                    self.items.setdefault(path_text((*path, key)), each)
                return
        here = (*path, name)
        if each is not None:
            self.items.setdefault(path_text(here), each)
        one = self._body(item, kind, scope, here, (*above, name))
        if one is None:
            return
        if name not in made:
            made[name] = one
        elif each is not None:
            first = self.items[path_text(here)]
            self._say(
                f"two items of `{FOREACH}` give the name `{name}`",
                place,
                path,
                "put what differs into the name: `${{ each.key }}`",
                f"{first.name} and {each.name}; the name is written {key}",
            )
        else:
            self.found.append(same_key(name, key, made[name], place, path))

    def _body(self, item: Node, kind: Kind, scope: Scope, path: Path, above: tuple[str, ...]) -> Node | None:
        """A resource with all that stands beneath it, without the words; None when it is left out."""
        if not isinstance(item.value, dict):
            return self._rendered(item, scope, path)
        if not self._wanted(item, kind, scope, path, above):
            return None
        below = sections_within(kind)
        fields = item.value
        plain = {key: node for key, node in fields.items() if key not in below and key not in CHOICES}
        own = self._rendered(item.with_value(plain), scope, path).fields
        made: dict[str, Node] = {}
        # A template may also give the name of a section.
        for key, node in (*((key, fields[key]) for key in fields if key in below), *own.items()):
            if key in made:
                self.found.append(same_key(key, key, made[key], node.key_span or node.span, path))
                continue
            child = self._section(node, below[key], scope, (*path, key), above) if key in below else node
            if child is not None and not (key in below and is_left_out(child, below[key], kind.provider)):
                made[key] = child
        in_order = {key: made[key] for key in fields if key in made}
        return item.with_value({**in_order, **made})

    def _wanted(self, item: Node, kind: Kind, scope: Scope, path: Path, above: tuple[str, ...]) -> bool:
        """Whether `when` keeps it. What cannot be told is kept, so that the rest of it is looked through."""
        word = item.fields.get(WHEN)
        if word is None or (word.value is None and not word.templated):
            return True
        value = self._value(word, scope, (*path, WHEN))
        if value is None or value.value is True:
            return True
        if value.value is not False:
            hint = "compare it: `${{ vars.stage == 'prod' }}`"
            detail = f"found {shown(value)}"
            self._say(f"`{WHEN}` must be true or false, not {value.what}", word.span, (*path, WHEN), hint, detail)
            return True
        is_series = kind.numbering is not None and not kind.alone
        self.left_out[(kind.name, (*above, NEW) if is_series else above)] = f"its `when` at {word.span} is false"
        return False

    def _items(self, key: str, item: Node, scope: Scope, path: Path) -> Iterator[tuple[Item | None, Scope]]:
        """The scopes in which a resource is made: its own one without `foreach`, else one for each item."""
        word = item.fields.get(FOREACH)
        if word is None or (word.value is None and not word.templated):
            yield None, scope
            return
        if self._made > MOST_TOGETHER:
            # It has been said once; nothing more is made.
            return
        place = (*path, FOREACH)
        if TEMPLATE_START not in key:
            hint = f'write the name as a template: "{key}-${{{{ each.key }}}}"'
            self._say(f"every item of this `{FOREACH}` would have the name `{key}`", word.key_span, place, hint)
            return
        value = self._value(word, scope, place)
        if value is None:
            return
        if not isinstance(value.value, (dict, list)):
            detail = f"found {shown(value)}"
            summary = f"`{FOREACH}` must be a list or a map, not {value.what}"
            self._say(summary, word.span, place, "", detail)
            return
        entries: Iterable[tuple[str | int, Node]] = enumerate(value.items)
        if isinstance(value.value, dict):
            entries = value.fields.items()
        count = len(value.value)
        self._made += count
        if count > MOST_ITEMS or self._made > MOST_TOGETHER:
            most, of = (MOST_ITEMS, "has") if count > MOST_ITEMS else (MOST_TOGETHER, "and the others have together")
            self._say(f"this `{FOREACH}` {of} more than {most:,} items", word.span, place, "", f"it has {count:,}")
            if count <= MOST_ITEMS:
                # Another target would make as many, only to come to the same.
                self._scope.stop(self.found[-1])
            return
        for name, node in entries:
            if self._made > MOST_TOGETHER or self._scope.surroundings.exhausted is not None:
                return
            # What a template gave is written where the template is.
            span = word.span if node.templated else node.key_span or node.span
            called = f"`{name}`" if isinstance(name, str) else f"{name}"
            yield Item(name=called, span=span), scope.with_item(name, node.plain())

    def _value(self, word: Node, scope: Scope, path: Path) -> Node | None:
        """What a word stands for; text without `${{` is an expression. None when that cannot be told."""
        before = len(self.found)
        if isinstance(word.value, str) and not word.dynamic and not word.templated:
            try:
                made: Json = scope.expression(word.value, word.span, path)
            except Failed as failed:
                self.found.extend(failed.diagnostics)
                return None
            return Node.of(made, word.span, templated=True, origin=word.value)
        value = self._rendered(word, scope, path)
        return value if len(self.found) == before else None

    def _evaluated(self, node: Node, scope: Scope, path: Path) -> Node:
        """A scalar that is a template, evaluated; anything else as it is."""
        return self._rendered(node, scope, path) if node.dynamic and isinstance(node.value, str) else node

    def _rendered(self, node: Node, scope: Scope, path: Path) -> Node:
        made, problems = rendered(node, scope, path)
        self.found.extend(problems)
        return made

    def _say(self, summary: str, span: Span | None, path: Path, hint: str = "", detail: str = "") -> None:
        self.found.append(error(summary, detail=detail, hint=hint, span=span, path=path_text(path)))


def by_item(found: Iterable[Diagnostic], items: Mapping[str, Item]) -> list[Diagnostic]:
    """The findings, those about a resource that a `foreach` made with the item; what several have in common once."""
    if not items:
        return list(found)
    made: list[Diagnostic] = []
    repeats: dict[Diagnostic, tuple[Diagnostic, Item, int]] = {}
    for one in found:
        item = _item_of(one.path, items)
        if item is None:
            made.append(one)
            continue
        known = repeats.get(replace(one, path=""))
        first, its, count = known or (one, item, 0)
        repeats[replace(one, path="")] = (first, its, count + 1)
    for one, item, count in repeats.values():
        made.append(_with_item(one, item, count - 1))
    return made


def _item_of(path: str, items: Mapping[str, Item]) -> Item | None:
    """The innermost item whose resource the path is, or leads into."""
    for at in range(len(path), 0, -1):
        if (at == len(path) or path[at] in ".[") and (found := items.get(path[:at])) is not None:
            return found
    return None


def _with_item(one: Diagnostic, item: Item, others: int = 0) -> Diagnostic:
    more = f", and {others:,} more {'item' if others == 1 else 'items'}" if others else ""
    said = f"in item {item.name} of `{FOREACH}` at {item.span}{more}"
    return replace(one, detail="\n".join(filter(None, (one.detail, said))))


def is_left_out(section: Node, kind: Kind, provider: str) -> bool:
    """Whether nothing is left of a section that this cloud has no word for."""
    return kind.provider != provider and isinstance(section.value, (dict, list)) and not section.value
