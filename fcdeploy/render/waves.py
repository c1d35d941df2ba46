"""The waves of a rollout, in words. Pure."""

from __future__ import annotations

from fcdeploy.model import Json, Rollout, Wave
from fcdeploy.render.words import clean, counted, seconds_text

_ASKED = {"command": "the command of the probe is run for", "http": "the URL of the probe is asked for"}


def wave_text(wave: Wave, project: str = "") -> str:
    """`wave 1 of 3: canary`, with its project's name before it where there are several; the last is of what no pattern
    names.
    """
    patterns = ", ".join(map(clean, wave.patterns)) or ("all others" if wave.rollout.waves else "all")
    return f"{clean(project)}: " * bool(project) + f"wave {wave.number} of {wave.total}: {patterns}"


def rollout_text(rollout: Rollout, *, destroy: bool = False) -> str:
    """What happens between two waves and when one fails, in two sentences."""
    between = [f"{seconds_text(rollout.pause)} of waiting"] if rollout.pause else []
    if rollout.probe and not destroy:
        between.append(f"{_ASKED[rollout.probe]} each of its targets")
    after = f" After each: {', then '.join(between)}." if between else ""
    allowed = f"more than {counted(rollout.max_failures, 'target')}" if rollout.max_failures else "one target"
    failed = f"{allowed} of it fails" + (", or is not healthy" if rollout.probe and not destroy else "")
    rest = "the rest is not begun"
    if rollout.takes_back and not destroy:
        rest += ", and what this and the waves before it did is taken back"
    order = "One wave goes after the other." if rollout.waves else "All targets are one wave."
    return f"{order}{after} A wave has failed when {failed}; then {rest}."


def rollout_content(rollout: Rollout) -> dict[str, Json]:
    """A rollout as JSON; `pause` in seconds."""
    return {
        "waves": [list(patterns) for patterns in rollout.waves],
        "maxFailures": rollout.max_failures,
        "pause": rollout.pause,
        "probe": rollout.probe or None,
        "onFailure": "rollback-all" if rollout.takes_back else "stop",
    }
