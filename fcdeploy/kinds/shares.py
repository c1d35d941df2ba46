"""Which share of the calls goes to which version, for people."""

from __future__ import annotations

from collections.abc import Mapping

from fcdeploy.model import Json, Output


def shares_text(version: Json, weights: Mapping[Json, float]) -> str:
    """`90 % to version 8, 10 % to version 7`: the version itself gets what the others leave of 1."""
    shares = {version: 1 - sum(weights.values()), **weights}
    return ", ".join(f"{round(share * 100, 2):g} % to {version_text(one)}" for one, share in shares.items())


def version_text(version: Json) -> str:
    """A version by its number, or as the one that is made by the same plan."""
    return "the new version" if isinstance(version, Output) else f"version {version}"
