"""The JSON Schema of words that are text, or a map."""

from __future__ import annotations

from typing import Any


def text_word(title: str, description: str, **limits: Any) -> dict[str, Any]:
    """A word whose value is text."""
    return {"title": title, "description": description, "type": "string", **limits}


def map_word(title: str, description: str, **rest: Any) -> dict[str, Any]:
    """A word whose value is a map."""
    return {"title": title, "description": description, "type": "object", **rest}
