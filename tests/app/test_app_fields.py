"""Each field of every kind of either cloud: set, changed, removed; each API version, each reading of an API.

What is tried is made from the descriptors, so a new field is tried without a word here (see `field_samples`). Each
field has a resource of its own in one file, so that all are set, changed and removed side by side: that is a tenth of
the runs, and a plan that shows anything for the wrong resource is found as well.
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from field_samples import ABSENT, EVERY, Place, kind_of_case, put, returns, sample, tried

from fcdeploy.app import Wishes
from fcdeploy.kinds.registry import KINDS, kind_of
from fcdeploy.model import Action, Change, Plan

REPLACES = "v2 replaces"
"""What FunctionGraph's update of a function does with what it leaves out is not known: it stays, or, here, it goes."""
APIS = {"alibaba": ("2021-04-06", "2016-08-15"), "huawei": ("v2",)}
ALL = Wishes(allow_unsafe=True)
DAY = "2026-01-01T00:00:00Z"
PLACES = {"alibaba": ("1234567890123456", "cn-hangzhou"), "huawei": ("0b5ee11c2f5c4f7c8a6c3a1f0e9d8c7b", "cn-north-4")}
"""Account, or project id, and region, by cloud."""
FEW = ("function", "trigger.http", "customDomain", "huawei/trigger.timer")
"""The kinds whose fields are tried in `make test`; `make proofs` has all."""


def is_about(kind: str, place: Place, paths: set[str]) -> bool:
    """Whether a plan shows this field and no other: the field, what is in it, or the object that goes with it; and
    fields of which the case says that what leaving them out means follows from this one."""
    followed = EVERY[kind].get("followed", {}).get(place.word, ())
    paths = {path for path in paths if not any(path == one or path.startswith(f"{one}.") for one in followed)}
    return bool(paths) and all(
        path == place.shown or path.startswith(f"{place.shown}.") or place.shown.startswith(f"{path}.")
        for path in paths
    )


def trial_name(original: str, number: int, place: Place) -> str:
    """A name like the original's that tells the field: a domain name grows at its beginning, any other at its end."""
    word = re.sub(r"[^a-zA-Z0-9]+", "-", f"{number}-{place.word}")[:39].rstrip("-")
    return f"{word}.{original}" if "." in original else f"{original}-{word}"


@dataclass
class Trial:
    """A field and the resource that it is tried on: `name` is a part of the resource's address."""

    name: str
    place: Place
    body: dict[str, Any] = field(default_factory=dict)


class Bench:
    """Resources of one kind in a file around them, one for each field, on the stage."""

    def __init__(self, stage: Any, kind: str, api: str) -> None:
        self.stage, self.kind, self.api = stage, kind, api
        self.case, self.known = EVERY[kind], kind_of_case(kind)
        world = stage.emulator.app.world
        world.settings = replace(world.settings, config_replaces=api == REPLACES)
        self.source = ""
        # What is repeated for each field: the function that the resource belongs to, or what stands at the top.
        self.copied: list[str] = self.case["at"][: 4 if "functions" in self.case["at"] else 2]
        self.trials = [
            Trial(trial_name(self.copied[-1], number, place), place)
            for number, place in enumerate(one for one in tried(kind) if one.is_in(api))
        ]
        for row in self.case.get("rows", []):
            for name in [one.name for one in self.trials] + [self.copied[-1]]:
                put_row(stage, **{**row, "parent": row["parent"].format(name=name)})

    def write(self) -> None:
        spec = spec_of(self.stage, self.known.provider, self.api)
        if self.source:
            self.stage.write_source("src", self.source)
        around = json.loads(json.dumps(self.case["around"]))
        above = around
        for key in self.copied[:-1]:
            above = above[key]
        original = above[self.copied[-1]]
        for trial in self.trials:
            above[trial.name] = copy.deepcopy(original)
            here = above[trial.name]
            for key in self.case["at"][len(self.copied) :]:
                here = here[key]
            here.update(trial.body)
        self.stage.write({**spec, **around})

    def apply(self) -> Plan:
        """Write and apply the file; the plan that this was. The plan after it is empty."""
        self.write()
        plans: list[Plan] = []

        def confirm(report: Any) -> bool:
            plans.extend(result.plan for result in report.results)
            return True

        self.stage.apply(ALL, confirm=confirm)
        again = self.stage.plan(ALL)
        assert again.is_empty, [(one.address.short, one.fields) for one in again.changes]
        return plans[0] if plans else again

    def apply_changed(self) -> dict[str, Change]:
        """Apply; what the plan did, by the name of the trial, and to nothing but the resources that are tried."""
        changes: dict[str, Change] = {}
        for change in self.apply().changes:
            assert change.address.kind == self.case.get("changed", self.known.name), change
            (name,) = {trial.name for trial in self.trials} & names_in(change.address.identity)
            assert name not in changes
            changes[name] = change
        return changes


