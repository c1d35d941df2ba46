"""FunctionGraph as a dialect: host names, headers, error bodies (facts 1)."""

import re

from fcdeploy.emulator.dialect import HeaderPairs
from fcdeploy.emulator.errors import ApiError
from fcdeploy.emulator.exchange import Json, Request, Tenant
from fcdeploy.emulator.huawei import auth, errors
from fcdeploy.emulator.huawei.common import VERSIONS, to_time_text
from fcdeploy.emulator.huawei.registry import ROUTES
from fcdeploy.emulator.huawei.urn import named
from fcdeploy.emulator.routes import Route, RouteTable
from fcdeploy.emulator.settings import EmulatorSettings

_HOST = re.compile(r"functiongraph\.([a-z0-9-]+)\.myhuaweicloud\.(?:com|eu)")


class HuaweiDialect:
    """The rules of FunctionGraph that belong to no operation."""

    name = "huawei"
    first_segments = frozenset(VERSIONS)
    routes = RouteTable(ROUTES)

    def tenant(self, request: Request, settings: EmulatorSettings) -> Tenant:
        """Return the project of the path, and the region of the Host, else of the settings (facts 1)."""
        host = request.headers.get("host", "").partition(":")[0].lower()
        found = _HOST.fullmatch(host)
        segments = request.raw_path.split("/")
        project = segments[2] if len(segments) > 2 else ""
        return Tenant(project, found[1] if found is not None else settings.huawei_region)

    def authenticate(self, request: Request, settings: EmulatorSettings) -> None:
        """Check the signature."""
        auth.authenticate(request, settings)

    def address(self, request: Request, route: Route) -> tuple[str, str]:
        """Return parent and name of the row under the path; without a rule of its own it is a function's."""
        if route.address is not None:
            return route.address(request)
        asked = named(request)
        return asked.package, asked.name

    def write_area(self, request: Request, route: Route) -> str | None:
        """Return None: nothing says that writes must not overlap (facts 14)."""
        del request, route
        return None

    def touched(self, body: Json, now: float, modified: str) -> Json:
        """Return a body that another writer changed now."""
        del modified
        return {**body, "last_modified": to_time_text(now)} if "last_modified" in body else body

    def error_body(self, error: ApiError, request_id: str) -> Json:
        """Return error_code and error_msg."""
        return errors.to_error_body(error, request_id)

    def reply_headers(self, request_id: str) -> HeaderPairs:
        """Return the request's id (facts 1)."""
        return [(b"X-Request-Id", request_id.encode())]

    def path_not_supported(self, method: str, path: str) -> ApiError:
        """404 APIGW.0101, of the gateway before the service."""
        return errors.NO_SUCH_API(f"{method} {path}")

    def malformed_path(self) -> ApiError:
        """400 FSS.0400."""
        return errors.BAD_PARAMETER("the path is not valid UTF-8")

    def too_large(self, limit: int) -> ApiError:
        """413 FSS.0413."""
        return errors.TOO_LARGE(limit)

    def overlapping_write(self) -> ApiError:
        """Never: see :meth:`write_area`."""
        return errors.INTERNAL()

    def throttled(self, retry_after: str) -> ApiError:
        """429 FSS.0429, with Retry-After unless it is empty."""
        error = errors.THROTTLED()
        headers = (("Retry-After", retry_after),) if retry_after else ()
        return ApiError(error.status, error.code, error.message, headers)

    def internal_error(self) -> ApiError:
        """500 FSS.0500."""
        return errors.INTERNAL()


HUAWEI = HuaweiDialect()
