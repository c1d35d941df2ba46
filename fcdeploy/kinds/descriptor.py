"""What there is to know of a kind: one table. The engine, the schemas, the docs and the tests read it; nobody else
knows a kind by name (DESIGN 3)."""

from __future__ import annotations

import enum
import re
import string
from collections.abc import Iterator, Mapping
from functools import cached_property

from msgspec import Struct, field

from fcdeploy.kinds.checks import About, Check, Collides
from fcdeploy.kinds.checks import Finding as Finding
from fcdeploy.kinds.conditions import When
from fcdeploy.kinds.fields import Access, Field
from fcdeploy.kinds.numbering import NEW as NEW
from fcdeploy.kinds.numbering import Freezing as Freezing
from fcdeploy.kinds.numbering import Numbering as Numbering
from fcdeploy.kinds.operations import Derive as Derive
from fcdeploy.kinds.operations import Group as Group
from fcdeploy.kinds.operations import Identify as Identify
from fcdeploy.kinds.operations import InFile as InFile
from fcdeploy.kinds.operations import Listing as Listing
from fcdeploy.kinds.operations import NamesInFile as NamesInFile
from fcdeploy.kinds.operations import Operation as Operation
from fcdeploy.kinds.operations import Scope as Scope
from fcdeploy.kinds.operations import TagGroup as TagGroup
from fcdeploy.kinds.operations import Translation as Translation
from fcdeploy.model import Json

NOWHERE = Operation(name="", method="", path="")
"""Of what is a word of the file only."""

UNLISTED = Listing(operation=NOWHERE, items="")

BODY = "body"
"""The name of all fields that are in no group of their own."""


class Settling(Struct, frozen=True, kw_only=True):
    """What the service only reaches in time, by members of its answer: how many there are to be (`goal`), how many
    there are (`reached`), and what is in the way (`problem`, a text)."""

    goal: str
    reached: str
    problem: str


class Attribute(Struct, frozen=True, kw_only=True):
    """What `ref()` can take of a resource, for other resources and for `outputs` (S46); always text.

    Either a `template` over the identity's parts, `region` and `account`, which is known before there is a resource, or
    the `member` of the service's answer (or the field of that name) that holds it. `since` is the first API version
    that has it. `when`: only a resource whose body is so has it. `moved_by` are the dotted paths of a body that change
    it; without them only a new resource has another.
    """

    name: str
    description: str
    template: str = ""
    member: str = ""
    since: str = ""
    when: When = field(default_factory=dict)
    moved_by: tuple[str, ...] = ()

    def parts(self) -> frozenset[str]:
        """What its template names."""
        return frozenset(part for _, part, _, _ in string.Formatter().parse(self.template) if part is not None)


class GuardStyle(enum.Enum):
    """How a write is guarded: by the service itself, or by reading again just before (law 4)."""

    ETAG = "etag"
    RECHECK = "recheck"


class Marking(enum.Enum):
    """How a resource says whose it is (S10).

    TAGS: in its tags. DESCRIPTION: at the end of the field `mark_field`. PARENT: it is whose its parent is, unless it
    has a `mark_field`: then it says so itself beneath a parent that somebody else keeps (S13), and what it says counts
    wherever it stands. NONE: it cannot; it is ours when the file declares it (S14).
    """

    TAGS = "tags"
    DESCRIPTION = "description"
    PARENT = "parent"
    NONE = "none"


