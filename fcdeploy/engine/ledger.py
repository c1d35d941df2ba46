"""What a run has done to the cloud so far, as far as its later steps need to know. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from fcdeploy.engine.standing import StepStanding
from fcdeploy.kinds.registry import kind_of, parent_of
from fcdeploy.model import Action, Address, Json, Step


class Ledger:
    """Our own ETags and outputs, what is new, and what had something deleted beneath."""

    def __init__(self) -> None:
        self.outputs: dict[str, Mapping[str, Json]] = {}
        self.deleted: set[Address] = set()
        self._etags: dict[Address, str] = {}
        self._created: set[Address] = set()
        self._emptied: dict[Address, set[str]] = {}

    def note_effect(self, step: Step, etag: str | None, outputs: Mapping[str, Json]) -> None:
        """A step's effect is there; `etag` and `outputs` are what its reply gave."""
        if outputs:
            self.outputs[step.id] = outputs
        if step.action is Action.DELETE:
            self._etags.pop(step.address, None)
            self.deleted.add(step.address)
            above = parent_of(step.address)
            while above is not None:
                self._emptied.setdefault(above, set()).add(kind_of(step.address).section)
                above = parent_of(above)
            return
        if etag is not None:
            self._etags[step.address] = etag
        if step.action is Action.CREATE:
            self._created.add(step.address)

    def note_earlier(self, steps: Collection[Step], standing: Mapping[str, StepStanding]) -> list[str]:
        """The ids of the steps that have had their effect in an earlier try, in the order in which that was noted."""
        there = [(one.order, step) for step in steps if (one := standing.get(step.id)) is not None and one.happened]
        for _, step in sorted(there, key=lambda pair: pair[0]):
            self.note_effect(step, standing[step.id].etag, standing[step.id].outputs)
        return [step.id for _, step in there]

    def etag(self, address: Address) -> str | None:
        """The ETag that this run was given last for a resource."""
        return self._etags.get(address)

    def is_new(self, address: Address | None) -> bool:
        """Whether this run created it."""
        return address in self._created

    def emptied_of(self, address: Address) -> Collection[str]:
        """What was deleted beneath, as the service calls it (`functions`)."""
        return self._emptied.get(address, ())
