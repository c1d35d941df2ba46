"""What there is to know of a kind: one table. The engine, the schemas, the docs and the tests read it; nobody else
knows a kind by name (DESIGN 3)."""

from __future__ import annotations

import enum
import re
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from fcdeploy.kinds.checks import About, Check, Collides
from fcdeploy.kinds.checks import Finding as Finding
from fcdeploy.kinds.fields import Access, Field, When
from fcdeploy.model import Call, Json, Output


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a path or a value may name besides the identity: where the target is."""

    region: str
    account: str
    api: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of the API.

    `path` and the texts of `query` and `body` are templates over the identity's parts and the scope, such as
    `/services/{serviceName}`; in a path and in nothing else the parts are percent-encoded. `methods`, `paths`,
    `queries` and `headers` give what differs by API version; `queries` are in addition to `query`.
    """

    name: str
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Json] = field(default_factory=dict)
    methods: Mapping[str, str] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)
    queries: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    headers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def call(
        self,
        names: Mapping[str, str | Output],
        scope: Scope,
        *,
        resource: str,
        body: Json = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Call:
        """The request for one resource; `body` is laid over the operation's own body."""
        places = {"region": scope.region, "account": scope.account, **names}
        own = {key: value.format_map(places) if isinstance(value, str) else value for key, value in self.body.items()}
        asked = {**self.query, **self.queries.get(scope.api, {}), **(query or {})}
        return Call(
            operation=self.name,
            method=self.methods.get(scope.api, self.method),
            path=self.paths.get(scope.api, self.path).format_map(
                {
                    key: value.mark if isinstance(value, Output) else quote(value, safe="")
                    for key, value in places.items()
                }
            ),
            query=tuple((key, value.format_map(places)) for key, value in asked.items()),
            headers={**self.headers.get(scope.api, {}), **(headers or {})},
            body={**own, **body} if isinstance(body, Mapping) else (own or body),
            resource=resource,
        )

    def parts(self) -> frozenset[str]:
        """What its path and query name, under whichever API version."""
        texts = (self.path, *self.paths.values(), *self.query.values())
        more = (text for query in self.queries.values() for text in query.values())
        return frozenset(
            part for text in (*texts, *more) for _, part, _, _ in string.Formatter().parse(text) if part is not None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """How all resources of a kind under one other are listed; items are whole bodies (facts 7.1), or mere names.

    `items` is the member that holds them, `limit` the page size asked for (0: there are no pages); the member
    `following` of a page is the query parameter `token` of the next. They are listed under the parent, or under the
    kind `under` further up. An item is named by its member of the same name as the identity's last part; where it says
    more, `member` says it all and `pattern`, a regular expression with the identity's parts as groups, takes it apart.
    """

    operation: Operation
    items: str
    limit: int = 100
    under: str = ""
    member: str = ""
    pattern: str = ""
    following: str = "nextToken"
    token: str = "nextToken"


@dataclass(frozen=True, slots=True, kw_only=True)
class TagGroup:
    """A map field that has endpoints of its own: one merges keys, one removes them.

    `read` gives the map of one resource under `answer`. `listing` gives those of all resources at once, each item with
    `resourceArn` and `answer`; `arn` is the ARN as the service prints it. Where the API has no such listing
    (`listing_since`), `filter_prefix` is the query key prefix that filters the kind's own list by a tag.
    """

    name: str
    field: str
    put: Operation
    remove: Operation
    removed: str
    read: Operation
    answer: str
    listing: Listing
    listing_since: str
    filter_prefix: str
    arn: str


NEW = "new"
"""The last part of the identity of what the service numbers, before it has done so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freezing:
    """What a numbered resource keeps as it is at its creation: the parent's own body and all its `kinds`.

    `read` and `listings` (by kind) give what one of them froze; the fields `besides` of the parent are not part of it.
    """

    kinds: tuple[str, ...]
    read: Operation
    listings: Mapping[str, Listing]
    besides: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbering:
    """The service numbers what is created, and gives no number twice: resources under one name make a series.

    The file describes the next of the series. A kind without a parent has the series' name as the first part of the
    identity, and `series` lists all names, each with its newest. A next one is created when the newest differs from
    the file, or from what it is to freeze; with `when`, a field and a value, only where the file says so. `keep` names
    the field that says how many are to stay. `outputs` are what others may want of it, templates like an `arn`.
    """

    keep: str
    when: tuple[str, str] | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    series: Listing | None = None
    freezes: Freezing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """What the service only reaches in time, by members of its answer: how many there are to be (`goal`), how many
    there are (`reached`), and what is in the way (`problem`, a text)."""

    goal: str
    reached: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """The table of one kind.

    `section` is the key under which the file lists it, inside its parent: a map by name, or a list of names. `alone` is
    the name of a resource whose body stands there by itself, without a map by name around it. `identity` are the names
    of the identity's parts in API words, the parent's first; the last is sent in a create's body, unless its path or
    query names it. A create that is also the update takes what stands there for its own, so it is guarded by a read.
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
    create: Operation
    read: Operation
    delete: Operation
    listing: Listing
    guard: GuardStyle
    marking: Marking
    missing: frozenset[str]
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

    def __post_init__(self) -> None:
        problem = next(self._problems(), None)
        if problem:
            raise ValueError(f"kind {self.provider}.{self.name}: {problem}")

    def _problems(self) -> Iterator[str]:
        names = [one.name for one in self.fields]
        spec_names = [one.spec_name for one in self.fields]
        if len(set(names)) != len(names) or len(set(spec_names)) != len(spec_names):
            yield "two fields have one name"
        if (self.parent is None) != (len(self.identity) == (1 if self.numbering is None else 2)) and not (
            self.parent is not None and self.numbering is not None
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
        known = {*self.identity, "region", "account"}
        operations = (self.create, self.read, self.update or self.read, self.delete, self.listing.operation)
        if (self.update is None) != (not self.fields or self.numbering is not None):
            yield "fields need an update"
        for operation in operations:
            if not operation.parts() <= known:
                yield f"{operation.name} names {sorted(operation.parts() - known)}"
        if self.listing.pattern and set(re.compile(self.listing.pattern).groupindex) != set(self.identity):
            yield "the pattern of a listed item names the identity's parts"
        for one in self.fields:
            nothing = any(default.value is None for default in one.defaults)
            if not {*one.together, *one.moved_by, *filter(None, [one.at_most])} <= {*names}:
                yield f"{one.name} names fields that there are not"
            if nothing and one.resets_by_update and one.empty is None:
                yield f"the default of {one.name} is null: it needs the value that empties it"
        if self.may_be_external and self.parent is not None:
            yield "only what stands at the top can be somebody else's and hold what is ours"
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

    def guard_in(self, api: str) -> GuardStyle:
        """How writes are guarded under this API version."""
        return self.guards.get(api, self.guard)

    def field(self, name: str) -> Field:
        """The top-level field with this API name; raises KeyError."""
        for one in self.fields:
            if one.name == name:
                return one
        raise KeyError(name)

    def attribute(self, name: str) -> Attribute | None:
        """The attribute of this name, None where there is none."""
        return next((one for one in self.attributes if one.name == name), None)

    def names(self, identity: tuple[str, ...]) -> dict[str, str]:
        """The identity as a mapping from part names to parts; a parent's identity gives the first parts."""
        return dict(zip(self.identity, identity, strict=False))

    def group_of(self, name: str) -> str:
        """Which call writes a field: `tags`, or `body`."""
        return self.tags.name if self.tags is not None and name == self.tags.field else "body"

    def known_fields(self, api: str) -> tuple[Field, ...]:
        """The fields that this API version has."""
        return tuple(one for one in self.fields if one.since <= api)

    def writable(self, api: str) -> tuple[Field, ...]:
        """The fields that travel under this API version, for a file to say."""
        silent = (Access.READ_ONLY, Access.PLANNING)
        return tuple(one for one in self.known_fields(api) if one.access not in silent)
