"""What may be there after two runs at once, and whether what they said explains it.

Measured against what each alone would have left: `before`, `mine` and `theirs` are the contents of a cloud before the
runs, after the first run alone and after the second alone. All is compared leaf by leaf: a leaf is a resource's
existence, or one value in its body.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from race_stage import Contents, Ended

Leaves = dict[tuple[str, str, str], Any]
"""Values by (kind, path of the resource, path in its body); the last is empty for the resource itself."""

ABSENT = "absent"
FROZEN = frozenset({"version", "frozen-function", "layer-version", "layer"})
"""What the service numbers, looked at by content and not by number."""

LAYERS = ("layers", "layersArnV2")
"""The fields that name the version of a layer."""

_NAMES = {"_tags": "tags", "_code": "code", "codeChecksum": "code", "codeSize": "code", "layersArnV2": "layers"}
"""What a plan calls a field of a stored body."""


def leaves(contents: Contents) -> Leaves:
    """The leaves of these contents. An alias has those of what it leads to, and a layer those of its newest."""
    found: Leaves = {}
    for (kind, path), body in contents.items():
        if kind in FROZEN:
            continue
        found[kind, path, ""] = True
        if kind == "alias":
            body = {**body, "versionId": frozen(contents, path.split("/")[0], body["versionId"])}
        if kind == "function":
            body = {**body, **{name: [layered(contents, one) for one in body.get(name) or ()] for name in LAYERS}}
        for place, value in _leaves_of(body):
            found[kind, path, place] = value
    for (kind, path), body in sorted(contents.items()):
        if kind == "layer-version":
            # Sorted by number: the last is the newest.
            found["layer", path.split("/")[0], "code"] = body.get("codeChecksum")
    return found


def layered(contents: Contents, layer: str) -> str:
    """What a function has of a layer, by the name that the service has for its version: `...#tools#3`, or an ARN."""
    *_, name, number = layer.replace("/versions/", "#").replace("/", "#").split("#")
    held = contents.get(("layer-version", f"{name}/{int(number):010}"))
    return f"{name} {held['codeChecksum']}" if held is not None else layer


def frozen(contents: Contents, service: str, number: str) -> str:
    """What a version froze, as one value."""
    name = f"{service}/{number}/"
    held = {path: body for (kind, path), body in contents.items() if kind == "frozen-function"}
    functions = {path.removeprefix(name): body for path, body in held.items() if path.startswith(name)}
    return repr(sorted((name, sorted(_leaves_of(body), key=repr)) for name, body in functions.items()))


def _leaves_of(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, one in value.items():
            yield from _leaves_of(one, f"{place}.{name}" if place else name)
    elif place:
        yield place, value


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """What each run alone would have left."""

    before: Leaves
    mine: Leaves
    theirs: Leaves


@dataclass(slots=True)
class Verdict:
    """What one round came to. `faults` is what must not be; `notes` is what was explained, and how.

    `relied` is what a run that ended well had found as it was to be, and what the other, whose work it was, took back
    afterwards: no guard can see that, only a journal that both share (docs/lifecycle.md).
    """

    faults: list[str] = field(default_factory=list)
    relied: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Keep a note once."""
        if text not in self.notes:
            self.notes.append(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two, and what it alone would have left."""

    run: Ended
    own: Leaves


def judge(there: References, live: Contents, mine: Ended, theirs: Ended) -> Verdict:
    """Whether nothing was lost or mixed, and whoever did not get through said why."""
    verdict = Verdict()
    now = leaves(live)
    sides = (Side(run=mine, own=there.mine), Side(run=theirs, own=there.theirs))
    for side, other in (sides, sides[::-1]):
        verdict.faults += unsaid(side.run)
        if side.run.code == 0:
            _judge_done(verdict, there, now, side, other)
        else:
            _judge_undone(verdict, there, now, side, other)
    known = (there.before, there.mine, there.theirs)
    for leaf in sorted({*now, *there.before, *there.mine, *there.theirs}):
        if now.get(leaf, ABSENT) not in [one.get(leaf, ABSENT) for one in known]:
            verdict.faults.append(f"{_name(leaf)} is {now.get(leaf, ABSENT)!r}, which nobody wanted")
    _judge_mixed(verdict, there, now, sides)
    return verdict


def unsaid(run: Ended) -> list[str]:
    """What is missing in what a process said of why it did not get through."""
    if run.code == 0:
        return []
    if run.code not in (1, 3, 4):
        return [f"{run.name} ended with {run.code}: {run.err[-400:]}"]
    said = [one for one in (*run.findings, *run.problems) if one["severity"] == "error"]
    if not said and "error:" not in run.err:
        return [f"{run.name} ended with {run.code} and no reason: {run.err[-400:]}"]
    faults = []
    for one in said:
        if not one.get("address") and not one["summary"]:
            faults.append(f"{run.name} names no resource: {one}")
        if "was changed by somebody else" in one["summary"] and " now" not in one.get("detail", ""):
            faults.append(f"{run.name} names no field: {one}")
    if "this is a bug" in run.err:
        faults.append(f"{run.name} broke: {run.err[-600:]}")
    return faults


def _judge_done(verdict: Verdict, there: References, now: Leaves, side: Side, other: Side) -> None:
    """A run that ended well: what it wanted is there, or the other shows what it made of it."""
    for leaf in sorted(side.own.keys() | now.keys()):
        wanted, is_now = side.own.get(leaf, ABSENT), now.get(leaf, ABSENT)
        if wanted == is_now or (is_now == ABSENT == now.get((*leaf[:2], ""), ABSENT) and leaf[2]):
            continue  # of what is not there, its absence is the one difference
        theirs, before = other.own.get(leaf, ABSENT), there.before.get(leaf, ABSENT)
        shown = _shown(other.run, leaf)
        if is_now == theirs and other.run.code == 0 and shown is not None:
            if wanted == before:
                verdict.note("the other changed what it did not")
            elif shown in (wanted, None, UNKNOWN):
                verdict.note(f"{other.run.name} came after and showed what it replaced")
            else:
                verdict.faults.append(f"lost: {_name(leaf)} of {side.run.name}, replaced unseen by {other.run.name}")
        elif other.run.code == 4 and _is_left(other.run, leaf):
            verdict.note(f"{other.run.name} says that it left {_name((*leaf[:2], ''))}")
        elif is_now == before and other.run.code in (3, 4) and not _has_written(side.run, leaf):
            verdict.relied.append(f"{_name(leaf)} of {side.run.name}, undone by {other.run.name}")
        else:
            verdict.faults.append(
                f"lost: {_name(leaf)} of {side.run.name}, which ended well, is {str(is_now)[:80]!r} "
                f"and not {str(wanted)[:80]!r}; {other.run.name} ended with {other.run.code}"
            )


def _judge_undone(verdict: Verdict, there: References, now: Leaves, side: Side, other: Side) -> None:
    """A run that did not end well: nothing of it is there, but what it names."""
    for leaf, wanted in sorted(side.own.items()):
        if wanted == there.before.get(leaf, ABSENT) or now.get(leaf, ABSENT) != wanted:
            continue
        if other.own.get(leaf, ABSENT) == wanted and other.run.code == 0:
            continue
        if side.run.code == 4 and _is_left(side.run, leaf):
            verdict.note(f"{side.run.name} says that it left {_name((*leaf[:2], ''))}")
            continue
        verdict.faults.append(f"left: {_name(leaf)} of {side.run.name}, which ended with {side.run.code}")
    gone = [leaf for leaf in there.before if leaf not in side.own and leaf not in now and not leaf[2]]
    for leaf in gone:
        if (leaf in other.own or other.run.code != 0) and not (side.run.code == 4 and _is_left(side.run, leaf)):
            verdict.faults.append(f"left: {_name(leaf)} is gone; {side.run.name} ended with {side.run.code}")


def _judge_mixed(verdict: Verdict, there: References, now: Leaves, sides: Sequence[Side]) -> None:
    """Half of each in one resource: only values of different fields, and somebody says so (S20)."""
    resources: dict[tuple[str, str], list[set[str]]] = {}
    for leaf in {*now, *there.before}:
        is_now, before = now.get(leaf, ABSENT), there.before.get(leaf, ABSENT)
        if is_now == before or not leaf[2]:
            continue
        halves = resources.setdefault(leaf[:2], [set(), set()])
        wants = [side.own.get(leaf, ABSENT) == is_now for side in sides]
        if wants.count(True) == 1:
            halves[wants.index(True)].add(leaf[2])
    for (kind, path), (ours, theirs) in sorted(resources.items()):
        if not ours or not theirs:
            continue
        name = f"{kind} {path}"
        told = [
            one["summary"]
            for side in sides
            for one in side.run.findings
            if one["summary"].startswith(f"drifted during apply: {name} ")
        ]
        if told and all(side.run.code == 0 for side in sides):
            verdict.note(f"both in {name}, different fields, and said so")
        else:
            verdict.faults.append(f"mixed: {name} has {sorted(ours)} of one and {sorted(theirs)} of the other")


UNKNOWN = object()


def _shown(run: Ended, leaf: tuple[str, str, str]) -> Any:
    """What a run's plan shows as the value that it replaces; UNKNOWN where it shows none, None for no such change."""
    kind, _, place = leaf
    first = _NAMES.get(place.split(".")[0], place.split(".")[0])
    for (found, identity), change in run.changes.items():
        if not _is_of(found, identity, leaf):
            continue
        if change["action"] in ("create", "delete", "replace") or not place:
            return UNKNOWN
        for one in change["fields"]:
            if place == one["path"] or place.startswith(f"{one['path']}."):
                whole = one["before"]
                for step in place.removeprefix(one["path"]).split(".")[1:]:
                    whole = whole.get(step, ABSENT) if isinstance(whole, Mapping) else ABSENT
                hidden = isinstance(whole, Mapping) or kind == "alias" or place in LAYERS
                return UNKNOWN if hidden or whole is None else whole
            if one["path"].split(".")[0] == first:
                shown = UNKNOWN if first != place and first in _NAMES.values() else None
                if shown is not None:
                    return shown
    return None


def _has_written(run: Ended, leaf: tuple[str, str, str]) -> bool:
    """Whether a run has sent what a leaf is of, by its own account."""
    own = [change["address"] for (kind, identity), change in run.changes.items() if _is_of(kind, identity, leaf)]
    return any(one["step"].endswith(address) for one in run.outcome.get("done", ()) for address in own)


def _is_of(kind: str, identity: tuple[str, ...], leaf: tuple[str, str, str]) -> bool:
    return (kind, "/".join(identity)) == leaf[:2] or (kind, identity[0]) == leaf[:2]


def _is_left(run: Ended, leaf: tuple[str, str, str]) -> bool:
    """Whether a run that needs a person names what a leaf is of."""
    name = f"{leaf[0]} {leaf[1]}"
    said = [*map(str, run.outcome.get("leftovers", ())), *(str(one) for one in run.findings)]
    above = leaf[1].split("/")[0]
    return any(name in text or f"service {above}" in text for text in said)


def _name(leaf: tuple[str, str, str]) -> str:
    kind, path, place = leaf
    return f"{kind} {path}{f' {place}' if place else ''}"
