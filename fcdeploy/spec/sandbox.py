"""Expressions: jinja2's parser and compiler in a sandbox that we hold closed (S2).

Differences from a plain SandboxedEnvironment: nothing has methods (filters do that), only our functions can be called,
every operator is measured before it makes something large, `~`, comparison, truth and slicing go through us so that a
secret cannot lose its name (S41), and text is never parsed again as a literal.

This module imports jinja2; import it late.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2 import StrictUndefined
from jinja2.exceptions import TemplateAssertionError, TemplateError, TemplateSyntaxError, UndefinedError
from jinja2.runtime import Context, Undefined
from jinja2.sandbox import SandboxedEnvironment

from fcdeploy.diagnostics import did_you_mean
from fcdeploy.model import LATER, Json, Sensitive
from fcdeploy.spec.compiler import Compiler
from fcdeploy.spec.filters import COMPARISONS, FILTERS, TESTS
from fcdeploy.spec.node import kind_of
from fcdeploy.spec.sources import UNREAD
from fcdeploy.spec.values import (
    MAX_TEXT,
    Elements,
    Evaluation,
    Exhausted,
    Failed,
    Function,
    Meter,
    Names,
    TemplateFault,
    check_known,
    check_power,
    check_product,
    derived,
    described,
    expression_of,
    joined,
    part_of_unread,
    secret_names,
    settled,
    tainted,
)

MAX_EXPRESSION = 4096
WORK = 100_000
"""What one expression may do, in elements visited: about 0.2 s."""
_SMALL = 100
"""The work of an expression that is not counted among the work of all."""

# `vars.a.b`, `secret('X')`, `ref('service/function').arn`: most templates. Compiling one takes a millisecond, so a
# file with a thousand different ones would take a second; these are walked instead, by the same operations.
_SIMPLE = re.compile(
    r"\s*([A-Za-z_][A-Za-z0-9_]*)(?:\(\s*(?:'([^'\\\r\n]*)'|\"([^\"\\\r\n]*)\")\s*\))?((?:\.[A-Za-z_][A-Za-z0-9_]*)*)\s*"
)

_ELSEWHERE = {"each": "`each` is known in a resource with `foreach`, and in what stands beneath it"}
"""Names that mean something in some places only."""

_TOO_DEEP = TemplateFault("the expression is nested too deeply", "split it with `vars`")


_DEAR = {"join": 4, "tojson": 1}
"""What filters take for each element, beside the visit."""

FAULTS = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)
"""What evaluating a template may raise, besides what we raise ourselves."""


class _Missing(StrictUndefined):
    """An undefined name; tests and `default` accept it, any other use raises."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        return self._undefined_hint or f"`{self._undefined_name}` is not defined"


