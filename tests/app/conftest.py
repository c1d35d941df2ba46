"""A stage: a project folder, a state folder, and an emulator on a socket that logs every request."""

from __future__ import annotations

import asyncio
import copy
import functools
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from fcdeploy import app
from fcdeploy.app import ApplyReport, Manner, Move, MoveReport, PlanReport, StopRequest, Where, Wishes
from fcdeploy.app.bench import Cloud
from fcdeploy.app.work import Work
from fcdeploy.cloud.client import Client
from fcdeploy.cloud.keys import Keyring
from fcdeploy.cloud.limiter import Limiters
from fcdeploy.emulator.server import Handle, start_in_thread
from fcdeploy.emulator.settings import EmulatorSettings
from fcdeploy.engine.journal_sqlite import SqliteJournal
from fcdeploy.engine.snapshot import Desired
from fcdeploy.model import Address, Ending, Event, EventType, Live, Outcome, Plan, Step
from fcdeploy.spec.project import read_project

# Tests of this folder import what several of them share.
sys.path.insert(0, str(Path(__file__).parent))

ACCOUNT = "1234567890123456"
REGION = "cn-hangzhou"
API_2021 = "2021-04-06"
API_2016 = "2016-08-15"
WRITES = ("POST", "PUT", "DELETE")
_TIMES = ("createdTime", "lastModifiedTime", "functionId", "serviceId", "triggerId", "urlInternet", "urlIntranet")


@dataclass
class Watcher:
    """Collects what a run tells its watcher; `on_ended` is called with each step that ended."""

    said_texts: list[str] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    on_ended: Any = None

    def begun(self, target: str, step: Step, undoing: bool) -> None:
        pass

    def ended(self, target: str, step: Step, event: EventType, seconds: float, note: str) -> None:
        if self.on_ended is not None:
            self.on_ended(step, event)

    def waiting(self, target: str, step: Step, why: str, seconds: float) -> None:
        self.waits.append(why)

    def said(self, target: str, text: str) -> None:
        self.said_texts.append(text)


