"""What each provider's service of functions is called, for messages."""

from __future__ import annotations

from typing import Final

TITLES: Final = {"alibaba": "Function Compute", "huawei": "FunctionGraph"}


def title_of(provider: str) -> str:
    """The service's name as its users know it."""
    return TITLES.get(provider, provider)
