"""The values that travel between the stages. Bodies are plain JSON; everything that is saved has to_json/from_json.

Three leaves may stand inside a call's body where plain JSON is not enough; `to_json` writes each as a mapping with one
`$` key (a user's own key that begins with `$` is doubled, so nothing can be mistaken):

    Archive bytes      ArchiveRef(sha256=…)            {"$archive": {...}}
    later value        Output(step=…, pointer=…)       {"$output": {...}}
    secret text        Sensitive("…", parts=(…))       {"$secret": [...]}     references, never the value (S36)
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import total_ordering
from typing import Any, Self, TypeAlias
from urllib.parse import quote, unquote

from fcdeploy.diagnostics import Diagnostic, Span

Json: TypeAlias = Any
"""A JSON value; inside call bodies also the three leaves above."""


@total_ordering
@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Names one resource of one target: `prod/cn-shanghai:alibaba.function:images/resize`."""

    provider: str
    target: str
    kind: str
    identity: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the printed form back; raises ValueError when it is not one."""
        target, _, rest = text.partition(":")
        kind, _, identity = rest.partition(":")
        provider, _, name = kind.partition(".")
        if not (target and provider and name and identity):
            raise ValueError(f"not an address: {text!r}")
        return cls(
            provider=provider,
            target="/".join(unquote(part) for part in target.split("/")),
            kind=name,
            identity=tuple(unquote(part) for part in identity.split("/")),
        )

    def __str__(self) -> str:
        target = "/".join(_plain(part) for part in self.target.split("/"))
        return f"{target}:{self.provider}.{self.kind}:{self.name}"

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Address):
            return NotImplemented
        return self._order() < other._order()

    def _order(self) -> tuple[str, str, tuple[str, ...], str]:
        # Identity before kind: a service, its functions and their triggers stand together.
        return (self.target, self.provider, self.identity, self.kind)

    @property
    def name(self) -> str:
        """The identity as one word: `images/resize`."""
        return "/".join(_plain(part) for part in self.identity)

    @property
    def short(self) -> str:
        """Kind and name, for messages under a target's heading: `function images/resize`."""
        return f"{self.kind} {self.name}"


def _plain(part: str) -> str:
    return quote(part, safe="-._~*@$()")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a project goes: one account and region of one cloud (S6)."""

    name: str
    provider: str
    region: str
    account: str | None = None
    api: str = ""
    network: str = "public"
    profile: str | None = None
    retired: bool = False
    vars: Mapping[str, Json] = field(default_factory=dict)
    span: Span | None = None


class Sensitive(str):
    """A string that holds a secret. Compares and encodes as the plain text; prints and saves as what made it.

    `parts` are the pieces it was put together from: plain text, `{"secret": NAME}` for a named source (S41), or
    `{"jsonText": value}` for JSON text with secrets inside.
    """

    __slots__ = ("parts",)
    parts: tuple[Json, ...]

    def __new__(cls, value: str, *, parts: tuple[Json, ...]) -> Self:
        """Join nothing: `value` is the whole text and `parts` its origin."""
        made = super().__new__(cls, value)
        made.parts = parts
        return made

    def __repr__(self) -> str:
        return "Sensitive(***)"

    def __format__(self, spec: str) -> str:
        return "(sensitive)"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a secret is saved as its references only")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveRef:
    """A code archive by its content: hex SHA-256, decimal CRC-64/XZ, size in bytes. Sent as base64 text."""

    sha256: str
    crc64: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A value that an earlier step's reply gives; `pointer` is a JSON pointer into it, `etag` its ETag."""

    step: str
    pointer: str


SecretSource: TypeAlias = Callable[[str], str]
"""Resolves a secret's name to its value."""


def to_json(value: Json) -> Json:
    """A body with its leaves written as `$` mappings; the result is plain JSON."""
    match value:
        case Sensitive():
            return {"$secret": list(value.parts)}
        case ArchiveRef():
            return {"$archive": {"sha256": value.sha256, "crc64": value.crc64, "size": value.size}}
        case Output():
            return {"$output": {"step": value.step, "pointer": value.pointer}}
        case Mapping():
            return {("$" + key if key.startswith("$") else key): to_json(item) for key, item in value.items()}
        case list() | tuple():
            return [to_json(item) for item in value]
        case _:
            return value


