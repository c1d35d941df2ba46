"""What differs between the targets of a file, as text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from fcdeploy.model import Json
from fcdeploy.model.portability import Behaviour, Compared, Portability
from fcdeploy.render.words import clean, counted, folded


def portability_text(found: Portability) -> str:
    """One block a resource: where it is missing, words that differ, words that the clouds take differently."""
    targets = ", ".join(map(clean, found.targets))
    if len(found.targets) < 2:
        return f"There is one target, {targets}: nothing to compare.\n"
    if not (found.resources or found.behaviours):
        return f"Nothing differs between {targets}.\n"
    lines = [*folded(f"What differs between {targets}:"), ""] if found.resources else []
    for one in found.resources:
        lines += [*_block(one), ""]
    if found.behaviours:
        lines += ["Words that are written alike and do not mean quite the same:", ""]
        for each in found.behaviours:
            lines += [*_behaviour(each), ""]
    return "\n".join(lines[:-1]) + "\n"


def _block(one: Compared) -> Iterator[str]:
    place = f"  ({clean(str(one.span))})" if one.span else ""
    yield f"{clean(one.path)}{place}"
    if one.absent_from:
        yield from folded(f"not in {', '.join(map(clean, one.absent_from))}", first="  ", rest="    ")
    for word in one.words:
        yield f"  {clean(word.path)}"
        for said in word.said:
            value = clean(said.value) if said.value else "not set"
            yield from folded(f"{', '.join(map(clean, said.targets))}: {value}", first="    ", rest="      ")


def _behaviour(one: Behaviour) -> Iterator[str]:
    others = len(one.resources) - 1
    more = f" and {counted(others, 'other')}" if others else ""
    yield from folded(f"{clean(one.section)}, {clean(one.path)}  ({clean(one.resources[0])}{more})", rest="    ")
    yield from folded(f"{one.provider}: {one.sentence}", first="  ", rest="    ")


def portability_content(found: Portability) -> dict[str, Json]:
    """The same for programs."""
    return {
        "targets": list(found.targets),
        "resources": [
            {
                "path": one.path,
                "place": str(one.span) if one.span else None,
                "absentFrom": list(one.absent_from),
                "words": [
                    {
                        "path": word.path,
                        "place": str(word.span) if word.span else None,
                        "said": [{"targets": list(said.targets), "value": said.value or None} for said in word.said],
                    }
                    for word in one.words
                ],
            }
            for one in found.resources
        ],
        "behaviours": [
            {
                "section": each.section,
                "path": each.path,
                "provider": each.provider,
                "sentence": each.sentence,
                "resources": list(each.resources),
            }
            for each in found.behaviours
        ],
    }
