"""The client: signs a call, sends it as often as `retry` allows, and turns replies into values and errors.

What makes connections is loaded with the first call, not on import. Bodies are never logged; neither are headers.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self
from urllib.parse import quote, urlsplit

import orjson
from msgspec import Struct, field

from fcdeploy import __version__
from fcdeploy.cloud import sign_acs3, sign_fc, sign_huawei
from fcdeploy.cloud.answers import api_error
from fcdeploy.cloud.body import EMPTY, Body, UnusableArchive, body
from fcdeploy.cloud.credentials import Credentials
from fcdeploy.cloud.exchange import Answer, Fault, Line, TooLarge, Unwritable
from fcdeploy.cloud.keys import Keys
from fcdeploy.cloud.limiter import Limiter
from fcdeploy.cloud.lines import DEADLINE as DEADLINE
from fcdeploy.cloud.lines import Lines
from fcdeploy.cloud.repeater import Repeater
from fcdeploy.cloud.signing import Unsigned, encoded
from fcdeploy.cloud.trial import Trial
from fcdeploy.errors import CloudError, CredentialsError, CredentialsUnreachable, NoReply, NotSent
from fcdeploy.model import ArchiveRef, Call, Json, Reply

ARCHIVE_MOST: Final = 512 * 1024 * 1024
"""The largest archive that is downloaded; the service takes 500 MB (facts 13)."""

FIRST_DEADLINE: Final = 20.0
"""Seconds for a read, as long as the service has answered nothing: one region that hangs holds up a whole plan."""
USER_AGENT: Final = f"fcdeploy/{__version__}"

_DOWNLOAD: Final = "the download of a code archive"
_OF_NOTHING: Final = hashlib.sha256().hexdigest()


class Scheme(Struct, frozen=True, kw_only=True):
    """How requests of an API are addressed and signed.

    `hashes` says whether the signature covers the body, `most` is how many bytes a signed body may have (None: any).
    `prefix` stands before every path, `owner` is the header that names the account. `json` is the Content-Type of a
    body, `bare` that of a request without one. `locks`: a key that is refused a few times is locked.
    """

    signed: Callable[[Unsigned, Credentials], dict[str, str]]
    hashes: bool
    prefix: str = "/{api}"
    # The service reads the account from the host; behind a proxy that rewrites it, from here (facts 2).
    owner: str = "x-fc-account-id"
    json: str = "application/json; charset=utf-8"
    bare: str = ""
    most: int | None = None
    locks: bool = False


SCHEMES: Mapping[str, Scheme] = {
    "fc": Scheme(signed=sign_fc.signed, hashes=False),
    "acs3": Scheme(signed=sign_acs3.signed, hashes=True),
    "huawei": Scheme(
        signed=sign_huawei.signed,
        hashes=True,
        prefix="/{api}/{account}",
        owner="x-project-id",
        json="application/json",
        bare="application/json",
        most=12 * 1024 * 1024,
        locks=True,
    ),
}
"""Every signature scheme by the name that a descriptor of an API uses."""


class Tally(Struct):
    """What was sent: requests by method (each attempt counts), bytes of bodies, and how many attempts were repeats."""

    requests: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    received: int = 0
    retries: int = 0


class Client:
    """Sends calls to one API of one account and region, when its `limiter` lets them through.

    `scheme` names a row of `SCHEMES`, `api` is the first part of every path and `account`, for some, the second; `host`
    is the true name of the service, which is signed and sent as Host wherever `base_url` leads. `archives` gives the
    file of an archive by its hex SHA-256, `lines` may be shared with other clients, `deadline` is in seconds for a
    small call; large bodies have more. `chance`, `clock` and `sleep` are for tests.
    """

    def __init__(
        self,
        *,
        scheme: str,
        api: str,
        host: str,
        base_url: str,
        keys: Keys,
        account: str | None,
        archives: Callable[[str], Path],
        limiter: Limiter,
        lines: Lines | None = None,
        deadline: float = DEADLINE,
        chance: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.tally = Tally()
        self.limiter = limiter
        self._scheme = SCHEMES[scheme]
        self._api = api
        self._host = host
        self._base_url = base_url.rstrip("/")
        self._keys = keys
        self._trial = Trial(keys) if self._scheme.locks else None
        self._archives = archives
        self._lines = lines or Lines()
        self._kept: dict[str, bytes] = {}
        self._deadline = deadline
        self._repeater = Repeater(limiter, chance=chance, clock=clock, sleep=sleep, repeated=self._repeated)
        self._line: Line | None = None
        self._prefix = self._scheme.prefix.format(api=api, account=quote(account or "", safe=""))
        self._headers = {"accept": "application/json", "accept-encoding": "gzip", "user-agent": USER_AGENT}
        if account:
            self._headers[self._scheme.owner] = account

    async def send(
        self,
        call: Call,
        *,
        leaving: Callable[[], None] | None = None,
        before_again: Callable[[], Awaitable[None]] | None = None,
    ) -> Reply:
        """Send a call, again where nothing can have happened (or nothing can happen: a read), and give its reply.

        `leaving` is called just before the first sending, when all waiting is over; `before_again` is awaited just
        before each repeat, and before the first sending if that had to wait for more than a second (S37). What they
        raise ends the call.
        Raises ApiError for an answer that is an error, NotSent when no connection could be made, NoReply when no whole
        reply came, which for a write means that its effect is unknown.
        """
        try:
            content = body(call.body, self._archives, self._kept)
            self._check_size(call, content)
            digest = _digest(content) if self._scheme.hashes else ""
            if digest is None:
                digest = await asyncio.to_thread(content.sha256)
        except (UnusableArchive, OSError) as error:
            words = f"{call.operation} was not sent: {error}"
            raise NotSent(words, operation=call.operation, resource=call.resource) from error
        trial = self._trial

        def attempt() -> Awaitable[Reply]:
            return self._attempt(call, content, digest)

        return await self._repeater.run(
            attempt if trial is None or trial.is_over else lambda: trial.run(call, attempt),
            reads=call.method == "GET" or call.reads,
            leaving=leaving,
            before_again=before_again,
        )

    async def read_archive(self, url: str, to: Path) -> ArchiveRef:
        """Download a code archive from a pre-signed URL into the file `to` (mode 0600), and say what it is.

        The request is not signed. Nothing is left behind on failure. Raises the errors of `send`; the URL is in none
        of them, since it is a key to the code.
        """
        return await self._repeater.run(lambda: self._archive(url, to), reads=True)

    async def aclose(self) -> None:
        """Close the connections, unless other clients use them."""
        line, self._line = self._line, None
        if line is not None:
            await self._lines.give_back(self._host)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _check_size(self, call: Call, content: Body) -> None:
        """Raises NotSent for a body that is larger than may be signed; what the gateway says of it is less clear."""
        most = self._scheme.most
        if most is not None and content.length > most:
            raise NotSent(
                f"{call.operation} was not sent: its body has {content.length / 1048576:.1f} MiB, and what is signed "
                f"with an access key may have {most >> 20}",
                operation=call.operation,
                resource=call.resource,
                detail="code travels in the body, as base64, which makes it a third larger",
                hint="put the archive into an OBS bucket and name it there",
            )

    def _repeated(self) -> None:
        self.tally.retries += 1

    async def _attempt(self, call: Call, content: Body, digest: str) -> Reply:
        key = self._keys.at_hand() or await self._key(call)
        url, headers = self._signed(call, content, digest, key)
        self.tally.requests[call.method] += 1
        self.tally.sent += content.length
        deadline = self._deadline
        if not self.limiter.answered and (call.method == "GET" or call.reads):
            deadline = min(deadline, FIRST_DEADLINE)
        try:
            answer = await self._opened().send(call.method, url, headers, content, deadline=deadline)
        except Fault as fault:
            raise _unanswered(fault, call.operation, call.resource) from fault
        self.tally.received += answer.received
        return self._reply(call, answer, key)

    def _signed(self, call: Call, content: Body, digest: str, key: Credentials) -> tuple[str, dict[str, str]]:
        """URL and headers of a call. Signed just before it leaves: a date from before a long wait would be refused."""
        path = f"{self._prefix}{call.path}"
        headers = {**self._headers}
        for name, value in call.headers.items():
            headers[name.lower()] = value
        if kind := self._scheme.json if content.length else self._scheme.bare:
            headers["content-type"] = kind
        unsigned = Unsigned(
            operation=call.operation,
            version=self._api,
            method=call.method,
            host=self._host,
            path=path,
            query=call.query,
            headers=headers,
            sha256=digest,
            at=time.time(),
            nonce=os.urandom(16).hex(),
        )
        return self._url(path, call.query), self._scheme.signed(unsigned, key)

    async def _key(self, call: Call) -> Credentials:
        """The key to sign with. It may have to be fetched anew, in the middle of a run."""
        try:
            return await self._keys.current()
        except CredentialsError as error:
            words = f"{call.operation} was not sent: {error.summary}"
            known = {"operation": call.operation, "resource": call.resource, "detail": error.detail, "hint": error.hint}
            # What does not answer may do so yet; what refuses us does so again.
            raise (NotSent if isinstance(error, CredentialsUnreachable) else CloudError)(words, **known) from None

    def _reply(self, call: Call, answer: Answer, key: Credentials) -> Reply:
        if answer.status == 499:
            # The service, or a proxy before it, saw us hang up (facts 6.1): it may still have gone on.
            raise NoReply(f"{call.operation} was broken off (499)", operation=call.operation, resource=call.resource)
        if not 200 <= answer.status < 300:
            raise api_error(answer, call.operation, call.resource, key=key, expired=self._keys.expired)
        try:
            content = _parsed(answer.content)
        except ValueError as error:
            words = f"{call.operation} answered {answer.status} with something that is not JSON"
            raise NoReply(words, operation=call.operation, resource=call.resource) from error
        return Reply(status=answer.status, headers=answer.headers, body=content)

    async def _archive(self, url: str, to: Path) -> ArchiveRef:
        part = to.with_name(f".{to.name}.{secrets.token_hex(4)}")
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "wb") as file:
                archive = await self._download(url, file)
            os.replace(part, to)
        except OSError as error:
            words = f"{to} cannot be written: {error.strerror or type(error).__name__}"
            raise CloudError(words, operation=_DOWNLOAD) from error
        finally:
            part.unlink(missing_ok=True)
        return archive

    async def _download(self, url: str, file: BinaryIO) -> ArchiveRef:
        from fastcrc import crc64

        digest, crc, size = hashlib.sha256(), 0, 0
        longer, shorter = hashlib.sha512(), hashlib.md5(usedforsecurity=False)

        def keep(chunk: bytes) -> None:
            nonlocal crc, size
            file.write(chunk)
            for each in (digest, longer, shorter):
                each.update(chunk)
            crc = crc64.xz(chunk, crc)
            size += len(chunk)

        # Storage services check a header against the signature; what is not sent cannot differ.
        headers = {"accept-encoding": "identity", "user-agent": USER_AGENT}
        self.tally.requests["GET"] += 1
        try:
            where = self._reachable(url, headers)
            answer = await self._opened().read(where, headers, keep, most=ARCHIVE_MOST, deadline=self._deadline)
        except TooLarge:
            words = f"{_DOWNLOAD} was broken off: it is larger than {ARCHIVE_MOST >> 20} MiB"
            raise CloudError(words, operation=_DOWNLOAD) from None
        except Unwritable as error:
            raise error.reason from None
        except Fault as fault:
            raise _unanswered(fault, _DOWNLOAD, "") from None
        self.tally.received += answer.received
        if answer.status != 200:
            raise api_error(answer, _DOWNLOAD, "")
        return ArchiveRef(
            sha256=digest.hexdigest(), crc64=str(crc), size=size, sha512=longer.hexdigest(), md5=shorter.hexdigest()
        )

    def _reachable(self, url: str, headers: dict[str, str]) -> str:
        """A URL on the service's own host leads, like every call, to where the connection goes."""
        parts = urlsplit(url)
        if parts.hostname != self._host:
            return url
        headers["host"] = parts.netloc
        return self._base_url + url.partition("//")[2].removeprefix(parts.netloc)

    def _url(self, path: str, query: tuple[tuple[str, str], ...]) -> str:
        pairs = "&".join([f"{encoded(key)}={encoded(value)}" for key, value in query])
        return f"{self._base_url}{path}{'?' if pairs else ''}{pairs}"

    def _opened(self) -> Line:
        if self._line is None:
            self._line = self._lines.taken(self._host)
        return self._line


def _parsed(content: bytes) -> Json:
    """The JSON of a reply, None where it has none. Raises ValueError."""
    if not content.strip():
        return None
    try:
        return orjson.loads(content)
    except ValueError:  # json takes lone surrogates, and other encodings than UTF-8
        return json.loads(content)


def _digest(content: Body) -> str | None:
    """Hex SHA-256 of a body; None for one that is read from files, which is not done here."""
    if content is EMPTY:
        return _OF_NOTHING
    whole = content.whole
    return None if whole is None else hashlib.sha256(whole).hexdigest()


def _unanswered(fault: Fault, operation: str, resource: str) -> CloudError:
    if fault.left:
        return NoReply(f"{operation}: {fault.words}", operation=operation, resource=resource)
    hint = "check the endpoint, the network and the proxy settings"
    return NotSent(f"{operation} was not sent: {fault.words}", operation=operation, resource=resource, hint=hint)
