"""A project with every kind, live in its first form, and processes that are killed on the way to its second form."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from fcdeploy.emulator.server import Asgi, start_in_thread
from fcdeploy.emulator.settings import EmulatorSettings

HERE = Path(__file__).parent
TOKEN = "tok-5e3c9d-of-the-crash-project"
_SECRETS = HERE.parents[1] / "examples" / "everything" / "secrets"
_SOURCES = ("layer-0", "layer-1", "layer-2", "layer-old", "layer-new", "order-0", "order-1", "order-2", "web-1")
_MORE_SOURCES = ("web-0", "web-2", "page", "going", "turned-1", "turned-2", "fresh")

Contents: TypeAlias = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """What differs by provider: who deploys where, from which file to which, and what the service makes up itself.

    `first` is what the file said before it said what `start` says, so that there are older versions. `own` are times,
    ids and addresses that the service gives to what is created (S40), and the emulator's own notes. `numbered` is how
    the rows begin of what nothing brings back once it is pruned (S34, S40), `sealed` is what holds secrets that no read
    tells, so that nothing brings back those that were there before (S22). `least` is how many calls a run has, `once`
    whose code is published no second time by the service (FunctionGraph facts 4).
    """

    account: str
    region: str
    before: str
    start: str
    target: str
    keys: Mapping[str, str]
    first: Mapping[str, str]
    own: frozenset[str]
    numbered: tuple[str, ...]
    sealed: tuple[str, ...]
    pruning: str
    least: int
    once: tuple[str, ...]


ALIBABA = Cloud(
    account="1234567890123456",
    region="cn-hangzhou",
    before="/2021-04-06",
    start="start.yaml",
    target="target.yaml",
    keys={"ALIBABA_CLOUD_ACCESS_KEY_ID": "ak", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "sk"},
    first={"./layer-1": "./layer-0", "description: before": "description: first"},
    own=frozenset(
        {
            *("createdTime", "createTime", "lastModifiedTime", "functionId", "serviceId", "triggerId"),
            *("urlInternet", "urlIntranet", "_mark", "_put", "_was"),
        }
    ),
    numbered=("version", "frozen-", "layer"),
    sealed=(),
    pruning="call.DELETE /services/shop/versions/1.before",
    least=40,
    once=(),
)
_PROJECT = "0b5ee11c2f5c4f7c8a6c3a1f0e9d8c7b"
HUAWEI = Cloud(
    account=_PROJECT,
    region="cn-north-4",
    before=f"/v2/{_PROJECT}",
    start="huawei-start.yaml",
    target="huawei-target.yaml",
    keys={"HUAWEICLOUD_SDK_AK": "ak", "HUAWEICLOUD_SDK_SK": "sk"},
    first={
        "./layer-1": "./layer-0",
        "./order-1": "./order-0",
        "./web-1": "./web-0",
        "      past: {version: previous}\n": "",
        ", past: {target: 1}": "",
    },
    own=frozenset(
        {
            *("func_id", "image_name", "last_modified", "created_time", "last_updated_time", "trigger_id", "triggerid"),
            *("api_id", "id", "dep_id", "link", "_published"),
        }
    ),
    numbered=("fgs-version", "fgs-dependency"),
    sealed=("fgs-function/default/desk-sealed", "fgs-trigger/default/desk-sealed/latest x"),
    pruning=f"call.DELETE /fgs/functions/urn:fss:cn-north-4:{_PROJECT}:function:default:site-web:1.before",
    least=40,
    once=("order-2", "web-2"),
)
CLOUDS: Mapping[str, Cloud] = {"alibaba": ALIBABA, "huawei": HUAWEI}


class Executioner:
    """ASGI middleware that kills a process when the service has done what it asked for and not answered yet.

    `before` is what stands before the paths of calls.
    """

    def __init__(self, before: str) -> None:
        self.before = before
        self.pid = 0
        self.moment = ""
        self.seen: Counter[str] = Counter()

    def sent_for(self, pid: int, moment: str) -> None:
        """Kill `pid` before it hears the answer of this call (`call.PUT /services/s.unheard`)."""
        self.pid, self.moment = pid, moment
        self.seen.clear()

    def around(self, app: Asgi) -> Asgi:
        """The emulator with this in front."""

        async def serve(scope: Any, receive: Any, send: Any) -> None:
            path = scope["raw_path"].decode()
            name = f"call.{scope['method']} {path.removeprefix(self.before)}"
            self.seen[name] += 1
            if self.seen[name] > 1:
                name = f"{name}#{self.seen[name]}"

            async def answer(message: Any) -> None:
                if self.pid and f"{name}.unheard" == self.moment:
                    os.kill(self.pid, signal.SIGKILL)
                    self.pid = 0
                await send(message)

            await app(scope, receive, answer)

        return serve


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that has ended: exit code or minus the signal, what it printed, and the moments that it passed."""

    status: int
    output: str
    moments: tuple[str, ...]


