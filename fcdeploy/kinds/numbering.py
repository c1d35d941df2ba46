"""What a kind's table says of numbers that the service gives: series, and what a number freezes (S30-S32)."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from fcdeploy.kinds.conditions import When
from fcdeploy.kinds.operations import Listing, Operation

NEW = "new"
"""The last part of the identity of what the service numbers, before it has done so."""


class Freezing(Struct, frozen=True, kw_only=True):
    """What a numbered resource keeps as it is at its creation: the parent's own body and all its `kinds`.

    `read` and `listings` (by kind) give what one of them froze; the fields `besides` of the parent are not part of it.
    `decides`: only a change of these fields makes a next one, since the service refuses one without (S44); where others
    changed, the plan says that the newest stays. Empty: any change does.
    """

    kinds: tuple[str, ...]
    read: Operation
    listings: Mapping[str, Listing]
    besides: frozenset[str]
    decides: frozenset[str] = frozenset()


class Numbering(Struct, frozen=True, kw_only=True):
    """The service numbers what is created, and gives no number twice: resources under one name make a series.

    The file describes the next of the series. A kind without a parent has the series' name as the first part of the
    identity, and `series` lists all names, each with its newest. A next one is created when the newest differs from
    the file, or from what it is to freeze; with `when`, a field and a value, only where the file says so. `keep` names
    the field that says how many are to stay. `outputs` are what others may want of it, templates like an `arn`, which
    may also name `members` of the service's answer. `asked`: the member of a create's body in which we ask for the
    number, one more than the newest's, where the service lets us choose; the name is taken then (409) if somebody else
    was faster.
    An item of `series` has the name, and what else the kind's list needs of the `given`, under the kind's own words, or
    as `called` says: the item's member by the word. `by_name` is the query parameter that looks for one name; where it
    finds others as well, they are left out. An item for which `strangers` holds is no series that could be ours.
    """

    keep: str
    when: tuple[str, str] | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    members: tuple[str, ...] = ()
    asked: str = ""
    series: Listing | None = None
    called: Mapping[str, str] = field(default_factory=dict)
    by_name: str = ""
    strangers: When = field(default_factory=dict)
    freezes: Freezing | None = None
