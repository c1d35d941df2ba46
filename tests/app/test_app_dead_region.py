"""A region that does not answer: its own targets have no plan, all others are planned and carried out whole."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from fcdeploy import app
from fcdeploy.app import StopRequest, Where, Wishes
from fcdeploy.errors import ReadFailed
from fcdeploy.model import Ending

REGIONS = ("cn-hangzhou", "cn-shanghai", "ap-southeast-1")
DEAD = "cn-shanghai"


class Gate:
    """A door to the emulator on a socket of its own, behind which one region does not answer as it should."""

    def __init__(self, port: int) -> None:
        self.manner = ""
        self.asked: list[str] = []
        self._port = port
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(30)

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._one, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._over.wait()
        server.close()
        doors = asyncio.all_tasks() - {asyncio.current_task()}
        for task in doors:
            task.cancel()
        await asyncio.gather(*doors, return_exceptions=True)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if f".{DEAD}.".encode() in head and self.manner:
                self.asked.append(head.split(b" ", 1)[0].decode())
                await self._misbehave(writer)
                return
            there, back = await asyncio.open_connection("127.0.0.1", self._port)
            ends.append(back)
            back.write(head)
            await asyncio.gather(self._pipe(reader, back), self._pipe(there, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            for one in ends:
                one.transport.abort() if self._over.is_set() else one.close()

    async def _misbehave(self, writer: asyncio.StreamWriter) -> None:
        if self.manner == "hangs":
            await self._over.wait()
        elif self.manner == "answers 500":
            writer.write(b"HTTP/1.1 500 X\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
            await writer.drain()

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(30)


@pytest.fixture
def gate(stage: Any) -> Iterator[Gate]:
    found = Gate(int(stage.emulator.url.rpartition(":")[2]))
    yield found
    found.close()


def regions_spec(stage: Any) -> dict[str, Any]:
    spec: dict[str, Any] = stage.spec(1)
    dev = spec["targets"].pop("dev")
    del dev["region"]
    spec["targets"]["live"] = {**dev, "matrix": {"region": list(REGIONS)}}
    return spec


@pytest.fixture
def impatient(hurried: list[float], monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits take next to no time, and who says nothing is not waited for."""
    monkeypatch.setattr("fcdeploy.app.carrying.SILENCE", 2.0)
    return hurried


@pytest.mark.parametrize("manner", ["hangs", "hangs up", "answers 500"])
def test_a_dead_region_is_its_own_trouble(stage: Any, gate: Gate, impatient: list[float], manner: str) -> None:
    stage.write(regions_spec(stage))
    where: Where = msgspec.structs.replace(stage.where(target="*"), endpoint=gate.url)

    def applied() -> app.ApplyReport:
        return asyncio.run(
            app.apply(
                where,
                Wishes(),
                app.Manner(progress=stage.watcher, stop=StopRequest()),
                confirm=lambda report: True,
            )
        )

    gate.manner = manner
    plans = asyncio.run(app.plan(where, Wishes())).results
    assert [one.plan is not None for one in plans] == [True, False, True]
    assert isinstance(plans[1].problem, ReadFailed)
    assert all(len(one.plan.changes) == 3 for one in plans if one.plan is not None)
    report = applied()
    assert [one.target for one in report.outcomes] == ["live/cn-hangzhou", "live/ap-southeast-1"]
    assert {one.ending for one in report.outcomes} == {Ending.DONE}
    assert isinstance(report.plans.results[1].problem, ReadFailed)
    # Nobody wrote anything into the dead one, and each read was sent a few times only.
    assert set(gate.asked) == {"GET"} and len(gate.asked) <= 2 * 12 * 6
    gate.manner = ""
    report = applied()
    assert [one.problem for one in report.plans.results] == [None] * 3
    assert [one.ending for one in report.outcomes] == [Ending.DONE] * 3
    assert [len(one.done) > 0 for one in report.outcomes] == [False, True, False]


def test_who_says_nothing_is_not_waited_for_when_all_others_are_through(
    stage: Any, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fcdeploy.app.carrying.SILENCE", 2.0)
    stage.write(regions_spec(stage))
    where: Where = msgspec.structs.replace(stage.where(target="*"), endpoint=gate.url)
    gate.manner = "hangs"
    live, silent, other = asyncio.run(app.plan(where, Wishes())).results
    assert live.plan is not None and other.plan is not None
    assert isinstance(silent.problem, ReadFailed) and "answered nothing" in silent.problem.summary
    # The reads that were under way were given up: none of them had come to its second try.
    assert 0 < len(gate.asked) < 12
    # One that is alone is waited for as long as its reads are tried.
    monkeypatch.setattr("fcdeploy.cloud.client.FIRST_DEADLINE", 0.2)
    monkeypatch.setattr("fcdeploy.cloud.retry.FIRST_BUDGET", 0.0)
    (alone,) = asyncio.run(app.plan(msgspec.structs.replace(where, target=f"live/{DEAD}"), Wishes())).results
    assert isinstance(alone.problem, ReadFailed) and "answered nothing" not in alone.problem.summary


def test_a_port_that_refuses_ends_in_a_few_tries(stage: Any, impatient: list[float]) -> None:
    stage.write(regions_spec(stage))
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        # Bound and not listening: every connection is refused.
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        results = asyncio.run(app.plan(msgspec.structs.replace(stage.where(), endpoint=url), Wishes())).results
    assert [type(one.problem) for one in results] == [ReadFailed] * 3
    assert 0 < len(impatient) <= 3 * 12 * 5
