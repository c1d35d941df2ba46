"""What the renderers are given: values of the model, gathered per target. The command line makes them."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from fcdeploy.diagnostics import Diagnostic, Span
from fcdeploy.model import Address, Drift, Graph, Json, Outcome, PastRun, Plan, Rollout, RunHistory, Target, Wave


class PlanView(Struct, frozen=True, kw_only=True):
    """One target's plan, or why there is none; a refused plan is there beside its problems.

    `digests` are those of its changes. `bodies` are what the steps send, by step id, with everything hidden that must
    not be seen. `wave` is the one that the target goes in, where the file has a rollout.
    """

    target: Target
    plan: Plan | None
    wave: Wave | None = None
    problems: tuple[Diagnostic, ...] = ()
    digests: tuple[str, ...] = ()
    bodies: Mapping[str, Json] = field(default_factory=dict)


class PlansView(Struct, frozen=True, kw_only=True):
    """The plans of all targets, in the order in which they go; `destroy` says that they take everything away.

    `digest` (hex SHA-256) is that of all of them together, equal for two reports whose plans change the same (S43);
    empty where it is not told, or a target has no plan to apply.
    """

    project: str
    plans: tuple[PlanView, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    destroy: bool = False
    digest: str = ""

    @property
    def rollouts(self) -> tuple[Rollout, ...]:
        """How the targets follow each other: each rollout once."""
        return tuple(dict.fromkeys(one.wave.rollout for one in self.plans if one.wave is not None))

    @property
    def findings(self) -> tuple[Diagnostic, ...]:
        """Everything that was found, about the file and in each target."""
        each = ((*one.problems, *(one.plan.warnings if one.plan is not None else ())) for one in self.plans)
        return (*self.diagnostics, *(found for some in each for found in some))


class DriftView(Struct, frozen=True, kw_only=True):
    """One target's drift, or why it is not known; `compared` says that there was a journal to say who moved."""

    target: Target
    drifts: tuple[Drift, ...]
    equal: int
    compared: bool
    warnings: tuple[Diagnostic, ...] = ()
    problems: tuple[Diagnostic, ...] = ()


class DriftsView(Struct, frozen=True, kw_only=True):
    """The drift of all targets, in the order of the file."""

    project: str
    drifts: tuple[DriftView, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


class GraphView(Struct, frozen=True, kw_only=True):
    """The graphs of all targets, in the order of the file."""

    project: str
    graphs: tuple[tuple[Target, Graph], ...]


class OutcomeView(Struct, frozen=True, kw_only=True):
    """A run's outcome with its exit code (S39); `titles` says in words what each step id is about.

    `undo_wanted` says that the way back was the order and not the rescue, `leave_wanted` that the run was closed as it
    stands because that was the order, `inverse` that this run is itself the way back of one that has ended, so that
    nothing takes it back. `flags` are the options that lead the next command to the same place.
    """

    outcome: Outcome
    code: int
    undo_wanted: bool = False
    leave_wanted: bool = False
    inverse: bool = False
    titles: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()


class StandingView(Struct, frozen=True, kw_only=True):
    """One live resource: when it was last changed, what matters of it in one line, and members as the service gave
    them.
    """

    address: Address
    modified: str = ""
    about: str = ""
    reported: Mapping[str, Json] = field(default_factory=dict)


class StatusView(Struct, frozen=True, kw_only=True):
    """How a target stands: its resources, and the run that has not ended; `flags` as in OutcomeView."""

    target: Target
    rows: tuple[StandingView, ...]
    open_run: PastRun | None = None
    problems: tuple[Diagnostic, ...] = ()
    flags: tuple[str, ...] = ()


class HistoryView(Struct, frozen=True, kw_only=True):
    """The runs of a target that were asked for, newest first, of `total`; or why they are not known."""

    target: Target
    runs: tuple[PastRun, ...]
    total: int = 0
    problems: tuple[Diagnostic, ...] = ()


class PastRunView(Struct, frozen=True, kw_only=True):
    """One run with its calls; `flags` as in OutcomeView."""

    target: Target
    history: RunHistory
    flags: tuple[str, ...] = ()


class OutputView(Struct, frozen=True, kw_only=True):
    """One output; `why` says why its value is not known."""

    name: str
    value: Json
    why: str = ""


class OutputsView(Struct, frozen=True, kw_only=True):
    """What a target puts out, in the order of the file."""

    target: Target
    values: tuple[OutputView, ...]
    problems: tuple[Diagnostic, ...] = ()


class KeepView(Struct, frozen=True, kw_only=True):
    """What a file says so that what was moved back stays: a line, the section that it belongs in, and where that is."""

    address: Address
    line: str
    above: str
    span: Span | None = None