def from_json(value: Json, secret: SecretSource) -> Json:
    """The inverse of `to_json`; secrets are resolved again (S36), a missing one raises what `secret` raises."""
    if isinstance(value, list):
        return [from_json(item, secret) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((key, inner),) = value.items()
        match key:
            case "$secret":
                text = "".join(_part_text(part, secret) for part in inner)
                return Sensitive(text, parts=tuple(inner))
            case "$archive":
                return ArchiveRef(**inner)
            case "$output":
                return Output(**inner)
            case _:
                pass
    return {(key[1:] if key.startswith("$$") else key): from_json(item, secret) for key, item in value.items()}


def _part_text(part: Json, secret: SecretSource) -> str:
    match part:
        case str():
            return part
        case {"jsonText": inner}:
            return json.dumps(from_json(inner, secret), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        case _:
            return secret(part["secret"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: `path` is what follows the API version, each name in it percent-encoded already."""

    operation: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Json = None
    resource: str = ""

    def to_json(self) -> dict[str, Json]:
        """Plain JSON, secrets as references."""
        return {
            "operation": self.operation,
            "method": self.method,
            "path": self.path,
            "query": [list(pair) for pair in self.query],
            "headers": dict(self.headers),
            "body": to_json(self.body),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
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
        return self.headers.get("x-fc-request-id") or self.headers.get("x-acs-request-id") or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRef:
    """A `code:` value as the file gives it; relative paths count from the folder `base`."""

    value: Json
    base: str
    span: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What the file wants.

    `body` holds what the file itself gives (defaults of the file merged in), under API names; documented defaults are
    filled in by the engine. Strings may be `Sensitive`. A code archive stands in `code` by field name until it is
    packaged; then the body has {"checksum": crc64} there and `payloads` what is sent. `refs` are addresses that must
    exist first. `literal` holds the dotted paths whose value the file gives as a plain literal (S42), `spans` the line
    of each dotted path. `ignore` are paths that live keeps (S17).
    """

    address: Address
    body: Mapping[str, Json]
    code: Mapping[str, CodeRef] = field(default_factory=dict)
    payloads: Mapping[str, Json] = field(default_factory=dict)
    refs: frozenset[Address] = frozenset()
    span: Span | None = None
    spans: Mapping[str, Span] = field(default_factory=dict)
    literal: frozenset[str] = frozenset()
    protect: bool = False
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What the cloud has: canonical and raw body, and the ETag if it was read singly (lists give none, S19)."""

    address: Address
    body: Mapping[str, Json]
    raw: Mapping[str, Json]
    etag: str | None = None
    mark: Mark | None = None


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Mark:
    """Whose a resource is: project and target (S10)."""

    project: str
    target: str


class Action(enum.StrEnum):
    """What happens to a resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What will happen to one resource, and why."""

    address: Address
    action: Action
    reason: str
    fields: tuple[FieldChange, ...] = ()
    span: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IfMatch:
    """The service itself checks that the ETag is still the one the plan was made from."""

    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MustNotExist:
    """The create refuses when the name is taken (the API answers 409)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recheck:
    """Read again just before the write and compare the canonical body's fingerprint (hex SHA-256)."""

    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JustCreated:
    """A step before this one, in the same run, created the resource; there is nothing older to protect."""


Guard: TypeAlias = IfMatch | MustNotExist | Recheck | JustCreated


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


def guard_from_json(saved: Mapping[str, Json]) -> Guard:
    """The inverse of `guard_to_json`."""
    match saved:
        case {"ifMatch": str(etag)}:
            return IfMatch(etag=etag)
        case {"recheck": str(fingerprint)}:
            return Recheck(fingerprint=fingerprint)
        case {"justCreated": True}:
            return JustCreated()
        case _:
            return MustNotExist()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call of a plan.

    `group` names the fields it writes (`body`, or a group with its own endpoint such as `tags`). `after` are the
    canonical values of exactly those top-level fields, `before` those of the whole group as it was read (`None` where
    the resource did not or will not exist); they settle an unknown effect and check the reply (S20, S21). `needs` are ids of steps that must be done first.
    `undo` are the steps that take it back, in order; none when nothing can, or when the undo of the resource's create
    covers it (S34). An undo's IfMatch guard is the ETag that the step itself was given, known once it is done.
    `last` marks what comes only after all that can be undone has succeeded.
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

    def to_json(self) -> dict[str, Json]:
        """Plain JSON, secrets as references."""
        return {
            "id": self.id,
            "address": str(self.address),
            "action": self.action.value,
            "group": self.group,
            "call": self.call.to_json(),
            "guard": guard_to_json(self.guard),
            "before": to_json(self.before),
            "after": to_json(self.after),
            "needs": sorted(self.needs),
            "last": self.last,
            "undo": [step.to_json() for step in self.undo],
        }

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
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that apply will do to one target, in order; changes of action none are only counted."""

    project: str
    target: Target
    changes: tuple[Change, ...]
    steps: tuple[Step, ...]
    unchanged: int = 0
    warnings: tuple[Diagnostic, ...] = ()

    def count(self, action: Action) -> int:
        """How many resources have this action."""
        return sum(1 for change in self.changes if change.action is action)

    @property
    def is_empty(self) -> bool:
        """Whether apply would send nothing."""
        return not self.steps


class EventType(enum.StrEnum):
    """What the journal says of a step."""

    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of the journal; `at` is seconds since the epoch, `note` is redacted already."""

    step: str
    type: EventType
    at: float
    etag: str | None = None
    outputs: Mapping[str, Json] = field(default_factory=dict)
    request_id: str = ""
    note: str = ""


class Ending(enum.StrEnum):
    """How a run ended."""

    DONE = "done"
    FAILED = "failed"
    ROLLED_BACK = "rolled-back"
    STOPPED = "stopped"
    NEEDS_ATTENTION = "needs-attention"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The fold of a run: what was done, undone and left; `seconds` is wall time, `durations` seconds by step id."""

    run: str
    target: str
    ending: Ending
    done: tuple[str, ...] = ()
    undone: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    seconds: float = 0.0
    durations: Mapping[str, float] = field(default_factory=dict)
