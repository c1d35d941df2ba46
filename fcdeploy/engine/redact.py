"""The one door to a person, a file or a log (law 9): everything that leaves passes here. Pure.

By type: a `Sensitive` never leaves as its text. By value: a text that came from outside (a service's message) has every
known secret cut out, raw or encoded (S41).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

from fcdeploy.model import PLAIN, Json, LaterJson, LaterText, Sensitive

HIDDEN = "(sensitive)"
_SHORTEST = 4


def shown(value: Json) -> Json:
    """The value with every secret in it replaced; plain values stay what they are."""
    match value:
        case Sensitive():
            return HIDDEN
        case str() | int() | float() | None:  # most values; the checks below cost more
            return value
        case LaterText() | LaterJson() if has_secret(value):
            return HIDDEN
        case Mapping():
            return {key: shown(item) for key, item in value.items()}
        case list() | tuple():
            return [shown(item) for item in value]
        case _:
            return value


def has_secret(value: Json) -> bool:
    """Whether a `Sensitive` stands anywhere inside."""
    waiting = [] if type(value) in PLAIN else [value]
    while waiting:  # no calls: this is asked of every value of every plan, more than once
        one = waiting.pop()
        match one:
            case dict():
                if not PLAIN.issuperset(map(type, one.values())):
                    waiting += [item for item in one.values() if type(item) not in PLAIN]
            case list() | tuple():
                waiting += [item for item in one if type(item) not in PLAIN]
            case Sensitive():
                return True
            case Mapping():
                waiting += one.values()
            case str() | int() | float() | None:
                pass
            case LaterText():
                waiting += one.parts
            case LaterJson():
                waiting.append(one.value)
            case _:
                pass
    return False


def secrets_in(value: Json) -> frozenset[str]:
    """The texts of all secrets inside."""
    if not has_secret(value):
        return frozenset()
    match value:
        case Sensitive():
            return frozenset({str(value)})
        case Mapping():
            return frozenset().union(*(secrets_in(item) for item in value.values()))
        case list() | tuple():
            return frozenset().union(*(secrets_in(item) for item in value))
        case LaterText():
            return secrets_in(value.parts)
        case LaterJson():
            return secrets_in(value.value)
        case _:
            return frozenset()


class Redactor:
    """Cuts known secret texts out of foreign text, in each encoding that one can appear in.

    `secrets` are gone through with the first such text, if one ever comes.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = secrets
        self._forms: list[str] | None = None

    def text(self, text: str) -> str:
        """The text with every form of every secret replaced."""
        if not text:
            return text
        if self._forms is None:
            # Only now: most runs meet no foreign text, and there may be thousands of live values.
            known = frozenset(self._secrets)
            forms = {form for secret in known if len(secret) >= _SHORTEST for form in _encodings(secret)}
            # Longest first: a secret inside another must not leave the other's rest standing.
            self._forms = sorted(forms, key=lambda form: (-len(form), form))
        for form in self._forms:
            if form in text:
                text = text.replace(form, HIDDEN)
        return text


def _encodings(secret: str) -> set[str]:
    raw = secret.encode()
    forms = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret)}
    forms |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    forms |= {raw.hex(), raw.hex().upper()}
    whole = base64.b64encode(raw).decode()
    forms |= {whole, whole.rstrip("="), whole.replace("+", "-").replace("/", "_")}
    # A secret inside a longer base64 text starts at one of three offsets; the middle is the same in each.
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        skip = (0, 2, 3)[offset]
        middle = encoded[skip : len(encoded) - (1 if (offset + len(raw)) % 3 else 0)]
        if len(middle) >= _SHORTEST:
            forms |= {middle, middle.replace("+", "-").replace("/", "_")}
    return {form for form in forms if len(form) >= _SHORTEST}
