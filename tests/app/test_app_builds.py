"""Builds (S25): run in a copy when somebody asks for it, never otherwise; kept, and used until they are run again."""

from __future__ import annotations

import asyncio
import json
import os
import time
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fcdeploy import app
from fcdeploy.app import Building, BuildReport, Saving, Where, Wishes
from fcdeploy.app.building import SIDE_BY_SIDE
from fcdeploy.engine.plan_file import read_plan_file
from fcdeploy.errors import BuildFailed, SpecError, UsageError
from fcdeploy.model import Action, Plan

SECRET = "hunter2-s3cr3t"
KEY = "-----BEGIN KEY-----\nfirst-line-of-it\nsecond-line-of-it\n-----END KEY-----\n"
BUILT = 'printf "built = True\\n" > built.py; rm README.md; mkdir -p lib; ln -s ../index.py lib/same.py'


class Shop:
    """A stage whose functions are built, how often each build was begun, and what it said."""

    def __init__(self, stage: Any) -> None:
        self.stage = stage
        self.ran = stage.root.parent / "ran"
        self.lines: list[str] = []
        stage.environ |= {"PATH": os.environ["PATH"], "TOKEN": SECRET, "RAN": str(self.ran)}
        stage.write_source("src")
        (stage.root / "src" / "README.md").write_text("read me\n")

    def write(self, *scripts: str, **code: Any) -> None:
        """Functions f0, f1, … that are built by these scripts; each notes that it ran."""
        spec = self.stage.spec(functions=len(scripts))
        for number, script in enumerate(scripts):
            command = ["sh", "-c", f'echo f{number} >> "$RAN"; {script}']
            function = spec["services"]["s"]["functions"][f"f{number}"]
            function["code"] = {"path": "./src", "build": command, **code}
            del function["triggers"]
        self.stage.write(spec)
        (self.stage.root / "src" / "index.py").write_text("x = 1\n")

    def building(self, **more: Any) -> Building:
        return Building(said=lambda name, line: self.lines.append(f"{name}: {line}"), **more)

    def build(self, only: tuple[str, ...] = (), **more: Any) -> BuildReport:
        return asyncio.run(app.build(self.stage.where(), self.building(**more), only=only))

    def runs(self) -> list[str]:
        return self.ran.read_text().split() if self.ran.exists() else []

    def store(self) -> Path:
        (found,) = self.stage.state.glob("*/cache/builds")
        return Path(found)

    def files(self, report: BuildReport, name: str = "s/f0") -> dict[str, bytes]:
        """What lies in the package of a function."""
        (package,) = [
            package
            for one in report.results
            for package in one.packages
            if any(address.name == name for address in package.addresses)
        ]
        with zipfile.ZipFile(self.store() / "archives" / f"{package.sha256}.zip") as opened:
            assert len(opened.namelist()) == package.files
            return {entry: opened.read(entry) for entry in opened.namelist()}


@pytest.fixture
def shop(stage: Any) -> Shop:
    return Shop(stage)


def stale(plan: Plan) -> list[str]:
    return [one.detail for one in plan.warnings if "is newer than what was built of it" in one.summary]


def test_a_build_runs_in_a_copy_and_what_it_makes_is_the_package(shop: Shop) -> None:
    shop.write(BUILT + '; echo "$FCDEPLOY_BUILD $FCDEPLOY_RUNTIME $(basename "$PWD")"; test "$PWD" = "$(pwd)"')
    report = shop.build()
    assert shop.files(report) == {"index.py": b"x = 1\n", "built.py": b"built = True\n", "lib/same.py": b"x = 1\n"}
    assert "s/f0: 1 python3.10 src" in shop.lines and shop.lines[0].startswith("s/f0: $ sh -c ")
    assert sorted(path.name for path in (shop.stage.root / "src").iterdir()) == ["README.md", "index.py"]
    assert list(shop.store().glob("build-*")) == []
    assert {path.stat().st_mode & 0o077 for path in shop.store().rglob("*")} == {0}

    plan = shop.stage.plan()
    assert plan.count(Action.CREATE) == 2 and plan.warnings == ()
    assert shop.runs() == ["f0"]


