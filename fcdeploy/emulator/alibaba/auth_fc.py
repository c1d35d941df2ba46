"""The FC signature and the pre-signed URL, verified (facts 4.2, 4.3, 4.5).

    string to sign = METHOD \\n CONTENT-MD5 \\n CONTENT-TYPE \\n DATE \\n x-fc- headers + resource
    signature      = base64(HMAC-SHA256(secret, string to sign))

SDKs differ in the resource, so a verifier tries candidates in the order of facts 4.2 ("Verifier advice").
"""

import base64
import hmac
from collections.abc import Iterator, Mapping
from urllib.parse import unquote, unquote_plus

SIGNATURE = "x-fc-signature"
EXPIRES = "x-fc-expires"
KEY_ID = "x-fc-access-key-id"
TOKEN = "x-fc-security-token"


def fc_headers_block(headers: Mapping[str, str]) -> str:
    """Return the canonical ``x-fc-`` headers, one ``name:value`` line each; an empty value is still a line."""
    names = sorted(name for name in headers if name.startswith("x-fc-"))
    return "".join(f"{name}:{headers[name]}\n" for name in names)


def query_lines(raw_query: str, *, plus_is_space: bool = False) -> list[str]:
    """Return the decoded query entries as ``k=v``, a key without a value as ``k``, in the order of the URL."""
    decode = unquote_plus if plus_is_space else unquote
    lines = []
    for entry in raw_query.split("&"):
        if entry:
            key, mark, value = entry.partition("=")
            lines.append(f"{decode(key)}={decode(value)}" if mark else decode(key))
    return lines


def resource_candidates(raw_path: str, raw_query: str, *, trigger: bool) -> Iterator[str]:
    """Yield every canonical resource that an SDK may have signed for this target, likeliest first.

    ``trigger``: the path is an HTTP trigger's; its query is always signed, so the bare path is no candidate.
    """
    decoded = unquote(raw_path)
    paths = (decoded,) if decoded == raw_path else (decoded, raw_path)
    if not trigger:
        yield from paths
    for plus_is_space in (False, True) if "+" in raw_query else (False,):
        lines = query_lines(raw_query, plus_is_space=plus_is_space)
        ordered = sorted(lines)
        for path in paths:
            yield f"{path}\n" + "\n".join(ordered)
        if ordered != lines:  # gateway-fc-util keeps the order of the URL (facts 4.8, the unsorted defect)
            for path in paths:
                yield f"{path}\n" + "\n".join(lines)
    if raw_query:
        # gateway-fc neither decodes nor encodes keys and values (facts 4.5)
        for path in paths:
            yield f"{path}\n" + "\n".join(sorted(entry for entry in raw_query.split("&") if entry))


def fc_signature(secret: str, text: str) -> str:
    """Return the base64 signature of a string to sign."""
    return base64.b64encode(hmac.digest(secret.encode(), text.encode("utf-8", "surrogateescape"), "sha256")).decode()


def fc_signature_matches(
    *,
    secret: str,
    given: str,
    method: str,
    raw_path: str,
    raw_query: str,
    headers: Mapping[str, str],
    dates: tuple[str, ...],
    trigger: bool,
) -> bool:
    """Tell whether ``given`` is the signature of the request with one of the ``dates`` in its DATE line."""
    opening = f"{method.upper()}\n{headers.get('content-md5', '')}\n{headers.get('content-type', '')}\n"
    block = fc_headers_block(headers)
    for date in dates:
        for resource in resource_candidates(raw_path, raw_query, trigger=trigger):
            expected = fc_signature(secret, f"{opening}{date}\n{block}{resource}")
            if hmac.compare_digest(expected.encode(), given.encode()):
                return True
    return False


def presigned_matches(
    *, secret: str, given: str, method: str, raw_path: str, raw_query: str, headers: Mapping[str, str], expires: str
) -> bool:
    """Tell whether ``given`` is the ``x-fc-signature`` of a pre-signed URL (facts 4.3).

    ``raw_query`` holds all entries of the URL; the signature itself is left out of what is signed.
    """
    entries = [entry for entry in raw_query.split("&") if entry and unquote(entry.partition("=")[0]) != SIGNATURE]
    return fc_signature_matches(
        secret=secret,
        given=given,
        method=method,
        raw_path=raw_path,
        raw_query="&".join(entries),
        headers=headers,
        dates=(expires,),
        trigger=True,
    )
