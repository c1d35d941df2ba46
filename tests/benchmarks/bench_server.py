"""The emulator as a process of its own that remembers what it was asked: `python bench_server.py LATENCY`.

It prints its address as the first line, and ends when its stdin does, so that it never outlives who started it.
Beside the emulator's own paths it answers (see `bench_emulator.py`, which asks):

POST /__benchmark__/begin     forget what was asked; {"whole": true}: keep headers, bodies and replies from now on
GET  /__benchmark__/count     how many requests and writes were answered since then
GET  /__benchmark__/records   all of them, oldest first
POST /__benchmark__/keep      keep the contents under a name
POST /__benchmark__/restore   put these contents back, whatever was done since
GET  /__benchmark__/cpu       seconds of CPU that this process has used
"""

from __future__ import annotations

import base64
import json
import sys
import time
from typing import Any

from fcdeploy.emulator.app import App, Message, Receive, Scope, Send
from fcdeploy.emulator.server import Asgi, start_in_thread
from fcdeploy.emulator.settings import EmulatorSettings

CONTROL = "/__benchmark__/"
WRITES = ("POST", "PUT", "DELETE")


class Recorder:
    """Stands between the socket and the emulator. Of a body it keeps the reference; nothing is encoded meanwhile."""

    def __init__(self) -> None:
        self.app: App | None = None
        self._whole = False
        self._records: list[dict[str, Any]] = []
        self._kept: dict[str, bytes] = {}

    def around(self, app: Asgi) -> Asgi:
        """The emulator with its memory."""
        assert isinstance(app, App)
        self.app = app

        async def serve_scope(scope: Scope, receive: Receive, send: Send) -> None:
            path = scope["raw_path"].decode("latin-1")
            if path.startswith(CONTROL):
                await _write_json(send, self._answer(path.removeprefix(CONTROL), await _read_json(receive)))
            elif path.startswith("/__emulator__/"):
                await app(scope, receive, send)
            else:
                await self._record(app, path, scope, receive, send)

        return serve_scope

    async def _record(self, app: Asgi, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        record: dict[str, Any] = {
            "method": scope["method"],
            "path": path,
            "query": scope["query_string"].decode("latin-1"),
            "arrived": time.monotonic(),
            "answered": 0.0,
            "status": 0,
            "sent": 0,
        }
        whole = self._whole
        if whole:
            record |= {"headers": scope["headers"], "body": [], "replied": [], "reply": []}

        async def receive_part() -> Message:
            message = await receive()
            part = message.get("body", b"")
            record["sent"] += len(part)
            if whole and part:
                record["body"].append(part)
            return message

        async def send_part(message: Message) -> None:
            if message["type"] == "http.response.start":
                record["status"] = message["status"]
                if whole:
                    record["replied"] = message["headers"]
            elif whole:
                record["reply"].append(message.get("body", b""))
            await send(message)

        self._records.append(record)
        try:
            await app(scope, receive_part, send_part)
        finally:
            record["answered"] = time.monotonic()

    def _answer(self, asked: str, given: dict[str, Any]) -> Any:
        assert self.app is not None
        world = self.app.world
        match asked:
            case "begin":
                self._whole = bool(given.get("whole"))
                self._records = []
                world.log.clear()
            case "count":
                done = [record for record in self._records if record["answered"]]
                return {"requests": len(done), "writes": sum(record["method"] in WRITES for record in done)}
            case "records":
                return [_plain(record) for record in self._records]
            case "keep":
                self._kept[given["name"]] = world.store.contents()
            case "restore":
                world.restore(self._kept[given["name"]])
            case "cpu":
                return {"seconds": time.process_time()}
            case _:
                raise ValueError(asked)
        return {}


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    if "headers" not in record:
        return record
    return {
        **record,
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in record["headers"]],
        "body": base64.b64encode(b"".join(record["body"])).decode(),
        "replied": [[name.decode("latin-1").lower(), value.decode("latin-1")] for name, value in record["replied"]],
        "reply": b"".join(record["reply"]).decode("utf-8", "replace"),
    }


async def _read_json(receive: Receive) -> dict[str, Any]:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            given = json.loads(b"".join(parts) or b"{}")
            assert isinstance(given, dict)
            return given


async def _write_json(send: Send, answer: Any) -> None:
    content = json.dumps(answer).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def main() -> None:
    """Serve until stdin ends."""
    settings = EmulatorSettings(
        access_keys={"local": "local"}, latency=float(sys.argv[1]), functions_per_service=1_000_000
    )
    recorder = Recorder()
    with start_in_thread(settings, through=recorder.around) as handle:
        sys.stdout.write(f"{handle.url}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
