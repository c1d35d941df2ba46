"""What the API does not guard is read again just before the write (law 4): what that keeps, and what it cannot.

Another writer is a second checkout of the same project with a journal of its own. Every kind without If-Match is tried,
under each API version that has none for it, and so are tags.
"""

from __future__ import annotations

import copy
import json
import statistics
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from field_samples import ABSENT, CASES, Place, put, sample, tried

from fcdeploy.app import Wishes
from fcdeploy.kinds.descriptor import GuardStyle
from fcdeploy.kinds.registry import KINDS
from fcdeploy.model import Ending

APIS = ("2021-04-06", "2016-08-15")
ALL = Wishes(allow_unsafe=True)
WRITES = ("POST", "PUT", "DELETE")
ROUNDS = 3


def unguarded() -> Iterator[tuple[str, str, bool]]:
    """(kind, API version, whether it is about the tags): everything of this cloud that is changed under no ETag."""
    for (provider, name), kind in KINDS.items():
        for api in APIS if provider == "alibaba" else ():
            if kind.update is not None and kind.guard_in(api) is GuardStyle.RECHECK:
                yield name, api, False
            if kind.tags is not None:
                yield name, api, True


class Scene:
    """One resource, and one field of it that two writers change."""

    def __init__(self, stage: Any, tmp_path: Any, kind: str, api: str, tags: bool) -> None:
        self.stage, self.kind, self.api, self.tags = stage, kind, api, tags
        self.place = next(one for one in tried(kind) if one.is_in(api) and self.is_fit(one))
        stage.write_source("src")
        self.other = copy.copy(stage)
        self.other.root, self.other.environ = (
            tmp_path / "other",
            {**stage.environ, "FCDEPLOY_STATE": str(tmp_path / "o")},
        )
        self.other.root.mkdir()
        self.other.write_source("src")

    def is_fit(self, place: Place) -> bool:
        """Whether it is a field at the top whose two values differ and are written as the file has them."""
        group = KINDS["alibaba", self.kind].tags
        if len(place.path) > 1 or (group is not None and self.tags != (place.field.name == group.field)):
            return False
        first, second = sample(self.kind, place, 0), sample(self.kind, place, 1)
        return second is not ABSENT and first != second and (self.tags or not isinstance(first, dict | list))

    def write(self, stage: Any, number: int | None) -> None:
        """The file with the first or the second value of the field, or without it."""
        spec = stage.spec(0, api=self.api)
        del spec["defaults"]
        around = json.loads(json.dumps(CASES[self.kind]["around"]))
        here = around
        for key in CASES[self.kind]["at"]:
            here = here[key]
        here.update(copy.deepcopy(CASES[self.kind].get("with", {}).get(self.place.path[0], {})))
        if number is not None:
            put(self.kind, here, self.place, sample(self.kind, self.place, number))
        stage.write({**spec, **around})

    def somebody(self) -> None:
        """Another writer sets the second value."""
        self.write(self.other, 1)
        failures: list[BaseException] = []

        def apply() -> None:
            try:
                self.other.apply(ALL)
            except BaseException as failure:
                failures.append(failure)

        # The run that this happens in the middle of has the thread's event loop.
        thread = threading.Thread(target=apply)
        thread.start()
        thread.join()
        assert failures == []


@pytest.fixture(params=list(unguarded()), ids=lambda one: f"{one[0]}{'-tags' if one[2] else ''}-{one[1]}")
def scene(stage: Any, tmp_path: Any, request: pytest.FixtureRequest) -> Scene:
    made = Scene(stage, tmp_path, *request.param)
    made.write(stage, None)
    stage.apply(ALL)
    return made


def is_theirs(scene: Scene) -> bool:
    """Whether what is there is what the other writer wants."""
    scene.write(scene.other, 1)
    return bool(scene.other.plan(ALL).is_empty)


def test_an_edit_between_plan_and_apply_is_not_overwritten(scene: Scene) -> None:
    scene.write(scene.stage, 0)

    def confirm(report: Any) -> bool:
        scene.somebody()
        scene.stage.requests()
        return True

    report = scene.stage.apply_report(ALL, confirm=confirm)
    written = [entry for entry in scene.stage.writes() if entry["status"] < 300]
    (outcome,) = report.outcomes
    assert outcome.ending is Ending.FAILED
    assert written == []
    assert "was changed by somebody else meanwhile" in outcome.diagnostics[0].summary
    assert is_theirs(scene)
    assert not scene.stage.plan(ALL).is_empty, "the next plan shows what they wrote"


@pytest.mark.proof
def test_an_edit_between_the_second_read_and_the_write_is_lost(scene: Scene) -> None:
    """The window that remains: nothing can tell, so the documents do (docs/lifecycle.md)."""
    if scene.tags:
        return  # a tag is one key: what is written to it last is what it is, whoever looks
    scene.write(scene.stage, 0)
    (step, *_) = scene.stage.plan(ALL).steps
    theirs = {scene.place.field.name: sample(scene.kind, scene.place, 1)}
    # The other writer is let in when our write has arrived and has had no effect yet.
    scene.stage.faults({"match": {"operation": step.call.operation, "nth": 1}, "effect": {"touch": {"set": theirs}}})
    outcome = scene.stage.apply(ALL)
    assert scene.stage.emulator.app.world.faults.report()[0]["fired"] == 1
    assert outcome.diagnostics == ()
    assert scene.stage.plan(ALL).is_empty and not is_theirs(scene)


@pytest.mark.proof
def test_how_long_the_window_is(scene: Scene, figure: Callable[[str], None]) -> None:
    """From the answer of the second read to the arrival of the write, on this machine alone."""
    windows: list[float] = []
    for number in range(ROUNDS):
        scene.write(scene.stage, number % 2)
        scene.stage.requests()
        scene.stage.apply(ALL)
        asked = scene.stage.requests()
        (at,) = [place for place, entry in enumerate(asked) if entry["method"] in WRITES]
        read, write = asked[at - 1], asked[at]
        assert read["method"] == "GET" and not write["ifMatch"], "nothing lies between the read and the write"
        answered = datetime.fromisoformat(read["ts"]).timestamp() * 1000 + read["durationMs"]
        windows.append(datetime.fromisoformat(write["ts"]).timestamp() * 1000 - answered)
    figure(
        f"from second read to write, {scene.kind}{' tags' if scene.tags else ''} {scene.api}: "
        f"median {statistics.median(windows):.1f} ms, longest {max(windows):.1f} ms"
    )
