"""What is said of many targets: what several of them have in common is said once, with their names. Pure."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import TypeVar

from msgspec.structs import replace

from fcdeploy.diagnostics import Diagnostic, named
from fcdeploy.render.words import clean

_T = TypeVar("_T", bound=Hashable)
_LONGEST = 100


def shared(said: Iterable[tuple[str, _T]]) -> dict[_T, tuple[str, ...]]:
    """What is said of targets, each thing once and with all targets of which it is, in the order in which it first is.

    Something said of one target twice is said once.
    """
    found: dict[_T, dict[str, None]] = {}
    for target, one in said:
        found.setdefault(one, {})[target] = None
    return {one: tuple(names) for one, names in found.items()}


def by_targets(said: Mapping[_T, tuple[str, ...]]) -> dict[tuple[str, ...], list[_T]]:
    """The same by targets: what is said of exactly these."""
    found: dict[tuple[str, ...], list[_T]] = {}
    for one, names in said.items():
        found.setdefault(names, []).append(one)
    return found


def names_text(names: Collection[str], every: Collection[str], most: int = 12) -> str:
    """Some of all targets, as short as can be: a pattern that `--target` takes for just these, else their names."""
    if len(names) > 1 and (pattern := pattern_of(names, every)):
        return f"{pattern} ({len(names)})"
    return named([clean(name)[:_LONGEST] for name in names], most)


def pattern_of(names: Collection[str], every: Collection[str]) -> str:
    """The pattern that of all targets matches these and no other; empty where there is none by the parts of names."""
    if {*names} == {*every}:
        return "*"
    parts = [name.split("/") for name in names]
    if len({len(one) for one in parts}) != 1 or len(parts[0]) == 1:
        return ""
    found = "/".join(column[0] if len({*column}) == 1 else "*" for column in zip(*parts, strict=True))
    return found if {name for name in every if fnmatchcase(name, found)} == {*names} else ""


def shared_findings(found: Iterable[tuple[str, Iterable[Diagnostic]]], every: Collection[str]) -> list[Diagnostic]:
    """Findings by target, each once, with the targets in which it was found as the end of its detail."""
    said = shared((target, one) for target, some in found for one in some)
    return [
        replace(one, detail="\n".join(filter(None, (one.detail, f"in target {names_text(names, every, 6)}"))))
        for one, names in said.items()
    ]
