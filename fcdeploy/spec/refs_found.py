"""What references mean: the resources of a spec by the names that `ref()` can give them (S46). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from fcdeploy.diagnostics import did_you_mean
from fcdeploy.kinds.descriptor import NEW, Kind
from fcdeploy.kinds.registry import KINDS, name_lengths
from fcdeploy.model import Json, LaterText, Ref
from fcdeploy.spec.leftout import LeftOut, place_left_out
from fcdeploy.spec.placed import Placed, identity_named
from fcdeploy.spec.references import Named
from fcdeploy.spec.refs import name_of


class Found:
    """The resources of a spec by the names that `ref()` can give them."""

    def __init__(self, everything: Iterable[Placed], left_out: LeftOut | None = None) -> None:
        self._left_out = left_out or {}
        self._everything = tuple(everything)
        self._identities = {one.key: one.identity for one in self._everything if one.called != one.identity}

    @cached_property
    def _by_name(self) -> dict[tuple[str, ...], list[Placed]]:
        """Most files refer to nothing."""
        found: dict[tuple[str, ...], list[Placed]] = {}
        for placed in self._everything:
            if placed.kind.attributes:
                # What is made for each function may also be named as where it stands, if there is one of it.
                for name in dict.fromkeys((placed.name, _without_number(placed.kind, placed.spot))):
                    found.setdefault(name, []).append(placed)
        return found

    def of(self, ref: Ref) -> list[Placed]:
        """What the reference can mean: none, one, or several where the file has to say the kind."""
        # What stands alone has no name of its own, only the one of what it stands in.
        return [
            placed
            for placed in self._by_name.get(ref.identity, ())
            if placed.kind.name == ref.kind or (not ref.kind and not placed.kind.alone)
        ]

    def left_out(self, ref: Ref) -> Iterator[tuple[str, str]]:
        """What of this name is not in this target although the file has it, or stands in something like that; why."""
        for (provider, name), kind in KINDS.items() if self._left_out else ():
            if not kind.attributes or (ref.kind or name) != name or (kind.alone and not ref.kind):
                continue
            if len(ref.identity) in name_lengths(kind):
                called = (*ref.identity, NEW) if kind.numbering is not None else ref.identity
                found = place_left_out(Named(path=(), kind=name, called=called), provider, self._left_out)
                if found is not None:
                    yield f"{found[0]} `{found[1]}`", found[2]

    def identity(self, provider: str, kind: str, called: tuple[str, ...]) -> tuple[str, ...]:
        """What a resource is in the cloud that the file names; one that it does not have, as far as names tell."""
        found = self._identities.get((kind, called))
        return found if found is not None else identity_named(provider, kind, called)

    def near(self, ref: Ref) -> str:
        """`did you mean`, among what the file has."""
        names = [
            (f"{placed.kind.name}:" if ref.kind else "") + "/".join(name)
            for name, found in self._by_name.items()
            for placed in found
            if ref.kind or not placed.kind.alone
        ]
        return did_you_mean(name_of(ref), names)

    def resolved(self, value: Json) -> Json:
        """The value with the references in it by kind and whole identity; only of a spec that was judged."""
        match value:
            case Ref():
                (placed,) = self.of(value)
                return Ref(kind=placed.kind.name, identity=placed.identity, attribute=value.attribute)
            case LaterText():
                return LaterText(parts=tuple(map(self.resolved, value.parts)))
            case _:
                return value


def _without_number(kind: Kind, called: tuple[str, ...]) -> tuple[str, ...]:
    return called[:-1] if kind.numbering is not None else called
