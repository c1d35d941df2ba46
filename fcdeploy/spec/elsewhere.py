"""Words that the target's cloud does not have and another has: what is said of them, and what to write instead (S45).
Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from fcdeploy.kinds import registry
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.model.providers import provider_of
from fcdeploy.spec.advice import where_known
from fcdeploy.spec.blocks import is_block
from fcdeploy.spec.node import Node, Path
from fcdeploy.spec.place import Place
from fcdeploy.spec.shape import Shape, shapes
from fcdeploy.spec.words import FOREACH, WHEN, words_of


class Elsewhere(Struct, frozen=True, kw_only=True):
    """What is wrong with a key, and what to do."""

    summary: str
    detail: str = ""
    hint: str = ""


def of_other_clouds(place: Place, key: str) -> Elsewhere | None:
    """What is to be said of an unknown key that another cloud knows, or that is the name of a cloud."""
    if key in registry.providers():
        return _misplaced_block(place, key, place.node.fields.get(key))
    if place.kind is None:
        at_top = () if place.path else registry.foreign(place.provider, None)
        section = next((kind for kind in at_top if kind.section == key), None)
        return _no_section(section, place.provider, at_top=True) if section is not None else None
    word = ".".join((*(str(step) for step in place.rest if isinstance(step, str)), key))
    # A word that it may have as well only stands in the wrong place.
    own = key in {word.name for word in words_of(place.kind)}
    namesakes = () if own else registry.namesakes(place.kind)
    known_by = [kind for kind in namesakes if _knows(kind, place.rest, key, place.resource)]
    instead = place.kind.lacks.get(word, place.kind.lacks.get(key, "") if not place.rest else "")
    sections = () if place.rest else registry.foreign(place.provider, place.kind)
    section = next((kind for kind in sections if kind.section == key), None)
    if section is not None and not instead:
        return _no_section(section, place.provider, at_top=False)
    providers = [*dict.fromkeys(kind.provider for kind in (*known_by, *((section,) if section is not None else ())))]
    if not instead and (not providers or (not place.rest and where_known(key, place.provider))):
        # This cloud has it as well, and has it somewhere else.
        return None
    blocks = " or ".join(f"`{provider}:`" for provider in providers)
    moved = f"put it under {blocks} on the {place.kind.title.lower()}" if blocks else ""
    where = f" in `{'.'.join(map(str, place.rest))}`" if place.rest else ""
    return Elsewhere(
        summary=f"{provider_of(place.provider).service} has no `{key}`{where}",
        hint="; or ".join(filter(None, (instead, moved))),
    )


def instead_of(place: Place, value: str) -> str:
    """What comes nearest to a value that only another cloud knows for this word; empty where nothing is known."""
    word = ".".join(str(step) for step in place.rest if isinstance(step, str))
    return place.kind.lacks.get(f"{word}={value}", "") if place.kind is not None else ""


def _no_section(section: Kind, provider: str, *, at_top: bool) -> Elsewhere:
    title = section.title if section.title[:2].isupper() else section.title.lower()
    block = "" if at_top else f", or an `{section.provider}:` block"
    return Elsewhere(
        summary=f"{provider_of(provider).service} has no {title}s",
        hint=f"keep them to the {provider_of(section.provider).title} targets with "
        f"`{WHEN}: target.provider == '{section.provider}'`{block}",
    )


def _misplaced_block(place: Place, key: str, block: Node | None) -> Elsewhere:
    if place.kind is not None and not place.rest and block is not None and not is_block(block):
        for word in (WHEN, FOREACH):
            if word in block.fields:
                hint = f"write `{word}` beside it, on the {place.kind.title.lower()}"
                return Elsewhere(summary=f"`{word}` cannot stand under `{key}`", hint=hint)
        example = next((one.spec_name for one in place.kind.fields), "…")
        hint = f"{key}: {{{example}: …}}"
        return Elsewhere(summary=f"`{key}` must be a map of fields, not {block.what}", hint=hint)
    where = f"in {place.name}" if place.path else "at the top of the file"
    return Elsewhere(
        summary=f"`{key}` cannot stand {where}",
        detail=f"it holds what a resource says in targets of {provider_of(key).service} alone",
        hint=f"put it on the resource: `{key}: {{ … }}` beside its fields",
    )


def _knows(kind: Kind, rest: Path, key: str, resource: Node) -> bool:
    """Whether a kind of another cloud has this word at the same place."""
    known: Mapping[str, Shape] = shapes(kind.provider, kind.name)
    if not rest:
        words = (*(child.section for child in registry.within(kind)), *(word.name for word in words_of(kind)))
        return key in known or key in words
    if any(child.section == rest[0] for child in registry.within(kind)):
        # What is one thing in this cloud is a map of names there.
        return len(rest) == 1
    return any(key in members for members in _members(known, rest, resource))


def _members(known: Mapping[str, Shape], rest: Path, resource: Node) -> Iterator[Mapping[str, Shape]]:
    shape: Shape | None = None
    for step in rest:
        item = shape.item if shape is not None else None
        shape = item if isinstance(step, int) else known.get(step)
        if shape is None:
            return
        known = shape.below(resource)
    yield known
