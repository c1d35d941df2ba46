"""A third party: a client of its own, with its own key and its own signatures, that edits while others apply.

It speaks the older version of the API, so that its requests can be told from those of a project on the newer one.
"""

from __future__ import annotations

import base64
import hmac
import http.client
import io
import json
import random
import threading
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import Any
from urllib.parse import urlsplit

from race_stage import THEIR_KEY, THEIR_SECRET

API = "2016-08-15"
KEYS = 15
"""So many keys the other uses of one map: a service has no more than twenty tags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back; `body` is the JSON, `etag` is empty where the service gives none."""

    status: int
    body: Any
    etag: str


class Client:
    """Signs and sends, one request at a time."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)

    def send(self, method: str, path: str, body: Any = None, etag: str = "") -> Answer:
        """One request; `path` is without the API version."""
        path = f"/{API}{path}"
        headers = {"date": formatdate(time.time(), usegmt=True), "content-type": "application/json"}
        text = f"{method}\n\n{headers['content-type']}\n{headers['date']}\n{path.partition('?')[0]}"
        digest = hmac.digest(THEIR_SECRET.encode(), text.encode(), "sha256")
        headers["authorization"] = f"FC {THEIR_KEY}:{base64.b64encode(digest).decode()}"
        if etag:
            headers["if-match"] = etag
        self._connection.request(method, path, None if body is None else json.dumps(body), headers)
        reply = self._connection.getresponse()
        content = reply.read()
        return Answer(status=reply.status, body=json.loads(content or b"null"), etag=reply.getheader("etag") or "")

    def close(self) -> None:
        self._connection.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """One leaf that may be edited: where it is kept and how it is written.

    `stored` is (kind, path, place) in a dump, `planned` what a plan calls the kind and the place; a `#` in the place is
    one of many keys. `touched`: the project writes it in this run. `guarded`: the service takes If-Match there.
    """

    stored: tuple[str, str, str]
    planned: tuple[str, str]
    url: str
    value: Callable[[int], Any]
    touched: bool = False
    guarded: bool = True

    def numbered(self, number: int) -> Spot:
        """This spot with a key of its own, where it has many."""
        kind, path, place = self.stored
        key = str(number % KEYS)
        return replace(
            self,
            stored=(kind, path, place.replace("#", key)),
            planned=(self.planned[0], self.planned[1].replace("#", key)),
        )

    def wanted(self, body: Mapping[str, Any], number: int) -> dict[str, Any]:
        """What to send, over what was read: all of the top-level field that the leaf is in."""
        first, *rest = self.stored[2].split(".")
        if not rest:
            return {first: self.value(number)}
        return {first: {**(body.get(first) or {}), rest[0]: self.value(number)}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """An edit that was answered with success: at this leaf is this value, None when the resource was deleted.

    `asked` and `answered` are wall times around the request.
    """

    stored: tuple[str, str, str]
    value: Any
    asked: float
    answered: float
    spot: Spot | None = None


def archive() -> str:
    """An archive as it travels in a body."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("index.js", "exports.handler = () => 'theirs'\n")
    return base64.b64encode(made.getvalue()).decode()


@dataclass
class Party:
    """Edits at random until it is stopped."""

    url: str
    spots: Sequence[Spot]
    chance: random.Random
    makes: bool = True
    deletes: bool = False
    pause: float = 0.03
    edits: list[Edit] = field(default_factory=list)
    refused: int = 0

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._ready: Callable[[], bool] = lambda: True
        self._failures: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, name="third-party", daemon=True)
        self._number = 0

    def start(self, when: Callable[[], bool]) -> None:
        """Begin as soon as `when` says so."""
        self._ready = when
        self._thread.start()

    def stop(self) -> None:
        """End after the edit that is under way; what went wrong in the thread is raised here."""
        self._stop.set()
        self._thread.join()
        if self._failures:
            raise self._failures[0]

    def _run(self) -> None:
        client = Client(self.url)
        try:
            while not self._stop.is_set() and not self._ready():
                time.sleep(0.002)
            while not self._stop.is_set():
                self._number += 1
                draw = self.chance.random()
                if draw < 0.12 and self.makes:
                    self._make(client)
                elif draw < 0.17 and self.deletes:
                    self._delete(client)
                else:
                    self._edit(client, self.chance.choice(self.spots).numbered(self._number))
                time.sleep(self.pause * self.chance.random())
        except BaseException as failure:
            self._failures.append(failure)
        finally:
            client.close()

    def _edit(self, client: Client, spot: Spot) -> None:
        if spot.url.startswith("/tag"):
            place = spot.stored[2].removeprefix("_tags.")
            arn = f"services/{spot.stored[1]}"
            value = spot.value(self._number)
            self._keep(client, "POST", "/tag", {"resourceArn": arn, "tags": {place: value}}, spot.stored, value, spot)
            return
        read = client.send("GET", spot.url)
        if read.status != 200:
            self.refused += 1
            return
        wanted = spot.wanted(read.body, self._number)
        blind = "." not in spot.stored[2] and self.chance.random() < 0.5
        etag = read.etag if spot.guarded and not blind else ""
        self._keep(client, "PUT", spot.url, wanted, spot.stored, spot.value(self._number), spot, etag)

    def _make(self, client: Client) -> None:
        name = f"theirs-{self._number}"
        timer = {"triggerName": name, "triggerType": "timer", "triggerConfig": {"cronExpression": "@every 7m"}}
        made = {"functionName": name, "runtime": "nodejs16", "handler": "index.handler", "code": {"zipFile": archive()}}
        kind, url, body, path = self.chance.choice(
            (
                ("trigger", "/services/shop/functions/order/triggers", timer, f"shop/order/{name}"),
                ("trigger", "/services/events/functions/sink/triggers", timer, f"events/sink/{name}"),
                ("function", "/services/shop/functions", made, f"shop/{name}"),
                ("function", "/services/events/functions", made, f"events/{name}"),
            )
        )
        self._keep(client, "POST", url, body, (kind, path, ""), True)

    def _delete(self, client: Client) -> None:
        name = self.chance.choice(("topic", "database", "cdn", "table", "upload"))
        url = f"/services/shop/functions/order/triggers/{name}"
        self._keep(client, "DELETE", url, None, ("trigger", f"shop/order/{name}", ""), None)

    def _keep(
        self,
        client: Client,
        method: str,
        url: str,
        body: Any,
        stored: tuple[str, str, str],
        value: Any,
        spot: Spot | None = None,
        etag: str = "",
    ) -> None:
        asked = time.time()
        answer = client.send(method, url, body, etag)
        if answer.status >= 300:
            assert answer.status in (404, 409, 412), (method, url, body, answer)
            self.refused += 1
            return
        self.edits.append(Edit(stored=stored, value=value, asked=asked, answered=time.time(), spot=spot))