def test_plan_and_apply_and_drift_never_run_it(shop: Shop) -> None:
    shop.write("true")
    for use in (shop.stage.plan, shop.stage.apply, lambda: asyncio.run(app.drift(shop.stage.where()))):
        with pytest.raises(SpecError, match="has not been built with this command here") as caught:
            use()
        (found,) = caught.value.diagnostics
        assert "--build" in found.hint and found.span is not None
    app.validate(shop.stage.where())
    assert shop.runs() == []
    assert shop.stage.writes() == []


def test_without_a_build_the_last_result_goes_out_and_the_plan_says_what_is_newer(shop: Shop) -> None:
    shop.write(BUILT)
    shop.build()
    shop.stage.apply()
    source = shop.stage.root / "src"
    (source / "index.py").write_text("x = 2\n")
    (source / "new.py").write_text("")
    (source / "README.md").unlink()
    plan = shop.stage.plan()
    assert plan.is_empty
    assert stale(plan) == ["what was built is used; files that differ: +new.py, -README.md, ~index.py"]
    (source / "README.md").write_text("read me\n")

    plan = shop.stage.plan(building=shop.building())
    assert stale(plan) == [] and plan.count(Action.UPDATE) == 1
    assert shop.runs() == ["f0", "f0"]
    shop.stage.apply(building=shop.building())
    assert shop.runs() == ["f0", "f0"]

    # Back to what was built before: nothing is to be run.
    (source / "index.py").write_text("x = 1\n")
    (source / "new.py").unlink()
    plan = shop.stage.plan()
    assert stale(plan) == [] and plan.count(Action.UPDATE) == 1
    shop.build()
    assert shop.runs() == ["f0", "f0"]
    # And now this is the newest one.
    (source / "index.py").write_text("x = 3\n")
    assert stale(shop.stage.plan()) == ["what was built is used; files that differ: ~index.py"]


def test_apply_builds_first_and_destroy_does_not(shop: Shop) -> None:
    shop.write(BUILT)
    shop.stage.apply(building=shop.building())
    assert shop.runs() == ["f0"]
    (shop.stage.root / "src" / "index.py").write_text("x = 2\n")
    shop.stage.apply(building=shop.building(), destroy=True)
    assert shop.runs() == ["f0"]


def test_equal_builds_are_one_and_each_packages_its_own_part(shop: Shop) -> None:
    shop.write("true", "true", "true")
    spec = json.loads(json.dumps(shop.stage.spec(functions=0)))
    code = {"path": "./src", "build": ["sh", "-c", 'echo all >> "$RAN"']}
    functions = {
        "a": {"code": code},
        "b": {"code": code},
        "slim": {"code": {**code, "exclude": ["*.md"]}},
        "old": {"code": code, "runtime": "python3.9"},
    }
    spec["services"]["s"]["functions"] = functions
    spec["layers"] = {"l": {"code": code, "compatibleRuntime": ["python3.9", "python3.10"]}}
    shop.stage.write(spec)
    report = shop.build()
    assert shop.runs() == ["all"] * 3
    assert {one.name: one.runtime for one in report.results} == {
        "l": "python3.9,python3.10",
        "s/a +2": "python3.10",
        "s/old": "python3.9",
    }
    assert set(shop.files(report, "s/a")) == {"README.md", "index.py"}
    assert set(shop.files(report, "s/slim")) == {"index.py"}
    assert shop.stage.plan().count(Action.CREATE) == 6


def test_only_what_is_named_is_built(shop: Shop) -> None:
    shop.write("true", ": other", ": third")
    assert [one.name for one in shop.build(only=("s/f1",)).results] == ["s/f1"]
    assert shop.runs() == ["f1"]
    with pytest.raises(UsageError, match="names nothing"):
        shop.build(only=("s/f9",))
    assert len(shop.build().results) == 3
    assert sorted(shop.runs()) == ["f0", "f1", "f2"]
    assert all(one.seconds is None for one in shop.build().results)
    assert all(one.seconds is not None for one in shop.build(force=True).results)
    assert sorted(shop.runs()) == ["f0", "f0", "f1", "f1", "f2", "f2"]


