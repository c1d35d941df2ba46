"""What others look after: paths that a create sets and that live keeps afterwards (S17). Pure.

A path is its parts; the key of a free map is one part. Whatever is compared, sent or expected of a resource that
exists has the live values at these paths first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TypeAlias

from fcdeploy.model import Json

Ignored: TypeAlias = tuple[tuple[str, ...], ...]
"""The paths of one resource, in API names."""


def with_live(body: Mapping[str, Json], live: Mapping[str, Json], ignored: Ignored) -> dict[str, Json]:
    """The body with what stands live at the ignored paths, or with nothing there where live has nothing.

    A member of an object that only one side has follows that object: with it the object is made or taken away.
    """
    made = dict(body)
    for path in ignored:
        _keep(made, live, path)
    return made


def _keep(made: dict[str, Json], live: Mapping[str, Json], path: tuple[str, ...]) -> None:
    name, *below = path
    if not below:
        if name in live:
            made[name] = live[name]
        else:
            made.pop(name, None)
        return
    ours, theirs = made.get(name), live.get(name)
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        made[name] = inner = dict(ours)
        _keep(inner, theirs, tuple(below))


def among(body: Mapping[str, Json], live: Mapping[str, Json], ignored: Ignored) -> dict[str, Json]:
    """`with_live` for those fields alone that the body has: what a step writes, or says was there."""
    return with_live(body, live, tuple(path for path in ignored if path[0] in body))


def is_ignored(path: str, ignored: Iterable[tuple[str, ...]]) -> bool:
    """Whether a dotted path is an ignored one, or lies beneath one."""
    return any(path == dotted or path.startswith(f"{dotted}.") for dotted in (".".join(one) for one in ignored))


def writes_beside(fields: Collection[str], ignored: Ignored) -> bool:
    """Whether a write of these top-level fields also carries ignored members of them."""
    return any(len(path) > 1 and path[0] in fields for path in ignored)
