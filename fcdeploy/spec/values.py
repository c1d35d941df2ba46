"""What flows through a template's expression: plain JSON, lazy maps and lists, and text that remembers its secrets.

How a secret survives (S41): `secret('X')` gives a `Sensitive` whose `parts` say what it is made of. Joining keeps the
parts exact. Any other operation gives a part `{"secret": "X", "expr": "(secret('X'))|b64encode"}`: an expression of
literals, filters and `secret()` alone, so that it can be evaluated again from a journal without the spec (S36).
"""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from fcdeploy.diagnostics import Diagnostic
from fcdeploy.model import LATER, Json, Sensitive, has_later, text_of
from fcdeploy.spec.node import kind_of

MAX_TEXT = 1024 * 1024
"""Characters of any one text, and of all text inside one value."""
MAX_ELEMENTS = 50_000
"""Maps, lists and scalars inside one value."""
MAX_DEPTH = 64
MAX_BITS = 4096
"""Of a whole number."""


class TemplateFault(Exception):
    """An expression cannot be evaluated; the summary and the hint never hold a secret's value."""

    def __init__(self, summary: str, hint: str = "") -> None:
        super().__init__(summary)
        self.summary = summary
        self.hint = hint


class Exhausted(TemplateFault):
    """All templates of a spec together do more than they may; said once, whatever is left."""

    def __init__(self, summary: str = "the templates of this spec do too much work together") -> None:
        super().__init__(
            summary,
            "make the values smaller, or put what several of them work out into `vars`",
        )


class Failed(Exception):
    """What an expression leads to has its own diagnostics already; what uses it is a consequence."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(*(one.summary for one in self.diagnostics[:1]))


class Names(ABC):
    """Something with named values that are made when asked for: `vars`, `target`, `git`, a `ref(…)`.

    `label` is how it is printed in messages.
    """

    label: str

    @abstractmethod
    def names(self) -> Iterable[str]:
        """The names it has, for `did you mean`."""

    @abstractmethod
    def value(self, name: str) -> Any:
        """The value of a name; raises KeyError when there is none."""

    def whole(self) -> Any:
        """All of it as a value; names that stand for no map refuse."""
        raise TemplateFault(f"`{self.label}` is not a value", f"take a part of it: `{self.label}.…`")


class Elements(ABC):
    """A list whose elements are made when asked for."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def element(self, index: int) -> Any:
        """One element; raises IndexError."""

    @abstractmethod
    def whole(self) -> list[Any]:
        """All elements."""


class Function:
    """Something an expression can call. `pure` ones may take secrets: their result is then secret as well."""

    __slots__ = ("call", "name", "pure")

    def __init__(self, name: str, call: Callable[..., Any], *, pure: bool = False) -> None:
        self.name = name
        self.call = call
        self.pure = pure


class Meter:
    """Bounds the work of one evaluation: elements visited, with 256 characters counting as one."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self, amount: int) -> None:
        """Raise TemplateFault when the work is used up."""
        self.left -= amount
        if self.left < 0:
            raise TemplateFault("the template does too much work", "make the values smaller or the expression simpler")


class Evaluation:
    """One evaluation: its work, the secrets it met, and those that decided something."""

    __slots__ = ("decided", "hints", "met", "meter")

    def __init__(self, work: int) -> None:
        self.meter = Meter(work)
        self.met: dict[str, None] = {}
        self.decided: dict[str, None] = {}
        self.hints: dict[str, str] = {}


def settled(value: Any, meter: Meter) -> tuple[Json, tuple[str, ...]]:
    """The value with everything lazy made, and the names of the secrets in it; raises TemplateFault when too large."""
    if type(value) is str and len(value) <= MAX_TEXT:
        # Most values.
        meter.spend(1 + len(value) // 256)
        return value, ()
    secrets: dict[str, None] = {}
    room = [MAX_ELEMENTS, MAX_TEXT]

    def settle(one: Any, depth: int) -> Json:
        if depth > MAX_DEPTH:
            raise TemplateFault(f"the value is nested deeper than {MAX_DEPTH} levels")
        if isinstance(one, (Names, Elements)):
            one = one.whole()
        meter.spend(1)
        room[0] -= 1
        if isinstance(one, str):
            room[1] -= len(one)
            meter.spend(len(one) // 256)
            if isinstance(one, Sensitive):
                meter.spend(len(one.parts))
                secrets.update(dict.fromkeys(secret_names(one)))
        if room[0] < 0:
            raise TemplateFault(f"the value has more than {MAX_ELEMENTS:,} elements")
        if room[1] < 0:
            raise TemplateFault(f"the value has more than {MAX_TEXT:,} characters")
        if isinstance(one, dict):
            return {settle(key, depth + 1): settle(item, depth + 1) for key, item in one.items()}
        if isinstance(one, (list, tuple)):
            return [settle(item, depth + 1) for item in one]
        if isinstance(one, float) and not math.isfinite(one):
            raise TemplateFault("the number is too large")
        if one is None or isinstance(one, (str, int, float, *LATER)):
            return one
        raise TemplateFault("the expression gives no value", "call it, or take a part of it")

    return settle(value, 0), tuple(secrets)


def secret_names(text: Sensitive) -> Iterator[str]:
    """The secrets that a text is made of."""
    for part in text.parts:
        if not isinstance(part, str):
            yield from part["secret"].split(",")


def part_of_unread(value: Json, argument: Json) -> Json:
    """What stands for a part of something that is made of secrets which nobody read; None where it is an ordinary part.

    Text that means nothing has no parts by name, and may have fewer elements than the secret.
    """
    if isinstance(value, Sensitive):
        far = isinstance(argument, int) and not -len(value) <= argument < len(value)
        return value if far or isinstance(argument, str) else None
    if isinstance(value, list) and isinstance(argument, int) and not -len(value) <= argument < len(value):
        return next((one for one in value if isinstance(one, Sensitive)), None)
    return None


def derived(value: str, names: Iterable[str], expression: str) -> Sensitive:
    """Text that came out of secrets by an operation other than joining."""
    if len(expression) > MAX_TEXT:
        raise TemplateFault("the secret goes through more operations than can be saved", "make its text elsewhere")
    return Sensitive(value, parts=({"secret": ",".join(names), "expr": expression},))


def to_text(value: Json) -> str:
    """A value inside other text: booleans as YAML writes them; null, maps and lists have no text form."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float() if math.isfinite(value):
            return repr(value)
        case None:
            raise TemplateFault("null has no text form", "give a default: `|default('', true)`")
        case dict() | list():
            raise TemplateFault(f"{kind_of(value)} has no text form", "write it as JSON: `|tojson`")
        case _:
            raise TemplateFault("the number has no text form")


