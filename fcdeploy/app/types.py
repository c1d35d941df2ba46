"""What the use cases take and give."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from fcdeploy.diagnostics import Diagnostic, Span
from fcdeploy.errors import DiagnosedError, FcdeployError
from fcdeploy.model import Address, Drift, Graph, Json, Outcome, PastRun, Plan, Target, Wave
from fcdeploy.model.portability import Portability


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which spec, which targets of it, and how the cloud is reached.

    `spec` is a file, or a folder that holds `fcdeploy.yaml`; `more` are those of other projects, for commands that are
    about several. `target` is a glob, None for the command's own choice (S8). `variables` and `var_files` override
    `vars` (S3). `policies` are files of policies besides the spec's own. `local` uses the embedded emulator, `endpoint`
    another address for every call. `journal` is the address of the team's journal, None for what the environment says
    (S35). Without `secrets` none is read (S41). `clock` gives seconds since the epoch, for policies that ask what time
    it is.
    """

    spec: Path
    target: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    var_files: tuple[Path, ...] = ()
    policies: tuple[Path, ...] = ()
    local: bool = False
    endpoint: str | None = None
    journal: str | None = None
    parallelism: int = 32
    environ: Mapping[str, str] = field(default_factory=dict)
    secrets: bool = True
    clock: Callable[[], float] = time.time
    more: tuple[Path, ...] = ()

    @property
    def each(self) -> tuple[Where, ...]:
        """The same for each of the specs alone."""
        return tuple(replace(self, spec=one, more=()) for one in (self.spec, *self.more))


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPlan:
    """One target's plan, or why there is none; a refused plan is there beside its problem.

    `wave` is the one that the target goes in, where the file has a rollout. `where` leads to its file alone.
    """

    target: Target
    plan: Plan | None
    problem: FcdeployError | None = None
    wave: Wave | None = None
    where: Where | None = None

    @property
    def problems(self) -> tuple[Diagnostic, ...]:
        """The problem as findings."""
        return self.problem.diagnostics if isinstance(self.problem, DiagnosedError) else ()

    @property
    def can_apply(self) -> bool:
        """Whether this plan may be carried out."""
        return self.plan is not None and self.problem is None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanReport:
    """The plans of all selected targets, in the order in which they go; `diagnostics` are about the spec.

    `project` is its name; of several, all names.
    """

    project: str
    results: tuple[TargetPlan, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetDrift:
    """What live and the file disagree on in one target, or why that is not known.

    `equal` resources do not differ. `compared` says that a journal was there to say who moved.
    """

    target: Target
    drifts: tuple[Drift, ...] = ()
    equal: int = 0
    compared: bool = False
    warnings: tuple[Diagnostic, ...] = ()
    problem: FcdeployError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport:
    """The drift of all selected targets, in the file's order; `diagnostics` are about the spec."""

    project: str
    results: tuple[TargetDrift, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphReport:
    """What each selected target is to have and how it hangs together; `diagnostics` are about the spec."""

    project: str
    graphs: tuple[tuple[Target, Graph], ...]
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputValue:
    """One of `outputs:`; `why` says why its value is not known, and is empty where it is (S46)."""

    name: str
    value: Json
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetOutputs:
    """What one target puts out, in the order of the file, or why that could not be read."""

    target: Target
    values: tuple[OutputValue, ...] = ()
    problem: FcdeployError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputsReport:
    """What all selected targets put out, in the file's order; `diagnostics` are about the spec."""

    project: str
    results: tuple[TargetOutputs, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyReport:
    """What was planned, and what came of it; `confirmed` is False when nothing was done because nobody agreed.

    `outputs` are what those targets put out that are as the file says now.
    """

    plans: PlanReport
    outcomes: tuple[Outcome, ...]
    confirmed: bool = True
    outputs: tuple[TargetOutputs, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What is moved back: `name`, its own or a glob of addresses, in `within`, a glob too; `to` a number, None to where
    it was before."""

    name: str
    within: str | None = None
    to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a file says so that what was moved back stays: a line, the section that it belongs in, and where that is."""

    address: Address
    line: str
    above: str
    span: Span | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveReport:
    """What was planned to be moved back, what came of it, and what the file says so that it stays there.

    `kept` is only of targets where it is there now.
    """

    plans: PlanReport
    outcomes: tuple[Outcome, ...] = ()
    kept: tuple[Kept, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """A spec without errors: its targets and how many resources they have together; `file` as it was given.

    `portability` is what differs between the targets, where that was asked for.
    """

    project: str
    file: Path
    targets: tuple[str, ...]
    resources: int
    diagnostics: tuple[Diagnostic, ...] = ()
    portability: Portability | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltPackage:
    """An archive of what a build made, and the functions and layers that it is for; `crc64` as the service tells it."""

    addresses: tuple[Address, ...]
    sha256: str
    crc64: str
    size: int
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What came of one command in one folder; `inputs` is the digest of what it worked on.

    `seconds` is None where nothing had changed, so that it was not run.
    """

    name: str
    path: Path
    argv: tuple[str, ...]
    runtime: str
    inputs: str
    seconds: float | None
    packages: tuple[BuiltPackage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReport:
    """What was built, in the order of the file; `diagnostics` are about the spec."""

    project: str
    results: tuple[Built, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTarget:
    """A target and its run that has not ended."""

    target: Target
    run: PastRun


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetHistory:
    """The runs of a target that were asked for, newest first, of `total` that there are; or why they are not known."""

    target: Target
    runs: tuple[PastRun, ...] = ()
    total: int = 0
    problem: FcdeployError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRow:
    """One owned resource, as the service says: when it was last changed, its line, and what its kind reports."""

    address: Address
    modified: str
    about: str
    reported: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetStatus:
    """What a target owns, live; `where` leads to its file alone."""

    target: Target
    where: Where
    rows: tuple[StatusRow, ...] = ()
    open_run: PastRun | None = None
    problem: FcdeployError | None = None
