"""A plan as a value: changes for people, steps for the executor; saved as JSON with secrets as references."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Self, TypeAlias

from msgspec import Struct, field

from fcdeploy.diagnostics import Diagnostic, Span, nearest_span
from fcdeploy.model.leaves import Json, SecretSource, from_json, to_json
from fcdeploy.model.resources import Address, Target

REQUEST_IDS = ("x-fc-request-id", "x-acs-request-id", "x-request-id")
"""Headers that tell a request's id: of either Alibaba API, and of FunctionGraph (facts 6.1; FunctionGraph facts 1)."""


class Call(Struct, frozen=True, kw_only=True):
    """One request: `path` is what follows the API version, each name in it percent-encoded already.

    `reads`: it only reads, although its method could write, so it may always be repeated.
    """

    operation: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Json = None
    resource: str = ""
    reads: bool = False

    def to_json(self, body: Callable[[Json], Json] = to_json) -> dict[str, Json]:
        """Plain JSON, secrets as references; `body` writes what may hold leaves."""
        return {
            "operation": self.operation,
            "method": self.method,
            "path": self.path,
            "query": [list(pair) for pair in self.query] if self.query else [],
            "headers": dict(self.headers),
            "body": body(self.body),
            "resource": self.resource,
        }

    @classmethod
    def from_json(cls, saved: Mapping[str, Json], secret: SecretSource) -> Self:
        """Read `to_json` back."""
        return cls(
            operation=saved["operation"],
            method=saved["method"],
            path=saved["path"],
            query=tuple((key, value) for key, value in saved["query"]),
            headers=saved["headers"],
            body=from_json(saved["body"], secret),
            resource=saved["resource"],
        )


class Reply(Struct, frozen=True, kw_only=True):
    """A successful answer; header names are lower case, `body` is the parsed JSON or None."""

    status: int
    headers: Mapping[str, str]
    body: Json

    @property
    def etag(self) -> str | None:
        """The ETag header, where there is one."""
        return self.headers.get("etag")

    @property
    def request_id(self) -> str:
        """The service's request id, for support."""
        return request_id(self.headers)


def request_id(headers: Mapping[str, str]) -> str:
    """The request id that a reply's headers (lower-case names) tell, under the name that its cloud has for it."""
    return next((found for name in REQUEST_IDS if (found := headers.get(name))), "")


class Action(enum.StrEnum):
    """What happens to a resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    NONE = "none"


class FieldChange(Struct, frozen=True, kw_only=True):
    """One field: values before and after (None = not set), the line that says so, and what it means.

    `before_hidden` and `after_hidden` say whether the value must print as `(sensitive)` (S42).
    """

    path: str
    before: Json
    after: Json
    forces_replacement: bool = False
    before_hidden: bool = False
    after_hidden: bool = False
    note: str = ""
    span: Span | None = None


class Told(Struct, frozen=True, kw_only=True):
    """What a change amounts to, in a line of the kind's own: `what` it is about, and how that is before and after.

    Either is empty where the resource is not there.
    """

    what: str
    before: str
    after: str


class Change(Struct, frozen=True, kw_only=True):
    """What will happen to one resource, and why; `told` where its fields alone do not say what that amounts to.

    `spans` has the lines of those fields that do not have their own: of all that a create sets, which most never ask.
    """

    address: Address
    action: Action
    reason: str
    fields: tuple[FieldChange, ...] = ()
    span: Span | None = None
    told: Told | None = None
    spans: Mapping[str, Span] = field(default_factory=dict)

    def place_of(self, one: FieldChange) -> Span | None:
        """The line that asks for one of the fields."""
        if one.span is not None or not self.spans:
            return one.span
        return nearest_span(self.spans, one.path, self.span)


class IfMatch(Struct, frozen=True, kw_only=True):
    """The service itself checks that the ETag is still the one the plan was made from."""

    etag: str


class MustNotExist(Struct, frozen=True, kw_only=True):
    """The create refuses when the name is taken (the API answers 409)."""


class Recheck(Struct, frozen=True, kw_only=True):
    """Read again just before the write and compare the canonical body's fingerprint (hex SHA-256)."""

    fingerprint: str


class JustCreated(Struct, frozen=True, kw_only=True):
    """There is nothing to protect: a step of the same run created the resource, or nobody can change it (a number)."""


class NextAfter(Struct, frozen=True, kw_only=True):
    """The service numbers what is created: nobody else has made a newer one than `newest` ("" for none) meanwhile."""

    newest: str

    @property
    def number(self) -> int:
        """The newest as a number, 0 for none."""
        return int(self.newest or 0)


Guard: TypeAlias = IfMatch | MustNotExist | Recheck | JustCreated | NextAfter


def guard_to_json(guard: Guard) -> dict[str, Json]:
    """A guard as JSON: one key."""
    match guard:
        case IfMatch():
            return {"ifMatch": guard.etag}
        case Recheck():
            return {"recheck": guard.fingerprint}
        case MustNotExist():
            return {"mustNotExist": True}
        case JustCreated():
            return {"justCreated": True}
        case NextAfter():
            return {"nextAfter": guard.newest}