@dataclass
class Stage:
    """One project on one emulator. Everything goes through the use cases that the command line calls."""

    root: Path
    state: Path
    emulator: Handle
    environ: dict[str, str]
    watcher: Watcher = field(default_factory=Watcher)
    slept: list[float] = field(default_factory=list)

    # The project

    def write(self, spec: Mapping[str, Any]) -> None:
        """Write the spec as given."""
        (self.root / "fcdeploy.yaml").write_text(yaml.safe_dump(dict(spec), sort_keys=False), encoding="utf-8")

    def write_source(self, folder: str, text: str = "def handler(event, context):\n    return 'ok'\n") -> str:
        """Write a one-file source folder; returns what `code:` says."""
        (self.root / folder).mkdir(parents=True, exist_ok=True)
        (self.root / folder / "index.py").write_text(text, encoding="utf-8")
        return f"./{folder}"

    def spec(self, functions: int = 1, *, api: str = API_2021, service: str = "s") -> dict[str, Any]:
        """A service of so many functions with one timer each."""
        code = self.write_source("src")
        return {
            "apiVersion": "fcdeploy/v1",
            "project": "staged",
            "targets": {"dev": {"provider": "alibaba", "region": REGION, "account": ACCOUNT, "api": api}},
            "defaults": {"function": {"runtime": "python3.10", "handler": "index.handler"}},
            "services": {
                service: {
                    "description": "staged",
                    "functions": {
                        f"f{number}": {
                            "code": code,
                            "environmentVariables": {"NUMBER": str(number)},
                            "triggers": {"t": {"type": "timer", "config": {"cronExpression": f"@every {number + 1}m"}}},
                        }
                        for number in range(functions)
                    },
                }
            },
        }

    # The use cases

    def where(self, **more: Any) -> Where:
        return Where(spec=self.root, endpoint=self.emulator.url, environ=self.environ, **more)

    def plan_report(self, wishes: Wishes | None = None, *, destroy: bool = False, **more: Any) -> PlanReport:
        building = more.pop("building", None)
        return asyncio.run(app.plan(self.where(**more), wishes or Wishes(), destroy=destroy, building=building))

    def plan(self, wishes: Wishes | None = None, **more: Any) -> Plan:
        """The plan of the only target; whatever forbids it fails the test."""
        (result,) = self.plan_report(wishes, **more).results
        assert result.problem is None, result.problem
        assert result.plan is not None
        return result.plan

    def manner(self, stop: StopRequest | None = None, **more: Any) -> Manner:
        """How runs are carried out, watched by the stage's watcher; made in the loop that they run in."""
        return Manner(progress=self.watcher, stop=stop or StopRequest(), **more)

    def apply_report(
        self, wishes: Wishes | None = None, *, stop: StopRequest | None = None, **more: Any
    ) -> ApplyReport:
        named = {name: more.pop(name) for name in ("destroy", "required", "building") if name in more}
        manner = {
            name: more.pop(name)
            for name in ("on_failure", "recover", "lock_timeout", "grace", "keep_undo", "wait")
            if name in more
        }
        confirm = more.pop("confirm", lambda report: True)

        async def main() -> ApplyReport:
            return await app.apply(
                self.where(**more),
                wishes or Wishes(),
                self.manner(stop, **manner),
                confirm=confirm,
                **named,
            )

        return asyncio.run(main())

    def apply(self, wishes: Wishes | None = None, *, ending: Ending = Ending.DONE, **more: Any) -> Outcome:
        """The outcome of the only target, whose ending must be this one."""
        report = self.apply_report(wishes, **more)
        for result in report.plans.results:
            assert result.problem is None, (result.problem, getattr(result.problem, "detail", ""))
        (outcome,) = report.outcomes
        assert outcome.ending is ending, outcome.diagnostics or outcome
        return outcome

    def resume(self, **more: Any) -> tuple[Outcome, ...]:
        async def main() -> tuple[Outcome, ...]:
            return await app.resume(self.where(**more), self.manner())

        return asyncio.run(main())

    def rollback(self, run: str | None = None, **more: Any) -> tuple[Outcome, ...]:
        async def main() -> tuple[Outcome, ...]:
            return await app.rollback(self.where(**more), self.manner(), run=run, confirm=lambda report: True)

        return asyncio.run(main())

    def move_back(self, name: str = "live", **more: Any) -> MoveReport:
        """Move an alias back; `within` and `to` as in Move."""
        move = Move(name=name, within=more.pop("within", None), to=more.pop("to", None))
        confirm = more.pop("confirm", lambda report: True)

        async def main() -> MoveReport:
            return await app.move_back(self.where(**more), move, self.manner(), confirm=confirm)

        return asyncio.run(main())

    def desired(self) -> Desired:
        """What the only target of the file is to have."""
        project = read_project(self.root, environ=self.environ, var_files=(), assignments=[])
        (target,) = project.targets
        return project.expand(target)

    def lives(self) -> dict[Address, Live]:
        """What the only target owns, read through the API."""

        async def main() -> dict[Address, Live]:
            project = read_project(self.root, environ=self.environ, var_files=(), assignments=[])
            (target,) = project.targets
            async with AsyncExitStack() as stack:
                bench = await Work(
                    self.where(), project, target, Cloud(limiters=Limiters(32), keyring=Keyring({}))
                ).open(stack)
                return dict((await bench.reader.read_snapshot({})).lives)

        return asyncio.run(main())

    def open_run(self) -> str | None:
        """The open run of the first target."""
        (status, *_) = asyncio.run(app.status(self.where()))
        return status.open_run.run if status.open_run else None

    def events(self) -> dict[str, Event]:
        """The last event of each step of the open run of the first target, by step."""

        async def main() -> dict[str, Event]:
            (file,) = self.state.rglob("journal.db")
            async with SqliteJournal.open(file) as journal:
                record = await journal.read_open_run("dev")
                assert record is not None
                return {event.step: event for event in await journal.read_events(record.id)}

        return asyncio.run(main())

    # The cloud

    def faults(self, *rules: Mapping[str, Any], **more: Any) -> None:
        """Put these rules in force, in place of all before."""
        delays = self.emulator.app.world.faults.load({"rules": list(rules), **more})
        if delays is not None:
            self.emulator.app.world.set_delays(delays)

    def requests(self) -> list[dict[str, Any]]:
        """What was asked since the last look; forgets it."""
        entries = self.emulator.entries()
        self.emulator.app.world.log.clear()
        return entries

    def counts(self) -> Counter[str]:
        """Requests since the last look, by operation."""
        return Counter(str(entry["operation"] or entry["path"].split("/")[1]) for entry in self.requests())

    def writes(self) -> list[dict[str, Any]]:
        """Requests since the last look that could change something; one list there is that is asked for with POST."""
        every = [entry for entry in self.requests() if entry["method"] in WRITES]
        return [entry for entry in every if not entry["path"].endswith("/resource-instances/filter")]

    def whole_dump(self) -> list[dict[str, Any]]:
        """Everything the cloud holds, ETags and times too."""
        return copy.deepcopy(self.emulator.app.world.store.dump())

    def dump(self) -> dict[str, Any]:
        """Everything the cloud holds by address, but for times, ids and ETags; archives by their content's digest."""
        return {
            "/".join((row["account"], row["region"], row["kind"], row["parent"], row["name"])): {
                key: value for key, value in row["body"].items() if key not in _TIMES
            }
            for row in self.whole_dump()
        }

    def difference(self, before: Mapping[str, Any]) -> list[tuple[str, str, Any, Any]]:
        """(address, field, then, now) of everything that differs from an earlier dump."""
        now = self.dump()
        return [
            (address, name, then.get(name, "absent"), here.get(name, "absent"))
            for address in sorted({*before, *now})
            for then, here in [(before.get(address, {}), now.get(address, {}))]
            for name in sorted({*then, *here})
            if then.get(name, "absent") != here.get(name, "absent")
        ]

    def change(self, kind: str, parent: str, name: str, **fields: Any) -> None:
        """Change a resource in the cloud behind everybody's back; None removes a field."""
        from dataclasses import replace

        from fcdeploy.emulator.exchange import Tenant
        from fcdeploy.emulator.store import etag_of

        with self.emulator.app.world.write(Tenant(ACCOUNT, REGION)) as session:
            row = session.get(kind, parent, name)
            assert row is not None, (kind, parent, name)
            body = {**row.body, **fields}
            session.put(replace(row, body=body, etag=etag_of({**body, "_by": "somebody"})))

    def copy(self, kind: str, parent: str, name: str, to_parent: str, to_name: str) -> None:
        """Make a resource like another one in the cloud behind everybody's back."""
        from dataclasses import replace

        from fcdeploy.emulator.exchange import Tenant

        with self.emulator.app.world.write(Tenant(ACCOUNT, REGION)) as session:
            row = session.get(kind, parent, name)
            assert row is not None, (kind, parent, name)
            body = {**row.body, f"{kind}Name": to_name}
            session.put(replace(row, parent=to_parent, name=to_name, body=body))

    def remove(self, kind: str, parent: str, name: str) -> None:
        """Delete a resource in the cloud behind everybody's back."""
        from fcdeploy.emulator.exchange import Tenant

        with self.emulator.app.world.write(Tenant(ACCOUNT, REGION)) as session:
            assert session.delete(kind, parent, name), (kind, parent, name)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits of the client and of the executor take next to no time; the list notes what the client meant to wait."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await asyncio.sleep(0.002)

    monkeypatch.setattr("fcdeploy.app.bench.Client", functools.partial(Client, sleep=sleep))
    monkeypatch.setattr("fcdeploy.app.bench.pause", lambda failures, random: 0.004 * failures)
    monkeypatch.setattr("fcdeploy.app.bench.look_pause", lambda looks, random: 0.02)
    return slept


