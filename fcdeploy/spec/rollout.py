"""`rollout:` of a spec: the waves of its targets, and the probe that one target must answer.

What all targets share is no template; the probe is, and is evaluated for each target like `outputs`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from fcdeploy.diagnostics import Diagnostic, did_you_mean, error, named, warning
from fcdeploy.durations import to_seconds
from fcdeploy.model import Json, Rollout
from fcdeploy.spec.node import Node, Path, path_text
from fcdeploy.spec.words import ROLLOUT

PROBE = "probe"
_TAKES_BACK = "rollback-all"
_URL = re.compile(r"https?://[^/]|.*\$\{\{")


def rollout_of(document: Node) -> Rollout | None:
    """The rollout of a spec that has passed validation; None where it names none."""
    node = document.fields.get(ROLLOUT)
    if node is None or node.value is None:
        return None
    plain = {name: one.plain() for name, one in node.fields.items() if one.value is not None and name != PROBE}
    probe = node.at([PROBE])
    return Rollout(
        waves=tuple(map(tuple, plain.get("waves", ()))),
        max_failures=plain.get("maxFailures", 0),
        pause=seconds(plain.get("pause", 0.0)),
        probe=next((name for name in ("command", "http") if probe is not None and name in probe.fields), ""),
        takes_back=plain.get("onFailure") == _TAKES_BACK,
    )


def seconds(said: Json) -> float:
    """A time that the schema has accepted, in seconds."""
    found = to_seconds(said) if isinstance(said, str) else said
    return float(found or 0.0)


def rollout_findings(document: Node, targets: Sequence[str], chosen: Sequence[str]) -> Iterator[Diagnostic]:
    """What no schema says of a rollout; `targets` are the names in the file, `chosen` those that a command is about."""
    node = document.fields.get(ROLLOUT)
    if node is None or not node.fields:
        return
    fixed = [(name, one) for name, one in node.fields.items() if name != PROBE]
    if moving := [(name, one) for name, one in fixed if one.dynamic]:
        for name, one in moving:
            yield error(
                f"`{name}` cannot be a template",
                detail="a rollout is one for all targets; only its probe is evaluated for each",
                span=one.span,
                path=path_text((ROLLOUT, name)),
            )
        return
    waves = node.at(["waves"])
    yield from _wave_findings(waves, targets, chosen) if waves is not None and waves.items else ()
    url = node.at([PROBE, "http", "url"])
    if url is not None and isinstance(url.value, str) and not _URL.match(url.value):
        hint = "write it whole: https://shop.example.com/health"
        yield error("the URL of a probe begins with http:// or https://", hint=hint, span=url.span, path=_URL_PATH)


_URL_PATH = path_text((ROLLOUT, PROBE, "http", "url"))


def _wave_findings(waves: Node, targets: Sequence[str], chosen: Sequence[str]) -> Iterator[Diagnostic]:
    """Patterns that name nothing, waves that have nothing left, and targets that no wave names."""
    left = set(targets)
    for number, wave in enumerate(waves.items):
        path: Path = (ROLLOUT, "waves", number)
        here: set[str] = set()
        wrong = not wave.items
        for place, pattern in enumerate(wave.items):
            if not isinstance(pattern.value, str):
                wrong = True
                continue
            matching = {name for name in targets if fnmatchcase(name, pattern.value)}
            here |= matching
            if not matching:
                wrong = True
                hint = did_you_mean(pattern.value, targets) or f"targets are: {named(targets)}"
                summary = f"no target matches `{pattern.value}`"
                yield error(summary, hint=hint, span=pattern.span, path=path_text((*path, place)))
        if not wrong and not here & left:
            yield warning(
                f"wave {number + 1} has no target",
                detail="a target belongs to the first wave that names it, and earlier ones name all of these",
                span=wave.span,
                path=path_text(path),
            )
        left -= here
    # The place of one that goes alone matters to nobody.
    if len(chosen) > 1 and (last := [name for name in chosen if name in left]):
        yield warning(
            f"no wave names {named(f'`{name}`' for name in last)}: what no wave names comes last",
            hint='to say so, add `["*"]` at the end',
            span=waves.key_span or waves.span,
            path=path_text((ROLLOUT, "waves")),
        )
