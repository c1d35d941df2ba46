"""What options take: times, whole numbers, days and pairs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from fcdeploy.durations import to_seconds

if TYPE_CHECKING:
    # Generic only since click 8.4, and only for the type checker.
    _SecondsType = click.ParamType[float]
    _WholeType = click.ParamType[int]
    _PairType = click.ParamType[tuple[str, str]]
else:
    _SecondsType = _WholeType = _PairType = click.ParamType


class Duration(_SecondsType):
    """Seconds, from `250ms`, `2s`, `5m`, `1h`, `7d` or a bare number of seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds; fails the command line on anything else."""
        if isinstance(value, int | float):
            return float(value)
        found = to_seconds(str(value))
        if found is None:
            self.fail(f"{value!r} is no time: write 250ms, 2s, 5m or 1h", param, ctx)
        return found


class Whole(_WholeType):
    """A whole number within limits (click's own range type prints the limits into the help)."""

    name = "number"

    def __init__(self, least: int, most: int) -> None:
        self.least = least
        self.most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number; fails the command line on anything else."""
        try:
            number = int(value)
        except ValueError:
            self.fail(f"{value!r} is no whole number", param, ctx)
        if not self.least <= number <= self.most:
            self.fail(f"{number} is not between {self.least} and {self.most}", param, ctx)
        return number


class Report(_PairType):
    """`FORM=FILE`, as a pair; the form is one of those given."""

    name = "report"

    def __init__(self, forms: tuple[str, ...]) -> None:
        self.forms = forms

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """The form and the file's name; fails the command line on another form, or without a file."""
        if isinstance(value, tuple):
            return value
        form, _, name = str(value).partition("=")
        if form not in self.forms or not name:
            self.fail(f"{value!r} is no report: write FORM=FILE, with one of {', '.join(self.forms)}", param, ctx)
        return form, name


class Days(_SecondsType):
    """Seconds, from a number of days."""

    name = "days"
    _MOST = 36500

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds; fails the command line on anything else."""
        if isinstance(value, int | float):
            return float(value)
        if re.fullmatch(r"\d+(\.\d+)?", value) is None or float(value) > self._MOST:
            self.fail(f"{value!r} is no number of days: write 0 to {self._MOST}, such as 30 or 0.5", param, ctx)
        return float(value) * 86400


class Pair(_PairType):
    """`key=value`, as a pair."""

    name = "k=v"

    def __init__(self, separator: str, form: str) -> None:
        self.separator = separator
        self.form = form

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """The two sides; fails the command line when there is no separator or nothing before it."""
        if isinstance(value, tuple):
            return value
        key, found, rest = str(value).partition(self.separator)
        if not found or not key:
            # The value is not repeated: it may be a secret with a mistake in it.
            self.fail(f"write {self.form}", param, ctx)
        return key, rest
