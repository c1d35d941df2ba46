"""A field: what it may hold, who decides its default, how it is reset, how it travels.

The vocabulary is closed. A kind that cannot be said with these words is a reason to extend the words for all kinds,
never to special-case one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from msgspec import Struct, field
from msgspec.structs import replace

from fcdeploy.kinds.conditions import NOT_EMPTY, When, holds, is_allowed
from fcdeploy.kinds.words import CHECKSUMS as CHECKSUMS
from fcdeploy.kinds.words import NOT_SENT as NOT_SENT
from fcdeploy.kinds.words import Access as Access
from fcdeploy.kinds.words import Codec as Codec
from fcdeploy.kinds.words import Order as Order
from fcdeploy.kinds.words import Reset as Reset
from fcdeploy.model import Json


class Default(Struct, frozen=True, kw_only=True):
    """What absent means.

    `sent`: a create sends it (law 2). Not sent: the service is known to agree. Not `compared`: a create needs some
    value, but whatever stands there later is left alone.
    """

    value: Json
    sent: bool = True
    compared: bool = True
    when: When = field(default_factory=dict)


class Field(Struct, frozen=True, kw_only=True, dict=True):
    """One field of a body.

    `name` is the API's, `spec` the file's where it differs. `schema` is the JSON Schema of a leaf, without title and
    description. `defaults`: the first whose condition holds; when none does, the service chooses and an absent field is
    neither sent nor compared. `off` names the member whose emptiness switches the whole object off; `empty` is what is
    sent to switch it off. `since` is the first API version that knows the field. `variants` are the members by the
    value of the body's field `discriminator`. `text_since`: the API version from which a JSON_TEXT travels as text
    (before it, as JSON). `read_from` are the members of a live body that hold the value, best first (default: `name`).
    `refers` is a kind that the value names, as `service/name`; with an `arn`, the file may also give an ARN, and writes
    the name as `{kind: name}`: what travels is `arn`, a template over the identity and the scope. Of a numbered kind
    the name is that of a series, or, of one under the same parent, `latest`, `previous` or a number. `by_key`: the keys
    of this map are the names. `behind` are the kinds that a qualifier names, under the root of the resource itself, or
    of the one that the member `root` names beside it. For an ARCHIVE,
    `checksum` is the member of a live body that holds its CRC-64 and `checksum_header` the request header that
    announces it. `together` are fields that every write of this one sends as well.
    `wrapped`: the value travels as an object that has it under this name. `split`: the value is a name of several
    parts with `/` between them, and each part travels as a member of its own, under these names.
    `only_with` are fields that this one means nothing without: while one of them is empty, it is as if left out.
    `moved_by` are fields that, while one of them holds anything, make the service itself change this one: it is then
    not compared, and what is live travels. `at_most` is a field whose number this one may not exceed: where the file
    does not name this one, what stands there is lowered with it.
    `secrets_in` names the field in which those members of this map travel that are secrets of the file. Of such a field
    reads give the keys alone; a salted digest of the whole in the tag `digest_tag` tells whether it changed (S22).
    `checksum_by` is the kind of checksum of an ARCHIVE: a member of `ArchiveRef`; `bucket` the scheme of the addresses
    in buckets that it may have; `largest` how many bytes of it a request may carry (0: see package/limits).
    `last_part`: of texts with this separator only what follows the last one counts when they are compared. `behaves`
    says in a sentence how the thing works in this cloud, where another has the same word and does otherwise (S45).
    """

    name: str
    title: str
    description: str
    schema: Mapping[str, Json] = field(default_factory=dict)
    spec: str = ""
    access: Access = Access.UPDATABLE
    required: bool = False
    defaults: tuple[Default, ...] = ()
    reset: Reset = Reset.VALUE
    codec: Codec = Codec.PLAIN
    text_since: str = ""
    order: Order = Order.LIST
    key: str = ""
    ignore_case: bool = False
    sensitive: bool = False
    fields: tuple[Field, ...] = ()
    item: Field | None = None
    off: str = ""
    empty: Json = None
    discriminator: str = ""
    variants: Mapping[str, tuple[Field, ...]] = field(default_factory=dict)
    since: str = ""
    read_from: tuple[str, ...] = ()
    checksum: str = ""
    checksum_header: str = ""
    refers: str = ""
    arn: str = ""
    by_key: bool = False
    behind: tuple[str, ...] = ()
    root: str = ""
    together: tuple[str, ...] = ()
    moved_by: tuple[str, ...] = ()
    only_with: tuple[str, ...] = ()
    wrapped: str = ""
    split: tuple[str, ...] = ()
    at_most: str = ""
    secrets_in: str = ""
    digest_tag: str = ""
    checksum_by: str = "crc64"
    bucket: str = "oss"
    largest: int = 0
    last_part: str = ""
    behaves: str = ""

    def __post_init__(self) -> None:
        problem = next(self._problems(), None)
        if problem:
            raise ValueError(f"field {self.name}: {problem}")

    # Worked out when first asked for, and once: they are asked for at each value of each body.

    @cached_property
    def every_member(self) -> Mapping[str, Field]:
        """The members by name, those of all variants together: for questions that no single body answers."""
        return {one.name: one for one in self._members}

    @cached_property
    def by_variant(self) -> Mapping[str, Field]:
        """The field as it is in a body of each variant, with the members of that one alone."""
        return {
            value: replace(self, fields=members, variants={}, discriminator="")
            for value, members in self.variants.items()
        }

    @cached_property
    def is_plain(self) -> bool:
        """Whether all that there is to it, in an API version that has it, is its value under its name, and a default:
        what most fields are."""
        special = (self.moved_by, self.only_with, self.split, self.read_from, self.wrapped, self.variants)
        plain_codec = self.codec is Codec.PLAIN and self.access in (Access.UPDATABLE, Access.CREATE_ONLY)
        return plain_codec and not any(special)

    @cached_property
    def as_it_is(self) -> frozenset[type]:
        """The types of those values that are their own canonical form; an exact type is asked for, since a secret is
        more than a text."""
        made = self.ignore_case or self.codec is Codec.JSON_TEXT or isinstance(self.empty, str)
        return frozenset({int, float, bool} if made else {int, float, bool, str})

    @cached_property
    def usual(self) -> Default | None:
        """The default that holds whatever the body says, None where that matters."""
        return self.defaults[0] if self.defaults and not self.defaults[0].when else None

    @cached_property
    def is_sent_as_is(self) -> bool:
        """Whether a create sends whatever stands in a canonical body for it, as that stands there."""
        return self.is_plain and not self._below and all(one.sent and one.compared for one in self.defaults)

    @cached_property
    def names_others(self) -> bool:
        """Whether it or something in it can name other resources."""
        return bool(self.refers or self.behind) or any(one.names_others for one in self._below)

    @cached_property
    def hides_something(self) -> bool:
        """Whether this field or anything in it is sensitive."""
        return self.sensitive or any(one.hides_something for one in self._below)

    @cached_property
    def has_write_only(self) -> bool:
        """Whether something in it can be written and not read: it changes as a whole, and what it was is lost (S22)."""
        unread = self.access is Access.WRITE_ONLY or bool(self.digest_tag)
        return unread or any(one.has_write_only for one in self._members)

    @property
    def _members(self) -> tuple[Field, ...]:
        return (*self.fields, *(one for members in self.variants.values() for one in members))

    @property
    def _below(self) -> tuple[Field, ...]:
        return (*self._members, *((self.item,) if self.item is not None else ()))

    def _problems(self) -> Iterator[str]:
        """What a descriptor can get wrong; checked at import."""
        if not self.title or not self.description:
            yield "needs a title and a description"
        if self.required and self.defaults:
            yield "a required field has no default"
        if bool(self.variants) != bool(self.discriminator):
            yield "variants and discriminator go together"
        if self.codec is Codec.ARCHIVE and not self.checksum:
            yield "an archive needs the field that its checksum is read from"
        if self.resets_by_update and not self.defaults:
            yield "without a default the reset is NONE or RECREATE"
        if self.item is None and self.order is Order.SET:
            yield "only a list is a set"
        if self.access is Access.WRITE_ONLY and not self.sensitive:
            yield "what can only be written is a secret"
        if self.split and not (self.refers and self.required):
            yield "only a name that is always given travels in parts"
        if self.off and self.off not in {member.name for member in self.fields}:
            yield f"there is no member {self.off}"

    @property
    def resets_by_update(self) -> bool:
        """Whether an update writes its default when the file no longer names it."""
        return self.reset is Reset.VALUE and self.access is Access.UPDATABLE and not self.required

    @property
    def spec_name(self) -> str:
        """The name in the file."""
        return self.spec or self.name

    def members(self, body: Mapping[str, Json]) -> tuple[Field, ...]:
        """The members of this object, given the whole body that it stands in."""
        if not self.variants:
            return self.fields
        return self.variants.get(str(body.get(self.discriminator)), ())

    def chosen(self, body: Mapping[str, Json]) -> Field:
        """The field as it is in this body: of one with variants, the one that the body is of."""
        return self.by_variant.get(str(body.get(self.discriminator)), self) if self.variants else self

    def hides(self, path: Sequence[str]) -> bool:
        """Whether this field or a member on the way down `path` is sensitive (S42)."""
        field = self
        for part in path:
            if field.sensitive:
                return True
            known = field.every_member
            if part not in known:
                return False
            field = known[part]
        return field.sensitive

    def default(self, body: Mapping[str, Json]) -> Default | None:
        """The default that holds in this body, or None when the service chooses."""
        for one in self.defaults:
            if not one.when or holds(one.when, body):
                return one
        return None


def is_moved(field: Field, body: Mapping[str, Json]) -> bool:
    """Whether the service itself changes this field of the body (S23)."""
    return any(is_allowed(body.get(name), NOT_EMPTY) for name in field.moved_by)


def is_meaningless(field: Field, body: Mapping[str, Json]) -> bool:
    """Whether something is not there without which this field of the body means nothing."""
    return not all(is_allowed(body.get(name), NOT_EMPTY) for name in field.only_with)


# Short forms. Each takes the name, title and description, then what differs from the plain case.


def text(name: str, title: str, description: str, *, default: str | None = "", **rest: Json) -> Field:
    """A string; its default is "" unless said otherwise (`default=None`: none, pass `defaults` or `required`)."""
    limits: dict[str, Json] = {
        key: rest.pop(key) for key in ("enum", "pattern", "maxLength", "minLength") if key in rest
    }
    defaults = rest.pop("defaults", () if default is None else (Default(value=default),))
    return Field(
        name=name,
        title=title,
        description=description,
        schema={"type": "string", **limits},
        defaults=() if rest.get("required") else defaults,
        **rest,
    )


def integer(name: str, title: str, description: str, *, default: int | None = None, **rest: Json) -> Field:
    """A whole number with its limits (`minimum`, `maximum`, `multipleOf`, `enum`)."""
    limits: dict[str, Json] = {
        key: rest.pop(key) for key in ("minimum", "maximum", "multipleOf", "enum") if key in rest
    }
    defaults = rest.pop("defaults", () if default is None else (Default(value=default),))
    return Field(
        name=name,
        title=title,
        description=description,
        schema={"type": "integer", **limits},
        defaults=() if rest.get("required") else defaults,
        **rest,
    )


def boolean(name: str, title: str, description: str, *, default: bool | None, **rest: Json) -> Field:
    """True or false."""
    defaults = () if default is None else (Default(value=default),)
    return Field(name=name, title=title, description=description, schema={"type": "boolean"}, defaults=defaults, **rest)


def strings(name: str, title: str, description: str, *, item: Mapping[str, Json] | None = None, **rest: Json) -> Field:
    """A list of strings; its default is [] unless said otherwise. `refers`, `arn` and `last_part` are about each."""
    limits: dict[str, Json] = {key: rest.pop(key) for key in ("maxItems", "minItems", "uniqueItems") if key in rest}
    each: dict[str, Json] = {key: rest.pop(key) for key in ("refers", "arn", "last_part") if key in rest}
    defaults = rest.pop("defaults", () if rest.get("required") else (Default(value=[]),))
    one = Field(
        name="item",
        title=title,
        description=description,
        schema={"type": "string", **(item or {})},
        required=True,
        **each,
    )
    return Field(
        name=name,
        title=title,
        description=description,
        schema={"type": "array", **limits},
        item=one,
        defaults=defaults,
        **rest,
    )


def objects(name: str, title: str, description: str, *, fields: tuple[Field, ...], **rest: Json) -> Field:
    """A list of objects; its default is [] unless said otherwise."""
    limits: dict[str, Json] = {key: rest.pop(key) for key in ("maxItems", "minItems") if key in rest}
    defaults = rest.pop("defaults", () if rest.get("required") else (Default(value=[]),))
    one = Field(
        name="item",
        title=title,
        description=description,
        schema={"type": "object"},
        fields=fields,
        required=True,
    )
    return Field(
        name=name,
        title=title,
        description=description,
        schema={"type": "array", **limits},
        item=one,
        defaults=defaults,
        **rest,
    )


def obj(name: str, title: str, description: str, *, fields: tuple[Field, ...] = (), **rest: Json) -> Field:
    """An object. Unless required it is absent by default, and `empty` switches it off."""
    defaults = rest.pop("defaults", () if rest.get("required") else (Default(value=None, sent=False),))
    return Field(
        name=name,
        title=title,
        description=description,
        schema={"type": "object"},
        fields=fields,
        defaults=defaults,
        **rest,
    )


def strings_by_name(name: str, title: str, description: str, **rest: Json) -> Field:
    """A map from names to strings; its default is {} unless said otherwise."""
    limits: dict[str, Json] = {key: rest.pop(key) for key in ("maxProperties", "propertyNames") if key in rest}
    return Field(
        name=name,
        title=title,
        description=description,
        schema={"type": "object", "additionalProperties": {"type": "string"}, **limits},
        defaults=rest.pop("defaults", (Default(value={}),)),
        **rest,
    )
