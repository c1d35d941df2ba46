"""`examples/everything` has every kind and every field; that it goes all the way is for the test of all examples."""

from __future__ import annotations

from pathlib import Path

import yaml
from spec_coverage import Coverage, wanted

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
