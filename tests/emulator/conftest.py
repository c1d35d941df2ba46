"""A running emulator and a client of the tests' own: it signs with an independent implementation."""

import base64
import hashlib
import hmac
import io
import itertools
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from email.utils import formatdate
from urllib.parse import unquote

import httpx
import pytest

from fcdeploy.emulator.server import Handle, start_in_thread
from fcdeploy.emulator.settings import EmulatorSettings

AK, SK = "LTAItest", "secret"


class Api:
    """One account's view of a server."""

    def __init__(self, url: str, account: str, client: httpx.Client) -> None:
        self.url, self.account, self.client = url, account, client

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        version: str = "2016-08-15",
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
        sign: bool = True,
        ak: str = AK,
        sk: str = SK,
    ) -> httpx.Response:
        """Send one call; ``path`` is as on the wire, after the version, with its query."""
        target = f"/{version}{path}" if version else path
        sent = {"date": formatdate(usegmt=True), "x-fc-account-id": self.account, **(headers or {})}
        if content is None and body is not None:
            content = json.dumps(body).encode()
        if content is not None:
            sent.setdefault("content-type", "application/json")
        if sign:
            block = "".join(f"{k}:{sent[k]}\n" for k in sorted(sent) if k.startswith("x-fc-"))
            text = f"{method}\n\n{sent.get('content-type', '')}\n{sent['date']}\n{block}{unquote(target.split('?')[0])}"
            mark = base64.b64encode(hmac.new(sk.encode(), text.encode(), hashlib.sha256).digest()).decode()
            sent["authorization"] = f"FC {ak}:{mark}"
        return self.client.request(method, httpx.URL(self.url + target), headers=sent, content=content)

    def ok(self, method: str, path: str, body: object = None, **more: object) -> dict:
        """Send a call that must succeed; return its JSON."""
        answer = self.send(method, path, body, **more)
        assert answer.status_code in (200, 204), answer.text
        return answer.json() if answer.content else {}

    def error(self, method: str, path: str, body: object = None, **more: object) -> tuple[int, str, str]:
        """Send a call that must fail; return status, code and message."""
        answer = self.send(method, path, body, **more)
        assert answer.status_code >= 400, answer.text
        told = answer.json()
        assert told["ErrorCode"] == told["Code"]
        assert told["ErrorMessage"] == told["Message"]
        assert told["RequestId"] == answer.headers["x-fc-request-id"]
        return answer.status_code, told["ErrorCode"], told["ErrorMessage"]


def make_zip(text: str = "def handler(event, context): return 'x'") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("index.py"), text)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def zipped() -> Callable[..., bytes]:
    return make_zip


@pytest.fixture(scope="session")
def function_body() -> Callable[..., dict]:
    def build(name: str = "f", **more: object) -> dict:
        code = {"zipFile": base64.b64encode(make_zip()).decode()}
        return {"functionName": name, "runtime": "python3.9", "handler": "index.handler", "code": code, **more}

    return build


@pytest.fixture(scope="session")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=30, trust_env=False) as made:
        yield made


@pytest.fixture(scope="session")
def server() -> Iterator[Handle]:
    with start_in_thread(EmulatorSettings(access_keys={AK: SK})) as handle:
        yield handle


_accounts = itertools.count(1)


@pytest.fixture
def api(server: Handle, client: httpx.Client) -> Api:
    """A fresh account on the shared server: tests do not see each other's resources."""
    return Api(server.url, f"{os.getpid()}{next(_accounts):06d}", client)


@pytest.fixture
def start(client: httpx.Client) -> Iterator[Callable[..., tuple[Handle, Api]]]:
    """Start a server with settings of the test's own; it is stopped at the end."""
    running: list[Handle] = []

    def begin(**settings: object) -> tuple[Handle, Api]:
        handle = start_in_thread(EmulatorSettings(**{"access_keys": {AK: SK}, **settings}))
        running.append(handle)
        return handle, Api(handle.url, "1234567890123456", client)

    yield begin
    for handle in running:
        handle.stop()
