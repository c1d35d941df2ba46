"""Somebody edits through the API, at random, while a project of every kind is applied: what becomes of the edits.

What the service guards with If-Match loses none: each that was answered with success is there at the end, or was
replaced by a plan that shows it as what it replaces. What it does not guard is read again just before a write, and
what is written into the moment between is lost; how long that is, and how many it was, is reported.

FCDEPLOY_SEED repeats the draws of a run, FCDEPLOY_ROUND one of its rounds; FCDEPLOY_ROUNDS is how many there are.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent))

from race_party import Edit, Party, Spot
from race_stage import LATENCY, TREE, Contents, Ended, Job, Zygote, cloud, contents, copied, warm_process

from fcdeploy.emulator.server import Handle

ROUNDS = int(os.environ.get("FCDEPLOY_ROUNDS", "50"))
SEED = int(os.environ.get("FCDEPLOY_SEED", time.time_ns() % 1_000_000))
EXAMPLE = TREE / "examples" / "everything"
OURS = "/2021-04-06/"
WRITES = ("POST", "PUT", "DELETE")
BESIDE, AMONG, PUBLISHING = "beside", "among", "publishing"
MOODS = (BESIDE, AMONG, BESIDE, PUBLISHING)
UNGUARDED = ("custom-domains", "async-invoke-config", "provision-config", "tag")
"""How the paths of what has no If-Match end or begin, under the newer version of the API."""
GAVE_IN = "another writer may keep changing it"
"""What a run says that met another writer at every try; it is rolled back then."""
SLACK = 0.002
"""The log's times are whole milliseconds, and so are two of them together."""


def changed(spec: dict[str, Any], mood: str) -> dict[str, Any]:
    """What is applied while the other edits: a change to most resources."""
    shop = spec["services"]["shop"]
    if mood != PUBLISHING:
        # A version freezes all functions: whoever edits one meanwhile stops that, and there is more to see.
        del shop["versions"]
    shop |= {"description": "Changed", "tags": {"team": "else", "cost-centre": "42"}}
    shop["vpcBindings"] = ["vpc-bp1shop", "vpc-bp1new"]
    shop["aliases"]["live"]["resolvePolicy"] = "Random"
    shop["aliases"]["beta"]["routePolicy"]["policyItems"][0]["value"] = "2"
    for number, one in enumerate(shop["functions"].values()):
        one["timeout"] = 40 + number
    order = shop["functions"]["order"]
    order["environmentVariables"]["STAGE"] = "next"
    order["asyncInvoke"]["maxAsyncRetryAttempts"] = 2
    order["onDemand"]["maximumInstanceCount"] = 30
    # What its target is depends on the hour as long as there are scheduled actions, so that is not compared (S23).
    order["provision"]["live"]["alwaysAllocateCPU"] = True
    order["triggers"]["nightly"]["config"]["payload"] = "changed"
    order["triggers"]["log"]["config"]["functionParameter"] = {"level": "error"}
    order["triggers"]["cdn"]["config"]["notes"] = "changed"
    order["triggers"]["database"]["config"]["retry"] = 3
    order["triggers"]["another"] = {"type": "timer", "config": {"cronExpression": "@every 9m"}}
    sink = spec["services"]["events"]["functions"]["sink"]
    sink["memorySize"] = 256
    sink["triggers"]["bus"]["config"]["runOptions"]["maximumTasks"] = 3
    spec["services"]["events"]["functions"]["second"] = {
        **{name: sink[name] for name in ("runtime", "handler", "code")},
        "triggers": {"t": {"type": "timer", "config": {"cronExpression": "@every 9m"}}},
    }
    spec["customDomains"]["shop.example.com"]["routes"].append({"path": "/new/*", "function": "shop/web"})
    return spec


def text(number: int) -> str:
    return f"theirs {number}"