@dataclass
class CrashStage:
    """The project, the emulator and the zygote of one test process. `begin` puts everything back to the first form."""

    folder: Path
    cloud: Cloud = ALIBABA
    start: bytes = b""
    started: Contents = field(default_factory=dict)
    """What is live before the run."""
    reached: Contents = field(default_factory=dict)
    """What a run that nothing disturbs leads to."""
    moments: tuple[str, ...] = ()
    """The moments that such a run passes, in one order of many."""
    log: list[dict[str, Any]] = field(default_factory=list)
    """The requests of such a run."""
    _rounds: int = 0

    def __post_init__(self) -> None:
        self._executioner = Executioner(self.cloud.before)
        settings = EmulatorSettings(account=self.cloud.account, region=self.cloud.region, access_keys={"ak": "sk"})
        self.emulator = start_in_thread(settings, through=self._executioner.around)
        self._zygote = subprocess.Popen(
            [sys.executable, str(HERE / "crash_zygote.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE.parents[1]), str(HERE)))},
        )
        self.state = self.folder / "state"
        self._project = self.folder / "project"
        for name in (*_SOURCES, *_MORE_SOURCES):
            (self._project / name).mkdir(parents=True)
            self._write_source(name)
        shutil.copy(_SECRETS / "domain.pem", self._project / "domain.pem")
        self._live_before()
        self._undisturbed()

    def _live_before(self) -> None:
        """Two runs lead to what is live, so that there are older versions, of which one is to be pruned."""
        first = text = (HERE / self.cloud.start).read_text()
        for now, before in self.cloud.first.items():
            first = first.replace(now, before)
        for spec in (first, text):
            self.spec.write_text(spec)
            done = self.run("apply", "--yes")
            assert done.status == 0, done.output
        shutil.copy(HERE / self.cloud.target, self.spec)
        # Entries younger than two seconds are not trusted, so every run reads the sources anew (S28).
        shutil.copytree(self.state, self.folder / "state-before")
        self.start = self.emulator.app.world.store.contents()
        self.started = self.contents()

    def _undisturbed(self) -> None:
        self.begin()
        done = self.apply()
        assert done.status == 0, done.output
        self.moments = done.moments
        self.reached = self.contents()
        self.log = self.emulator.app.world.log.entries()

    @property
    def spec(self) -> Path:
        """The project's file."""
        return self._project / "fcdeploy.yaml"

    def close(self) -> None:
        """End the zygote and the emulator."""
        assert self._zygote.stdin is not None and self._zygote.stdout is not None
        self._zygote.stdin.close()
        self._zygote.wait(timeout=10)
        self._zygote.stdout.close()
        self.emulator.stop()

    def begin(self) -> None:
        """Back to what is live before the run, in the cloud and in the state folder."""
        self.emulator.app.world.restore(self.start)
        for name in self.cloud.once:
            self._write_source(name)
        shutil.rmtree(self.state, ignore_errors=True)
        shutil.copytree(self.folder / "state-before", self.state)

    def change_code(self) -> None:
        """Other code where a service does not publish again what a run that was taken back had published."""
        for name in self.cloud.once:
            self._write_source(name, more="again = True\n")

    def _write_source(self, name: str, *, more: str = "") -> None:
        (self._project / name / "index.py").write_text(f"name = '{name}'\n{more}")

    def has_open_run(self) -> bool:
        """Whether the journal has a run that has not ended."""
        (journal,) = self.state.rglob("journal.db")
        with contextlib.closing(sqlite3.connect(journal)) as connection:
            (count,) = connection.execute("SELECT count(*) FROM runs WHERE ended IS NULL").fetchone()
        return bool(count)

    def keep(self) -> bytes:
        """What is live now; the state folder is kept aside as well."""
        aside = self.folder / "state-aside"
        shutil.rmtree(aside, ignore_errors=True)
        shutil.copytree(self.state, aside)
        return self.emulator.app.world.store.contents()

    def put_back(self, kept: bytes) -> None:
        """Back to what `keep` found, in the cloud and in the state folder."""
        self.emulator.app.world.restore(kept)
        shutil.rmtree(self.state, ignore_errors=True)
        shutil.copytree(self.folder / "state-aside", self.state)

    def apply(self, **more: Any) -> Ended:
        """Lead it to its second form."""
        return self.run("apply", "--yes", "--allow-unsafe", **more)

    def run(self, *args: str, fatal: str | None = None, deadline: float | None = None) -> Ended:
        """Run `fcdeploy` with these arguments to its end, which comes at the moment `fatal`, if that is met."""
        self._rounds += 1
        out, moments = self.folder / "out", self.folder / f"moments-{self._rounds}"
        environ = {
            "FCDEPLOY_STATE": str(self.state),
            **self.cloud.keys,
            "HOME": str(self.folder),
            "CRASH_TOKEN": TOKEN,
            "CRASH_KEY": (_SECRETS / "domain.key").read_text(),
        }
        order = {
            "args": [*args, "--endpoint", self.emulator.url],
            "env": environ,
            "cwd": str(self._project),
            "out": str(out),
            "moments": str(moments),
            "fatal": fatal,
            "deadline": deadline,
        }
        # Before the process can have sent anything: it is forked only when it has the order.
        self._executioner.sent_for(0, "")
        self._tell(order)
        pid = self._hear()["pid"]
        if fatal is not None and fatal.endswith(".unheard"):
            self._executioner.sent_for(pid, fatal)
        status = self._hear()["status"]
        passed = tuple(moments.read_text().splitlines()) if moments.exists() else ()
        moments.unlink(missing_ok=True)
        return Ended(status, out.read_text(), passed)

    def contents(self) -> Contents:
        """Everything the cloud holds by address, but for what S40 lists; archives by their digest."""
        rows = self.emulator.app.world.store.dump()
        names = _names_of_ids(rows)
        return {_address(row, names): _lasting(row["body"], self.cloud.own, names) for row in rows if not _is_none(row)}

    def _tell(self, order: Mapping[str, Any]) -> None:
        assert self._zygote.stdin is not None
        self._zygote.stdin.write(json.dumps(order) + "\n")
        self._zygote.stdin.flush()

    def _hear(self) -> Any:
        assert self._zygote.stdout is not None
        line = self._zygote.stdout.readline()
        assert line, "the zygote has ended"
        return json.loads(line)


def _names_of_ids(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    """What the ids stand for that the service gives to layers of FunctionGraph and to their versions."""
    bodies = [row["body"] for row in rows if row["kind"] == "fgs-dependency-version"]
    versions = {body["id"]: f"{body['name']}:{body['version']}" for body in bodies}
    return {**versions, **{body["dep_id"]: body["name"] for body in bodies}}


def _address(row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """Where something is, in the same words each time: triggers of FunctionGraph are told apart by what calls them."""
    name = row["name"]
    if row["kind"] == "fgs-trigger":
        source = row["body"]["event_data"]
        keys = ("name", "bucket", "topic_urn", "stream_name", "exchange_name")
        name = f"{row['body']['_qualifier']} {next(source[key] for key in keys if key in source)}"
    return "/".join((row["kind"], names.get(row["parent"], row["parent"]), name))


def _is_none(row: Mapping[str, Any]) -> bool:
    """Whether it is a number of reserved instances that stands for none at all (FunctionGraph facts 8)."""
    body = row["body"]
    return row["kind"] == "fgs-reserved" and not body["min_count"] and not any((body["tactics_config"] or {}).values())


def _lasting(body: Any, own: frozenset[str], names: Mapping[str, str]) -> Any:
    """A body without what the service gives anew to each create, frozen copies of bodies too.

    What is empty is left out: answers tell it in several ways of one thing.
    """
    match body:
        case dict():
            lasting = {key: _lasting(value, own, names) for key, value in body.items() if key not in own}
            return {key: value for key, value in lasting.items() if value not in (None, "", {}, [])}
        case list():
            return [_lasting(value, own, names) for value in body]
        case str():
            return names.get(body, body)
        case _:
            return body


def differences(then: Contents, now: Contents) -> list[str]:
    """What differs, for people: address, field, then, now."""
    return [
        f"{address} {name}: {before.get(name, 'absent')} -> {after.get(name, 'absent')}"
        for address in sorted({*then, *now})
        for before, after in [(then.get(address, {}), now.get(address, {}))]
        for name in sorted({*before, *after})
        if before.get(name, "absent") != after.get(name, "absent")
    ]
