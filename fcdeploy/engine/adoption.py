"""What taking something over would take away, and the lines of a file that keep it (S12). Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from fcdeploy.diagnostics import Diagnostic, error
from fcdeploy.engine.as_spec import spec_body
from fcdeploy.engine.calling import Path, calling
from fcdeploy.engine.diff import is_given
from fcdeploy.engine.ownership import Owned, said
from fcdeploy.engine.snapshot import Desired, Snapshot, lineage, with_parents_first
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.fields import Field
from fcdeploy.kinds.registry import chain, kind_of
from fcdeploy.model import Action, Address, Change, Json

MOST_TOLD = 40


def adoption_findings(
    changes: Sequence[Change], desired: Desired, snapshot: Snapshot, owned: Owned
) -> tuple[Diagnostic, ...]:
    """Refusals of what is adopted on condition that nothing is lost, one for each resource that is adopted so."""
    by_adopted: dict[Address, list[Change]] = {}
    for change in changes if owned.gently else ():
        above = [here for here in lineage(change.address) if here in owned.gently]
        if above:
            by_adopted.setdefault(above[-1], []).append(change)
    return tuple(
        finding
        for adopted, beneath in sorted(by_adopted.items())
        if (finding := _finding(adopted, beneath, desired, snapshot)) is not None
    )


def _finding(adopted: Address, changes: Sequence[Change], desired: Desired, snapshot: Snapshot) -> Diagnostic | None:
    kept: dict[Address, dict[str, Json]] = {}
    lost: list[str] = []
    replaced: list[str] = []
    counts = {"delete": 0, "replace": 0, "reset fields of": 0}
    for change in changes:
        address = change.address
        live = snapshot.lives[address].body if address in snapshot.lives else {}
        given = desired[address].body if address in desired else {}
        if change.action is Action.DELETE or _is_replaced_by_file(change, live, given):
            kept[address] = spec_body(address, live)
            lost.append(f"{address.short}: would be {change.action.value}d")
            counts[change.action.value] += 1
            if change.action is Action.REPLACE:
                replaced.append(address.short)
        elif change.action in (Action.UPDATE, Action.REPLACE):
            fields = _reset_fields(change, given, live)
            if fields:
                kept[address] = _nested(fields)
                lost.append(f"{address.short}: {', '.join(map('.'.join, fields))} would be reset")
                counts["reset fields of"] += 1
    if not kept:
        return None
    parts = [f"{what} {count} resource{'' if count == 1 else 's'}" for what, count in counts.items() if count]
    more = len(lost) - MOST_TOLD
    told = [*lost[:MOST_TOLD], *([f"and {more} more"] if more > 0 else [])]
    place = f" ({', '.join(replaced)}: in place of what it says)" if replaced else ""
    return error(
        f"adopting {adopted.short} would {_listed(parts)}",
        detail="\n".join(
            [
                "`--adopt` takes nothing away:",
                *(f"  {line}" for line in told),
                f"to keep all of it, add this to the file{place}:",
                as_yaml(keeping_tree(kept, desired)),
            ]
        ),
        hint=f"or accept what is lost: --adopt-over '{said(adopted)}'",
        address=str(adopted),
        span=desired[adopted].span if adopted in desired else None,
    )


def _listed(parts: Sequence[str]) -> str:
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def _is_replaced_by_file(change: Change, live: Mapping[str, Json], given: Mapping[str, Json]) -> bool:
    """Whether it is what the file says that replaces it, not what the file leaves out, nor what it stands in."""
    return change.action is Action.REPLACE and any(
        one.forces_replacement and is_given(_parts(one.path, live), given) for one in change.fields
    )


def keeping_tree(kept: Mapping[Address, Mapping[str, Json]], desired: Desired) -> dict[str, Json]:
    """Bodies in the words of the file, each at its place from the top of the file; parents may be missing in `kept`.

    `desired` says what stands beside them: a body that may stand alone does where it is the only one.
    """
    bodies: dict[Address, Mapping[str, Json]] = {above: {} for address in kept for above in lineage(address)}
    bodies |= {address: resource.body for address, resource in desired.items()}
    bodies |= kept
    places = calling(bodies, {address: one.called for address, one in desired.items() if one.called})
    spots = {called.path for called in places.values()}
    tree: dict[str, Json] = {}
    for address in with_parents_first(kept):
        if address not in places:
            continue
        here: dict[str, Json] = tree
        called = places[address]
        kinds = chain(kind_of(address))
        for depth, kind in enumerate(kinds[-len(called.path) :], 1):
            here = _place(here, kind, called.path[:depth], spots)
        naming = {address.provider: dict(called.naming)} if called.naming and address not in desired else {}
        here.update({**naming, **kept[address]})
    return tree


def _place(here: dict[str, Json], kind: Kind, path: Path, spots: Collection[Path]) -> dict[str, Json]:
    """The map in which a resource stands, made where there is none."""
    name = path[-1][1]
    if not kind.fields:
        # A name is all there is to say.
        here.setdefault(kind.section, []).append(name)
        return {}
    section: dict[str, Json] = here.setdefault(kind.section, {})
    return section if kind.alone == name and _is_only(path, spots) else section.setdefault(name, {})


def _is_only(path: Path, spots: Collection[Path]) -> bool:
    """Whether nothing else stands in the same section."""
    return not any(one != path and one[:-1] == path[:-1] and one[-1][0] == path[-1][0] for one in spots)


def _reset_fields(change: Change, given: Mapping[str, Json], live: Mapping[str, Json]) -> dict[tuple[str, ...], Json]:
    """What an update resets only because the file does not name it: values by their path in the file."""
    kind = kind_of(change.address)
    # What is left out here is the case anyway, or is a mark, which is meant to go.
    whole = spec_body(change.address, live)
    lost: dict[tuple[str, ...], Json] = {}
    for one in change.fields:
        path = _parts(one.path, live)
        if one.before is None or is_given(path, given) or _is_given_as_secret(kind, path, given):
            continue
        words = _words(kind, path)
        value = _value(whole, words)
        if value is not None:
            lost[words] = value
    return lost


def _is_given_as_secret(kind: Kind, path: tuple[str, ...], given: Mapping[str, Json]) -> bool:
    """Whether the file has a member among those that travel as secrets (S22)."""
    known = {one.name: one.secrets_in for one in kind.fields}
    return len(path) > 1 and path[1] in (given.get(known.get(path[0], "")) or {})


def _parts(path: str, body: Json) -> tuple[str, ...]:
    """A dotted path taken apart along a body whose own keys may hold dots, as those of tags do."""
    keys = [key for key in body if path == key or path.startswith(f"{key}.")] if isinstance(body, Mapping) else []
    if not keys:
        return (path,)
    key = max(keys, key=len)
    return (key,) if path == key else (key, *_parts(path[len(key) + 1 :], body[key]))


def _words(kind: Kind, path: tuple[str, ...]) -> tuple[str, ...]:
    """A path in API names in the words of the file."""
    known: Mapping[str, Field] = {one.name: one for one in kind.fields}
    made: list[str] = []
    for part in path:
        field = known.get(part)
        made.append(field.spec_name if field is not None else part)
        known = field.every_member if field is not None else {}
    return tuple(made)


def _value(tree: Json, path: tuple[str, ...]) -> Json:
    for part in path:
        if not isinstance(tree, Mapping):
            return None
        tree = tree.get(part)
    return tree


def as_yaml(value: Json) -> str:
    """YAML text in block style, keys in their given order."""
    import yaml

    return str(yaml.safe_dump(value, sort_keys=False, default_flow_style=False, allow_unicode=True)).rstrip()


def _nested(paths: Mapping[tuple[str, ...], Json]) -> dict[str, Json]:
    tree: dict[str, Json] = {}
    for (*above, leaf), value in paths.items():
        here = tree
        for part in above:
            here = here.setdefault(part, {})
        here[leaf] = value
    return tree