def spots() -> tuple[Spot, ...]:
    """The leaves that the other edits."""
    found: list[Spot] = []
    for service in ("shop", "events"):
        url = f"/services/{service}"
        is_ours = service == "shop"
        found.append(
            Spot(
                stored=("service", service, "description"),
                planned=("service", "description"),
                url=url,
                value=text,
                touched=is_ours,
            )
        )
    role = Spot(
        stored=("service", "shop", "role"),
        planned=("service", "role"),
        url="/services/shop",
        value=lambda number: f"acs:ram::1234567890123456:role/theirs-{number}",
    )
    found.append(role)
    for function in ("shop/order", "shop/web", "shop/render", "events/sink"):
        service, name = function.split("/")
        url = f"/services/{service}/functions/{name}"
        for place, value, is_touched in (
            ("description", text, False),
            ("environmentVariables.THEIRS_#", text, False),
            ("timeout", lambda number: 100 + number % 50, service == "shop"),
        ):
            found.append(
                Spot(
                    stored=("function", function, place),
                    planned=("function", place),
                    url=url,
                    value=value,
                    touched=is_touched,
                )
            )
    for name, place, is_touched in (
        ("nightly", "description", False),
        ("nightly", "triggerConfig.cronExpression", False),
        ("nightly", "triggerConfig.payload", True),
        ("upload", "description", False),
        ("cdn", "description", False),
        ("cdn", "triggerConfig.notes", True),
        ("database", "description", False),
        ("topic", "description", False),
    ):
        value = (lambda number: f"@every {number + 1}m") if place.endswith("cronExpression") else text
        found.append(
            Spot(
                stored=("trigger", f"shop/order/{name}", place),
                planned=("trigger", place),
                url=f"/services/shop/functions/order/triggers/{name}",
                value=value,
                touched=is_touched,
            )
        )
    for name in ("live", "beta"):
        found.append(
            Spot(
                stored=("alias", f"shop/{name}", "description"),
                planned=("alias", "description"),
                url=f"/services/shop/aliases/{name}",
                value=text,
            )
        )
    order = "/services/shop/functions/order"
    found += [
        Spot(
            stored=("on-demand-config", "services/shop.LATEST/functions/order", "maximumInstanceCount"),
            planned=("onDemand", "maximumInstanceCount"),
            url=f"{order}/on-demand-config",
            value=lambda number: 50 + number % 40,
            touched=True,
        ),
        Spot(
            stored=("async-invoke-config", "shop/order/LATEST", "maxAsyncEventAgeInSeconds"),
            planned=("asyncInvoke", "maxAsyncEventAgeInSeconds"),
            url=f"{order}/async-invoke-config",
            value=lambda number: 1000 + number,
            guarded=False,
        ),
        Spot(
            stored=("async-invoke-config", "shop/order/LATEST", "maxAsyncRetryAttempts"),
            planned=("asyncInvoke", "maxAsyncRetryAttempts"),
            url=f"{order}/async-invoke-config",
            value=lambda number: number % 2 * 3,
            touched=True,
            guarded=False,
        ),
        Spot(
            stored=("provision-config", "shop/live#order", "target"),
            planned=("provision", "target"),
            url="/services/shop.live/functions/order/provision-config",
            value=lambda number: 5 + number % 5,
            guarded=False,
        ),
        Spot(
            stored=("custom-domain", "shop.example.com", "wafConfig.enableWAF"),
            planned=("customDomain", "wafConfig.enableWAF"),
            url="/custom-domains/shop.example.com",
            value=lambda number: bool(number % 2),
            guarded=False,
        ),
        Spot(
            stored=("custom-domain", "shop.example.com", "routeConfig.routes"),
            planned=("customDomain", "routeConfig.routes"),
            url="/custom-domains/shop.example.com",
            value=lambda number: [{"path": f"/theirs-{number}", "serviceName": "shop", "functionName": "web"}],
            touched=True,
            guarded=False,
        ),
        Spot(
            stored=("service", "shop", "_tags.theirs-#"),
            planned=("service", "tags.theirs-#"),
            url="/tag",
            value=text,
            guarded=False,
        ),
        Spot(
            stored=("service", "shop", "_tags.team"),
            planned=("service", "tags.team"),
            url="/tag",
            value=text,
            touched=True,
            guarded=False,
        ),
    ]
    return tuple(found)


@dataclass
class Count:
    """What the rounds came to."""

    edits: int = 0
    untouched: int = 0
    kept: int = 0
    shown: int = 0
    own: int = 0
    unguarded: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    windows: dict[str, list[float]] = field(default_factory=dict)
    endings: Counter[int] = field(default_factory=Counter)


