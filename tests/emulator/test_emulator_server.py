"""The socket side: spelling, keep-alive, TCP_NODELAY, what is not HTTP, many clients, signals, kill -9."""

import concurrent.futures
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from urllib.parse import urlsplit

import httpx
import pytest

CHILD = """
import sys
from pathlib import Path
from fcdeploy.emulator.server import serve
from fcdeploy.emulator.settings import EmulatorSettings
serve(
    EmulatorSettings(check_signatures=False, data=Path(sys.argv[1]), log=Path(sys.argv[1]) / "log.jsonl"),
    port=0,
    on_ready=lambda address: print(address, flush=True),
)
"""


def raw_exchange(url: str, sent: bytes) -> bytes:
    where = urlsplit(url)
    with socket.create_connection((where.hostname, where.port), timeout=10) as line:
        line.sendall(sent)
        line.shutdown(socket.SHUT_WR)
        got = b""
        while True:
            part = line.recv(65536)
            if not part:
                return got
            got += part


def test_header_names_are_spelled_as_the_vendor_does(start) -> None:
    _, api = start(check_signatures=False)
    api.ok("POST", "/services", {"serviceName": "s"})
    account = api.account.encode()
    answer = raw_exchange(
        api.url, b"GET /2016-08-15/services/s HTTP/1.1\r\nHost: x\r\nX-Fc-Account-Id: " + account + b"\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    for name in (b"Etag: ", b"X-Fc-Request-Id: ", b"Content-Type: application/json; charset=utf-8", b"Date: "):
        assert b"\r\n" + name in answer
    assert re.search(rb"\r\nEtag: [0-9a-f]{32}\r\n", answer)


@pytest.mark.parametrize(
    "sent",
    [b"nonsense\r\n\r\n", b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", b"GET http://[ HTTP/1.1\r\n\r\n"],
)
def test_what_is_not_http_gets_a_clean_400_in_json(server, sent) -> None:
    answer = raw_exchange(server.url, sent)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["ErrorCode"] in ("InvalidArgument", "PathNotSupported", "MissingRequiredHeader")


def test_nodelay_is_set(server) -> None:
    with httpx.Client(trust_env=False) as one:
        one.get(server.url)
        accepted = [each.transport.get_extra_info("socket") for each in server._server.server_state.connections]
        assert accepted
        for line in accepted:
            assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_connections_are_kept_and_closed_as_asked(server) -> None:
    with httpx.Client(trust_env=False) as one:
        first = one.get(server.url)
        assert first.headers["connection"] == "keep-alive"
        assert one.get(server.url, headers={"connection": "close"}).headers["connection"] == "close"


def test_two_writers_with_one_etag_have_one_winner(start) -> None:
    _, api = start(latency=0.02)
    etag = api.send("POST", "/services", {"serviceName": "s"}).headers["etag"]

    def write(text: str) -> httpx.Response:
        guard, _, number = text.partition(" ")
        return api.send("PUT", "/services/s", {"description": number}, headers={"if-match": guard})

    for _ in range(5):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(write, [f"{etag} {number}" for number in range(8)]))
        assert sorted(each.status_code for each in answers) == [200] + [412] * 7
        winner = next(each for each in answers if each.status_code == 200)
        seen = api.send("GET", "/services/s")
        etag = seen.headers["etag"]
        assert etag == winner.headers["etag"]
        assert seen.json() == winner.json()


def test_latency_is_per_request_and_not_shared(start) -> None:
    _, api = start(latency=0.2)
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        done = list(pool.map(lambda n: api.send("GET", f"/services/s{n}").status_code, range(10)))
    elapsed = time.monotonic() - began
    assert done == [404] * 10
    assert 0.2 <= elapsed < 1.5  # one after the other would be 2 s


def _child(folder) -> tuple[subprocess.Popen[str], str]:
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    return child, child.stdout.readline().strip()


def _end(child: subprocess.Popen[str], number: int) -> int:
    child.send_signal(number)
    assert child.stdout is not None
    child.stdout.close()
    return child.wait(timeout=20)


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.proof)])
def test_a_signal_ends_the_server_and_the_contents_stay(tmp_path, number) -> None:
    child, url = _child(tmp_path)
    assert httpx.post(f"{url}/2016-08-15/services", json={"serviceName": "s"}).status_code == 200
    _end(child, number)
    child, url = _child(tmp_path)
    assert httpx.get(f"{url}/2016-08-15/services/s").json()["serviceName"] == "s"
    _end(child, signal.SIGTERM)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [(each["method"], each["status"]) for each in lines] == [("POST", 200), ("GET", 200)]


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path) -> None:
    child, url = _child(tmp_path)
    acknowledged: dict[str, str] = {}

    def write(worker: int) -> None:
        with httpx.Client(trust_env=False) as one:
            for number in range(1000):
                name = f"w{worker}-{number}"
                try:
                    answer = one.post(f"{url}/2016-08-15/services", json={"serviceName": name})
                except httpx.TransportError:
                    return
                acknowledged[name] = answer.headers["etag"]

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        running = [pool.submit(write, worker) for worker in range(4)]
        deadline = time.monotonic() + 10
        while len(acknowledged) < 50 and time.monotonic() < deadline:
            time.sleep(0.005)
        os.kill(child.pid, signal.SIGKILL)
        for each in running:
            each.result()
    assert child.stdout is not None
    child.stdout.close()
    child.wait(timeout=10)
    assert len(acknowledged) >= 50
    with sqlite3.connect(tmp_path / "emulator.sqlite3") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    child, url = _child(tmp_path)
    with httpx.Client(trust_env=False) as one:
        for name, etag in acknowledged.items():
            assert one.get(f"{url}/2016-08-15/services/{name}").headers["etag"] == etag
    _end(child, signal.SIGTERM)