class Sandbox(SandboxedEnvironment):
    """Evaluates expressions, one at a time; an evaluation may start others through lazy names."""

    code_generator_class = Compiler
    intercepted_binops = frozenset(SandboxedEnvironment.default_binop_table)

    def __init__(self, total: Meter | None = None, *, unread: bool = False) -> None:
        """`total` bounds the work of all that share it. `unread`: secrets stand as text that means nothing."""
        super().__init__(undefined=_Missing, optimized=False, autoescape=False, cache_size=0)
        self.globals.clear()
        self.filters = {name: self._filter(name, call) for name, call in FILTERS.items()}
        self.tests = {name: self._test(name, call) for name, call in TESTS.items()}
        self._compiled: dict[str, Callable[..., Any]] = {}
        self._runs: list[Evaluation] = []
        self._total = total or Meter(WORK)
        self._unread = unread

    def value(self, expression: str, names: Mapping[str, Any], *, longest: int = MAX_EXPRESSION) -> Json:
        """What the expression gives: JSON, with `Sensitive` text where secrets went in, or a leaf of `ref()`.

        Raises TemplateFault, or Failed when something it uses has failed already.
        """
        if self._total.left <= 0:
            raise Exhausted
        compiled = self._walk(expression, names) or self._callable(expression, longest)
        run = Evaluation(WORK)
        self._runs.append(run)
        try:
            result = compiled(names)
            if isinstance(result, Undefined):
                result._fail_with_undefined_error()
            plain, _ = settled(result, run.meter)
            if run.decided:
                plain = tainted(plain, tuple(run.decided), expression.strip())
            return plain
        except (TemplateFault, Failed):
            raise
        except FAULTS as problem:
            raise self.fault_of(problem, names) from None
        finally:
            self._runs.pop()
            # How many small ones there are, the size of the file says.
            self._total.left -= max(WORK - run.meter.left - _SMALL, 0)

    def fault_of(self, problem: Exception, names: Iterable[str]) -> TemplateFault:
        """What is told of one of `FAULTS` that the running evaluation raised."""
        run = self._runs[-1]
        if isinstance(problem, RecursionError):
            return _TOO_DEEP
        if isinstance(problem, UndefinedError):
            text = str(problem)
            hint = run.hints.get(text)
            if hint is None:
                name = text.split("`")[1] if "`" in text else ""
                hint = _ELSEWHERE.get(name) or did_you_mean(name, names)
            return TemplateFault(text, hint)
        # The text of a foreign exception may quote the value it failed on.
        shown = type(problem).__name__ if run.met else (str(problem) or type(problem).__name__)
        return TemplateFault(f"the expression fails: {shown}")

    def check(self, expression: str) -> None:
        """Raises TemplateFault for what is no expression; nothing is evaluated."""
        self._callable(expression, MAX_EXPRESSION)

    def _walk(self, expression: str, names: Mapping[str, Any]) -> Callable[..., Any] | None:
        simple = _SIMPLE.fullmatch(expression) if len(expression) <= MAX_EXPRESSION else None
        if simple is None or simple[1] not in names:
            return None
        given = simple[2] if simple[2] is not None else simple[3]

        def walk(meanings: Mapping[str, Any]) -> Any:
            value = meanings[simple[1]]
            if given is not None:
                value = self.call(None, value, given)
            for part in simple[4].split(".")[1:]:
                value = self.getitem(value, part)
            return value

        return walk

    def _callable(self, expression: str, longest: int) -> Callable[..., Any]:
        known = self._compiled.get(expression)
        if known is not None:
            return known
        if len(expression) > longest:
            raise TemplateFault(f"the expression is longer than {longest} characters", "split it with `vars`")
        if not expression.strip():
            raise TemplateFault("the template is empty", "write an expression: `${{ vars.name }}`")
        try:
            made = self.compile_expression(expression.strip(), undefined_to_none=False)
        except TemplateAssertionError as problem:
            text = str(problem.message or "")
            word = text.split("'")[1] if text.count("'") >= 2 else ""
            kind, known_names = ("filter", FILTERS) if "filter" in text else ("test", TESTS)
            hint = did_you_mean(word, known_names) or f"{kind}s are: {', '.join(sorted(known_names))}"
            raise TemplateFault(f"there is no {kind} `{word}`", hint) from None
        except TemplateSyntaxError as problem:
            raise TemplateFault(f"the expression cannot be read: {problem.message}") from None
        except (RecursionError, SyntaxError, MemoryError):
            raise _TOO_DEEP from None
        self._compiled[expression] = made
        return made

    # What compiled expressions call.

    def tilde(self, *pieces: Any) -> Json:
        """`a ~ b`."""
        return joined([self._plain(piece) for piece in pieces])

    def compare(self, first: Any, *rest: Any) -> bool:
        """`a < b < c`; a secret that is compared decides the result."""
        left, names = self._settle(first)
        self._decide(names)
        for name, operand in zip(rest[::2], rest[1::2], strict=True):
            right, names = self._settle(operand)
            self._decide(names)
            check_known([left, right], "a comparison")
            if not COMPARISONS[name](left, right):
                return False
            left = right
        return True

    def weighed(self, value: Any) -> Any:
        """A value whose truth decides the result."""
        if isinstance(value, Sensitive):
            self._decide(tuple(secret_names(value)))
        check_known(value if isinstance(value, LATER) else None, "a condition")
        return value

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`a.b`: names of a map, nothing else."""
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`a['b']`, `a[0]`, `a[1:3]`."""
        if isinstance(obj, Undefined):
            obj._fail_with_undefined_error()
        if isinstance(argument, slice):
            return self._slice(obj, argument)
        argument, names = self._settle(argument)
        self._decide(names)
        if self._unread and (unread := part_of_unread(obj, argument)) is not None:
            return unread
        found: Any = _NOTHING
        if isinstance(obj, (Names, dict)):
            known = list(obj.names()) if isinstance(obj, Names) else [key for key in obj if isinstance(key, str)]
            if isinstance(obj, Names):
                found = obj.value(argument) if isinstance(argument, str) and argument in known else _NOTHING
            elif isinstance(argument, (str, int, float, bool)):
                found = obj.get(argument, _NOTHING)
            if found is _NOTHING:
                label = f"`{obj.label}.{argument}`" if isinstance(obj, Names) else f"`{argument}`"
                if names:
                    raise TemplateFault("the map has no entry of the secret's value")
                longer = next((one for one in known if one.startswith(f"{argument}-")), None)
                if longer is not None and isinstance(obj, Names):
                    return self._missing(f"{label} is not defined", f"`-` subtracts: write `{obj.label}['{longer}']`")
                return self._missing(f"{label} is not defined", did_you_mean(str(argument), known))
        elif isinstance(obj, (list, tuple, Elements, str)):
            if isinstance(argument, bool) or not isinstance(argument, int):
                raise TemplateFault(
                    f"{kind_of(self._plain(obj))} has no part `{argument}`", "methods are written as filters"
                )
            if not -len(obj) <= argument < len(obj):
                return self._missing(f"there is no element {argument}", f"there are {len(obj)}")
            if isinstance(obj, str):
                return self._slice(obj, slice(argument, argument + 1 or None))
            found = obj.element(argument % len(obj)) if isinstance(obj, Elements) else obj[argument]
        else:
            raise TemplateFault(f"{described(obj)} has no part `{argument}`")
        if isinstance(found, Sensitive):
            self._meet(tuple(secret_names(found)))
        return found

    def _slice(self, obj: Any, bounds: slice) -> Any:
        value, names = self._settle(obj)
        if not isinstance(value, (str, list)):
            raise TemplateFault(f"{kind_of(value)} cannot be sliced")
        if isinstance(value, Sensitive):
            written = ":".join("" if one is None else str(one) for one in (bounds.start, bounds.stop))
            written += "" if bounds.step is None else f":{bounds.step}"
            return derived(str.__getitem__(value, bounds), names, f"{expression_of(value)}[{written}]")
        return value[bounds]

    def call(__self, __context: Context | None, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """`f(a)`: only our functions."""
        if isinstance(__obj, Undefined):
            __obj._fail_with_undefined_error()
        if not isinstance(__obj, Function):
            raise TemplateFault(f"{described(__obj)} cannot be called", "methods are written as filters: `x|upper`")
        (given, named), names = __self._settle(([*args], kwargs))
        check_known([given, named], f"{__obj.name}()")
        if names and not __obj.pure:
            raise TemplateFault(f"{__obj.name}() does not take a secret")
        try:
            result = __obj.call(*given, **named)
        except TypeError:
            raise TemplateFault(f"{__obj.name}() does not take these arguments") from None
        if names:
            written = ", ".join(expression_of(one) for one in given)
            return tainted(result, names, f"{__obj.name}({written})")
        if isinstance(result, Sensitive):
            __self._meet(tuple(secret_names(result)))
        return result

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic, measured before it is done."""
        first, of_first = self._settle(left)
        second, of_second = self._settle(right)
        names = of_first + of_second
        if operator == "+" and all(isinstance(one, (str, *LATER)) for one in (first, second)):
            return joined([first, second])
        check_known([first, second], f"`{operator}`")
        if operator == "%" and isinstance(first, str):
            raise TemplateFault("text has no operator `%`", "join text with `~`")
        if operator == "*":
            check_product(first, second)
        if operator == "**":
            check_power(first, second)
        result = self.binop_table[operator](first, second)
        if isinstance(result, complex):
            raise TemplateFault("the result is not a real number")
        if names and isinstance(result, str):
            return derived(result, names, f"{expression_of(first)} {operator} {expression_of(second)}")
        return result

    def _filter(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def filtered(subject: Any, *args: Any, **kwargs: Any) -> Any:
            if name in ("default", "d"):
                return self._default(subject, *args, **kwargs)
            value, of_value = self._settle(subject)
            (given, named), of_given = self._settle(([*args], kwargs))
            names = tuple(dict.fromkeys(of_value + of_given))
            check_known([value, given, named], f"`|{name}`")
            self._runs[-1].meter.spend(_DEAR.get(name, 0) * len(value) if isinstance(value, (list, dict)) else 0)
            try:
                result = call(value, *given, **named)
            except TemplateFault:
                if not (self._unread and names):
                    raise
                result = UNREAD
            if isinstance(result, list):
                self._runs[-1].meter.spend(len(result))
            if isinstance(result, str) and len(result) > MAX_TEXT:
                raise TemplateFault(f"the value has more than {MAX_TEXT:,} characters")
            if not names or isinstance(result, Sensitive) or any(result is one for one in (value, *given)):
                return result
            if isinstance(value, list) and name in ("first", "last"):
                return result
            arguments = [expression_of(one) for one in given] + [f"{k}={expression_of(v)}" for k, v in named.items()]
            expression = f"{expression_of(value)}|{name}" + (f"({', '.join(arguments)})" if arguments else "")
            return self._tainted_where_possible(result, names, expression)

        return filtered

    def _tainted_where_possible(self, result: Json, names: tuple[str, ...], expression: str) -> Json:
        """Text becomes secret; numbers inside make the whole expression depend on the secret."""
        match result:
            case Sensitive():
                return result
            case str():
                return derived(result, names, expression)
            case list():
                return [
                    self._tainted_where_possible(item, names, f"({expression})[{index}]")
                    for index, item in enumerate(result)
                ]
            case dict():
                return {
                    key: self._tainted_where_possible(item, names, f"({expression})[{expression_of(key)}]")
                    for key, item in result.items()
                }
            case _:
                self._decide(names)
                return result

    def _default(self, subject: Any, fallback: Any = "", boolean: bool = False) -> Any:
        if isinstance(subject, Undefined) or subject is None:
            return fallback
        if boolean and not self.weighed(subject):
            return fallback
        return subject

    def _test(self, name: str, call: Callable[..., bool]) -> Callable[..., bool]:
        def tested(subject: Any, *args: Any) -> bool:
            if name in ("defined", "undefined"):
                return isinstance(subject, Undefined) == (name == "undefined")
            value, names = self._settle([subject, *args])
            self._decide(names)
            check_known(value, f"`is {name}`")
            return call(*value)

        return tested

    def _settle(self, value: Any) -> tuple[Any, tuple[str, ...]]:
        if isinstance(value, Undefined):
            value._fail_with_undefined_error()
        plain, names = settled(value, self._runs[-1].meter)
        self._meet(names)
        return plain, names

    def _plain(self, value: Any) -> Json:
        return self._settle(value)[0]

    def _meet(self, names: tuple[str, ...]) -> None:
        self._runs[-1].met.update(dict.fromkeys(names))

    def _decide(self, names: tuple[str, ...]) -> None:
        self._runs[-1].decided.update(dict.fromkeys(names))

    def _missing(self, message: str, hint: str) -> Undefined:
        self._runs[-1].hints[message] = hint
        return self.undefined(hint=message)


_NOTHING = object()
