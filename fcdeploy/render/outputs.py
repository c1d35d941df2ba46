"""What a project puts out, as text and as JSON (S46). Secrets are hidden unless they are asked for. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from fcdeploy.model import Json, Sensitive
from fcdeploy.render.ink import PLAIN, Ink, Role
from fcdeploy.render.json import findings_list, plain_value, target_content
from fcdeploy.render.values import value_text
from fcdeploy.render.views import OutputsView, OutputView
from fcdeploy.render.words import clean


def outputs_text(views: Iterable[OutputsView], *, reveal: bool = False, ink: Ink = PLAIN) -> str:
    """Every target's outputs, one a line: never folded, since they are there to be copied."""
    blocks = [_block(view, reveal, ink) for view in views if view.values]
    return "\n".join(blocks)


def _block(view: OutputsView, reveal: bool, ink: Ink) -> str:
    lines = [f"Outputs of target {clean(view.target.title)}:"]
    for one in view.values:
        shown = ink(f"(not known: {clean(one.why)})", Role.FAINT) if one.why else value_text(_seen(one.value, reveal))
        lines.append(f"  {clean(one.name)} = {shown}")
    return "\n".join(lines) + "\n"


def outputs_list(views: Iterable[OutputsView], *, reveal: bool = False) -> list[Json]:
    """Every target's outputs as JSON; a hidden value is `{"sensitive": true}`."""
    return [
        {
            **target_content(view.target),
            "outputs": {one.name: _content(one, reveal) for one in view.values},
            "diagnostics": findings_list(view.problems),
        }
        for view in views
    ]


def _content(one: OutputView, reveal: bool) -> dict[str, Json]:
    return {
        "value": plain_value(_seen(one.value, reveal)),
        "sensitive": holds_secret(one.value),
        "known": not one.why,
        "why": one.why,
    }


def bare_text(value: Json) -> str:
    """One value alone, for a script: text as it is, anything else as JSON; secrets as they are."""
    seen = _seen(value, True)
    return (seen if isinstance(seen, str) else bare_json(seen).rstrip("\n")) + "\n"


def bare_json(value: Json) -> str:
    """One value alone as JSON; secrets as they are."""
    return json.dumps(_seen(value, True), sort_keys=True, ensure_ascii=True, allow_nan=False) + "\n"


def holds_secret(value: Json) -> bool:
    """Whether a secret stands anywhere inside."""
    match value:
        case Sensitive():
            return True
        case Mapping():
            return any(holds_secret(item) for item in value.values())
        case list() | tuple():
            return any(holds_secret(item) for item in value)
        case _:
            return False


def _seen(value: Json, reveal: bool) -> Json:
    """The value as it may be seen: with its secrets as plain text where they are asked for."""
    match value:
        case Sensitive():
            return str.__str__(value) if reveal else value
        case Mapping():
            return {key: _seen(item, reveal) for key, item in value.items()}
        case list() | tuple():
            return [_seen(item, reveal) for item in value]
        case _:
            return value
