"""What the use cases give besides plans: loaded by those commands alone that need them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from fcdeploy.app.types import PlanReport, Where
from fcdeploy.diagnostics import Diagnostic, Span
from fcdeploy.errors import FcdeployError
from fcdeploy.model import Address, Drift, Graph, Json, Outcome, PastRun, Target


class TargetDrift(Struct, frozen=True, kw_only=True):
    """What live and the file disagree on in one target, or why that is not known.

    `equal` resources do not differ. `compared` says that a journal was there to say who moved.
    """

    target: Target
    drifts: tuple[Drift, ...] = ()
    equal: int = 0
    compared: bool = False
    warnings: tuple[Diagnostic, ...] = ()
    problem: FcdeployError | None = None


class DriftReport(Struct, frozen=True, kw_only=True):
    """The drift of all selected targets, in the file's order; `diagnostics` are about the spec."""

    project: str
    results: tuple[TargetDrift, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


class GraphReport(Struct, frozen=True, kw_only=True):
    """What each selected target is to have and how it hangs together; `diagnostics` are about the spec."""

    project: str
    graphs: tuple[tuple[Target, Graph], ...]
    diagnostics: tuple[Diagnostic, ...] = ()


class OutputValue(Struct, frozen=True, kw_only=True):
    """One of `outputs:`; `why` says why its value is not known, and is empty where it is (S46)."""

    name: str
    value: Json
    why: str = ""


class TargetOutputs(Struct, frozen=True, kw_only=True):
    """What one target puts out, in the order of the file, or why that could not be read."""

    target: Target
    values: tuple[OutputValue, ...] = ()
    problem: FcdeployError | None = None


class OutputsReport(Struct, frozen=True, kw_only=True):
    """What all selected targets put out, in the file's order; `diagnostics` are about the spec."""

    project: str
    results: tuple[TargetOutputs, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


class Move(Struct, frozen=True, kw_only=True):
    """What is moved back: `name`, its own or a glob of addresses, in `within`, a glob too; `to` a number, None to where
    it was before."""

    name: str
    within: str | None = None
    to: str | None = None


class Kept(Struct, frozen=True, kw_only=True):
    """What a file says so that what was moved back stays: a line, the section that it belongs in, and where that is."""

    address: Address
    line: str
    above: str
    span: Span | None


class MoveReport(Struct, frozen=True, kw_only=True):
    """What was planned to be moved back, what came of it, and what the file says so that it stays there.

    `kept` is only of targets where it is there now.
    """

    plans: PlanReport
    outcomes: tuple[Outcome, ...] = ()
    kept: tuple[Kept, ...] = ()


class BuiltPackage(Struct, frozen=True, kw_only=True):
    """An archive of what a build made, and the functions and layers that it is for; `crc64` as the service tells it."""

    addresses: tuple[Address, ...]
    sha256: str
    crc64: str
    size: int
    files: int


class Built(Struct, frozen=True, kw_only=True):
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


class BuildReport(Struct, frozen=True, kw_only=True):
    """What was built, in the order of the file; `diagnostics` are about the spec."""

    project: str
    results: tuple[Built, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


class OpenTarget(Struct, frozen=True, kw_only=True):
    """A target and its run that has not ended."""

    target: Target
    run: PastRun


class TargetHistory(Struct, frozen=True, kw_only=True):
    """The runs of a target that were asked for, newest first, of `total` that there are; or why they are not known."""

    target: Target
    runs: tuple[PastRun, ...] = ()
    total: int = 0
    problem: FcdeployError | None = None


class StatusRow(Struct, frozen=True, kw_only=True):
    """One owned resource, as the service says: when it was last changed, its line, and what its kind reports."""

    address: Address
    modified: str
    about: str
    reported: Mapping[str, Json]


class TargetStatus(Struct, frozen=True, kw_only=True):
    """What a target owns, live; `where` leads to its file alone."""

    target: Target
    where: Where
    rows: tuple[StatusRow, ...] = ()
    open_run: PastRun | None = None
    problem: FcdeployError | None = None
