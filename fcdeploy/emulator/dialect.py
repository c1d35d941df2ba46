"""What makes one vendor's API differ from another's, outside its operations."""

from typing import Protocol

from fcdeploy.emulator.errors import ApiError
from fcdeploy.emulator.exchange import Json, Request, Tenant
from fcdeploy.emulator.routes import Route, RouteTable
from fcdeploy.emulator.settings import EmulatorSettings

HeaderPairs = list[tuple[bytes, bytes]]


class Dialect(Protocol):
    """One vendor's API family. The first path segment decides which dialect a request belongs to."""

    name: str
    first_segments: frozenset[str]
    routes: RouteTable

    def tenant(self, request: Request, settings: EmulatorSettings) -> Tenant:
        """Return whose resources the request is about."""
        ...

    def authenticate(self, request: Request, settings: EmulatorSettings) -> None:
        """Return when the request is signed correctly, else raise ApiError."""
        ...

    def address(self, request: Request, route: Route) -> tuple[str, str]:
        """Return parent and name of the row that the path addresses."""
        ...

    def write_area(self, request: Request, route: Route) -> str | None:
        """Return what two overlapping writes must not share, None for a read (strict concurrency)."""
        ...

    def touched(self, body: Json, now: float, modified: str) -> Json:
        """Return a stored body that another writer changes ``now``; ``modified`` is later than its last change."""
        ...

    def error_body(self, error: ApiError, request_id: str) -> Json:
        """Return the JSON of an error answer."""
        ...

    def reply_headers(self, request_id: str) -> HeaderPairs:
        """Return the headers that every answer carries; a new list each time."""
        ...

    def path_not_supported(self, method: str, path: str) -> ApiError:
        """Return the error for a path or method that no route has."""
        ...

    def malformed_path(self) -> ApiError:
        """Return the error for a path that is not percent-encoded UTF-8."""
        ...

    def too_large(self, limit: int) -> ApiError:
        """Return the error for a body over ``limit`` bytes."""
        ...

    def overlapping_write(self) -> ApiError:
        """Return the error for a write that met another one in flight."""
        ...

    def throttled(self, retry_after: str) -> ApiError:
        """Return the error for a call over the request rate, with this Retry-After unless it is empty."""
        ...

    def internal_error(self) -> ApiError:
        """Return the error for a failure of the emulator itself."""
        ...
