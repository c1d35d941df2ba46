"""The file that an import writes: live resources as a document, secrets kept out of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from fcdeploy.engine.as_spec import Spot, spec_tree
from fcdeploy.engine.calling import Called, calling
from fcdeploy.engine.outputs import said_names
from fcdeploy.engine.snapshot import Site
from fcdeploy.kinds.fields import Codec
from fcdeploy.kinds.registry import KINDS, kind_of
from fcdeploy.model import Address, Json, Live, Target, provider_of
from fcdeploy.spec.dump import Expression, Remarked, to_yaml
from fcdeploy.spec.secretlike import is_secret_value, looks_secret
from fcdeploy.spec.words import API_VERSION

CODE_FOLDER = "src"
EXTERNAL = "external"
NOT_DOWNLOADED = "not downloaded: put the code here, or import with --with-code"


class Needed(Struct, frozen=True, kw_only=True):
    """A secret that the file refers to: its name, what it stands in, and whether its value could be read."""

    name: str
    place: str
    known: bool


class Document(Struct, frozen=True, kw_only=True):
    """The text of a file, with the values of its secrets; those that the service never tells have none."""

    text: str
    needed: tuple[Needed, ...]
    values: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Document(needed={self.needed!r})"


def document(
    lives: Mapping[Address, Live],
    site: Site,
    code: Mapping[Address, Json],
    *,
    external: frozenset[Address],
    remarks: Sequence[str] = (),
) -> Document:
    """The file of these resources.

    `code` is what `code:` says, by address. Of `external` ones nothing is said but that they are somebody else's (S13).
    `remarks` are lines of comment for its top.
    """
    bodies = {address: {} if address in external else live.body for address, live in lives.items()}
    author = _Author(lives, site, code, calling(bodies))
    sections = spec_tree(bodies, author.shown)
    for address in external:
        sections[kind_of(address).section][address.identity[-1]] |= {EXTERNAL: True}
    secrets = {one.name: {"env": one.name} for one in author.needed}
    tree = {
        "apiVersion": API_VERSION,
        "project": site.project,
        "targets": {site.target.name: _target(site)},
        **({"secrets": secrets} if secrets else {}),
        **sections,
    }
    return Document(text=to_yaml(tree, head=tuple(remarks)), needed=tuple(author.needed), values=author.values)


def code_folders(addresses: Sequence[Address], lives: Mapping[Address, Live]) -> dict[Address, str]:
    """A folder for the code of each: no two are one on a system that does not tell `A` from `a`."""
    places = calling({address: live.body for address, live in lives.items()})
    taken: set[str] = set()
    made: dict[Address, str] = {}
    for address in addresses:
        if address not in places:
            continue
        series = kind_of(address).numbering is not None
        path = "/".join((kind_of(address).section if series else CODE_FOLDER, *places[address].names))
        while path.casefold() in taken:
            path += "_"
        taken.add(path.casefold())
        made[address] = path
    return made


def dotenv(values: Mapping[str, str]) -> str:
    """The values as lines that a shell reads: `set -a; . ./FILE`."""
    quoted = {name: value.replace("'", "'\\''") for name, value in sorted(values.items())}
    return "".join(f"{name}='{value}'\n" for name, value in quoted.items())


def _target(site: Site) -> dict[str, Json]:
    target: Target = replace(site.target, account=site.scope.account)
    cloud = provider_of(target.provider)
    said: dict[str, Json] = {
        "provider": target.provider,
        cloud.account_field: target.account,
        "region": target.region,
    }
    if target.api != cloud.apis[0]:
        said["api"] = target.api
    if target.network != cloud.networks[0]:
        said["network"] = target.network
    if target.credentials is not None:
        said["credentials"] = target.credentials.to_json()
    return said


class _Author:
    """Says how each value appears, and remembers the secrets."""

    def __init__(
        self,
        lives: Mapping[Address, Live],
        site: Site,
        code: Mapping[Address, Json],
        places: Mapping[Address, Called],
    ) -> None:
        self._code = code
        self._places = places
        self._site = site
        self._lives = lives
        self._arns: dict[tuple[str, str], dict[str, str]] = {}
        self.needed: list[Needed] = []
        self.values: dict[str, str] = {}
        self._taken: set[str] = set()

    def shown(self, spot: Spot, value: Json) -> Json:
        """What the file says (see `as_spec.Show`)."""
        if spot.field.codec is Codec.ARCHIVE:
            return self._code.get(spot.address)
        if value is None:
            return self._secret(spot, None)
        if not isinstance(value, str):
            return value
        if spot.field.arn and (name := self._name_of(spot, value)):
            kind = KINDS[(spot.address.provider, spot.field.refers)]
            return name if kind.numbering is not None else {spot.field.refers: name}
        return self._secret(spot, value) if _is_secret(spot, value) else value

    def _name_of(self, spot: Spot, arn: str) -> str | None:
        """The name of an imported resource, by the ARN that names it (S24)."""
        key = (spot.field.refers, spot.field.arn)
        if key not in self._arns:
            kind = KINDS[(spot.address.provider, spot.field.refers)]
            # Of what the service numbered, a name is that of the series, and means its newest.
            self._arns[key] = {
                spot.field.arn.format_map(
                    said_names(kind, address.identity, self._lives[address].raw, self._site.scope)
                ): "/".join(called.names)
                for address, called in self._places.items()
                if address.kind == kind.name
            }
        return self._arns[key].get(arn)

    def _secret(self, spot: Spot, value: str | None) -> Expression:
        at = next((at for at, part in reversed([*enumerate(spot.path)]) if not part.isdecimal()), 0)
        words = [*spot.address.identity, *spot.path[at:]]
        name = re.sub(r"[^A-Z0-9_]", "_", "_".join(words).upper())
        name = name if name[0].isalpha() or name[0] == "_" else f"_{name}"
        unique, number = name, 2
        while unique in self._taken:
            unique, number = f"{name}_{number}", number + 1
        self._taken.add(unique)
        place = f"{spot.address.short}: {'.'.join(spot.path)}"
        self.needed.append(Needed(name=unique, place=place, known=value is not None))
        if value is not None:
            self.values[unique] = value
        return Expression(text=f"secret('{unique}')")


def _is_secret(spot: Spot, value: str) -> bool:
    """A sensitive field is one by itself. In a map of any keys, and anywhere else, it is what looks like one; of a tag,
    which is there to be seen, the name is no reason.
    """
    if not value:
        return False
    is_free = spot.path[-1] != spot.field.spec_name and "additionalProperties" in spot.field.schema
    tags = kind_of(spot.address).tags
    if is_free and not (tags is not None and spot.path[0] == tags.field):
        return looks_secret(spot.path[-1], value)
    return spot.hidden or is_secret_value(value)


def remarked(value: Json, *lines: str) -> Remarked:
    """A value with comment above its key."""
    return Remarked(value=value, remarks=lines)