class Kind(Struct, frozen=True, kw_only=True, dict=True):
    """The table of one kind.

    `section` is the key under which the file lists it, inside its parent: a map by name, or a list of names. `alone` is
    the name of a resource whose body stands there by itself, without a map by name around it. `identity` are the names
    of the identity's parts in API words, the parent's first; the last is sent in a create's body, unless its path or
    query names it. A create that is also the update takes what stands there for its own, so it is guarded by a read.
    `siblings` is a shorter list than `listing` in which one is found, where it cannot be read by its names alone.
    `guards` gives the guard where it differs by API version. `missing` are the error codes that mean "does not exist";
    a canonical body for which `absent` holds means it as well. Hooks are pure; `collision` is the rule behind
    `collides`, for messages. `soft_limit` is how many may stand under one parent before the service's adjustable limit
    is reached; 0: none is known (S5).
    `risks` says of a body what is allowed and rather should not be, as findings of built-in policies; `soft_total`, a
    field and a number, is how much its numbers may come to in a target before an adjustable limit is reached.
    `archive_url` is where, in the answer of `archive_read`, the address of an archive stands.
    `mark_field` is the text field at whose end a mark can stand.
    `pin_field` is the text field at whose end a note can stand that the resource was moved back, to another of the
    numbered ones that its fields name, and is to stay there (S33).
    `may_be_external`: one that somebody else keeps may hold resources of the file (S13).
    `settles` says how what the service only reaches in time is seen; `--wait` waits for it.
    A kind with a `numbering` has no update. `behind` are, by part of the identity, the kinds that this part names under
    the root: a qualifier is an alias or a version.
    `about` says in a few words what matters of a resource where there is room for one line; members that the body does
    not have are left out. `tells` is the word under which a plan says that before and after a change. `reported` names
    the members of the service's answer that `status` gives as they are; none may be sensitive.
    `attributes` are what `ref()` can take of it.
    `grouping`: it is a word of the file only, and nothing of it stands in the cloud: what stands in it is made for each
    of the kinds that `stands_in` it, and its fields are handed down to them (S44). `stands_in` is the kind in whose
    section the file has it, where that is not the parent; of a child of such a kind, one for each of them is made.
    `identify` gives the identity where it is not the names of the file, and `in_file` names that give an identity.
    `derive` gives further names for paths, and `given` are members of the service's answer that paths name, such as an
    id that only the service knows.
    `translation`: how bodies travel that are built otherwise. `groups` are fields with an update of their own; `whole`:
    the update of all others replaces them all, so that each travels, changed or not (S18). `later` are those of these
    others that a create does not take: the update follows it where they are to be otherwise than by default. `stamps`
    are members of the service's answer that change with every write, and are part of what a recheck compares (law 4).
    `times` are the members of the answer that say when it was last changed, the best first. `lacks` are words of the
    same kind of other clouds that there are not, each with the nearest equivalent (S45); `word=value` is a value that a
    word does not take here.
    `hints` say what to do about a refusal, by its code.
    """

    provider: str
    name: str
    title: str
    description: str
    section: str
    parent: str | None
    identity: tuple[str, ...]
    name_schema: Mapping[str, Json]
    fields: tuple[Field, ...]
    create: Operation = NOWHERE
    read: Operation = NOWHERE
    delete: Operation = NOWHERE
    listing: Listing = UNLISTED
    siblings: Listing | None = None
    guard: GuardStyle = GuardStyle.RECHECK
    marking: Marking = Marking.PARENT
    missing: frozenset[str] = frozenset()
    update: Operation | None = None
    tags: TagGroup | None = None
    archive_read: Operation | None = None
    archive_url: str = "url"
    check: Check | None = None
    risks: Check | None = None
    collides: Collides | None = None
    collision: str = ""
    soft_limit: int = 0
    soft_total: tuple[str, int] | None = None
    alone: str = ""
    guards: Mapping[str, GuardStyle] = field(default_factory=dict)
    absent: When = field(default_factory=dict)
    about: About | None = None
    tells: str = ""
    reported: tuple[str, ...] = ()
    mark_field: str = ""
    pin_field: str = ""
    may_be_external: bool = False
    numbering: Numbering | None = None
    settles: Settling | None = None
    behind: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    attributes: tuple[Attribute, ...] = ()
    grouping: bool = False
    stands_in: str = ""
    identify: Identify | None = None
    in_file: InFile | None = None
    derive: Derive | None = None
    given: tuple[str, ...] = ()
    translation: Translation | None = None
    groups: tuple[Group, ...] = ()
    whole: bool = False
    later: frozenset[str] = frozenset()
    stamps: tuple[str, ...] = ()
    times: tuple[str, ...] = ("lastModifiedTime", "createTime", "last_modified", "last_updated_time", "created_time")
    lacks: Mapping[str, str] = field(default_factory=dict)
    hints: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problem = next(self._problems(), None)
        if problem:
            raise ValueError(f"kind {self.provider}.{self.name}: {problem}")

    # Worked out when first asked for, and once: they are asked for at each field of each resource.

    @cached_property
    def named_by_path(self) -> bool:
        """Whether the path of a create says how it is called, or the service does; else its body says it."""
        return self.numbering is not None or self.identity[-1] in self.create.parts()

    @cached_property
    def has_write_only(self) -> bool:
        """Whether something in its bodies can be written and not read (S22)."""
        return any(one.has_write_only for one in self.fields)

    @cached_property
    def sealed(self) -> tuple[Field, ...]:
        """The fields of which reads give the keys alone (S22)."""
        return tuple(one for one in self.fields if one.digest_tag)

    @cached_property
    def naming(self) -> tuple[Field, ...]:
        """The fields that can name other resources."""
        return tuple(one for one in self.fields if one.names_others)

    @cached_property
    def planning(self) -> frozenset[str]:
        """The names of the fields that tell the planner what to do."""
        return frozenset(one.name for one in self.fields if one.access is Access.PLANNING)

    @cached_property
    def bounded(self) -> tuple[Field, ...]:
        """The fields that may not exceed another."""
        return tuple(one for one in self.fields if one.at_most)

    @cached_property
    def moved(self) -> tuple[Field, ...]:
        """The fields that the service itself may change (S23)."""
        return tuple(one for one in self.fields if one.moved_by)

    @cached_property
    def updates(self) -> tuple[Group, ...]:
        """The groups that are updated, in their order: code before what it is run with, and how often it may run after
        that (facts 15), so groups that a create takes come before the body, the others after it. Tags are none of them,
        and what has no update has none."""
        if self.update is None:
            return ()
        own = frozenset(one.name for one in self.fields if one.name not in self._group_of)
        body = Group(name=BODY, fields=own, update=self.update)
        early = tuple(one for one in self.groups if one.created)
        return (*early, body, *(one for one in self.groups if not one.created))

    @cached_property
    def made_later(self) -> frozenset[str]:
        """The fields that a create does not write, but a step of its own after it."""
        unmade = (name for one in self.groups if not one.created for name in one.fields)
        return frozenset({*self.later, *unmade, *((self.tags.field,) if self.tags is not None else ())})

    @cached_property
    def field_of(self) -> Mapping[str, Field]:
        """The fields by their API names."""
        return {one.name: one for one in self.fields}

    @cached_property
    def _group_of(self) -> Mapping[str, str]:
        grouped = {name: one.name for one in self.groups for name in one.fields}
        return {**grouped, **({self.tags.field: self.tags.name} if self.tags is not None else {})}

    @cached_property
    def sent_as_is(self) -> frozenset[str]:
        """The names of the fields whose values a create sends as they are."""
        return frozenset(one.name for one in self.fields if one.is_sent_as_is) - self.made_later

    @cached_property
    def _writable(self) -> dict[str, tuple[Field, ...]]:
        return {}

    def _problems(self) -> Iterator[str]:
        names = [one.name for one in self.fields]
        spec_names = [one.spec_name for one in self.fields]
        if len(set(names)) != len(names) or len(set(spec_names)) != len(spec_names):
            yield "two fields have one name"
        if self.grouping != (self.create is NOWHERE):
            yield "what stands in the cloud has operations, and nothing else"
        if self.grouping:
            return
        if (
            self.identify is None
            and (self.parent is None) != (len(self.identity) == (1 if self.numbering is None else 2))
            and not (self.parent is not None and self.numbering is not None)
        ):
            yield "the identity has one part more than the parent's"
        if self.marking is Marking.TAGS and self.tags is None:
            yield "marking by tags needs the tags"
        if self.marking is Marking.DESCRIPTION and not self.mark_field:
            yield "marking in a description needs the field"
        marked = [one for one in self.fields if one.name == self.mark_field]
        if self.mark_field and (self.tags is not None or not marked or marked[0].schema.get("type") != "string"):
            yield f"there is no text field {self.mark_field} that a mark could stand in, or there are tags for it"
        noted = [one for one in self.fields if one.name == self.pin_field and one.schema.get("type") == "string"]
        if self.pin_field and not (noted and any(one.refers and not one.by_key for one in self.fields)):
            yield f"there is no text field {self.pin_field} for the note of a pin, or nothing that could be pinned"
        known = {*self.identity, "region", "account", *self.given}
        if self.derive is not None:
            known |= {*self.derive(dict.fromkeys(self.identity, "1"))}
        own = (self.create, self.read, self.update or self.read, self.delete, self.listing.operation)
        beside = () if self.siblings is None else (self.siblings.operation,)
        operations = (*own, *beside, *(one.update for one in self.groups))
        if (self.update is None) != (not self.fields or self.numbering is not None):
            yield "fields need an update"
        for operation in operations:
            if not operation.parts() <= known:
                yield f"{operation.name} names {sorted(operation.parts() - known)}"
        if self.listing.pattern and set(re.compile(self.listing.pattern).groupindex) != set(self.identity):
            yield "the pattern of a listed item names the identity's parts"
        for one in self.fields:
            nothing = any(default.value is None for default in one.defaults)
            if not {*one.together, *one.moved_by, *one.only_with, *filter(None, [one.at_most])} <= {*names}:
                yield f"{one.name} names fields that there are not"
            if nothing and one.resets_by_update and one.empty is None:
                yield f"the default of {one.name} is null: it needs the value that empties it"
        if self.may_be_external and self.parent is not None:
            yield "only what stands at the top can be somebody else's and hold what is ours"
        if not {name for one in self.groups for name in one.fields} | self.later <= {*names}:
            yield "a group has fields that there are not"
        if self.given and (self.groups or self.tags is not None):
            yield "what is named by what the service gives has one update, which names it by what was read"
        if self.tags is not None and self.tags.field not in names:
            yield f"there is no field {self.tags.field}"
        if self.soft_total is not None and self.soft_total[0] not in names:
            yield f"there is no field {self.soft_total[0]}"
        if self.tells and self.about is None:
            yield f"there is nothing that says what {self.tells} is"
        if self.settles is not None and not {self.settles.goal, self.settles.reached} <= {*self.reported}:
            yield "what settles is reported"
        for attribute in self.attributes:
            if bool(attribute.template) == bool(attribute.member) or not attribute.parts() <= known:
                yield f"the attribute {attribute.name} is made of names or of a member"
        hiding = [one.name for one in self.fields if one.name in self.reported and one.hides_something]
        if hiding or len({*self.reported}) != len(self.reported):
            yield f"what is reported is named once and hides nothing: {hiding or self.reported}"

    @property
    def listed_under(self) -> str | None:
        """The kind of what its list belongs to; None: one list has them all."""
        return self.listing.under or self.parent

    @property
    def creates_over(self) -> bool:
        """Whether a create overwrites what stands there, instead of refusing."""
        return self.create == self.update

    @property
    def read_in_list(self) -> bool:
        """Whether one of it is looked for in a list: it has no read of its own, or only a list says what the path of
        that needs."""
        beside = self.siblings is not None or self.read == self.listing.operation
        return beside or not self.read.parts().isdisjoint(self.given)

    def guard_in(self, api: str) -> GuardStyle:
        """How writes are guarded under this API version."""
        return self.guards.get(api, self.guard)

    def field(self, name: str) -> Field:
        """The top-level field with this API name; raises KeyError."""
        return self.field_of[name]

    def attribute(self, name: str) -> Attribute | None:
        """The attribute of this name, None where there is none."""
        return next((one for one in self.attributes if one.name == name), None)

    def names(self, identity: tuple[str, ...], raw: Mapping[str, Json] | None = None) -> dict[str, str]:
        """The identity as a mapping from part names to parts, and what follows from it; a parent's identity gives the
        first parts. With what the service said of the resource, also what is `given`, as far as it said that."""
        names = dict(zip(self.identity, identity, strict=False))
        if self.derive is None and not self.given:
            return names
        derived = self.derive(names) if self.derive is not None else {}
        said = raw or {}
        return {**names, **derived, **{part: str(said[part]) for part in self.given if said.get(part) is not None}}

    def group_of(self, name: str) -> str:
        """Which call writes a field: `body`, `tags`, or the group that has it."""
        return self._group_of.get(name, BODY)

    @property
    def place(self) -> str | None:
        """The kind in whose section the file has it; None at the top."""
        return self.stands_in or self.parent

    def known_fields(self, api: str) -> tuple[Field, ...]:
        """The fields that this API version has."""
        return tuple(one for one in self.fields if one.since <= api)

    def writable(self, api: str) -> tuple[Field, ...]:
        """The fields that travel under this API version, for a file to say."""
        found = self._writable.get(api)
        if found is None:
            silent = (Access.READ_ONLY, Access.PLANNING)
            found = self._writable[api] = tuple(one for one in self.known_fields(api) if one.access not in silent)
        return found
