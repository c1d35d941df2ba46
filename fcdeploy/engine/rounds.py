"""One pass over the steps of a run, forward or back, and what it leaves standing. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from fcdeploy.diagnostics import Diagnostic
from fcdeploy.engine.rollback import goes_with
from fcdeploy.model import Action, Plan, Step


class Round(Struct):
    """One pass over steps. `done` have had their effect, in that order; of `failed` perhaps; `left` never began.

    Of `others` somebody else brought the effect about, so that there is nothing to take back. Going back, `undoes` and
    `lasting` are as in Inverse.
    """

    steps: Sequence[Step]
    undoing: bool = False
    undoes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lasting: tuple[Step, ...] = ()
    done: dict[str, None] = field(default_factory=dict)
    others: dict[str, None] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    left: tuple[Step, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether every step did what it promised."""
        return not self.failed and not self.unknown and len(self.done) + len(self.others) == len(self.steps)

    @property
    def undone(self) -> frozenset[str]:
        """The steps that this pass has taken back."""
        return frozenset(one for name in self.done for one in self.undoes.get(name, ()))


def leftovers(forward: Round, back: Round | None) -> tuple[str, ...]:
    """The ids of steps whose effect stands: neither taken back nor gone with something that was."""
    undone = back.undone if back is not None else frozenset[str]()
    by_id = {step.id: step for step in forward.steps}
    gone = frozenset(by_id[name].address for name in undone if by_id[name].action is Action.CREATE)
    return tuple(name for name in forward.done if name not in undone and not goes_with(by_id[name], gone))


def with_spans(found: Iterable[Diagnostic], plan: Plan) -> tuple[Diagnostic, ...]:
    """Findings of a run with the line of the file that each is about."""
    found = tuple(found)
    spans = {str(change.address): change.span for change in plan.changes} if found else {}
    return tuple(replace(one, span=one.span or spans.get(one.address)) for one in found)
