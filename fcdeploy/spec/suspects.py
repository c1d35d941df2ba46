"""Cuts a refused spec down to the resources that were refused, so that one typo among 10,000 functions is explained in
a moment. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from fcdeploy.kinds import registry
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.model import Json
from fcdeploy.spec.node import Path

_Steps: TypeAlias = dict[str | int | None, "_Steps"]
"""Paths as a tree; None ends one."""


def suspects(document: Json, faults: Iterable[Path], provider: str) -> Json:
    """The document without the resources in which, and in whose descendants, no path of `faults` lies."""
    steps: _Steps = {}
    for path in faults:
        here = steps
        for step in path:
            here = here.setdefault(step, {})
        here[None] = {}
    if not isinstance(document, dict):
        return document
    return _cut(document, registry.sections(provider), steps)


def _cut(holder: dict[str, Json], kinds: tuple[Kind, ...], steps: _Steps) -> dict[str, Json]:
    made = dict(holder)
    for kind in kinds:
        section = holder.get(kind.section)
        if not isinstance(section, dict):
            continue
        refused = steps.get(kind.section, {})
        if None in refused:
            # The map itself is refused, for a name in it: which one is not known here.
            continue
        below = registry.within(kind)
        made[kind.section] = {
            name: _cut(one, below, deeper) if isinstance(one, dict) else one
            for name, deeper in refused.items()
            if isinstance(name, str) and (one := section.get(name)) is not None
        }
    return made
