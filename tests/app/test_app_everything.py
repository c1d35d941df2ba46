"""`examples/everything` has every kind and every field; that it goes all the way is for the test of all examples."""

from __future__ import annotations

import asyncio
import shlex
import shutil
from pathlib import Path
from typing import Any

import yaml
from spec_coverage import Coverage, wanted

from fcdeploy.app.importing import Asked, import_live

NEWEST = "2021-04-06"
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "everything" / "fcdeploy.yaml"
NOT_THERE: dict[str, str] = {}
"""Why a kind or a field is not in the example, by its title."""


def test_the_example_has_every_kind_and_every_field() -> None:
    spec = yaml.safe_load(EXAMPLE.read_text("utf-8"))
    coverage = Coverage()
    coverage.note(spec, NEWEST)
    titles = {one.removesuffix(" given") for one in wanted(NEWEST) if " " not in one or one.endswith(" given")}
    seen = {one.removesuffix(" given") for one in coverage.seen}
    assert sorted(titles - seen - set(NOT_THERE)) == [], "add these to examples/everything/fcdeploy.yaml"
    assert set(NOT_THERE) <= titles - seen, "these are there, or are no fields"


def test_its_import_is_the_file_again(stage: Any, tmp_path: Path) -> None:
    shutil.rmtree(stage.root)
    shutil.copytree(EXAMPLE.parent, stage.root)
    stage.apply()
    out = tmp_path / "out"
    asked = Asked(names=(), out=out, from_file=True, with_code=True, secrets_out=tmp_path / "secrets.env")
    done = asyncio.run(import_live(stage.where(), asked))
    assert done.findings == ()
    key = (stage.root / "secrets/domain.key").read_text("utf-8")
    words = shlex.split((tmp_path / "secrets.env").read_text("utf-8"))
    stage.environ |= dict(word.split("=", 1) for word in words)
    stage.environ |= {one.name: key for one in done.secrets if not one.known}
    stage.root = out
    plan = stage.plan()
    assert plan.is_empty, [(one.address.short, one.fields) for one in plan.changes]
