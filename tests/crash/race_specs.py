"""Pairs of specs that two people apply at once: what they have in common, and what each has made of it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from race_stage import ACCOUNT, REGION

Spec = dict[str, Any]
SOURCES = {
    "src/index.py": "def handler(event, context):\n    return 'ok'\n",
    "mine/index.py": "def handler(event, context):\n    return 'mine'\n",
    "theirs/index.py": "def handler(event, context):\n    return 'theirs'\n",
}
FUNCTIONS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What is there first (None: nothing), and the two specs that go for it at once."""

    title: str
    before: Spec | None
    mine: Spec
    theirs: Spec


def common() -> Spec:
    """A service with functions and a timer each."""
    return {
        "apiVersion": "fcdeploy/v1",
        "project": "race",
        "targets": {"dev": {"provider": "alibaba", "region": REGION, "account": ACCOUNT}},
        "defaults": {"function": {"runtime": "python3.10", "handler": "index.handler", "code": "./src"}},
        "services": {
            "s": {
                "description": "before",
                "tags": {"team": "before"},
                "functions": {f"f{number}": function(number) for number in range(FUNCTIONS)},
            }
        },
    }


def function(number: int = 0) -> dict[str, Any]:
    return {
        "memorySize": 128,
        "timeout": 10,
        "environmentVariables": {"BOTH": "before"},
        "triggers": {"t": {"type": "timer", "config": {"cronExpression": f"@every {number + 5}m"}}},
    }


def functions(spec: Spec) -> dict[str, Any]:
    found: dict[str, Any] = spec["services"]["s"]["functions"]
    return found


def _same_fields(spec: Spec, number: int) -> None:
    spec["services"]["s"]["description"] = f"of {number}"
    for one in list(functions(spec).values())[:4]:
        one["memorySize"] = (256, 512)[number]
        one["environmentVariables"]["BOTH"] = str(number)


def _other_fields(spec: Spec, number: int) -> None:
    for one in list(functions(spec).values())[:4]:
        one["memorySize" if number else "timeout"] = (30, 256)[number]
        one["environmentVariables"][("MINE", "THEIRS")[number]] = str(number)


def _apart(spec: Spec, number: int) -> None:
    for name in ("f0", "f1", "f2") if number else ("f3", "f4", "f5"):
        functions(spec)[name]["memorySize"] = (256, 512)[number]
        functions(spec)[name]["triggers"]["t"]["config"]["payload"] = str(number)


def _made_and_gone(spec: Spec, number: int) -> None:
    """Mine changes what theirs deletes, and each makes what the other has not."""
    if number:
        del functions(spec)["f0"]
        del functions(spec)["f1"]["triggers"]
        functions(spec)["theirs"] = function()
    else:
        functions(spec)["f0"]["memorySize"] = 256
        functions(spec)["f1"]["triggers"]["t"]["config"]["payload"] = "mine"
        functions(spec)["mine"] = function()


def _beneath(spec: Spec, number: int) -> None:
    """Mine puts a trigger into a function that theirs deletes."""
    if number:
        del functions(spec)["f0"]
        functions(spec)["f2"]["memorySize"] = 512
    else:
        functions(spec)["f0"]["triggers"]["second"] = {"type": "timer", "config": {"cronExpression": "@every 9m"}}
        functions(spec)["f1"]["memorySize"] = 256


def _published(spec: Spec, number: int) -> None:
    functions(spec)["f0"]["memorySize"] = (256, 512)[number]
    functions(spec)["f1" if number else "f2"]["timeout"] = 30


def _published_apart(spec: Spec, number: int) -> None:
    """Different functions of one service: the version freezes both."""
    functions(spec)["f1" if number else "f2"]["memorySize"] = 256


def _layered(spec: Spec, number: int) -> None:
    spec["layers"]["tools"]["code"] = ("./mine", "./theirs")[number]
    functions(spec)["f1" if number else "f2"]["code"] = ("./mine", "./theirs")[number]


def _code(spec: Spec, number: int) -> None:
    for name in ("f0", "f1", "f2"):
        functions(spec)[name]["code"] = ("./mine", "./theirs")[number]
    functions(spec)["f0"]["triggers"]["t"]["config"]["payload"] = str(number)


def _like(spec: Spec, number: int) -> None:
    """Both want the same, as two pipelines of one commit do."""
    spec["services"]["s"]["description"] = "after"
    functions(spec)["f0"]["memorySize"] = 256
    functions(spec)["f1"]["code"] = "./mine"
    functions(spec)["new"] = function()
    del functions(spec)["f5"]


def _publishing() -> Spec:
    spec = common()
    spec["services"]["s"] |= {
        "versions": {"publish": "on-change"},
        "aliases": {"live": {"version": "latest"}},
    }
    return spec


def _with_layer() -> Spec:
    spec = common()
    spec["layers"] = {"tools": {"code": "./src", "compatibleRuntime": ["python3.10"]}}
    functions(spec)["f0"]["layers"] = ["tools"]
    return spec


_PAIRS: Mapping[str, tuple[Callable[[], Spec], bool, Callable[[Spec, int], None]]] = {
    "same fields": (common, True, _same_fields),
    "other fields": (common, True, _other_fields),
    "apart": (common, True, _apart),
    "made and gone": (common, True, _made_and_gone),
    "beneath": (common, True, _beneath),
    "version": (_publishing, True, _published),
    "version apart": (_publishing, True, _published_apart),
    "layer": (_with_layer, True, _layered),
    "code": (common, True, _code),
    "alike": (common, True, _like),
    "first": (common, False, _same_fields),
    "first alike": (common, False, _like),
}
TITLES = tuple(_PAIRS)


def pair(title: str) -> Pair:
    """The pair of this title."""
    made, is_there, change = _PAIRS[title]
    both: list[Spec] = []
    for number in (0, 1):
        spec = copy.deepcopy(made())
        change(spec, number)
        both.append(spec)
    return Pair(title=title, before=made() if is_there else None, mine=both[0], theirs=both[1])
