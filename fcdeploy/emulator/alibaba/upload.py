"""The bucket for code that is too big for a request: its credentials, and the OSS calls that put objects into it.

``GetTempBucketToken`` and ``GetTempCodeBucketToken`` give credentials that may write one object of one bucket. SDKs
then speak OSS: the bucket is the first label of the Host (what ``ali-oss`` sends, to an IP address too) or the first
segment of the path. The object is read back by ``code.ossBucketName`` and ``code.ossObjectName``.

Nothing is stored for a token: it is signed, and id and secret are derived from it.
"""

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import unquote
from xml.sax.saxutils import escape

from fastcrc import crc64

from fcdeploy.emulator.errors import ApiError
from fcdeploy.emulator.exchange import Json, Reply, Request, Tenant
from fcdeploy.emulator.store import Row
from fcdeploy.emulator.times import to_utc_text

BUCKET_PREFIX = "fc-emulated-code-"
TEMP_OBJECT = "temp-object"  # parent the bucket, name the key; body["_code"]["digest"] is the content
OBJECT_LIMIT = 524_288_000  # facts 13: code through OSS, 500 MB
LIFETIME = 1800  # seconds that credentials live; the vendor's value is not documented
_CLOCK = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a token call gives: ``prefix`` is where in the bucket the object is, without the object's own name."""

    bucket: str
    name: str
    key_id: str
    secret: str
    token: str
    expiration: str


def bucket_of(tenant: Tenant) -> str:
    """Return the name of the bucket of a tenant's region."""
    return f"{BUCKET_PREFIX}{tenant.region}"


def _derived(request: Request, purpose: str, token: str) -> str:
    return hmac.digest(request.world.store.link_secret, f"{purpose} {token}".encode(), "sha256").hex()


def new_credentials(request: Request, prefix: str) -> Credentials:
    """Return credentials to write ``{prefix}/{a new name}``."""
    name, expires = uuid.uuid4().hex, int(request.now) + LIFETIME
    grant = [request.tenant.account, request.tenant.region, f"{prefix}/{name}", expires]
    content = base64.urlsafe_b64encode(json.dumps(grant).encode()).decode()
    token = f"{content}.{_derived(request, 'token', content)}"
    return Credentials(
        bucket=bucket_of(request.tenant),
        name=name,
        key_id=f"STS.{_derived(request, 'id', token)[:24]}",
        secret=_derived(request, "secret", token)[:44],
        token=token,
        expiration=to_utc_text(expires),
    )


def _place(request: Request) -> tuple[str, str, str] | None:
    """Return bucket, key and the path as signed when a request addresses such a bucket; else None."""
    host = request.headers.get("host", "").rpartition("://")[2].partition("/")[0]
    first = host.partition(".")[0]
    path = request.raw_path.lstrip("/")
    if first.startswith(BUCKET_PREFIX):
        return first, unquote(path), f"/{first}/{unquote(path)}"
    bucket, _, key = path.partition("/")
    if bucket.startswith(BUCKET_PREFIX):
        return bucket, unquote(key), f"/{bucket}/{unquote(key)}"
    return None


def is_upload(request: Request) -> bool:
    """Tell whether a request is for the bucket and not for Function Compute."""
    return _place(request) is not None


def answer(request: Request) -> Reply:
    """Answer an OSS call; errors are XML, as OSS writes them."""
    try:
        return _put_object(request)
    except ApiError as error:
        text = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{error.code}</Code>'
            f"<Message>{escape(error.message)}</Message><RequestId>{request.request_id}</RequestId></Error>"
        )
        return Reply(
            status=error.status,
            raw=text.encode(),
            content_type="application/xml",
            headers=(("x-oss-request-id", request.request_id),),
        )


def string_to_sign(method: str, headers: Mapping[str, str], resource: str) -> str:
    """Return what the first OSS signature is made of; ``resource`` is ``/bucket/key``, headers are lower-case."""
    date = headers.get("x-oss-date") or headers.get("date", "")
    own = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers) if name.startswith("x-oss-"))
    return f"{method}\n{headers.get('content-md5', '')}\n{headers.get('content-type', '')}\n{date}\n{own}{resource}"