def guard_from_json(saved: Mapping[str, Json]) -> Guard:
    """The inverse of `guard_to_json`."""
    match saved:
        case {"ifMatch": str(etag)}:
            return IfMatch(etag=etag)
        case {"recheck": str(fingerprint)}:
            return Recheck(fingerprint=fingerprint)
        case {"justCreated": True}:
            return JustCreated()
        case {"nextAfter": str(newest)}:
            return NextAfter(newest=newest)
        case _:
            return MustNotExist()


class Step(Struct, frozen=True, kw_only=True):
    """One call of a plan.

    `group` names the fields it writes (`body`, or a group with its own endpoint such as `tags`). `after` are the
    canonical values of exactly those top-level fields, `before` those of the whole group as it was read (`None` where
    the resource did not or will not exist); they settle an unknown effect and check the reply (S20, S21). `needs` are
    ids of steps that must be done first. `undo` are the steps that take it back, in order; none when nothing can, or
    when the undo of the resource's create covers it (S34). An undo's IfMatch guard is the ETag that the step itself was
    given, known once it is done. `last` marks what comes only after all that can be undone has succeeded. `literal` are
    the paths of sensitive fields that the file gives as plain literals, whose live values may be printed (S42).
    `ignored` are the paths at which whatever is live stays, and is no part of the promise (S17).
    `content` are the canonical bodies, by short address, of all that the created resource is to freeze (S30).
    `gives` names the attributes of the resource that later steps want of its reply (S46). `payloads` is what is sent of
    archives, by field, where the call itself is built otherwise than the file's words.
    """

    id: str
    address: Address
    action: Action
    group: str
    call: Call
    guard: Guard
    before: Mapping[str, Json] | None
    after: Mapping[str, Json] | None
    needs: frozenset[str] = frozenset()
    last: bool = False
    undo: tuple[Step, ...] = ()
    literal: frozenset[str] = frozenset()
    ignored: tuple[tuple[str, ...], ...] = ()
    content: Mapping[str, Mapping[str, Json]] | None = None
    gives: tuple[str, ...] = ()
    payloads: Mapping[str, Json] = field(default_factory=dict)

    def to_json(self, body: Callable[[Json], Json] = to_json) -> dict[str, Json]:
        """Plain JSON, secrets as references; `body` writes what may hold leaves."""
        # One of each step of a plan: what is not there, as most of it, is gone through by nothing.
        saved = {
            "id": self.id,
            "address": str(self.address),
            "action": self.action.value,
            "group": self.group,
            "call": self.call.to_json(body),
            "guard": guard_to_json(self.guard),
            "before": body(self.before),
            "after": body(self.after),
            "needs": sorted(self.needs) if self.needs else [],
            "last": self.last,
            "undo": [step.to_json(body) for step in self.undo] if self.undo else [],
            "literal": sorted(self.literal) if self.literal else [],
            "ignored": [list(path) for path in self.ignored] if self.ignored else [],
        }
        if self.content is not None:
            saved["content"] = body(self.content)
        if self.gives:
            saved["gives"] = list(self.gives)
        if self.payloads:
            saved["payloads"] = body(self.payloads)
        return saved

    @classmethod
    def from_json(cls, saved: Mapping[str, Json], secret: SecretSource) -> Self:
        """Read `to_json` back; secrets are resolved again."""
        return cls(
            id=saved["id"],
            address=Address.parse(saved["address"]),
            action=Action(saved["action"]),
            group=saved["group"],
            call=Call.from_json(saved["call"], secret),
            guard=guard_from_json(saved["guard"]),
            before=from_json(saved["before"], secret),
            after=from_json(saved["after"], secret),
            needs=frozenset(saved["needs"]),
            last=saved["last"],
            undo=tuple(cls.from_json(step, secret) for step in saved["undo"]),
            literal=frozenset(saved["literal"]),
            # A run that an earlier version saved knows of none.
            ignored=tuple(tuple(path) for path in saved.get("ignored", ())),
            content=from_json(saved["content"], secret) if "content" in saved else None,
            gives=tuple(saved.get("gives", ())),
            payloads=from_json(saved.get("payloads", {}), secret),
        )


class Unread(Struct, frozen=True, kw_only=True):
    """A place that holds a secret that was not read: a resource, and the dotted path in API names."""

    address: Address
    path: str
    span: Span | None = None


class Plan(Struct, frozen=True, kw_only=True):
    """Everything that apply will do to one target, in order; changes of action none are only counted.

    `left_out` counts the resources that were not to be looked at, whatever would become of them (S46). `unread` are the
    places that were not compared where no secret was read (S41); None: secrets were read. Such a plan is to be looked
    at, and never applied.
    """

    project: str
    target: Target
    changes: tuple[Change, ...]
    steps: tuple[Step, ...]
    unchanged: int = 0
    left_out: int = 0
    unread: tuple[Unread, ...] | None = None
    warnings: tuple[Diagnostic, ...] = ()

    def count(self, action: Action) -> int:
        """How many resources have this action."""
        return sum(1 for change in self.changes if change.action is action)

    @property
    def is_empty(self) -> bool:
        """Whether apply would send nothing."""
        return not self.steps
