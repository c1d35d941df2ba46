"""Short-lived links to stored archives, in the place of the OSS links of GetFunctionCode (facts 9.2, S004)."""

import hmac

from fcdeploy.emulator.errors import ApiError
from fcdeploy.emulator.exchange import Reply, Request

PREFIX = "/__code__/"
LIFETIME = 1800  # seconds; the vendor's value is not documented, OSS links of the console live as long


def to_link(request: Request, digest: str) -> str:
    """Return an absolute URL that serves the archive ``digest`` to a plain GET without a signature."""
    expires = int(request.now) + LIFETIME
    base = request.world.settings.public_url or request.base_url
    return f"{base.rstrip('/')}{PREFIX}{expires}/{digest}/{_mark(request, expires, digest)}"


def _mark(request: Request, expires: int, digest: str) -> str:
    return hmac.digest(request.world.store.link_secret, f"{expires}/{digest}".encode(), "sha256").hex()[:32]


def read_link(request: Request) -> Reply:
    """Answer a GET of such a link; a wrong or expired one is 403, as at OSS."""
    parts = request.raw_path[len(PREFIX) :].split("/")
    if request.method != "GET" or len(parts) != 3 or not (parts[0].isascii() and parts[0].isdigit()):
        raise ApiError(403, "AccessDenied", "the link is not valid")
    expires, digest, mark = parts
    if len(expires) > 12 or not hmac.compare_digest(_mark(request, int(expires), digest).encode(), mark.encode()):
        raise ApiError(403, "AccessDenied", "the link is not valid")
    if int(expires) < request.now:
        raise ApiError(403, "AccessDenied", "the link has expired")
    content = request.world.store.blob(digest)
    if content is None:
        raise ApiError(404, "NoSuchKey", "the archive does not exist any more")
    return Reply(raw=content, content_type="application/zip")
