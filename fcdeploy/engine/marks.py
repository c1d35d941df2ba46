"""The mark of what has no tags: ` [fcdeploy:project/target]` at the end of a description (S10). Pure.

Canonical bodies are without it, on both sides; what travels has it. `Live.mark` says what was found.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec.structs import replace

from fcdeploy.engine.pins import pinned
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.model import Json, Live, Mark, text_of

# Names hold no brackets and no blanks; anything else in that place is somebody's text.
_MARK = re.compile(r"(?:^| )\[fcdeploy:(?P<project>[^][\s/]*)/(?P<target>[^][\s]*)\]\Z")


def with_mark(description: Json, mark: Mark | None) -> Json:
    """The description with the mark at its end; without a mark it stays as it is."""
    if mark is None:
        return description
    # The service may trim what begins with a blank.
    suffix = mark.suffix if description else mark.suffix.lstrip()
    return text_of((description, suffix))


def without_mark(description: str) -> tuple[str, Mark | None]:
    """The description without the mark at its end, and that mark; None where there is none.

    The target is all that follows the first slash: `[fcdeploy:shop/prod/cn-shanghai]` is `prod/cn-shanghai` of `shop`.
    """
    found = _MARK.search(description)
    if found is None:
        return description, None
    return description[: found.start()], Mark(project=found["project"], target=found["target"])


def marked(kind: Kind, body: Mapping[str, Json], mark: Mark | None) -> dict[str, Json]:
    """The body as it travels: the mark in its field."""
    if not kind.mark_field or mark is None:
        return dict(body)
    return {**body, kind.mark_field: with_mark(body.get(kind.mark_field) or "", mark)}


def unmarked(kind: Kind, body: Mapping[str, Json]) -> tuple[dict[str, Json], Mark | None]:
    """The canonical body of one that travelled, and the mark that it had."""
    text = body.get(kind.mark_field) if kind.mark_field else None
    if not isinstance(text, str):
        return dict(body), None
    bare, mark = without_mark(text)
    return {**body, kind.mark_field: bare}, mark


def remarked(
    kind: Kind, before: Mapping[str, Json], after: Mapping[str, Json], now: Mapping[str, Json]
) -> tuple[tuple[str, Json, Json], ...]:
    """(field, as planned from, as it is now) where a mark came, went or changed that the step does not write itself.

    All three bodies as they travel. What is no longer ours is not written, though the text around the mark may be
    anybody's (S10, S20).
    """
    name = kind.mark_field
    if not name or name not in before or name in after or unmarked(kind, before)[1] == unmarked(kind, now)[1]:
        return ()
    return ((name, before[name], now.get(name)),)


def as_travelling(kind: Kind, live: Live) -> Live:
    """What was read, with mark and pin back in their fields: what steps compare and bring back.

    `mark` is then None where it stands in the body, so that doing this twice does no harm.
    """
    if live.pinned:
        live = replace(live, body=pinned(kind, live.body), pinned=False)
    if not kind.mark_field or live.mark is None:
        return live
    return replace(live, body=marked(kind, live.body, live.mark), mark=None)