@dataclass
class Ground:
    """The project as it was applied before, and a warm process."""

    folder: Path
    zygote: Zygote

    def prepare(self) -> None:
        """Apply the example once."""
        shutil.copytree(EXAMPLE, self.folder / "project")
        with cloud(self.folder / "before") as handle:
            job = Job(name="before", folder=self.folder / "project", state=self.folder / "state", url=handle.url)
            (ended,) = self.zygote.run(job)
            assert ended.code == 0, ended.err
        for mood in (BESIDE, AMONG, PUBLISHING):
            copied(self.folder / "project", self.folder / mood)
            spec = yaml.safe_load((EXAMPLE / "fcdeploy.yaml").read_text("utf-8"))
            (self.folder / mood / "fcdeploy.yaml").write_text(yaml.safe_dump(changed(spec, mood), sort_keys=False))


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    with warm_process(tmp_path) as zygote:
        made = Ground(folder=tmp_path, zygote=zygote)
        made.prepare()
        yield made


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One round, played."""

    mood: str
    run: Ended
    party: Party
    live: Contents
    log: list[dict[str, Any]]


def play(ground: Ground, number: int) -> Played:
    """Apply, and edit meanwhile."""
    chance = random.Random(f"{SEED}/{number}")
    mood = MOODS[number % len(MOODS)]
    home = ground.folder / f"round-{number}"
    home.mkdir()
    with cloud(copied(ground.folder / "before", home / "data")) as handle:
        every = [one for one in spots() if mood != BESIDE or not one.touched]
        party = Party(
            url=handle.url,
            # Somebody who touches everything at once would be stopped for at the first step.
            spots=[one for one in every if not one.touched or chance.random() < 0.25],
            chance=chance,
            deletes=mood == AMONG and chance.random() < 0.5,
        )
        job = Job(
            name="ours",
            folder=ground.folder / mood,
            state=home / "state",
            url=handle.url,
            words=("apply", "--yes", "--format", "json", "--parallelism", "3"),
        )
        # In `among` also before the plan is made, and while it is.
        since = time.time() + chance.uniform(0, 0.5)
        early = mood == AMONG and chance.random() < 0.5
        party.start((lambda: time.time() >= since) if early else lambda: has_written(handle))
        (run,) = ground.zygote.run(job)
        party.stop()
        return Played(mood=mood, run=run, party=party, live=contents(handle), log=handle.app.world.log.entries())


def has_written(handle: Handle) -> bool:
    """Whether the run has sent its first write."""
    return any(entry["method"] in WRITES and entry["path"].startswith(OURS) for entry in handle.app.world.log.entries())


def moment(entry: Mapping[str, Any]) -> float:
    """When a request arrived, in seconds since the epoch."""
    return datetime.fromisoformat(entry["ts"]).timestamp()


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Between a read and the write that it was made for: arrival to arrival, in seconds since the epoch."""

    name: str
    opened: float
    closed: float


def windows(log: list[dict[str, Any]]) -> list[Window]:
    """Every second read and write of ours of what has no If-Match."""
    found: list[Window] = []
    reads: dict[str, float] = {}
    for entry in sorted(log, key=moment):
        path = entry["path"].removeprefix(OURS)
        name = next((one for one in UNGUARDED if path.startswith(one) or path.endswith(one)), "")
        if not entry["path"].startswith(OURS) or not name:
            continue
        if entry["method"] == "GET":
            reads[path] = moment(entry)
        elif path in reads and entry["status"] < 300:
            found.append(Window(name=name, opened=reads[path], closed=moment(entry)))
    return found


def value_at(live: Contents, stored: tuple[str, str, str]) -> Any:
    """The value of a leaf; True for a resource that is there, None for what is not."""
    kind, path, place = stored
    if (kind, path) not in live:
        return None
    value: Any = live[kind, path]
    for step in place.split(".") if place else ():
        value = value.get(step) if isinstance(value, Mapping) else None
    return value if place else True


def is_like(now: Any, wanted: Any) -> bool:
    """Whether a value is what was sent; the service adds defaults to objects in lists."""
    if isinstance(wanted, list) and isinstance(now, list):
        return len(now) == len(wanted) and all(is_like(*pair) for pair in zip(now, wanted, strict=True))
    if isinstance(wanted, Mapping) and isinstance(now, Mapping):
        return all(now.get(name) == value for name, value in wanted.items())
    return bool(now == wanted)


def shown(run: Ended, edit: Edit) -> bool:
    """Whether the run's plan shows the edit's value as what it replaces, or that it makes or deletes the resource."""
    if edit.spot is None:
        here = (edit.stored[0], tuple(edit.stored[1].split("/")))
        return run.changes.get(here, {}).get("action") == ("create" if edit.value is None else "delete")
    kind, place = edit.spot.planned
    path = edit.stored[1].removeprefix("services/").replace(".LATEST/functions", "")
    for (found, identity), change in run.changes.items():
        same = set(path.replace("#", "/").split("/")) <= {*identity, "LATEST"}
        if found != kind or not same:
            continue
        for one in change["fields"]:
            before = one["before"]
            if one["path"] == place and (is_like(before, edit.value) or before == {"sensitive": True}):
                return True
            if one["path"].startswith(f"{place}.") or place.startswith(f"{one['path']}."):
                return True
    return False


