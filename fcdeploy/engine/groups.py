"""Which fields are written together: the body, groups with an update of their own, and tags. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from fcdeploy.kinds.descriptor import BODY as BODY
from fcdeploy.kinds.descriptor import Group, Kind
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Action, Json, JustCreated, Step


def group_named(kind: Kind, name: str) -> Group:
    """The group of a kind that has this name; raises KeyError."""
    for one in kind.updates:
        if one.name == name:
            return one
    raise KeyError(name)


def is_tags(step: Step) -> bool:
    """Whether a step writes the tags of a resource, and nothing else of it."""
    tags = kind_of(step.address).tags
    return tags is not None and step.group == tags.name


def in_group(kind: Kind, name: str, body: Mapping[str, Json]) -> dict[str, Json]:
    """The fields of a canonical body that one group has."""
    return {key: value for key, value in body.items() if kind.group_of(key) == name}


def as_made(kind: Kind, body: Mapping[str, Json]) -> dict[str, Json]:
    """The fields of a canonical body that a create writes."""
    later = kind.made_later
    return {key: value for key, value in body.items() if key not in later} if later else dict(body)


def replaces_whole(kind: Kind, group: str) -> bool:
    """Whether an update of this group replaces all its fields, so that each travels, changed or not (S18)."""
    return kind.whole and group == BODY


def goes_with_create(step: Step) -> bool:
    """Whether a step only completes what the same run creates, so that the undo of that takes it back, too (S34)."""
    return step.action is Action.UPDATE and isinstance(step.guard, JustCreated)