def test_builds_run_side_by_side_but_not_too_many(shop: Shop) -> None:
    # Each waits until as many as may are there; one too many would be seen.
    script = (
        'cd "$(dirname "$RAN")"; mkdir -p here; touch here/$$; '
        f'while test $(ls seen here 2>/dev/null | grep -c "[0-9]") -lt {SIDE_BY_SIDE}; do sleep 0.02; done; '
        "ls here | wc -l >> most; mkdir -p seen; mv here/$$ seen/"
    )
    shop.write(*(f"{script}; : {number}" for number in range(SIDE_BY_SIDE + 2)))
    assert len(shop.build().results) == SIDE_BY_SIDE + 2
    most = [int(line) for line in (shop.ran.parent / "most").read_text().split()]
    assert max(most) <= SIDE_BY_SIDE


def test_a_failure_names_command_code_and_last_lines_and_begins_no_other(shop: Shop) -> None:
    lines = "; ".join(f"echo line {number}" for number in range(30))
    others = [f": {number}; sleep 0.3; touch ../../../../../../ok-{number}" for number in range(SIDE_BY_SIDE - 1)]
    shop.write(f"{lines}; exit 3", *others, ": never")
    with pytest.raises(BuildFailed) as caught:
        shop.build()
    (found,) = caught.value.diagnostics
    assert found.summary.startswith("build failed: `sh -c 'echo f0") and "` ended with exit code 3" in found.summary
    assert found.detail.splitlines() == [f"line {number}" for number in range(15, 30)]
    assert (found.address, found.span is not None) == ("dev:alibaba.function:s/f0", True)
    assert str(shop.stage.root / "src") in found.hint
    # Those under way have ended in order, and are kept.
    assert sorted(shop.runs()) == [f"f{number}" for number in range(SIDE_BY_SIDE)]
    assert list(shop.store().glob("build-*")) == []
    assert len(list((shop.store() / "archives").iterdir())) == 1
    with pytest.raises(BuildFailed):
        shop.stage.apply(building=shop.building())
    assert shop.stage.writes() == []


@pytest.mark.parametrize(
    ("command", "seconds", "told"),
    [
        (["sh", "-c", "kill -TERM $$"], 30, "` was ended by SIGTERM"),
        (["no-such-tool", "x"], 30, "`no-such-tool x` cannot be started: No such file or directory"),
        (["sh", "-c", "sleep 30"], 0.1, "` took longer than 0.1 s and was ended"),
        (["sh", "-c", "rm *"], 30, "nothing to package in what was built of "),
        (["sh", "-c", "ln -s /etc/hosts hosts"], 30, "/hosts leads outside the code folder"),
        (["sh", "-c", "exit 1 #" + "x" * 200], 30, "x…` ended with exit code 1"),
    ],
)
def test_each_way_to_fail_has_its_words(shop: Shop, command: list[str], seconds: float, told: str) -> None:
    shop.write("true")
    spec = shop.stage.spec()
    spec["services"]["s"]["functions"]["f0"]["code"] = {"path": "./src", "build": command}
    shop.stage.write(spec)
    with pytest.raises(BuildFailed) as caught:
        shop.build(seconds=seconds)
    (found,) = caught.value.diagnostics
    assert told in found.summary and len(found.summary) < 300
    assert "/builds/build-" not in f"{found.summary}{found.detail}{found.hint}"
    assert list(shop.store().glob("build-*")) == []


def test_no_secret_comes_out_of_a_build(shop: Shop) -> None:
    (shop.stage.root / "key.pem").write_text(KEY)
    shop.write("true")
    spec = json.loads(json.dumps(shop.stage.spec()))
    function = spec["services"]["s"]["functions"]["f0"]
    function["code"] = {
        "path": "./src",
        "build": [
            "sh",
            "-c",
            f'cat "$KEY_FILE"; echo "token=$TOKEN {SECRET}"; env | sort; '
            # At every place of a line that is too long to be shown.
            'head -c 1990 /dev/zero | tr "\\0" x; echo "$TOKEN"; exit 1',
        ],
    }
    function["environmentVariables"] = {"T": "${{ secret('TOKEN') }}", "K": "${{ secret('KEY') }}"}
    spec["secrets"] = {"TOKEN": {"env": "TOKEN"}, "KEY": {"file": "key.pem"}}
    shop.stage.write(spec)
    cloud_key = "c10ud-k3y-of-mine"
    shop.stage.environ |= {"KEY_FILE": str(shop.stage.root / "key.pem"), "ALIBABA_CLOUD_ACCESS_KEY_SECRET": cloud_key}
    with pytest.raises(BuildFailed) as caught:
        shop.build()
    told = "\n".join([*shop.lines, *(str(one) for one in caught.value.diagnostics)])
    assert "token=(sensitive) (sensitive)" in told and "ALIBABA_CLOUD_ACCESS_KEY_SECRET=(sensitive)" in told
    assert "x(sensitive" in told
    for secret in (SECRET, SECRET[:4], cloud_key, *KEY.splitlines()):
        assert secret not in told


