"""Where a case is played: folders, an emulator, the command, and what is made once for several cases."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from bench_emulator import Emulator
from bench_figures import Figures, figures_of
from bench_process import Run, Started, clean_environ
from bench_project import Shape, write_project
from bench_replay import measured_limit

EMPTY = "empty"
_AFTER = "after"
_SMALLEST = Shape(services=1, functions=1)
_START_UPS = 5


@dataclass(slots=True)
class Site:
    """One project, its state folder and its cloud."""

    root: Path
    shape: Shape
    emulator: Emulator
    number: int = 0

    @property
    def project(self) -> Path:
        """The folder of the spec."""
        return self.root / "project"

    def forget(self) -> None:
        """Go on as on a machine that has never run the command, against an empty cloud."""
        self.number += 1
        self.emulator.restore(EMPTY)

    def start(self, *arguments: str) -> Started:
        """Start the command; its state lies outside of the project, its cloud is the emulator."""
        at = ("--endpoint", self.emulator.url) if arguments[0] in _ASKING else ()
        home = self.root / f"home-{self.number}"
        home.mkdir(exist_ok=True)
        environ = clean_environ(
            HOME=str(home),
            LANG="C.UTF-8",
            FCDEPLOY_STATE=str(home / "state"),
            ALIBABA_CLOUD_ACCESS_KEY_ID="local",
            ALIBABA_CLOUD_ACCESS_KEY_SECRET="local",
        )
        return Started((*arguments, *at), self.project, environ, self.root / "said")

    def run(self, *arguments: str) -> Run:
        """Run the command to its end, which must be a good one."""
        return self.start(*arguments).wait()

    def measured(
        self, *arguments: str, start_up: float | None = None, limit: bool = False, before: str = ""
    ) -> Figures:
        """Run the command and tell what it took; `limit`: replay its log, too, from the contents named `before`."""
        emulator = self.emulator
        emulator.begin(whole=limit)
        used = emulator.read_cpu()
        run = self.run(*arguments)
        used = emulator.read_cpu() - used
        records = emulator.read_records()
        figures = replace(figures_of(run, records, emulator_cpu=used), start_up=start_up)
        if not limit:
            return figures
        emulator.keep(_AFTER)
        found = measured_limit(emulator, records, before)
        emulator.restore(_AFTER)
        return replace(figures, limit=found)


_ASKING = ("plan", "apply", "destroy", "resume", "drift", "status")


@dataclass(slots=True)
class Stage:
    """All of one run of the harness. `size` makes every case smaller, for trying out the harness itself."""

    root: Path
    latency: float
    runs: int = 3
    size: float = 1.0
    _open: ExitStack = field(default_factory=ExitStack)
    _sites: dict[Shape, Site] = field(default_factory=dict)
    _start_ups: dict[tuple[str, ...], float] = field(default_factory=dict)
    _applied: set[Shape] = field(default_factory=set)

    def sized(self, number: int, least: int = 1) -> int:
        """A number of the table, as large as this run of the harness wants it."""
        return max(least, round(number * self.size))

    def site(self, shape: Shape) -> Site:
        """A project of this shape, and a cloud that is empty when it is first asked for."""
        if shape not in self._sites:
            root = self.root / f"site-{len(self._sites)}"
            write_project(root / "project", shape)
            emulator = self._open.enter_context(Emulator(self.latency))
            emulator.keep(EMPTY)
            self._sites[shape] = Site(root=root, shape=shape, emulator=emulator)
        return self._sites[shape]

    def applied(self, shape: Shape, *arguments: str) -> Site:
        """The same, applied."""
        site = self.site(shape)
        if shape not in self._applied:
            site.forget()
            site.run("apply", "--yes", *arguments)
            self.is_applied(shape)
        return site

    def is_applied(self, shape: Shape) -> None:
        """Say that the cloud of this shape is now as its file says."""
        self._applied.add(shape)

    def leave(self, shape: Shape) -> None:
        """Give back what a large site holds: memory of its emulator, files."""
        site = self._sites.pop(shape)
        self._applied.discard(shape)
        site.emulator.close()
        shutil.rmtree(site.root)

    def start_up(self, *arguments: str) -> float:
        """Seconds that this command takes for the smallest project, less those in which it waited for the cloud."""
        if arguments not in self._start_ups:
            site = self.applied(_SMALLEST)
            several = [site.measured(*arguments) for _ in range(_START_UPS)]
            # The least: whatever else the machine did then would make every ratio look better.
            self._start_ups[arguments] = min(one.wall - one.calls for one in several)
        return self._start_ups[arguments]

    @property
    def start_ups(self) -> Mapping[str, float]:
        """All that were measured, by command."""
        return {" ".join(arguments): seconds for arguments, seconds in self._start_ups.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