def to_environ(state: Path, home: Path) -> dict[str, str]:
    return {
        "FCDEPLOY_STATE": str(state),
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "ak",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "sk",
        "HOME": str(home),
    }


SETTINGS = EmulatorSettings(
    account=ACCOUNT, region=REGION, access_keys={"ak": "sk"}, functions_per_service=1000, log_bodies=True
)


@pytest.fixture(scope="session")
def running_emulator() -> Iterator[Handle]:
    with start_in_thread(SETTINGS) as handle:
        yield handle


@pytest.fixture
def emulator(running_emulator: Handle) -> Handle:
    """The emulator, empty and as it was started."""
    running_emulator.app.world.clear()
    running_emulator.app.world.settings = SETTINGS
    return running_emulator


@pytest.fixture
def stage(tmp_path: Path, emulator: Handle, hurried: list[float]) -> Stage:
    root = tmp_path / "project"
    root.mkdir()
    return Stage(
        root=root,
        state=tmp_path / "state",
        emulator=emulator,
        environ=to_environ(tmp_path / "state", tmp_path),
        slept=hurried,
    )


class Chosen:
    """Which places a law is tried at: in `make test` at both ends and in the middle, in `make proofs` at all."""

    def __init__(self, *, all_of_them: bool) -> None:
        self.all_of_them = all_of_them

    def __call__(self, places: Sequence[int]) -> list[int]:
        few = {*places[:2], places[len(places) // 2], places[-1]}
        return [one for one in places if self.all_of_them or one in few]


@pytest.fixture(params=["some", pytest.param("all", marks=pytest.mark.proof)])
def chosen(request: pytest.FixtureRequest) -> Chosen:
    return Chosen(all_of_them=request.param == "all")


PROVED_ON_BOTH = {
    *("test_app_fields", "test_app_pairs", "test_app_domains", "test_app_foreign", "test_app_window"),
    *("test_app_ignore", "test_app_kinds", "test_app_touch", "test_app_rollback", "test_app_external"),
    *("test_app_import", "test_app_adoption", "test_app_releases"),
}
"""Modules whose tests try the same on both API versions: `make test` has them on the newer, `make proofs` on both."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as proofs what repeats on the older API version what the newer one is tried on."""
    for item in items:
        params = getattr(getattr(item, "callspec", None), "params", {})
        if API_2016 in map(str, params.values()) and item.path.stem in PROVED_ON_BOTH:
            item.add_marker(pytest.mark.proof)
