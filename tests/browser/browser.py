"""A headless Chromium, driven over its DevTools protocol: one page, with all that it says and asks for."""

from __future__ import annotations

import asyncio
import base64
import itertools
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)
SECONDS = 60


def chromium() -> str:
    """The browser's path; `make test-browser` installs it."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert found, "there is no Chromium: make test-browser installs Debian's"
    return found


class Page:
    """A page; `troubles` is what its console says of errors, `requests` every address that it asked for."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._loaded = asyncio.Event()
        self.troubles: list[str] = []
        self.requests: list[str] = []
        self.reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self._socket:
            said = message.json()
            if "id" in said:
                self._waiting.pop(said["id"]).set_result(said)
                continue
            params = said["params"]
            match said["method"]:
                case "Runtime.exceptionThrown":
                    self.troubles.append(str(params["exceptionDetails"]))
                case "Runtime.consoleAPICalled" | "Log.entryAdded":
                    self.troubles.append(str(params))
                case "Network.requestWillBeSent":
                    self.requests.append(params["request"]["url"])
                case "Page.loadEventFired":
                    self._loaded.set()

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        """One command; its result."""
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        answer = await asyncio.wait_for(self._waiting[number], SECONDS)
        assert "error" not in answer, answer
        result = answer["result"]
        assert isinstance(result, dict)
        return result

    async def open(self, path: Path) -> None:
        """Load a file and wait until it is there whole."""
        self._loaded.clear()
        await self.send("Page.navigate", url=path.as_uri())
        await asyncio.wait_for(self._loaded.wait(), SECONDS)

    async def ask(self, expression: str) -> Any:
        """What an expression is worth in the page."""
        answer = await self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait until an expression is true: what a key does may come after the key, as a change of the address does."""
        async with asyncio.timeout(SECONDS):
            while not await self.ask(expression):
                await asyncio.sleep(0.02)

    async def press(self, key: str, *, text: str = "") -> None:
        """Press a key and let go of it."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32}
        parts: dict[str, Any] = {"key": key, "windowsVirtualKeyCode": codes.get(key, ord(key[0].upper()))}
        await self.send("Input.dispatchKeyEvent", type="keyDown", **parts, **({"text": text} if text else {}))
        await self.send("Input.dispatchKeyEvent", type="keyUp", **parts)

    async def look(self, *, width: int, dark: bool) -> None:
        """As on a screen of this width, in CSS pixels, of somebody who likes it dark or light."""
        await self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.send("Emulation.setEmulatedMedia", features=[scheme])

    async def write_picture(self, path: Path) -> None:
        """What is seen, with all below it, as a PNG."""
        taken = await self.send("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(taken["data"]))


@asynccontextmanager
async def opened_page(folder: Path) -> AsyncIterator[Page]:
    """A browser of its own with one empty page; its profile lies in the folder."""
    program = await asyncio.create_subprocess_exec(
        *(chromium(), *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"),
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert program.stderr is not None
    drain: asyncio.Task[bytes] | None = None
    try:
        port = ""
        while not port:
            line = (await asyncio.wait_for(program.stderr.readline(), SECONDS)).decode()
            assert line, "the browser ended"
            found = re.search(r"ws://127\.0\.0\.1:(\d+)/", line)
            port = found[1] if found else ""
        drain = asyncio.create_task(program.stderr.read())
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json") as reply:
                (target,) = [one for one in await reply.json() if one["type"] == "page"]
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                page = Page(socket)
                for domain in ("Page", "Runtime", "Log", "Network"):
                    await page.send(f"{domain}.enable")
                yield page
            await page.reader
    finally:
        if program.returncode is None:
            program.terminate()
        await asyncio.wait_for(program.wait(), SECONDS)
        if drain is not None:
            await drain