def spec_of(stage: Any, provider: str, api: str) -> dict[str, Any]:
    """The head of a file for one target of a cloud, which the stage gets keys for."""
    spec: dict[str, Any] = stage.spec(0, api=api)
    del spec["defaults"]
    if provider == "huawei":
        project, region = PLACES[provider]
        spec["targets"] = {"dev": {"provider": provider, "region": region, "projectId": project}}
        stage.environ |= {"HUAWEICLOUD_SDK_AK": "ak", "HUAWEICLOUD_SDK_SK": "sk"}
    return spec


def names_in(identity: tuple[str, ...]) -> set[str]:
    """The names of an identity; where it has a function's as `service-function`, those of both."""
    return {name for part in identity for name in (part, part.removeprefix("s-"), part.removesuffix("-f"))}


def put_row(stage: Any, kind: str, parent: str, name: str, body: dict[str, Any]) -> None:
    """What is to be there beforehand, put into the cloud by hand."""
    from fcdeploy.emulator.exchange import Tenant
    from fcdeploy.emulator.store import Row, etag_of

    with stage.emulator.app.world.write(Tenant(*PLACES["alibaba"])) as session:
        session.put(Row(kind=kind, parent=parent, name=name, body=body, etag=etag_of(body), created=DAY, modified=DAY))


def check(kind: str, trial: Trial, change: Change | None, *, expected: bool) -> None:
    """Whether the plan shows exactly the field of this trial, or nothing where nothing is expected."""
    found = None if change is None else (change.action, {one.path for one in change.fields})
    assert (found is not None) == expected, (trial.place.word, found)
    if found is not None:
        # Nothing of what the service numbers is ever changed: there is a next one.
        numbered = change is not None and kind_of(change.address).numbering is not None
        assert found[0] in ((Action.CREATE,) if numbered else (Action.UPDATE, Action.REPLACE)), found
        assert is_about(kind, trial.place, found[1]), (trial.place.word, found)


@pytest.mark.parametrize(
    ("kind", "api"),
    [
        pytest.param(kind, api, marks=pytest.mark.proof if kind not in FEW or api == REPLACES else ())
        for kind in EVERY
        for api in (*APIS[kind_of_case(kind).provider], *EVERY[kind].get("readings", ()))
    ],
)
def test_each_field_is_set_changed_and_taken_back(stage: Any, kind: str, api: str) -> None:
    bench = Bench(stage, kind, api)
    bench.apply()
    for number in range(1, EVERY[kind].get("releases", 1)):
        bench.source = f"number = {number}\n"
        bench.apply()

    for trial in bench.trials:
        trial.body = copy.deepcopy(EVERY[kind].get("with", {}).get(trial.place.path[0], {}))
        put(kind, trial.body, trial.place, sample(kind, trial.place, 0))
    bench.apply()

    second = {trial.name: sample(kind, trial.place, 1) for trial in bench.trials}
    differing = [
        one for one in bench.trials if second[one.name] is not ABSENT and second[one.name] != sample(kind, one.place, 0)
    ]
    for trial in differing:
        put(kind, trial.body, trial.place, second[trial.name])
    changes = bench.apply_changed()
    for trial in bench.trials:
        check(kind, trial, changes.get(trial.name), expected=trial in differing)

    removable = [one for one in bench.trials if not one.place.field.required]
    for trial in removable:
        put(kind, trial.body, trial.place, ABSENT)
        for name in EVERY[kind].get("together", {}).get(trial.place.word, ()):
            del trial.body[name]
    changes = bench.apply_changed()
    for trial in bench.trials:
        check(
            kind, trial, changes.get(trial.name), expected=trial in removable and returns(kind, trial.place, trial.body)
        )

    for trial in bench.trials:
        trial.body = {}
    bench.apply()


def test_every_kind_is_tried() -> None:
    tried_kinds = {(kind.provider, kind.name) for kind in map(kind_of_case, EVERY)}
    assert tried_kinds == {name for name, kind in KINDS.items() if kind.fields}
