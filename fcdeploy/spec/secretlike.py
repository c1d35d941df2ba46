"""What looks like a secret, by its name or by the value itself. Pure; never right always, and rather careful."""

from __future__ import annotations

import math
import re
from collections import Counter

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
# In a name anywhere, and at its end.
_STRONG = frozenset(
    {"PASSWORD", "PASSWORDS", "PASSWD", "PWD", "PASSPHRASE", "SECRET", "SECRETS", "PRIVATE", "CREDENTIAL"}
    | {"CREDENTIALS", "APIKEY"}
)
_WEAK = frozenset(
    {"KEY", "KEYS", "TOKEN", "TOKENS", "AUTH", "AUTHORIZATION", "PASS", "SALT", "AK", "SK", "COOKIE", "SIGNATURE"}
    | {"DSN", "JWT", "PIN"}
)
# The last words of a name by which whoever wrote it calls a secret one.
_SURE = frozenset(
    {"PASSWORD", "PASSWORDS", "PASSWD", "PWD", "PASSPHRASE", "SECRET", "SECRETS", "TOKEN", "CREDENTIAL"}
    | {"CREDENTIALS", "APIKEY", "ACCESSKEY"}
)
_OF_KEY = frozenset({"ACCESS", "API", "PRIVATE", "SECRET", "ENCRYPTION", "SIGNING", "AUTH", "MASTER"})
_NO_SECRET = frozenset(
    {"ID", "IDS", "HASH", "SHA", "DIGEST", "CHECKSUM", "COMMIT", "REVISION", "VERSION", "ETAG", "ARN", "URL", "NAME"}
    | {"PATH", "FILE"}
)
_LEADS_ELSEWHERE = re.compile(r"\.{0,2}/|[a-z][a-z0-9+.-]*:(?!//[^/\s]*:[^/\s]*@)", re.IGNORECASE)
"""A path, an ARN, an address without a password: where a secret may be, not what it is."""
_SWITCHES = frozenset({"", "0", "1", "true", "false", "yes", "no", "on", "off", "none", "null"})
_CERTAIN = re.compile(
    r"""
    -----BEGIN\ [A-Z ]*PRIVATE\ KEY              # PEM
    | \bLTAI[0-9A-Za-z]{12,}                     # an access key id of Alibaba Cloud
    | \bSTS\.[0-9A-Za-z]{16,}                    # and a temporary one
    | \b(?:AKIA|ASIA)[0-9A-Z]{16}\b              # other clouds and services
    | \bgh[pousr]_[0-9A-Za-z]{20,} | \bgithub_pat_[0-9A-Za-z_]{20,} | \bglpat-[-0-9A-Za-z_]{16,}
    | \bxox[abeoprs]-[-0-9A-Za-z]{10,}
    | \bsk-[-0-9A-Za-z_]{16,} | \bsk_(?:live|test)_[0-9A-Za-z]{10,}
    | \beyJ[-0-9A-Za-z_]{8,}\.[-0-9A-Za-z_]{8,}\. # a JSON web token
    | \b[Bb](?:earer|asic)\ [-0-9A-Za-z._~+/]{8,}
    | ://[^\s:/?\#@]*:[^\s/?\#@]+@               # an address with a password
    | (?i:(?:password|passwd|pwd|secret|access_?key(?:_?secret)?)\\?["']?\s*[=:]\s*
        (?:\\?"[^"]{4,}"|'[^']{4,}'|[^\s;,&"']{4,}))
    """,
    re.VERBOSE,
)
_SHORTEST = 7
"""What is shorter is none of these: `://:p@h` is the shortest."""
_TOKEN = re.compile(r"[A-Za-z0-9+/_=-]{20,}")
_HEX = re.compile(r"[0-9a-fA-F]{32,}")
_LEAST_ENTROPY = 3.7


def is_secret_value(text: str) -> bool:
    """Whether the text is, or holds, what nobody writes but as a secret: a private key, a password in an address."""
    return len(text) >= _SHORTEST and _CERTAIN.search(text) is not None


def is_plain_secret(name: str, text: str) -> bool:
    """Whether a variable of this name, whose value a person wrote into a file, is a secret.

    It is told to whoever wrote it, so less is taken for one than where a secret must not slip through.
    """
    if text.strip().lower() in _SWITCHES:
        return False
    if is_secret_value(text):
        return True
    words = [word.upper() for word in _WORD.findall(name)] or [""]
    if _LEADS_ELSEWHERE.match(text) or words[-1] in _NO_SECRET or "PUBLIC" in words:
        return False
    called = words[-1] in _SURE or (words[-1] == "KEY" and words[-2:-1] != [] and words[-2] in _OF_KEY)
    return (called and not text.isdecimal()) or (_is_random(text) and not _HEX.fullmatch(text))


def looks_secret(name: str, text: str) -> bool:
    """Whether a variable, parameter or header of this name and value should be kept out of a file."""
    if text.strip().lower() in _SWITCHES:
        return False
    words = [word.upper() for word in _WORD.findall(name)]
    if not _STRONG.isdisjoint(words) or (words and words[-1] in _WEAK and "PUBLIC" not in words):
        return True
    return is_secret_value(text) or _is_random(text)


def _is_random(text: str) -> bool:
    """Whether the text has no meaning to a reader: hexadecimal, or letters of both cases mixed with digits."""
    if _HEX.fullmatch(text):
        return True
    if _TOKEN.fullmatch(text) is None or text.startswith("/"):
        return False
    kinds = sum(1 for pattern in ("[a-z]", "[A-Z]", "[0-9]") if re.search(pattern, text))
    return kinds == 3 and _entropy(text) >= _LEAST_ENTROPY


def _entropy(text: str) -> float:
    """Bits a character."""
    total = len(text)
    return -sum(count / total * math.log2(count / total) for count in Counter(text).values())
