"""The JSON Schema of `rollout:`."""

from __future__ import annotations

from typing import Any

from fcdeploy.durations import PATTERN
from fcdeploy.spec.word_forms import map_word, text_word


def _time(title: str, description: str, default: str) -> dict[str, Any]:
    limits = {"type": ["string", "number"], "minimum": 0, "pattern": PATTERN, "default": default}
    return {"title": title, "description": f"{description}, such as `30s` or `5m`.", **limits}


_PROBE: dict[str, Any] = map_word(
    "Probe",
    "Asked of each target of a wave before the next one begins; templates are those of the target.",
    properties={
        "command": {
            "title": "Command",
            "description": "A program and its arguments; the target is healthy when it ends with 0.",
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
        },
        "http": map_word(
            "HTTP",
            "A GET; the target is healthy when the answer has the status.",
            properties={
                "url": text_word("URL", "`http://` or `https://`; no redirect is followed.", minLength=1),
                "status": {
                    "title": "Status",
                    "description": "The status that means healthy; any of 200 to 299 when left out.",
                    "type": "integer",
                    "minimum": 100,
                    "maximum": 599,
                },
            },
            required=["url"],
            additionalProperties=False,
        ),
        "timeout": _time("Timeout", "How long one try may take", "10s"),
        "retries": {
            "title": "Retries",
            "description": "How often it is tried again before the target counts as not healthy.",
            "type": "integer",
            "minimum": 0,
            "maximum": 1000,
            "default": 2,
        },
        "interval": _time("Interval", "The time between two tries", "5s"),
    },
    additionalProperties=False,
    # One direction, so that two ways of asking are one mistake.
    anyOf=[{"required": ["command"]}, {"required": ["http"]}],
    dependentSchemas={"command": {"properties": {"http": {"not": {}}}}},
)

ROLLOUT_WORD: dict[str, Any] = map_word(
    "Rollout",
    "How targets follow each other when several are applied; without it all go side by side.",
    properties={
        "waves": {
            "title": "Waves",
            "description": "Patterns of target names, wave by wave; a target belongs to the first that names it.",
            "type": "array",
            "items": {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
            "minItems": 1,
        },
        "maxFailures": {
            "title": "Failures at most",
            "description": "How many targets of a wave may fail; with one more the next wave is not begun.",
            "type": "integer",
            "minimum": 0,
            "default": 0,
        },
        "pause": _time("Pause", "How long to wait after a wave that changed something", "0s"),
        "probe": _PROBE,
        "onFailure": {
            "title": "On failure",
            "description": "When a wave fails: stop, or also take back what this and the waves before it did.",
            "enum": ["stop", "rollback-all"],
            "default": "stop",
        },
    },
    additionalProperties=False,
)
