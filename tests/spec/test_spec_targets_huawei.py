"""Targets at Huawei Cloud: other words for the same things, and what they have no word for."""

from __future__ import annotations

from pathlib import Path

import pytest

from fcdeploy.errors import SpecError
from fcdeploy.model import KeySource, Target
from fcdeploy.render.text import heading
from fcdeploy.spec import targets as module
from fcdeploy.spec.loader import load
from fcdeploy.spec.targets import targets
from fcdeploy.spec.template import Surroundings

PROJECT = "0b5ee11c2f5c4f7c8a6c3a1f0e9d8c7b"


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both clouds, whichever of them has kinds."""
    monkeypatch.setattr(module, "_PROVIDERS", ("alibaba", "huawei"))


def made(text: str) -> tuple[Target, ...]:
    world = Surroundings(root=Path("/nonexistent"), env={"P": PROJECT})
    return targets(load(f"targets:\n{text}", "f.yaml"), world)


def told(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        made(text)
    return "\n".join(map(str, caught.value.diagnostics))


def one(fields: str, provider: str = "huawei", region: str = "cn-north-4", name: str = "prod") -> str:
    return f"  {name}: {{provider: {provider}, region: {region}{', ' if fields else ''}{fields}}}\n"


def test_a_target() -> None:
    fields = "projectId: \"${{ env('P') }}\", credentials: {profile: '${{ target.projectId }}'}, network: public"
    (found,) = made(one(fields))
    assert (found.account, found.api, found.network) == (PROJECT, "v2", "public")
    assert found.credentials == KeySource(profile=PROJECT)
    assert heading(found) == f"target prod · huawei cn-north-4 · project {PROJECT}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (one("account: '1'"), "2:48: error: a target at Huawei Cloud has no field `account` [targets.prod.account]\n"
            '    hint: projectId: "…"'),
        (one("projectId: p", "alibaba"), "no field `projectId` [targets.prod.projectId]\n    hint: account:"),
        (one("api: v2"), "no field `api` [targets.prod.api]\n    hint: there is one version, v2: leave it out"),
        (one("api: v2", "alibaba"), "`api` cannot be `v2`"),
        (one("network: internal"), "Huawei Cloud cannot be reached through network `internal`"),
        (one("projectId: 42"), "`projectId` must be text, not a number"),
        (one("credentials: {ecsRole: true}"), "`ecsRole` cannot be used at Huawei Cloud"),
        (one("credentials: {roleArn: 'acs:ram::1:role/x'}"), "`roleArn` cannot be used at Huawei Cloud"),
        (one("credentials: {oidc: {roleArn: x}}"), "[targets.prod.credentials.oidc]\n    hint: name a profile"),
        (one("credentials: {sk: hunter2}"), "`credentials` has no field `sk`"),
    ],
)  # fmt: skip
def test_what_it_cannot_say(text: str, says: str) -> None:
    message = told(text)
    assert says in message and "hunter2" not in message


def test_projects_are_needed_where_there_are_several() -> None:
    """A project is one region's: two regions are two projects."""
    two_regions = one("") + one("", region="cn-east-3", name="east")
    assert told(two_regions).count("the target needs `projectId`") == 2
    assert "each region has its own" in told(two_regions)
    assert told(one("projectId: p") + one("", region="cn-east-3", name="east")).count("needs `projectId`") == 1
    assert len(made(one("") + one("", name="again"))) == 2
    assert len(made(one("projectId: p") + one("projectId: q", region="cn-east-3", name="east"))) == 2


def test_the_clouds_are_counted_apart() -> None:
    both = one("") + one("", "alibaba", "cn-hangzhou", "dev")
    assert [target.account for target in made(both)] == [None, None]
    assert [target.api for target in made(both)] == ["v2", "2021-04-06"]
    rows = (
        "  all:\n    matrix: [{provider: huawei, region: cn-north-4, projectId: p}, "
        "{provider: alibaba, region: cn-hangzhou, account: '1'}]\n    name: '${{ target.provider }}'\n"
    )
    assert [(target.name, target.account) for target in made(rows)] == [("huawei", "p"), ("alibaba", "1")]
