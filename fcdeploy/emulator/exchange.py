"""What one call is made of: the request that an operation sees and the reply that it gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

if TYPE_CHECKING:
    from fcdeploy.emulator.world import World

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whose resources a request sees; every stored row belongs to exactly one."""

    account: str
    region: str


class Request:
    """A request after routing: decoded path parameters, lower-case header names, the raw body."""

    def __init__(
        self,
        *,
        method: str,
        raw_path: str,
        raw_query: str,
        headers: Mapping[str, str],
        body: bytes,
        scheme: str,
        server: tuple[str, int | None] | None,
        request_id: str,
        now: float,
    ) -> None:
        self.method = method
        self.raw_path = raw_path
        self.raw_query = raw_query
        self.headers = headers
        self.body = body
        self.scheme = scheme
        self.server = server
        self.request_id = request_id
        self.now = now
        self.version = ""
        self.params: tuple[str, ...] = ()
        self.tenant = Tenant("", "")
        self.world: World

    @cached_property
    def query(self) -> tuple[tuple[str, str], ...]:
        """The query entries, decoded, in the order of the URL; a key without a value has an empty one."""
        if not self.raw_query:
            return ()
        pairs = (entry.partition("=") for entry in self.raw_query.split("&") if entry)
        return tuple((unquote_plus(key), unquote_plus(value)) for key, _, value in pairs)

    @cached_property
    def base_url(self) -> str:
        """``scheme://host:port`` under which this client can reach this server again, for links in answers.

        The Host header is trusted when it names a port and is not the vendor's: a client that keeps the vendor's
        Host (or drops the port, or sends a whole URL, facts 1.28) is given the address it is connected to.
        """
        host = self.headers.get("host", "").rpartition("://")[2].partition("/")[0]
        if self.server is None or (":" in host and "aliyuncs.com" not in host):
            return f"{self.scheme}://{host}"
        name, port = self.server
        name = f"[{name}]" if ":" in name else name
        return f"{self.scheme}://{name}" + (f":{port}" if port else "")

    def one(self, name: str) -> str | None:
        """Return the first value of query key ``name``, None when it is absent or empty."""
        for key, value in self.query:
            if key == name:
                return value or None
        return None

    @property
    def if_match(self) -> str | None:
        """The If-Match header; absent and empty are the same, as SDKs send both."""
        return self.headers.get("if-match") or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer before it is written: ``body`` None means none at all, and then no Content-Type either."""

    status: int = 200
    body: object = None
    etag: str | None = None
    headers: tuple[tuple[str, str], ...] = field(default=())
    raw: bytes | None = None
    content_type: str = "application/json; charset=utf-8"


NO_CONTENT = Reply(status=204)
