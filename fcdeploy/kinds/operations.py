"""How a kind is asked for over HTTP: operations, lists, and fields with an endpoint of their own. Values, no IO."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from typing import TypeAlias
from urllib.parse import quote

from msgspec import Struct, field

from fcdeploy.model import Call, Json, Output


class Scope(Struct, frozen=True, kw_only=True):
    """What a path or a value may name besides the identity: where the target is."""

    region: str
    account: str
    api: str


@lru_cache(maxsize=65_536)
def _encoded(part: str) -> str:
    """A part of a path; each name of a resource is in those of all that stands beneath it."""
    return quote(part, safe="")


@cache  # as many as there are operations; each is asked for at each call
def _parts(text: str) -> tuple[str, ...]:
    """What a template names."""
    return tuple(part for _, part, _, _ in string.Formatter().parse(text) if part is not None)


def _filled(path: str, places: Mapping[str, str | Output]) -> str:
    return path.format_map(
        {part: value.mark if isinstance(value := places[part], Output) else _encoded(value) for part in _parts(path)}
    )


class Operation(Struct, frozen=True, kw_only=True):
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
        api = scope.api
        places = {"region": scope.region, "account": scope.account, **names}
        asked = self.query
        if self.queries or query:
            asked = {**asked, **self.queries.get(api, {}), **(query or {})}
        if self.body:
            own = {key: one.format_map(places) if isinstance(one, str) else one for key, one in self.body.items()}
            body = {**own, **body} if isinstance(body, Mapping) else (own or body)
        return Call(
            operation=self.name,
            method=self.methods.get(api, self.method),
            path=_filled(self.paths.get(api, self.path), places),
            query=tuple([(key, value.format_map(places)) for key, value in asked.items()]) if asked else (),
            headers={**self.headers.get(api, {}), **(headers or {})},
            body=body,
            resource=resource,
        )

    def parts(self) -> frozenset[str]:
        """What its path and query name, under whichever API version."""
        texts = (self.path, *self.paths.values(), *self.query.values())
        more = (text for query in self.queries.values() for text in query.values())
        return frozenset(part for text in (*texts, *more) for part in _parts(text))


class Listing(Struct, frozen=True, kw_only=True):
    """How all resources of a kind under one other are listed; items are whole bodies (facts 7.1), or mere names.

    `items` is the member that holds them (empty: the answer is the list), `limit` the page size asked for with the
    query parameter `size` (0: there are no pages); the member `following`, a dotted path, of a page is the query
    parameter `token` of the next. Where that counts items, `total` is the member, if the answer has it, with how many
    there are in all: nothing follows then once the next is 0 or no greater than before, nor after an empty page, nor
    after one that is not full and reaches the total. Without `following` the items are counted here. `in_body`: all of
    that travels in the body. They are listed under the parent, or under the kind `under` further up; `everywhere`: one
    list has those of all parents. An item is named by its member of the same name as the identity's last part; where it
    says more, `member` says it all and `pattern`, a regular expression with the identity's parts as groups, takes it
    apart. What `only`, a regular expression, does not match as a whole is no resource of the kind: `latest` is no
    version.
    `told` are members that items leave out since they were asked for by them, such as the URN in the path, as templates
    over what the path may name. Not `whole`: items say less than a body, so bodies are read one by one.
    """

    operation: Operation
    items: str
    limit: int = 100
    under: str = ""
    member: str = ""
    pattern: str = ""
    following: str = "nextToken"
    token: str = "nextToken"
    size: str = "limit"
    total: str = ""
    in_body: bool = False
    everywhere: bool = False
    only: str = ""
    told: Mapping[str, str] = field(default_factory=dict)
    whole: bool = True


class TagGroup(Struct, frozen=True, kw_only=True):
    """A map field that has endpoints of its own: one merges keys, one removes them.

    `read` gives the map of one resource under `answer`. `listing` gives those of all resources at once, each item with
    `answer` and with whose it is (`member` and `pattern` of the listing). `pairs`: a map travels as a list of
    `{key, value}`, and what is removed as a list of `{key}` under `removed`. Where the API has no such listing
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
    listing_since: str = ""
    filter_prefix: str = ""
    pairs: bool = False


class Group(Struct, frozen=True, kw_only=True):
    """Fields that an update writes by an operation of their own: a step of its own, with its own guard and way back.

    `created`: a create takes them with the rest of the body; otherwise they are written by a step after it, where they
    differ from their defaults. `answers`: the reply tells the whole resource; otherwise it is read after the write.
    """

    name: str
    fields: frozenset[str]
    update: Operation
    created: bool = True
    answers: bool = True


Said: TypeAlias = Callable[[Mapping[str, Json]], Mapping[str, Json]]
"""What the service says of a resource -> its members under the names of the kind's fields, beside what it said."""

Sent: TypeAlias = Callable[[Mapping[str, Json], Mapping[str, "str | Output"], Scope], Mapping[str, Json]]
"""A body under the names of the fields, the names of the identity, and where -> what travels. It may hold leaves whose
value comes later (`Output`) and archives (`ArchiveRef`), and passes them on."""


class Translation(Struct, frozen=True, kw_only=True):
    """For an API whose bodies are built otherwise than the file's words: two pure functions, each other's inverse on
    what the fields can hold. `said` leaves out what is not there, as GET and lists differ."""

    said: Said
    sent: Sent


Identify: TypeAlias = Callable[[tuple[str, ...], Mapping[str, Json]], tuple[str, ...]]
"""(the names under which the file has it, outermost first; its body under API names) -> the parts of the identity that
follow the parent's."""

NamesInFile: TypeAlias = tuple[tuple[str, ...], Mapping[str, Json]]
"""Names under which a file can have a resource, outermost first, and the fields of it that only say its name."""

InFile: TypeAlias = Callable[[tuple[str, ...], Mapping[str, Json]], Iterator[NamesInFile]]
"""The way back from `Identify`: (the own parts of an identity, a canonical body) -> what a file can call it, and the
best of it first. There may be no end of that."""

Derive: TypeAlias = Callable[[Mapping[str, str]], Mapping[str, str]]
"""Names of the identity -> further names that paths may use, such as the end of a URN."""