def last_edits(edits: list[Edit]) -> tuple[list[Edit], int]:
    """The edits that none of his own came after, and how many others there are."""
    newest: dict[tuple[str, str, str], Edit] = {}
    gone: dict[tuple[str, str], float] = {}
    for edit in edits:
        newest[edit.stored] = edit
        if edit.value is None:
            gone[edit.stored[:2]] = edit.asked
    kept = [one for one in newest.values() if one.value is None or gone.get(one.stored[:2], 0.0) < one.asked]
    return kept, len(edits) - len(kept)


def judge(played: Played, count: Count) -> list[str]:
    """What became of every edit; faults are what must not be."""
    faults: list[str] = []
    run, party = played.run, played.party
    count.endings[run.code] += 1
    open_at = windows(played.log)
    for window in open_at:
        count.windows.setdefault(window.name, []).append((window.closed - window.opened) * 1000)
    if run.code not in (0, 1, 3, 4) or "this is a bug" in run.err:
        faults.append(f"ended with {run.code}: {run.err[-500:]}")
    if run.code != 0 and not run.findings and not run.problems:
        faults.append(f"ended with {run.code} and no reason: {run.err[-500:]}")
    if played.mood == BESIDE and run.code != 0 and not any(GAVE_IN in one.get("detail", "") for one in run.findings):
        said = "; ".join(f"{one['summary']} ({one.get('detail', '')})" for one in run.findings)
        faults.append(f"nobody touched what it writes, and it ended with {run.code}: {said}")
    count.edits += len(party.edits)
    count.untouched += sum(1 for one in party.edits if one.spot is None or not one.spot.touched)
    last, own = last_edits(party.edits)
    count.own += own
    for edit in last:
        guarded = edit.spot is None or edit.spot.guarded
        count.unguarded += not guarded
        if is_like(value_at(played.live, edit.stored), edit.value):
            count.kept += 1
        elif shown(run, edit):
            count.shown += 1
        elif not guarded and any(
            window.opened - SLACK <= edit.answered and edit.asked <= window.closed + LATENCY + SLACK
            for window in open_at
        ):
            count.lost[f"{edit.spot.planned[0]} {edit.spot.planned[1]}" if edit.spot else ""] += 1
        else:
            faults.append(
                f"lost: {' '.join(edit.stored)} of {edit.value!r}, is {value_at(played.live, edit.stored)!r}; "
                f"the run ended with {run.code}"
            )
    return faults


def run_rounds(ground: Ground, numbers: list[int], figure: Callable[[str], None]) -> None:
    count, bad = Count(), []
    for number in numbers:
        played = play(ground, number)
        faults = judge(played, count)
        why = next((f"{one['summary']} ({one.get('detail', '')})" for one in played.run.findings), "")
        line = (
            f"{number:2} {played.mood}: {len(played.party.edits)} edits, {played.party.refused} refused; "
            f"apply ended with {played.run.code} {why.partition(chr(10))[0][:150]}"
        )
        figure(f"third party, round {line}")
        if faults:
            bad.append("\n    ".join((line, *faults[:12])))
    figure(
        f"third party: {len(numbers)} rounds, {count.edits} edits ({count.untouched} beside what is written): "
        f"{count.kept} there at the end, {count.own} replaced by his own, {count.shown} by a plan that shows them, "
        f"{sum(count.lost.values())} lost, all where there is no If-Match (seed {SEED})"
    )
    figure(f"third party: endings {dict(sorted(count.endings.items()))}; lost of {count.unguarded}: {dict(count.lost)}")
    for name, lengths in sorted(count.windows.items()):
        figure(
            f"third party: second read to write at {LATENCY * 1000:.0f} ms a call, {name}: {len(lengths)} writes, "
            f"median {statistics.median(lengths):.1f} ms, longest {max(lengths):.1f} ms"
        )
    assert not bad, f"FCDEPLOY_SEED={SEED}; FCDEPLOY_ROUND=number repeats one\n" + "\n".join(bad)


def test_a_third_party_edits_meanwhile(ground: Ground, figure: Callable[[str], None]) -> None:
    run_rounds(ground, [0, 1], figure)


@pytest.mark.crash
def test_a_third_party_edits_meanwhile_fifty_times(ground: Ground, figure: Callable[[str], None]) -> None:
    chosen = os.environ.get("FCDEPLOY_ROUND")
    run_rounds(ground, [int(chosen)] if chosen else list(range(ROUNDS)), figure)
