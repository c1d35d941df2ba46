"""Several projects in one run (`-f` more than once): one plan, one question, one summary; each still its own."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from fcdeploy import app
from fcdeploy.app import ApplyReport, Where, Wishes
from fcdeploy.errors import SpecError, UsageError
from fcdeploy.model import Ending

DONE = Ending.DONE


def projects(stage: Any, *specs: dict[str, Any]) -> Where:
    """Each spec in a folder of its own; the first is where the stage is."""
    folders = []
    for number, spec in enumerate(specs):
        own = replace(stage, root=stage.root.parent / f"project-{number}")
        own.root.mkdir(exist_ok=True)
        own.write_source("src")
        own.write(spec)
        folders.append(own.root)
    first: Where = structs.replace(stage.where(), spec=folders[0], more=tuple(folders[1:]))
    return first


def spec(stage: Any, name: str, **more: Any) -> dict[str, Any]:
    """A project with a service of its own name in the target dev."""
    made: dict[str, Any] = stage.spec(1, service=name)
    return {**made, "project": name, **more}


def apply(stage: Any, where: Where, **more: Any) -> ApplyReport:
    async def main() -> ApplyReport:
        confirm = more.pop("confirm", lambda report: True)
        return await app.apply(where, Wishes(), stage.manner(), confirm=confirm, **more)

    return asyncio.run(main())


def test_several_projects_are_planned_asked_about_and_applied_together(stage: Any) -> None:
    where = projects(stage, spec(stage, "shop"), spec(stage, "media"))
    report = asyncio.run(app.plan(where, Wishes()))
    assert report.project == "shop, media"
    assert [one.target.title for one in report.results] == ["shop/dev", "media/dev"]
    assert [one.plan.project for one in report.results if one.plan] == ["shop", "media"]
    asked: list[Any] = []
    stage.faults({"match": {"path": "/services/media/functions"}, "effect": {"status": 400, "code": "InvalidArgument"}})
    applied = apply(stage, where, confirm=lambda report: asked.append(report) or True)
    assert len(asked) == 1
    assert {one.title: one.ending for one in applied.outcomes} == {"shop/dev": DONE, "media/dev": Ending.ROLLED_BACK}
    stage.faults()
    assert [one.ending for one in apply(stage, where).outcomes] == [DONE, DONE]
    assert {row["name"] for row in stage.whole_dump() if row["kind"] == "service"} == {"shop", "media"}

    # Each has its own journal and its own mark; what reads takes several, too.
    assert len(list(stage.state.rglob("journal.db"))) == 2
    marks = {row["name"]: row["body"]["_tags"] for row in stage.whole_dump() if row["kind"] == "service"}
    assert marks == {name: {"fcdeploy.project": name, "fcdeploy.target": "dev"} for name in ("shop", "media")}
    statuses = asyncio.run(app.status(where))
    assert [(one.target.title, one.where.spec.name, len(one.rows)) for one in statuses] == [
        ("shop/dev", "project-0", 3),
        ("media/dev", "project-1", 3),
    ]
    assert [one.target.title for one in asyncio.run(app.drift(where)).results] == ["shop/dev", "media/dev"]
    assert [one.target.title for one in asyncio.run(app.outputs(where)).results] == ["shop/dev", "media/dev"]
    assert [one.project for one in app.validate(where)] == ["shop", "media"]
    assert [one.ending for one in apply(stage, where, destroy=True).outcomes] == [DONE, DONE]
    assert stage.whole_dump() == []


def test_a_broken_file_stops_all_of_them_with_all_that_is_wrong(stage: Any) -> None:
    broken = spec(stage, "shop")
    broken["services"]["shop"]["functions"]["f0"]["memory"] = 128
    other = spec(stage, "media", colour="red")
    with pytest.raises(SpecError) as caught:
        apply(stage, projects(stage, broken, other, spec(stage, "third")))
    assert [one.summary for one in caught.value.diagnostics] == ["unknown key `memory`", "unknown key `colour`"]
    assert stage.requests() == []


def test_two_projects_that_would_own_the_same_are_refused(stage: Any) -> None:
    shop, media = spec(stage, "shop"), spec(stage, "media")
    media["services"]["shop"] = {"functions": {}}
    with pytest.raises(SpecError) as caught:
        asyncio.run(app.plan(projects(stage, shop, media), Wishes()))
    (wrong,) = caught.value.diagnostics
    assert wrong.summary == "targets `shop/dev` and `media/dev` both have the service `shop`"
    # One of them may say that it is the other's; then both may be there, and the same name in another place.
    media["services"]["shop"]["external"] = True
    projects_ = projects(stage, shop, media)
    assert len(app.validate(projects_)) == 2
    del media["services"]["shop"]["external"]
    media["targets"]["dev"]["region"] = "cn-shanghai"
    assert len(app.validate(projects(stage, shop, media))) == 2
    with pytest.raises(UsageError, match="are both of project shop"):
        app.validate(projects(stage, shop, shop))


def test_targets_are_chosen_in_each_project(stage: Any) -> None:
    shop, media = spec(stage, "shop"), spec(stage, "media")
    media["targets"]["prod"] = {**media["targets"]["dev"], "region": "cn-shanghai"}
    where = projects(stage, shop, media)
    with pytest.raises(UsageError, match="several targets, and none is chosen"):
        apply(stage, where)
    prod = asyncio.run(app.plan(structs.replace(where, target="prod"), Wishes()))
    assert [one.target.title for one in prod.results] == ["media/prod"]
    with pytest.raises(UsageError, match="no target matches `none`"):
        asyncio.run(app.plan(structs.replace(where, target="none"), Wishes()))
    with pytest.raises(UsageError, match="this takes one file"):
        asyncio.run(app.history(where))


def test_each_project_goes_in_its_own_waves(stage: Any) -> None:
    """A wave that fails stops those of its own project."""
    both = {"dev": {"region": "cn-hangzhou"}, "prod": {"region": "cn-shanghai"}}
    rollout = {"waves": [["dev"], ["prod"]], "onFailure": "rollback-all"}
    specs = [spec(stage, name, rollout=rollout) for name in ("shop", "media")]
    for one in specs:
        one["targets"] = {name: {**one["targets"]["dev"], **more} for name, more in both.items()}
    stage.faults(
        {
            "match": {"method": "POST", "path": "/services/media/functions", "nth": 1},
            "effect": {"status": 400, "code": "InvalidArgument"},
        }
    )
    report = apply(stage, structs.replace(projects(stage, *specs), target="*"))
    assert {one.title: one.ending for one in report.outcomes} == {
        "shop/dev": DONE,
        "shop/prod": DONE,
        "media/dev": Ending.ROLLED_BACK,
        "media/prod": Ending.NOT_BEGUN,
    }
    assert "wave 1 of 2: shop/dev" in stage.watcher.said_texts
