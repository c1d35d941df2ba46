"""The limit: a log sent again by a bare loop, as fast as its order of dependence and so many in flight allow."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench_emulator import Emulator, Record
from bench_order import etag_sources, needs_of
from bench_wire import Connection, resent_headers, signed_request

IN_FLIGHT = (16, 32, 64, 128)
_SECONDS = 600


class Differs(Exception):
    """The log sent again was not answered as it had been: what was measured is not the same work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One replay: seconds from the first connection until the last reply, CPU, and the status of each request."""

    in_flight: int
    seconds: float
    cpu: float
    statuses: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The best of several replays: seconds, and CPU of the bare loop; `tried`: seconds by requests in flight."""

    seconds: float
    cpu: float
    in_flight: int
    tried: dict[int, float]


def measured_limit(emulator: Emulator, records: Sequence[Record], before: str) -> Limit:
    """Replay a run at each concurrency; `before` names the contents that it began with.

    Raises Differs if any request is answered with another status than in the run.
    """
    tried = {}
    for in_flight in IN_FLIGHT:
        emulator.restore(before)
        replay = replayed(emulator.url, records, in_flight)
        for record, status in zip(records, replay.statuses, strict=True):
            if record.status != status:
                raise Differs(f"{record.method} {record.path}?{record.query}: {record.status}, now {status}")
        tried[in_flight] = replay
    best = min(tried.values(), key=lambda each: each.seconds)
    seconds = {in_flight: replay.seconds for in_flight, replay in tried.items()}
    return Limit(seconds=best.seconds, cpu=best.cpu, in_flight=best.in_flight, tried=seconds)


def replayed(url: str, records: Sequence[Record], in_flight: int) -> Replay:
    """Send these requests again, at most so many at a time."""
    return asyncio.run(_Loop(url, records, in_flight).run())


class _Loop:
    """Whoever is free takes the first request, in the order of the log, that waits for nothing any more."""

    def __init__(self, url: str, records: Sequence[Record], in_flight: int) -> None:
        self._address = urlsplit(url)
        self._records = records
        self._in_flight = in_flight
        self._headers = [resent_headers(record.headers) for record in records]
        self._etag_from = etag_sources(records)
        self._statuses = [0] * len(records)
        self._etags = [""] * len(records)
        self._left = len(records)
        needs = needs_of(records)
        self._missing = [len(each) for each in needs]
        self._after: list[list[int]] = [[] for _ in records]
        for number, each in enumerate(needs):
            for before in each:
                self._after[before].append(number)
        self._ready = [number for number, missing in enumerate(self._missing) if not missing]
        self._idle: list[Connection] = []

    async def run(self) -> Replay:
        """Send everything; raises ConnectionResetError when the server hangs up."""
        loop = asyncio.get_running_loop()
        self._done: asyncio.Future[None] = loop.create_future()
        host, port = self._address.hostname or "", self._address.port or 80
        started, used = time.perf_counter(), time.process_time()
        made = (
            loop.create_connection(lambda: Connection(self._answered, self._lost), host, port)
            for _ in range(min(self._in_flight, len(self._records)))
        )
        connections = [connection for _, connection in await asyncio.gather(*made)]
        self._idle = list(connections)
        self._launch()
        await asyncio.wait_for(self._done, _SECONDS)
        seconds, cpu = time.perf_counter() - started, time.process_time() - used
        for connection in connections:
            connection.close()
        return Replay(in_flight=self._in_flight, seconds=seconds, cpu=cpu, statuses=tuple(self._statuses))

    def _launch(self) -> None:
        while self._ready and self._idle:
            number = heapq.heappop(self._ready)
            record, source = self._records[number], self._etag_from[number]
            if_match = self._etags[source] if source is not None else record.headers.get("if-match", "")
            request = signed_request(
                record.method, record.path, record.query, self._headers[number], record.body, if_match
            )
            self._idle.pop().send(number, request)

    def _answered(self, connection: Connection, number: int, status: int, etag: str) -> None:
        self._statuses[number], self._etags[number] = status, etag
        self._left -= 1
        for after in self._after[number]:
            self._missing[after] -= 1
            if not self._missing[after]:
                heapq.heappush(self._ready, after)
        self._idle.append(connection)
        if self._left:
            self._launch()
        elif not self._done.done():
            self._done.set_result(None)

    def _lost(self) -> None:
        if not self._done.done():
            self._done.set_exception(ConnectionResetError("the emulator closed a connection"))
