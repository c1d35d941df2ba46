"""What the use cases take, and what comes of plans; the other things that they give are in `reports`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from fcdeploy.diagnostics import Diagnostic
from fcdeploy.errors import DiagnosedError, FcdeployError
from fcdeploy.model import Outcome, Plan, Target, Wave

if TYPE_CHECKING:
    from fcdeploy.app.reports import TargetOutputs
    from fcdeploy.model.portability import Portability


class Where(Struct, frozen=True, kw_only=True):
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
    parallelism: int = 128
    environ: Mapping[str, str] = field(default_factory=dict)
    secrets: bool = True
    clock: Callable[[], float] = time.time
    more: tuple[Path, ...] = ()

    @property
    def each(self) -> tuple[Where, ...]:
        """The same for each of the specs alone."""
        return tuple(replace(self, spec=one, more=()) for one in (self.spec, *self.more))


class TargetPlan(Struct, frozen=True, kw_only=True):
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


class PlanReport(Struct, frozen=True, kw_only=True):
    """The plans of all selected targets, in the order in which they go; `diagnostics` are about the spec.

    `project` is its name; of several, all names.
    """

    project: str
    results: tuple[TargetPlan, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


class ApplyReport(Struct, frozen=True, kw_only=True):
    """What was planned, and what came of it; `confirmed` is False when nothing was done because nobody agreed.

    `outputs` are what those targets put out that are as the file says now.
    """

    plans: PlanReport
    outcomes: tuple[Outcome, ...]
    confirmed: bool = True
    outputs: tuple[TargetOutputs, ...] = ()


class Validated(Struct, frozen=True, kw_only=True):
    """A spec without errors: its targets and how many resources they have together; `file` as it was given.

    `portability` is what differs between the targets, where that was asked for.
    """

    project: str
    file: Path
    targets: tuple[str, ...]
    resources: int
    diagnostics: tuple[Diagnostic, ...] = ()
    portability: Portability | None = None
