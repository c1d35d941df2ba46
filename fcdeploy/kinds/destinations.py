"""Where the results of asynchronous calls go: the form that a file may give them (S24)."""

from __future__ import annotations

from collections.abc import Mapping

from fcdeploy.model import Json


def destination_schema(pattern: str) -> Mapping[str, Json]:
    """The JSON Schema of a destination: text of this form, or `{function: service/name}`."""
    return {
        "type": ["string", "object"],
        "pattern": pattern,
        "properties": {
            "function": {
                "title": "Function",
                "description": "A function as `service/name`.",
                "type": "string",
                "pattern": "^[^/\\s]+/[^/\\s]+$",
            }
        },
        "required": ["function"],
        "additionalProperties": False,
    }
