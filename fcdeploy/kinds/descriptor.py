"""What there is to know of a kind: one table. The engine, the schemas, the docs and the tests read it; nobody else
knows a kind by name (DESIGN 3)."""

from __future__ import annotations

import enum
import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import quote

from fcdeploy.kinds.fields import Access, Field
from fcdeploy.model import Call, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a path or a value may name besides the identity: where the target is."""

    region: str
    account: str
    api: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of the API.

    `path` and the values of `query` and `body` are templates over the identity's parts and the scope, such as
    `/services/{serviceName}`; in a path and in nothing else the parts are percent-encoded. `methods` and `headers` give
    what differs by API version.
    """

    name: str
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, str] = field(default_factory=dict)
    methods: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def call(
        self,
        names: Mapping[str, str],
        scope: Scope,
        *,
        resource: str,
        body: Json = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Call:
        """The request for one resource; `body` is laid over the operation's own body."""
        places = {"region": scope.region, "account": scope.account, **names}
        own = {key: value.format_map(places) for key, value in self.body.items()}
        return Call(
            operation=self.name,
            method=self.methods.get(scope.api, self.method),
            path=self.path.format_map({key: quote(value, safe="") for key, value in places.items()}),
            query=tuple((key, value.format_map(places)) for key, value in {**self.query, **(query or {})}.items()),
            headers={**self.headers.get(scope.api, {}), **(headers or {})},
            body={**own, **body} if isinstance(body, Mapping) else (own or body),
            resource=resource,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """How all resources of a kind under one parent are listed; items are whole bodies (facts 7.1).

    `items` is the member that holds them, `limit` the page size asked for; pages are followed by `nextToken`.
    """

    operation: Operation
    items: str
    limit: int = 100


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


class GuardStyle(enum.Enum):
    """How a write is guarded: by the service itself, or by reading again just before (law 4)."""

    ETAG = "etag"
    RECHECK = "recheck"


class Marking(enum.Enum):
    """How a resource says whose it is (S10)."""

    TAGS = "tags"
    PARENT = "parent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a kind's own check has against a body: `path` is dotted, in API names."""

    path: str
    summary: str
    detail: str = ""
    hint: str = ""
    is_warning: bool = False


Check: TypeAlias = Callable[[Mapping[str, Json], str, str], Iterable[Finding]]
"""(body as the file gives it, API version, name) -> findings that a JSON Schema cannot express."""

Collides: TypeAlias = Callable[[Mapping[str, Json], Mapping[str, Json]], bool]
"""Whether two bodies under the same parent cannot exist at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """The table of one kind.

    `section` is the key under which the file lists it, inside its parent. `identity` are the names of the identity's
    parts in API words, the parent's first; the last is sent in a create's body. `missing` are the error codes that
    mean "does not exist". Hooks are pure; `collision` is the rule behind `collides`, for messages. `soft_limit` is how
    many may stand under one parent before the service's adjustable limit is reached; 0: none is known (S5).
    `holds` are lists of what a resource may hold that no kind declares and that keeps it from being deleted, by what
    they are called.
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
    update: Operation
    delete: Operation
    listing: Listing
    guard: GuardStyle
    marking: Marking
    missing: frozenset[str]
    tags: TagGroup | None = None
    archive_read: Operation | None = None
    check: Check | None = None
    collides: Collides | None = None
    collision: str = ""
    soft_limit: int = 0
    holds: Mapping[str, Listing] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problem = next(self._problems(), None)
        if problem:
            raise ValueError(f"kind {self.provider}.{self.name}: {problem}")

    def _problems(self) -> Iterator[str]:
        names = [one.name for one in self.fields]
        spec_names = [one.spec_name for one in self.fields]
        if len(set(names)) != len(names) or len(set(spec_names)) != len(spec_names):
            yield "two fields have one name"
        if (self.parent is None) != (len(self.identity) == 1):
            yield "the identity has one part more than the parent's"
        if self.marking is Marking.TAGS and self.tags is None:
            yield "marking by tags needs the tags"
        known = {*self.identity, "region", "account"}
        for operation in (self.create, self.read, self.update, self.delete, self.listing.operation):
            parts = {part for _, part, _, _ in string.Formatter().parse(operation.path) if part}
            if not parts <= known:
                yield f"{operation.name} names {sorted(parts - known)}"
        if self.tags is not None and self.tags.field not in names:
            yield f"there is no field {self.tags.field}"

    def field(self, name: str) -> Field:
        """The top-level field with this API name; raises KeyError."""
        for one in self.fields:
            if one.name == name:
                return one
        raise KeyError(name)

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
        """The fields that a file may name under this API version."""
        return tuple(one for one in self.known_fields(api) if one.access is not Access.READ_ONLY)
