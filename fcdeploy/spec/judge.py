"""What the strict schema has against a resolved spec, and the bodies without it, on which rules can rely. Pure.

jsonschema-rs accepts in milliseconds what is right and finds what is refused; jsonschema explains only that. Neither is
imported before there is something to judge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct

from fcdeploy.diagnostics import error
from fcdeploy.model import LATER, Json, Sensitive
from fcdeploy.spec.explain import mistakes
from fcdeploy.spec.node import Node, Path, path_text
from fcdeploy.spec.place import Mistake, is_open, resource_at
from fcdeploy.spec.placed import Placed
from fcdeploy.spec.resolve import handing
from fcdeploy.spec.schema import strict_schema
from fcdeploy.spec.shape import api_body
from fcdeploy.spec.suspects import suspects

_LONE = re.compile("[\ud800-\udfff]")


class Judged(Struct, frozen=True, kw_only=True):
    """A spec and what the schema has against it; `wrong` are the paths of the mistakes by resource.

    `has_open`: something in it is not known yet. `has_secrets`: some of its text is.
    """

    root: Node
    document: Json
    provider: str
    mistakes: tuple[Mistake, ...]
    wrong: Mapping[Path, tuple[Path, ...]]
    has_open: bool
    has_secrets: bool

    @classmethod
    def of(cls, root: Node, provider: str) -> Judged:
        """Ask the schema."""
        leaves = Leaves()
        document = leaves.plain(root)
        found = _schema_mistakes(root, document, provider, leaves)
        wrong: dict[Path, list[Path]] = {}
        for one in found:
            if one.keyword == "required":
                # What is there has the right types; rules may speak of it.
                continue
            _, rest = resource_at(one.path, provider)
            wrong.setdefault(one.path[: len(one.path) - len(rest)], []).append(rest)
        return cls(
            root=root,
            document=document,
            provider=provider,
            mistakes=tuple(_told_where_written(found, provider)),
            wrong={path: tuple(rests) for path, rests in wrong.items()},
            has_open=leaves.has_open,
            has_secrets=leaves.has_secrets,
        )

    def body(self, placed: Placed) -> dict[str, Json]:
        """The resource under API names, without what the schema refuses, so that rules can rely on types."""
        wrong = self.wrong.get(placed.path, ())
        given: Json = self.document
        for step in placed.path:
            given = given[step]
        if wrong or self.has_open:
            for rest in wrong:
                given = _without(given, rest) if rest else given
            given = _without_open(given) if self.has_open else given
        return api_body(placed.kind, given)


def _told_where_written(found: Sequence[Mistake], provider: str) -> Iterator[Mistake]:
    """The mistakes without those that a resource only has from its group, where they are told as well (S44)."""
    written = {(one.path, one.diagnostic.summary, one.diagnostic.span) for one in found}
    for one in found:
        above = handing(one.path, provider)
        if above is None or (above, one.diagnostic.summary, one.diagnostic.span) not in written:
            yield one


def _schema_mistakes(root: Node, document: Json, provider: str, leaves: Leaves) -> list[Mistake]:
    if leaves.has_halves:
        # jsonschema-rs takes UTF-8 only.
        return [*_unencodable(root, ()), *mistakes(root, strict_schema(provider), document, provider)]
    validator = _validator(provider, frozenset(document) if isinstance(document, dict) else None)
    # Secrets are text of a class of its own, and a value may not be known yet: neither is JSON.
    bare = _bare(document) if leaves.has_secrets or leaves.has_open else document
    if validator.is_valid(bare):
        return []
    faults = [tuple(fault.instance_path) for fault in validator.iter_errors(bare)]
    found = mistakes(root, strict_schema(provider), suspects(document, faults, provider), provider)
    if not found and not leaves.has_open:
        # The two libraries disagree; what is refused must not pass silently.
        found = [_unexplained(root, path) for path in faults]
    return found


@lru_cache(maxsize=16)  # the targets of a file have the same few words at their top
def _validator(provider: str, words: frozenset[str] | None) -> Any:
    import jsonschema_rs

    # To make it of all that a file may say takes as long as to judge a thousand resources.
    return jsonschema_rs.validator_for(strict_schema(provider, words))


def _unexplained(root: Node, path: Path) -> Mistake:
    node, _ = root.nearest(path)
    summary = f"`{path[-1] if path else 'the file'}` is not valid"
    return Mistake(
        path=path, keyword="", diagnostic=error(summary, span=node.key_span or node.span, path=path_text(path))
    )


def _bare(value: Json) -> Json:
    """The value as JSON, for the schema's eyes only: secrets are plain text, what is not known yet is null.

    What `ref()` gives is text (S46).
    """
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_bare(item) for item in value]
    if isinstance(value, Sensitive):
        return str.__str__(value)
    if isinstance(value, LATER):
        return "known after apply"
    return None if is_open(value) else value


class Leaves:
    """What stands in a tree besides ordinary values; found while the tree is made plain, which looks at each anyway.

    `has_open`: a value that is not known yet. `has_secrets`: text that is secret. `has_halves`: see `is_encodable`.
    """

    __slots__ = ("has_halves", "has_open", "has_secrets")

    def __init__(self) -> None:
        self.has_halves = self.has_open = self.has_secrets = False

    def plain(self, node: Node) -> Json:
        """`Node.plain`, with what is extraordinary noted."""
        value = node.value
        kind = type(value)
        if kind is dict:
            made = {}
            for key, item in value.items():
                inner = item.value
                if type(inner) is str and inner.isascii():
                    made[key] = inner
                else:
                    made[key] = self.plain(item)
                if not key.isascii():
                    self._text(key)
            return made
        if kind is list:
            return [self.plain(item) for item in value]
        if kind is str:
            self._text(value)
        elif kind not in _ORDINARY:
            self.has_secrets = self.has_secrets or isinstance(value, Sensitive)
            self.has_open = self.has_open or is_open(value)
            self._text(value)
        return value

    def _text(self, value: Json) -> None:
        self.has_halves = self.has_halves or not is_encodable(value)


_ORDINARY = frozenset({int, float, bool, type(None)})


def is_encodable(value: Json) -> bool:
    """Whether all text can be written as UTF-8; an environment that is not UTF-8 gives halves of pairs."""
    if isinstance(value, str):
        return value.isascii() or not _LONE.search(value)
    if isinstance(value, dict):
        return all(is_encodable(key) and is_encodable(item) for key, item in value.items())
    if isinstance(value, list):
        return all(is_encodable(item) for item in value)
    return True


def _unencodable(node: Node, path: Path) -> Iterator[Mistake]:
    for key, item in node.fields.items():
        yield from _unencodable(item, (*path, key))
    for index, item in enumerate(node.items):
        yield from _unencodable(item, (*path, index))
    if not all(is_encodable(one) for one in (node.value, *node.fields) if isinstance(one, str)):
        summary = "the text holds a character that cannot be written as UTF-8"
        yield Mistake(path=path, keyword="", diagnostic=error(summary, span=node.span, path=path_text(path)))


def _without(given: Mapping[str, Json], rest: Path) -> dict[str, Json]:
    """The map without what lies at the path; a list goes as a whole, so that positions keep their meaning."""
    key, *deeper = rest
    left = {name: item for name, item in given.items() if name != key}
    below = given.get(str(key))
    if deeper and isinstance(below, dict):
        left[str(key)] = _without(below, tuple(deeper))
    return left


def _without_open(given: Json) -> Json:
    if isinstance(given, dict):
        return {key: _without_open(item) for key, item in given.items() if not is_open(item)}
    if isinstance(given, list):
        return [item for item in given if not is_open(item)]
    return given
