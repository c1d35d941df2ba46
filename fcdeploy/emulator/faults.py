"""Faults as data: what goes wrong, when, and how (DESIGN 6).

A document, from a JSON or YAML file or sent to ``/__emulator__/faults``::

    rules:
      - match: {method: PUT, path: "/functions/[^/]+$", nth: 2}
        when: before
        effect: {status: 503, code: ResourceThrottled, message: "...", retryAfter: 1}
    throttle: {rate: 50, burst: 100}     # per account and region, in requests a second; over it 429
    delays: {role: 2, log_project: 2}    # facts 11

``match``: ``method`` (one or a list), ``path`` (regular expression, searched in the raw path without the query),
``operation`` (name, as in CreateFunction), ``nth`` (only this match, from 1), ``every`` (each n-th match), ``times``
(at most so often). ``when``: ``before`` the effect (default) or ``after`` the effect and before the reply.

Only requests with a correct signature are counted and throttled. A document replaces the one before it.

``throttle`` answers with ``Retry-After``, the whole seconds until there is room. ``retryAfter`` in it may say a number
of seconds instead, or ``false``: then the header is left out. Which of them the service does is not known (facts 13).

``effect`` is exactly one of:

- ``status`` with ``code``, ``message``, ``retryAfter``: this answer instead of the real one;
- ``timeout``: seconds (``true``: 600) without a reply, then the connection is closed;
- ``disconnect: true``: the connection is closed without a reply;
- ``delay``: seconds, then everything goes on;
- ``truncate: true``: the reply is cut in the middle of its body and the connection closed (the effect is done);
- ``touch``: another writer changes the addressed resource. ``{}`` changes its description, ``{set: {...}}`` sets
  these fields, ``{delete: true}`` deletes it; on a create the other writer creates the same thing.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from fcdeploy.emulator.settings import Delays

When = Literal["before", "after"]
_EFFECTS = ("status", "timeout", "disconnect", "delay", "truncate", "touch")
_HANG_SECONDS = 600.0


class BadFaults(ValueError):
    """The document is not one; the message says which rule and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One fault. Exactly one of the effect fields is set."""

    methods: tuple[str, ...] = ()
    path: re.Pattern[str] | None = None
    operation: str = ""
    nth: int = 0
    every: int = 0
    times: int = 0
    when: When = "before"
    status: int = 0
    code: str = ""
    message: str = ""
    retry_after: str = ""
    timeout: float = 0.0
    disconnect: bool = False
    delay: float = 0.0
    truncate: bool = False
    touch: Mapping[str, object] | None = None

    def fits(self, method: str, path: str, operation: str) -> bool:
        """Tell whether a request is one that this rule counts."""
        if self.methods and method not in self.methods:
            return False
        if self.operation and operation != self.operation:
            return False
        return self.path is None or self.path.search(path) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttled:
    """A refusal for lack of room; ``retry_after`` is the header, empty for none."""

    retry_after: str


def _number(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise BadFaults(f"{what} must be a number that is not negative")
    return float(value)


def _count(value: object, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise BadFaults(f"{what} must be a whole number from 1 on")
    return value


def _mapping(value: object, what: str, known: tuple[str, ...]) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise BadFaults(f"{what} must be a mapping")
    unknown = sorted(str(key) for key in value if key not in known)
    if unknown:
        raise BadFaults(f"{what} has unknown keys: {', '.join(unknown)}")
    return value


def to_rule(document: object, place: int) -> Rule:
    """Return the rule that ``document`` describes; raises BadFaults with its place in the list."""
    where = f"rules[{place}]"
    body = _mapping(document, where, ("match", "when", "effect"))
    match = _mapping(body.get("match", {}), f"{where}.match", ("method", "path", "operation", "nth", "every", "times"))
    effect = _mapping(body.get("effect", {}), f"{where}.effect", (*_EFFECTS, "code", "message", "retryAfter"))
    chosen = [name for name in _EFFECTS if name in effect]
    if len(chosen) != 1:
        raise BadFaults(f"{where}.effect must have exactly one of {', '.join(_EFFECTS)}")
    when = body.get("when", "before")
    if when not in ("before", "after"):
        raise BadFaults(f"{where}.when must be before or after")
    method = match.get("method", [])
    methods = (method,) if isinstance(method, str) else method
    if not isinstance(methods, list | tuple):
        raise BadFaults(f"{where}.match.method must be a method or a list of them")
    try:
        path = re.compile(str(match["path"])) if "path" in match else None
    except re.error as error:
        raise BadFaults(f"{where}.match.path: {error}") from None
    touch = effect.get("touch")
    if touch is True:
        touch = {}
    status = _count(effect["status"], f"{where}.effect.status") if "status" in effect else 0
    if status and not 100 <= status <= 599:
        raise BadFaults(f"{where}.effect.status must be an HTTP status")
    timeout = effect.get("timeout", 0)
    return Rule(
        methods=tuple(str(each).upper() for each in methods),
        path=path,
        operation=str(match.get("operation", "")),
        nth=_count(match["nth"], f"{where}.match.nth") if "nth" in match else 0,
        every=_count(match["every"], f"{where}.match.every") if "every" in match else 0,
        times=_count(match["times"], f"{where}.match.times") if "times" in match else 0,
        when="after" if when == "after" else "before",
        status=status,
        code=str(effect.get("code", "InternalServerError")),
        message=str(effect.get("message", "an internal error has occurred. Please retry")),
        retry_after=str(effect.get("retryAfter", "")),
        timeout=_HANG_SECONDS if timeout is True else _number(timeout, f"{where}.effect.timeout"),
        disconnect="disconnect" in effect,
        delay=_number(effect.get("delay", 0), f"{where}.effect.delay"),
        truncate="truncate" in effect,
        touch=None if touch is None else dict(_mapping(touch, f"{where}.effect.touch", ("set", "delete"))),
    )


class FaultBook:
    """The rules in force, with their counters, and the throttle."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._seen: list[int] = []
        self._fired: list[int] = []
        self._rate = 0.0
        self._burst = 0.0
        self._retry_after: bool | float = True
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def load(self, source: Path | Mapping[str, object]) -> Delays | None:
        """Put a document in force in place of the present one; return the delays it names, if it does.

        Raises:
            BadFaults: it is no document of this form; nothing has changed then.
        """
        document: object = source
        if isinstance(source, Path):
            import yaml

            try:
                document = yaml.safe_load(source.read_text(encoding="utf-8"))
            except yaml.YAMLError as error:
                raise BadFaults(f"{source}: {error}") from None
        body = _mapping(document, "faults", ("rules", "throttle", "delays"))
        listed = body.get("rules", [])
        if not isinstance(listed, list):
            raise BadFaults("rules must be a list")
        rules = [to_rule(each, place) for place, each in enumerate(listed)]
        throttle = _mapping(body.get("throttle") or {}, "throttle", ("rate", "burst", "retryAfter"))
        rate = _number(throttle.get("rate", 0), "throttle.rate")
        burst = _number(throttle.get("burst", rate), "throttle.burst")
        told = throttle.get("retryAfter", True)
        retry_after = told if isinstance(told, bool) else _number(told, "throttle.retryAfter")
        delays = None
        if body.get("delays") is not None:
            named = _mapping(body["delays"], "delays", tuple(each.name for each in fields(Delays)))
            delays = Delays(**{name: _number(value, f"delays.{name}") for name, value in named.items()})
        self.clear()
        self._rules = rules
        self._seen = [0] * len(rules)
        self._fired = [0] * len(rules)
        self._rate, self._burst, self._retry_after = rate, max(burst, 1.0), retry_after
        return delays

    def clear(self) -> None:
        """Take every rule and the throttle out of force."""
        self._rules, self._seen, self._fired = [], [], []
        self._rate = self._burst = 0.0
        self._buckets.clear()

    @property
    def active(self) -> bool:
        """Whether anything is in force; false on the fast path of nearly every request."""
        return bool(self._rules) or self._rate > 0

    def due(self, method: str, path: str, operation: str) -> list[Rule]:
        """Count a request against every rule and return those that fire for it, in the order of the document."""
        firing = []
        for place, rule in enumerate(self._rules):
            if not rule.fits(method, path, operation):
                continue
            self._seen[place] += 1
            seen = self._seen[place]
            if rule.nth and seen != rule.nth:
                continue
            if rule.every and seen % rule.every:
                continue
            if rule.times and self._fired[place] >= rule.times:
                continue
            self._fired[place] += 1
            firing.append(rule)
        return firing

    def throttled(self, account: str, region: str, now: float) -> Throttled | None:
        """Take one token of the bucket of an account in a region; return None, or how to refuse when it is empty."""
        if self._rate <= 0:
            return None
        place = (account, region)
        tokens, last = self._buckets.get(place, (self._burst, now))
        tokens = min(self._burst, tokens + (now - last) * self._rate)
        if tokens >= 1:
            self._buckets[place] = (tokens - 1, now)
            return None
        self._buckets[place] = (tokens, now)
        match self._retry_after:
            case False:
                return Throttled(retry_after="")
            case True:
                return Throttled(retry_after=str(max(1, math.ceil((1 - tokens) / self._rate))))
            case seconds:
                return Throttled(retry_after=f"{seconds:g}")

    def report(self) -> list[dict[str, object]]:
        """Return, for each rule, how many requests it counted and how often it fired."""
        return [
            {"rule": place, "seen": seen, "fired": fired}
            for place, (seen, fired) in enumerate(zip(self._seen, self._fired, strict=True))
        ]
