"""The metadata service of an ECS instance, as far as it gives the keys of the instance's RAM role.

Sources: "Instance metadata" and "Attach an instance RAM role" of the ECS documentation. The real one is at
100.100.100.200: a client reaches this one with ``HTTP_PROXY``, or by the paths alone.
"""

from fcdeploy.emulator.alibaba.session_keys import made_key, opened_text, sealed_text
from fcdeploy.emulator.alibaba.sts import lasting
from fcdeploy.emulator.errors import ErrorKind
from fcdeploy.emulator.exchange import Reply, Request
from fcdeploy.emulator.settings import EmulatorSettings
from fcdeploy.emulator.times import to_utc_text

HOST = "100.100.100.200"
TOKEN_PATH = "/latest/api/token"
ROLE_PATH = "/latest/meta-data/ram/security-credentials/"
LIFE = 21_600  # seconds that the instance's keys last

_TTL = "x-aliyun-ecs-metadata-token-ttl-seconds"
_TOKEN = "x-aliyun-ecs-metadata-token"
NOT_FOUND = ErrorKind("NotFound", 404, "there is no %s")
NOT_ALLOWED = ErrorKind("Forbidden", 403, "%s")
BAD_TTL = ErrorKind("BadRequest", 400, "the token may last from 1 to 21600 seconds")


def is_call(request: Request) -> bool:
    """Tell whether a request is one to the metadata service."""
    return request.raw_path == TOKEN_PATH or request.raw_path.startswith(ROLE_PATH)


def answer(request: Request, settings: EmulatorSettings) -> Reply:
    """Give a token, the name of the instance's role, or that role's keys.

    Raises:
        ApiError: 400 for a bad lifetime, 403 for a token that is none or over or missing, 404.
    """
    if request.raw_path == TOKEN_PATH:
        seconds = request.headers.get(_TTL, "")
        if request.method != "PUT" or not seconds.isdigit() or not 1 <= int(seconds[:9]) <= LIFE:
            raise BAD_TTL()
        return _plain(sealed_text(settings, "metadata", str(int(request.now) + int(seconds))))
    given = request.headers.get(_TOKEN)
    if given is None and settings.metadata_token:
        raise NOT_ALLOWED("a token is needed: this instance takes hardened requests only")
    if given is not None and int(opened_text(settings, "metadata", given) or 0) <= request.now:
        raise NOT_ALLOWED("the token is none, or is over")
    role, named = settings.ecs_role, request.raw_path.removeprefix(ROLE_PATH)
    if role is None or named not in ("", role):
        raise NOT_FOUND("such role")
    if not named:
        return _plain(role)
    expires = int(request.now) + lasting(settings, LIFE)
    key = made_key(settings, account=settings.account, role=role, session="i-emulated", expires=expires)
    return Reply(
        body={
            "AccessKeyId": key.key_id,
            "AccessKeySecret": key.secret,
            "Expiration": to_utc_text(expires),
            "SecurityToken": key.token,
            "LastUpdated": to_utc_text(int(request.now)),
            "Code": "Success",
        }
    )


def _plain(text: str) -> Reply:
    return Reply(raw=text.encode(), content_type="text/plain")