def check_known(value: Json, what: str) -> None:
    """Refuse a value of `ref()` where a template would have to look into it: it may be known only after apply."""
    if has_later(value):
        raise TemplateFault(
            f"{what} needs a value that is known already, and one of ref() may be known only after apply",
            "it can stand alone or inside other text",
        )


def joined(pieces: Iterable[Json]) -> Json:
    """The pieces as one text; `Sensitive`, with exact parts, when any piece is.

    `LaterText` when a piece is known only later.
    """
    pieces = list(pieces)
    if all(type(piece) is str for piece in pieces):
        if sum(map(len, pieces)) > MAX_TEXT:
            raise TemplateFault(f"the value has more than {MAX_TEXT:,} characters")
        return "".join(pieces)
    if any(isinstance(piece, LATER) for piece in pieces):
        return text_of(piece if isinstance(piece, LATER) else to_text(piece) for piece in pieces)
    texts = [to_text(piece) for piece in pieces]
    if sum(map(len, texts)) > MAX_TEXT:
        raise TemplateFault(f"the value has more than {MAX_TEXT:,} characters")
    if not any(isinstance(text, Sensitive) for text in texts):
        return "".join(texts)
    parts: list[Json] = []
    for text in texts:
        for part in text.parts if isinstance(text, Sensitive) else (text,):
            if isinstance(part, str) and parts and isinstance(parts[-1], str):
                parts[-1] += part
            elif part != "":
                parts.append(part)
    return Sensitive("".join(texts), parts=tuple(parts))


def check_product(first: Json, second: Json) -> None:
    """Refuse `first * second` when the result would be too large."""
    for repeated, times in ((first, second), (second, first)):
        if isinstance(times, int) and isinstance(repeated, (str, list)):
            limit = MAX_TEXT if isinstance(repeated, str) else MAX_ELEMENTS
            if len(repeated) * times > limit:
                raise TemplateFault(f"the value would have {len(repeated) * times:,} elements", f"at most {limit:,}")
    if isinstance(first, int) and isinstance(second, int) and first.bit_length() + second.bit_length() > MAX_BITS:
        raise TemplateFault("the number is too large")


def check_power(first: Json, second: Json) -> None:
    """Refuse `first ** second` when the result would be too large."""
    if isinstance(first, int) and isinstance(second, int) and second > 1 and first.bit_length() * second > MAX_BITS:
        raise TemplateFault("the number is too large")


def expression_of(value: Json) -> str:
    """An expression that gives the value again; secrets stand in it as `secret('X')`, never as their text."""
    match value:
        case Sensitive():
            made = " ~ ".join(part_expression(part) for part in value.parts)
            return f"({made})" if made else '""'
        case str():
            # JSON's escapes are a subset of jinja's as long as characters beyond ASCII stand for themselves.
            return json.dumps(str(value), ensure_ascii=False)
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"({value!r})" if value < 0 else repr(value)
        case list():
            return "[" + ", ".join(expression_of(item) for item in value) + "]"
        case dict():
            return "{" + ", ".join(f"{expression_of(key)}: {expression_of(item)}" for key, item in value.items()) + "}"
        case _:
            raise TemplateFault("a value known after apply cannot be part of other text")


def part_expression(part: Json) -> str:
    """An expression that gives one part of a `Sensitive` again."""
    if isinstance(part, str):
        return expression_of(part)
    if "expr" in part:
        return f"({part['expr']})"
    return f"secret({expression_of(part['secret'])})"


def tainted(value: Json, names: tuple[str, ...], expression: str) -> Json:
    """The value with every text in it made `Sensitive`, as the result of `expression`.

    A number, a boolean or null cannot carry its origin: TemplateFault, since printing it would tell.
    """
    match value:
        case Sensitive():
            return value
        case str():
            return derived(value, names, expression)
        case list():
            return [tainted(item, names, f"({expression})[{index}]") for index, item in enumerate(value)]
        case dict():
            return {key: tainted(item, names, f"({expression})[{expression_of(key)}]") for key, item in value.items()}
        case _:
            raise TemplateFault(
                f"{kind_of(value)} made from a secret cannot be kept secret",
                "a secret can only become text: write the value in the file, or read it with env()",
            )


def described(value: Any) -> str:
    """What something that is no plain value is called in messages."""
    if isinstance(value, Names):
        return f"`{value.label}`"
    if isinstance(value, Function):
        return f"the function `{value.name}`"
    if value is None or isinstance(value, (str, int, float, list, dict, *LATER)):
        return kind_of(value)
    return "this"
