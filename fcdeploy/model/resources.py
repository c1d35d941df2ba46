"""Addresses, and resources on both sides: what the file wants, what the cloud has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Self
from urllib.parse import quote, unquote

from msgspec import Struct, field

from fcdeploy.diagnostics import Span
from fcdeploy.model.credentials import KeySource
from fcdeploy.model.leaves import Json, SecretSource, from_json, to_json
from fcdeploy.model.providers import provider_of


class Address(Struct, frozen=True, kw_only=True, order=True, cache_hash=True):
    """Names one resource of one target: `prod/cn-shanghai:alibaba.function:images/resize`.

    Addresses are sorted by their parts as they stand here: identity before kind, so that a service, its functions and
    their triggers stand together. A plan looks each of them up some fifty times.
    """

    target: str
    provider: str
    identity: tuple[str, ...]
    kind: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the printed form back; raises ValueError when it is not one."""
        target, _, rest = text.partition(":")
        kind, _, identity = rest.partition(":")
        provider, _, name = kind.partition(".")
        if not (target and provider and name and identity):
            raise ValueError(f"not an address: {text!r}")
        parts = tuple(identity.split("/"))
        if "%" in text:
            target, parts = "/".join(map(unquote, target.split("/"))), tuple(map(unquote, parts))
        return cls(provider=provider, target=target, kind=name, identity=parts)

    def __str__(self) -> str:
        return f"{_joined(self.target)}:{self.provider}.{self.kind}:{self.name}"

    @property
    def name(self) -> str:
        """The identity as one word: `images/resize`."""
        return _named(self.identity)

    @property
    def short(self) -> str:
        """Kind and name, for messages under a target's heading: `function images/resize`."""
        return f"{self.kind} {self.name}"


_IS_PLAIN = re.compile(r"[A-Za-z0-9._~*@$()-]*").fullmatch


def _plain(part: str) -> str:
    """A part of a name with everything escaped that could be taken for more than that."""
    return part if _IS_PLAIN(part) else quote(part, safe="-._~*@$()")


@lru_cache(maxsize=65_536)  # a plan says each some ten times
def _named(identity: tuple[str, ...]) -> str:
    return "/".join(map(_plain, identity))


@lru_cache(maxsize=1024)
def _joined(target: str) -> str:
    return "/".join(map(_plain, target.split("/")))


class Target(Struct, frozen=True, kw_only=True):
    """Where a project goes: one account and region of one cloud (S6).

    `account` is what the cloud has in its place: a project at Huawei Cloud.
    `project` is given where a command is about several projects, whose targets may share a name.
    """

    name: str
    provider: str
    region: str
    account: str | None = None
    api: str = ""
    network: str = "public"
    credentials: KeySource | None = None
    retired: bool = False
    vars: Mapping[str, Json] = field(default_factory=dict)
    span: Span | None = None
    project: str = ""

    @property
    def title(self) -> str:
        """How people are told of it: its name, where needed with the project's before it: `shop/prod`."""
        return f"{self.project}/{self.name}" if self.project else self.name

    @property
    def account_word(self) -> str:
        """What its cloud calls an account in a sentence."""
        return provider_of(self.provider).account_word


class CodeRef(Struct, frozen=True, kw_only=True):
    """A `code:` value as the file gives it; relative paths count from the folder `base`."""

    value: Json
    base: str
    span: Span | None = None


class Resource(Struct, frozen=True, kw_only=True):
    """What the file wants.

    `body` holds what the file itself gives (defaults of the file merged in), under API names; documented defaults are
    filled in by the engine. Strings may be `Sensitive`. A code archive stands in `code` by field name until it is
    packaged; then the body has {"checksum": crc64} there and `payloads` what is sent. `refs` are addresses that must
    exist first. `literal` holds the dotted paths whose value the file gives as a plain literal (S42), `spans` the line
    of each dotted path. `ignore` are paths that only a create sets (S17), each as its parts: the key of a free map is
    one part, whatever it holds. `absent`: it is not to be there, or what it stands in is not (S14). `renamed_from` is
    the last part of the identity that it had before. `external`: somebody else keeps it (S13).
    `awaits`: the file gives it a `Ref`, which is resolved when the plan is made (S46). `called` are the names of the
    file, outermost first, where the identity is not made of them alone.
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
    absent: bool = False
    ignore: tuple[tuple[str, ...], ...] = ()
    renamed_from: str | None = None
    external: bool = False
    awaits: bool = False
    called: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """Plain JSON, secrets as references. What is not packaged yet is left out: its code is not part of a value."""
        return {
            "address": str(self.address),
            "body": to_json(self.body),
            "payloads": to_json(self.payloads),
            "refs": sorted(map(str, self.refs)),
            "span": _span_to_json(self.span),
            "spans": {path: _span_to_json(span) for path, span in self.spans.items()},
            "literal": sorted(self.literal),
            "protect": self.protect,
            "absent": self.absent,
            "ignore": [list(path) for path in self.ignore],
            "renamedFrom": self.renamed_from,
            "external": self.external,
            "awaits": self.awaits,
            "called": list(self.called),
        }

    @classmethod
    def from_json(cls, saved: Mapping[str, Json], secret: SecretSource) -> Self:
        """Read `to_json` back; secrets are resolved again."""
        return cls(
            address=Address.parse(saved["address"]),
            body=from_json(saved["body"], secret),
            payloads=from_json(saved["payloads"], secret),
            refs=frozenset(map(Address.parse, saved["refs"])),
            span=_span_from_json(saved["span"]),
            spans={path: Span(file=span[0], line=span[1], column=span[2]) for path, span in saved["spans"].items()},
            literal=frozenset(saved["literal"]),
            protect=saved["protect"],
            absent=saved["absent"],
            ignore=tuple(tuple(path) for path in saved["ignore"]),
            renamed_from=saved["renamedFrom"],
            external=saved["external"],
            awaits=saved["awaits"],
            called=tuple(saved["called"]),
        )


def _span_to_json(span: Span | None) -> Json:
    return None if span is None else [span.file, span.line, span.column]


def _span_from_json(saved: Json) -> Span | None:
    return None if saved is None else Span(file=saved[0], line=saved[1], column=saved[2])


class Live(Struct, frozen=True, kw_only=True):
    """What the cloud has: canonical and raw body, and the ETag if it was read singly (lists give none, S19).

    Of a kind without ETags `etag` is the fingerprint of the canonical body, likewise only of one that was read singly.
    A mark at the end of a description stands in `mark` and not in `body`, and so does `pinned`: it was moved back by
    hand, and is to stay (S33).
    """

    address: Address
    body: Mapping[str, Json]
    raw: Mapping[str, Json]
    etag: str | None = None
    mark: Mark | None = None
    pinned: bool = False


class Mark(Struct, frozen=True, kw_only=True, order=True):
    """Whose a resource is: project and target (S10). A target's name may hold slashes, a project's does not."""

    project: str
    target: str

    def __str__(self) -> str:
        return f"{self.project}/{self.target}"

    @property
    def suffix(self) -> str:
        """The mark as it stands at the end of a description, with the blank before it."""
        return f" [fcdeploy:{self}]"
