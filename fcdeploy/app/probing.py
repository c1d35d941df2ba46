"""Whether targets are healthy: the probe of the file's rollout, asked after a wave."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from msgspec import Struct

from fcdeploy.app.commands import run_command
from fcdeploy.app.output_values import read_outputs
from fcdeploy.app.work import Work
from fcdeploy.cloud.probe import NoAnswer, read_status
from fcdeploy.engine.redact import shown
from fcdeploy.engine.watch import StopRequest
from fcdeploy.errors import FcdeployError
from fcdeploy.model import Json
from fcdeploy.spec.rollout import seconds

_LINES = 15
"""Lines of what a command wrote last that are shown."""


class Probe(Struct, frozen=True, kw_only=True):
    """How to ask, with everything known; either `command` or `url`. Times in seconds, `status` None for any 2xx."""

    command: tuple[str, ...]
    url: str
    status: int | None
    timeout: float
    retries: int
    interval: float

    @classmethod
    def of(cls, said: Mapping[str, Json]) -> Self:
        """What a file says, once all that templates refer to is filled in."""
        http = said.get("http") or {}
        return cls(
            command=tuple(said.get("command") or ()),
            url=http.get("url", ""),
            status=http.get("status"),
            timeout=seconds(said.get("timeout", 10.0)),
            retries=said.get("retries", 2),
            interval=seconds(said.get("interval", 5.0)),
        )

    @property
    def told(self) -> str:
        """What is asked, in words, without secrets."""
        return " ".join(shown(list(self.command))) if self.command else f"GET {shown(self.url)}"


class Unhealthy(Struct, frozen=True, kw_only=True):
    """Why a target is not healthy: what was asked, and what came of it."""

    asked: str
    trouble: str


async def read_health(
    works: Sequence[Work], stop: StopRequest, told: Callable[[str, str], None]
) -> dict[str, Unhealthy] | None:
    """Those of the targets that are not healthy, by name; None when a stop was asked for meanwhile.

    A probe that is the same for several targets is asked once. `told` is given a target's name and what goes on.
    """
    asking = asyncio.ensure_future(_read_all(works, told))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({asking, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return asking.result() if asking.done() else None
    finally:
        for task in (asking, stopping):
            task.cancel()
        await asyncio.gather(asking, stopping, return_exceptions=True)


async def _read_all(works: Sequence[Work], told: Callable[[str, str], None]) -> dict[str, Unhealthy]:
    sick: dict[str, Unhealthy] = {}
    probes: dict[Probe, list[Work]] = {}
    for work in works:
        try:
            probe = await _read_probe(work)
        except FcdeployError as problem:
            sick[work.target.title] = Unhealthy(asked="", trouble=problem.summary)
        else:
            if isinstance(probe, Unhealthy):
                sick[work.target.title] = probe
            elif probe is not None:
                probes.setdefault(probe, []).append(work)
    troubles = await asyncio.gather(*(_read_trouble(probe, some, told) for probe, some in probes.items()))
    for (probe, some), trouble in zip(probes.items(), troubles, strict=True):
        for work in some:
            name, redactor = work.target.title, work.redactor()
            asked = redactor.text(probe.told)
            if trouble:
                sick[name] = Unhealthy(asked=asked, trouble=redactor.text(trouble))
            else:
                told(name, f"healthy: {asked}")
    return sick


async def _read_probe(work: Work) -> Probe | Unhealthy | None:
    """The probe of a target, what it refers to read live; None where there is nothing to ask."""
    said = {} if work.target.retired else work.project.probe(work.target)
    if not said:
        return None
    assert work.bench is not None
    (value,) = await read_outputs(work.bench, {"probe": dict(said)})
    return Unhealthy(asked="", trouble=value.why) if value.why else Probe.of(value.value)


async def _read_trouble(probe: Probe, works: Sequence[Work], told: Callable[[str, str], None]) -> str:
    """Why a probe fails in the end; empty where it does not."""
    work = works[0]
    for left in range(probe.retries, -1, -1):
        trouble = (
            await _run(probe, work.project.root, work.where.environ) if probe.command else await _read_answer(probe)
        )
        if not trouble or not left:
            return trouble
        for one in works:
            told(one.target.title, one.redactor().text(f"not healthy yet ({probe.told}): {trouble}"))
        await asyncio.sleep(probe.interval)
    raise AssertionError("the last try has returned")


async def _read_answer(probe: Probe) -> str:
    try:
        status = await read_status(str.__str__(probe.url), timeout=probe.timeout)
    except NoAnswer as problem:
        return str(problem)
    good = status == probe.status if probe.status is not None else 200 <= status < 300
    return "" if good else f"the answer is {status}"


async def _run(probe: Probe, root: Path, environ: Mapping[str, str]) -> str:
    """Run a command without a shell in the spec's folder; what it left running goes with it."""
    last: deque[str] = deque(maxlen=_LINES)
    try:
        code = await run_command(
            [str.__str__(one) for one in probe.command],
            folder=root,
            environ=environ,
            seconds=probe.timeout,
            said=last.append,
        )
    except TimeoutError:
        return f"it took longer than {probe.timeout:g} s"
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "its arguments cannot be passed"
        return f"it cannot be started: {reason}"
    return "" if code == 0 else "\n".join([f"it ended with {code}{':' * bool(last)}", *last])