def signature(secret: str, text: str) -> str:
    """Return the base64 HMAC-SHA1 of a string to sign."""
    return base64.b64encode(hmac.digest(secret.encode(), text.encode("utf-8", "surrogateescape"), "sha1")).decode()


def _granted(request: Request, token: str) -> tuple[Tenant, str]:
    """Return whose object a token may write, and its key; a token that is not ours or is old is 403."""
    content, _, mark = token.partition(".")
    if not hmac.compare_digest(_derived(request, "token", content).encode(), mark.encode()):
        raise ApiError(403, "InvalidSecurityToken", "The security token you provided is invalid.")
    account, region, key, expires = json.loads(base64.urlsafe_b64decode(content))
    if expires < request.now:
        raise ApiError(403, "SecurityTokenExpired", "The security token you provided has expired.")
    return Tenant(account, region), key


def _check_signature(request: Request, token: str, resource: str) -> None:
    given = request.headers.get("authorization", "")
    if not given.startswith("OSS "):
        raise ApiError(403, "AccessDenied", "Only the signature of version 1 in a header is supported.")
    key_id, _, mark = given[4:].partition(":")
    if key_id != f"STS.{_derived(request, 'id', token)[:24]}":
        raise ApiError(403, "InvalidAccessKeyId", "The OSS Access Key Id you provided does not exist in our records.")
    text = request.headers.get("x-oss-date") or request.headers.get("date", "")
    try:
        seconds = parsedate_to_datetime(text).timestamp()
    except ValueError:
        raise ApiError(403, "AccessDenied", "OSS authentication requires a valid Date.") from None
    if abs(seconds - request.now) > _CLOCK:
        raise ApiError(403, "RequestTimeTooSkewed", "The difference between the request time and now is too large.")
    expected = signature(
        _derived(request, "secret", token)[:44], string_to_sign(request.method, request.headers, resource)
    )
    if not hmac.compare_digest(expected.encode(), mark.encode()):
        raise ApiError(403, "SignatureDoesNotMatch", "The request signature we calculated does not match.")


def _put_object(request: Request) -> Reply:
    place = _place(request)
    assert place is not None
    bucket, key, resource = place
    if request.method != "PUT" or not key or request.raw_query:
        raise ApiError(405, "MethodNotAllowed", "Only PutObject is supported by the emulator's code bucket.")
    if len(request.body) > OBJECT_LIMIT:
        raise ApiError(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size.")
    token = request.headers.get("x-oss-security-token", "")
    tenant, granted = _granted(request, token)
    if request.world.settings.check_signatures:
        _check_signature(request, token, resource)
    if bucket != bucket_of(tenant) or key != granted:
        raise ApiError(403, "AccessDenied", "You have no right to access this object.")
    md5 = hashlib.md5(request.body, usedforsecurity=False)
    wanted = request.headers.get("content-md5")
    if wanted and wanted != base64.b64encode(md5.digest()).decode():
        raise ApiError(400, "InvalidDigest", "The Content-MD5 you specified was invalid.")
    now = to_utc_text(int(request.now))
    with request.world.write(tenant) as session:
        kept: Json = {"digest": session.put_blob(request.body)}
        session.put(
            Row(kind=TEMP_OBJECT, parent=bucket, name=key, body={"_code": kept}, etag="", created=now, modified=now)
        )
    return Reply(
        headers=(
            ("ETag", f'"{md5.hexdigest().upper()}"'),
            ("x-oss-request-id", request.request_id),
            ("x-oss-hash-crc64ecma", str(crc64.xz(request.body))),
        )
    )


def read_object(request: Request, bucket: str, key: str) -> bytes | None:
    """Return an object that the caller's account has put into the bucket, or None."""
    with request.world.read(request.tenant) as session:
        row = session.get(TEMP_OBJECT, bucket, key)
    kept = None if row is None else row.body["_code"]
    return request.world.store.blob(str(kept["digest"])) if isinstance(kept, dict) else None
