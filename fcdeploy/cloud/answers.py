"""Answers that are errors: what they say, in whichever family of words, and what to do about it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Final

from fcdeploy.cloud import retry
from fcdeploy.cloud.credentials import Credentials
from fcdeploy.cloud.exchange import Answer
from fcdeploy.errors import ApiError, KeyExpired
from fcdeploy.model import Json, request_id

_NO_CODE: Final = "(no code)"
_QUOTED: Final = 300
_SKEW: Final = 300.0
_LOCKED: Final = re.compile(r"reach the limit", re.IGNORECASE)
_KEY: Final = "HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK"


def api_error(
    answer: Answer,
    operation: str,
    resource: str,
    *,
    key: Credentials | None = None,
    expired: Callable[[Credentials], bool] | None = None,
) -> ApiError:
    """The error of a reply. `key` is what the call was signed with, without which its text is not quoted; `expired` is
    told of a key that the service calls over, and says whether another can be had.
    """
    code, message, named = _parts(answer)
    over = False
    if key is not None and expired is not None:
        temporary = key.security_token is not None
        over = retry.says_expired(answer.status, code, message, temporary=temporary) and expired(key)
    message = "the service refused it" if key is None else key.hidden(message)
    error = (KeyExpired if over else ApiError)(
        operation=operation,
        resource=resource,
        status=answer.status,
        code=code,
        message=message,
        request_id=request_id(answer.headers) or named,
        retry_after=retry.retry_after(answer.headers.get("retry-after"), now=time.time()),
    )
    if answer.status in (400, 401, 403):
        error.hint = _skew_hint(answer) or _refusal_hint(code, message, key)
    return error


def _parts(answer: Answer) -> tuple[str, str, str]:
    """Code, message and request id of an error's body, in any family of keys (facts 6.1; FunctionGraph facts 1)."""
    try:
        content: Json = json.loads(answer.content)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        text = " ".join(answer.content.decode("utf-8", "replace").split())
        code = re.search(r"<Code>(\w+)</Code>", text)  # object storage answers in XML
        return code[1] if code else _NO_CODE, text[:_QUOTED] + ("…" if len(text) > _QUOTED else ""), ""
    return (
        _first(content, "ErrorCode", "errorCode", "error_code", "Code", "code") or _NO_CODE,
        _first(content, "ErrorMessage", "errorMessage", "error_msg", "errorMsg", "Message", "message"),
        _first(content, "RequestId", "requestId", "RequestID", "request_id"),
    )


def _first(content: Mapping[str, Json], *names: str) -> str:
    return next((str(content[name]) for name in names if content.get(name)), "")


def _skew_hint(answer: Answer) -> str:
    """What to do when this clock and the service's are far apart, which no signature outlives."""
    try:
        apart = abs(parsedate_to_datetime(answer.headers.get("date", "")).timestamp() - time.time())
    except ValueError:
        return ""
    return (
        f"this machine's clock differs from the service's by {apart / 60:.0f} minutes; set it right"
        if apart > _SKEW
        else ""
    )


def _refusal_hint(code: str, message: str, key: Credentials | None) -> str:
    """What to do about a key that FunctionGraph, or the gateway before it, refuses (FunctionGraph facts 1)."""
    if code in retry.KEY_REFUSED:
        if _LOCKED.search(message):
            return f"after more than five refusals a key is locked for five minutes: wait, and see {_KEY}"
        if key is not None and key.security_token is not None:
            return f"the temporary key may be over: set {_KEY} and HUAWEICLOUD_SDK_SECURITY_TOKEN anew"
        return f"see {_KEY}, or the profile; after more than five refusals a key is locked for five minutes"
    if code in _FORBIDDEN:
        return "the key's user needs the permission in this project, and the project must be one of this region"
    return ""


_FORBIDDEN: Final = frozenset({"FSS.0401", "FSS.0403", "APIGW.0302", "APIG.0302"})
"""Not permitted (FunctionGraph facts 13; the gateway's reference of error codes)."""