def test_a_secret_in_a_command_is_refused_before_anything_runs(shop: Shop) -> None:
    shop.write("true")
    spec = shop.stage.spec()
    build = ["sh", "-c", "echo ${{ secret('TOKEN') }}"]
    spec["services"]["s"]["functions"]["f0"]["code"] = {"path": "./src", "build": build}
    spec["secrets"] = {"TOKEN": {"env": "TOKEN"}}
    shop.stage.write(spec)
    for use in (shop.build, lambda: app.validate(shop.stage.where())):
        with pytest.raises(SpecError, match="must not hold a secret") as caught:
            use()
        assert SECRET not in str([str(one) for one in caught.value.diagnostics])


def test_templates_make_builds_of_their_own(shop: Shop) -> None:
    spec = json.loads(json.dumps(shop.stage.spec()))
    target = spec["targets"]["dev"]
    spec["targets"] = {
        "dev": {**target, "vars": {"level": "debug"}},
        "prod": {**target, "region": "cn-shanghai", "vars": {"level": "info"}},
        "old": {**target, "region": "cn-beijing", "retired": True, "vars": {"level": "none"}},
    }
    function = spec["services"]["s"]["functions"]["f0"]
    function["code"] = {"path": "./src", "build": ["sh", "-c", "echo ${{ vars.level }} > level"]}
    shop.stage.write(spec)
    report = shop.build()
    assert [one.argv[2] for one in report.results] == ["echo debug > level", "echo info > level"]
    assert [address.target for one in report.results for p in one.packages for address in p.addresses] == [
        "dev",
        "prod",
    ]


def test_a_saved_plan_holds_what_was_built(shop: Shop) -> None:
    shop.write(BUILT)
    path = shop.stage.root.parent / "p.fcplan"
    saving = Saving(path=path)
    where: Where = shop.stage.where()
    asyncio.run(app.plan(where, Wishes(), saving=saving, building=shop.building()))
    elsewhere = shop.stage.root.parent / "elsewhere"
    where = msgspec.structs.replace(where, environ={**where.environ, "FCDEPLOY_STATE": str(elsewhere)})

    async def main() -> Any:
        return await app.apply_saved(where, read_plan_file(path), shop.stage.manner(), confirm=lambda _: True)

    report = asyncio.run(main())
    assert [one.ending.value for one in report.outcomes] == ["done"]
    assert shop.runs() == ["f0"]
    assert shop.stage.plan().is_empty


def test_cancelled_it_leaves_nothing(shop: Shop) -> None:
    shop.write("sleep 60", ": other; sleep 60")
    where = shop.stage.where()

    async def main() -> None:
        work = asyncio.create_task(app.build(where, shop.building()))
        deadline = time.monotonic() + 30
        while len(shop.runs()) < 2:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    begun = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - begun < 30
    assert {path.name for path in shop.store().iterdir()} <= {"inputs"}


def test_a_build_changes_no_file_of_another(shop: Shop) -> None:
    """Two processes that build the same at once both succeed: each has a copy of its own."""
    shop.write(BUILT + "; sleep 0.1")
    where = shop.stage.where()

    async def main() -> list[BuildReport]:
        return list(await asyncio.gather(*(app.build(where, shop.building(force=True)) for _ in range(3))))

    first, *rest = asyncio.run(main())
    assert all(one.results[0].packages == first.results[0].packages for one in rest)
    assert shop.runs() == ["f0"] * 3
    assert shop.stage.plan().count(Action.CREATE) == 2
