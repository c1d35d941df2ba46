"""`ref('service/function').arn`: what another resource of the file is, for templates (S46).

While templates are evaluated only the form of a name can be judged, as names may be templates themselves. What it names
is found when all resources are known; the value when the plan is made.
"""

from __future__ import annotations

from collections.abc import Iterable

from fcdeploy.diagnostics import did_you_mean
from fcdeploy.kinds import registry
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.model import Json, Ref
from fcdeploy.spec.values import Names, TemplateFault

_FORM = "write ref('service/function'), or with its kind ref('alias:service/name')"


class Reference(Names):
    """What `ref('…')` gives: attributes of a resource, each a `Ref`."""

    def __init__(self, name: str, kind: str, identity: tuple[str, ...], kinds: tuple[Kind, ...]) -> None:
        self.label = f"ref('{name}')"
        self._kind = kind
        self._identity = identity
        self._kinds = kinds

    def names(self) -> Iterable[str]:
        """Every attribute that a resource of such a name can have."""
        return dict.fromkeys(one.name for kind in self._kinds for one in kind.attributes)

    def value(self, name: str) -> Ref:
        """One of them, to be found later."""
        return Ref(kind=self._kind, identity=self._identity, attribute=name)


def reference(name: Json) -> Reference:
    """The function `ref` of templates; raises TemplateFault for what can be the name of nothing."""
    if not isinstance(name, str):
        raise TemplateFault("ref() takes the name of a resource", _FORM)
    kind, colon, rest = name.rpartition(":")
    identity = tuple(rest.split("/"))
    every = [one for one in registry.KINDS.values() if one.attributes]
    if colon and kind not in {one.name for one in every}:
        known = [*dict.fromkeys(one.name for one in every)]
        hint = did_you_mean(kind, known) or f"kinds are: {', '.join(known)}"
        raise TemplateFault(f"ref() knows no kind `{kind}`", hint)
    kinds = tuple(
        one for one in every if len(identity) in registry.name_lengths(one) and (one.name == kind or not colon)
    )
    if not all(identity) or not kinds:
        raise TemplateFault(f"`{name}` is not the name of a resource", _FORM)
    return Reference(name, kind, identity, kinds)


def no_reference(name: Json) -> Reference:
    """The function `ref` where there are no resources yet."""
    del name
    raise TemplateFault("ref() cannot stand here", "targets are chosen before there is any resource to refer to")


def name_of(ref: Ref) -> str:
    """A reference's name as the file writes it."""
    return (f"{ref.kind}:" if ref.kind else "") + "/".join(ref.identity)
