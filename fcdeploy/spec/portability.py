"""What differs between the targets of a file: in fields, and in what the clouds make of the same words (S45). Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from fcdeploy.diagnostics import Span
from fcdeploy.kinds import registry
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.fields import Field
from fcdeploy.model import Json, Sensitive, Target
from fcdeploy.model.portability import Behaviour, Compared, Portability, Said, WordDiffers
from fcdeploy.model.providers import provider_of
from fcdeploy.spec.node import Node, path_text
from fcdeploy.spec.place import is_open
from fcdeploy.spec.shape import Shape, shapes

_HIDDEN = "(sensitive)"
_LATER = "(known later)"
_LONGEST = 60

Paths = tuple[str, ...]


class _Word(Struct, frozen=True, kw_only=True):
    """A word that a resource says: its value for comparing, its text, and what the cloud makes of it.

    Of a map the members are compared; its own `value` is None.
    """

    value: str | None
    text: str
    span: Span | None
    behaves: str


class _Resource(Struct, frozen=True, kw_only=True):
    section: str
    span: Span | None
    words: Mapping[str, _Word]


def portability(trees: Sequence[tuple[Target, Node]]) -> Portability:
    """Compare the resolved specs of several targets, each with its target, in the order of the file."""
    by_target = {target.name: dict(_resources(tree, target.provider)) for target, tree in trees}
    providers = {target.name: target.provider for target, _ in trees}
    paths: dict[str, None] = {}
    for found in by_target.values():
        paths |= dict.fromkeys(found)
    compared = (_compared(path, by_target) for path in paths)
    return Portability(
        targets=tuple(by_target),
        resources=tuple(one for one in compared if one.differs),
        behaviours=tuple(_behaviours(paths, by_target, providers)),
    )


def _compared(path: str, by_target: Mapping[str, Mapping[str, _Resource]]) -> Compared:
    having = {name: found[path] for name, found in by_target.items() if path in found}
    first = next(iter(having.values()))
    names: dict[str, None] = {}
    for one in having.values():
        names |= dict.fromkeys(one.words)
    words = [_differs(name, having) for name in names] if len(having) > 1 else []
    return Compared(
        path=path,
        span=first.span,
        absent_from=tuple(name for name in by_target if name not in having),
        words=tuple(word for word in words if word is not None),
    )


def _differs(name: str, having: Mapping[str, _Resource]) -> WordDiffers | None:
    """The word where the targets do not say the same of it."""
    said: dict[str, list[str]] = {}
    texts: dict[str, str] = {}
    span: Span | None = None
    for target, one in having.items():
        word = one.words.get(name)
        if word is not None and word.value is None:
            return None
        value = (word.value or "") if word is not None else ""
        said.setdefault(value, []).append(target)
        texts[value] = word.text if word is not None else ""
        span = span or (word.span if word is not None else None)
    if len(said) < 2:
        return None
    return WordDiffers(
        path=name,
        said=tuple(Said(targets=tuple(targets), value=texts[value]) for value, targets in said.items()),
        span=span,
    )


def _behaviours(
    paths: Iterable[str], by_target: Mapping[str, Mapping[str, _Resource]], providers: Mapping[str, str]
) -> Iterator[Behaviour]:
    """Each sentence once, of what resources say that are in more than one cloud."""
    told: dict[tuple[str, str, str, str], dict[str, None]] = {}
    for path in paths:
        having = {name: found[path] for name, found in by_target.items() if path in found}
        if len({providers[name] for name in having}) < 2:
            continue
        for target, one in having.items():
            for name, word in one.words.items():
                if word.behaves:
                    key = (one.section, name, provider_of(providers[target]).service, word.behaves)
                    told.setdefault(key, {})[path] = None
    for (section, name, title, sentence), resources in sorted(told.items()):
        yield Behaviour(section=section, path=name, provider=title, sentence=sentence, resources=tuple(resources))


def _resources(tree: Node, provider: str) -> Iterator[tuple[str, _Resource]]:
    """Every resource of a resolved spec by its path, also one that only groups others."""
    for kind in registry.sections(provider):
        yield from _in_section(tree.fields.get(kind.section), kind, (kind.section,), {})


def _in_section(
    section: Node | None, kind: Kind, path: Paths, from_above: Mapping[str, Node]
) -> Iterator[tuple[str, _Resource]]:
    for name, node in section.fields.items() if section is not None else ():
        absent = node.fields.get("absent")
        if not isinstance(node.value, dict) or (absent is not None and absent.value is True):
            continue
        # What stands alone has no name of its own.
        here = path if name == kind.alone else (*path, name)
        words = {key: word for key, word in _words(kind, node) if not _is_handed(key, node, from_above)}
        yield path_text(here), _Resource(section=kind.section, span=node.key_span or node.span, words=words)
        # What a group hands down is told once, where it is written.
        handed = node.fields if kind.grouping else {}
        for child in registry.within(kind):
            yield from _in_section(node.fields.get(child.section), child, (*here, child.section), handed)


def _is_handed(key: str, node: Node, from_above: Mapping[str, Node]) -> bool:
    path = key.split(".")
    here, above = node.at(path), from_above[path[0]].at(path[1:]) if path[0] in from_above else None
    return here is not None and above is not None and bool(here.plain() == above.plain())


def _words(kind: Kind, resource: Node) -> Iterator[tuple[str, _Word]]:
    known = shapes(kind.provider, kind.name)
    for name, node in resource.fields.items():
        if name in known:
            yield from _leaves(known[name], node, name, resource, hidden=False)


def _leaves(shape: Shape, node: Node, path: str, resource: Node, *, hidden: bool) -> Iterator[tuple[str, _Word]]:
    """The smallest members that are spoken of: a list, and a map that is free of its own keys, are told by key."""
    hidden = hidden or shape.field.sensitive
    members = shape.below(resource)
    if not isinstance(node.value, dict):
        yield path, _word(node, shape.field, hidden)
        return
    if shape.field.behaves and node.fields:
        yield path, _Word(value=None, text="", span=node.span, behaves=shape.field.behaves)
    for key, item in node.fields.items():
        if key in members:
            yield from _leaves(members[key], item, f"{path}.{key}", resource, hidden=hidden)
        else:
            yield f"{path}.{key}", _word(item, None, hidden)


def _word(node: Node, field: Field | None, hidden: bool) -> _Word:
    plain = node.plain()
    later = is_open(node.value) and not isinstance(node.value, Sensitive)
    secret = hidden and (node.templated or node.pasted)
    text = _HIDDEN if secret or isinstance(node.value, Sensitive) else _LATER if later else _text(plain)
    compared = repr(node.value) if later else json.dumps(plain, sort_keys=True, default=repr)
    return _Word(value=compared, text=text, span=node.span, behaves=field.behaves if field is not None else "")


def _text(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=lambda _: _HIDDEN)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
