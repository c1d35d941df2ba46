"""Function Compute 2.0 as a dialect: host names, headers, error bodies (facts 2, 3.2, 6.1)."""

import re

from fcdeploy.emulator.alibaba import auth, errors, http_trigger
from fcdeploy.emulator.alibaba.registry import ROUTES
from fcdeploy.emulator.alibaba.versions import BOTH
from fcdeploy.emulator.dialect import HeaderPairs
from fcdeploy.emulator.errors import ApiError
from fcdeploy.emulator.exchange import Json, Request, Tenant
from fcdeploy.emulator.routes import Route, RouteTable
from fcdeploy.emulator.settings import EmulatorSettings

_HOST = re.compile(r"([0-9]+)\.([a-z0-9-]+?)(?:-internal)?\.fc\.aliyuncs\.com")
_EXPOSED = (
    b"Access-Control-Expose-Headers",
    b"Date,x-fc-request-id,x-fc-error-type,x-fc-code-checksum,x-fc-invocation-duration,x-fc-max-memory-usage,"
    b"x-fc-log-result,x-fc-invocation-code-version",
)


class AlibabaDialect:
    """The rules of Function Compute that belong to no operation."""

    name = "alibaba"
    first_segments = frozenset(BOTH)
    routes = RouteTable(ROUTES)

    def tenant(self, request: Request, settings: EmulatorSettings) -> Tenant:
        """Return account and region: from the Host, else the account from its header, else from the settings.

        Facts 2: the server takes the account from the host; ``X-Fc-Account-Id`` is for access by another host.
        """
        host = request.headers.get("host", "").rpartition("://")[2].partition("/")[0].partition(":")[0]
        found = _HOST.fullmatch(host.lower())
        if found is not None:
            return Tenant(found[1], found[2])
        return Tenant(request.headers.get("x-fc-account-id") or settings.account, settings.region)

    def authenticate(self, request: Request, settings: EmulatorSettings) -> None:
        """Check the signature; an HTTP trigger decides itself who may call it."""
        if auth.is_trigger_path(request.raw_path):
            http_trigger.authenticate(request, settings)
        else:
            auth.authenticate(request, settings)

    def address(self, request: Request, route: Route) -> tuple[str, str]:
        """Return parent and name of the row under the path, the qualifier of the service left out."""
        if route.address is not None:
            return route.address(request)
        params = list(request.params)
        if route.template.startswith("/services/"):
            params[0] = params[0].partition(".")[0]
        return "/".join(params[:-1]), params[-1]

    def write_area(self, request: Request, route: Route) -> str | None:
        """Return the service of a write: writes to one service must not overlap (facts 11)."""
        if route.method == "GET" or not route.template.startswith("/services/") or not request.params:
            return None
        return request.params[0].partition(".")[0]

    def touched(self, body: Json, now: float, modified: str) -> Json:
        """Return a body that another writer changed: its time is strictly later (facts 3.4)."""
        del now
        return {**body, "lastModifiedTime": modified} if "lastModifiedTime" in body else body

    def error_body(self, error: ApiError, request_id: str) -> Json:
        """Return both key families."""
        return errors.to_error_body(error, request_id)

    def reply_headers(self, request_id: str) -> HeaderPairs:
        """Return the headers of facts 3.2 that every answer has."""
        return [(b"X-Fc-Request-Id", request_id.encode()), _EXPOSED]

    def path_not_supported(self, method: str, path: str) -> ApiError:
        """400 PathNotSupported."""
        return errors.PATH_NOT_SUPPORTED(method, path)

    def malformed_path(self) -> ApiError:
        """400 InvalidArgument [INF]."""
        return errors.invalid_argument("the path is not valid UTF-8")

    def too_large(self, limit: int) -> ApiError:
        """400 EntityTooLarge."""
        return errors.ENTITY_TOO_LARGE(limit)

    def overlapping_write(self) -> ApiError:
        """409 ConcurrentUpdateError."""
        return errors.CONCURRENT_UPDATE("the service is being updated by another request, please try again")

    def throttled(self, retry_after: str) -> ApiError:
        """429 ResourceExhausted, with Retry-After unless it is empty."""
        error = errors.RESOURCE_EXHAUSTED("the request rate of the account exceeds its limit")
        headers = (("Retry-After", retry_after),) if retry_after else ()
        return ApiError(error.status, error.code, error.message, headers)

    def internal_error(self) -> ApiError:
        """500 InternalServerError."""
        return errors.INTERNAL_ERROR()


ALIBABA = AlibabaDialect()
