"""click's command and group as we use them: commands load when they are called, options stand under headings.

Help is always 80 columns wide, so that it reads the same in a terminal, in the manual and in a test.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import click

from fcdeploy.cli.usage import NoCommand

WIDTH = 80
SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "terminal_width": WIDTH, "max_content_width": WIDTH}

GENERAL = "Options"


class Option(click.Option):
    """An option that stands under a heading of the help."""

    def __init__(self, *args: Any, section: str = GENERAL, **rest: Any) -> None:
        self.section = section
        super().__init__(*args, **rest)


def option(*names: str, section: str = GENERAL, **rest: Any) -> Callable[[Any], Any]:
    """`click.option` with a heading."""
    return click.option(*names, cls=Option, section=section, **rest)


class Command(click.Command):
    """A command whose options stand under their headings, in the order that the headings first appear."""

    def __init__(self, *args: Any, **rest: Any) -> None:
        rest["context_settings"] = SETTINGS | rest.get("context_settings", {})
        super().__init__(*args, **rest)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line; a complaint about it knows its command, which click forgets for some."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options by heading."""
        write_options(self, ctx, formatter)


class Entry(NamedTuple):
    """Where a command is (`module:attribute`), the heading it stands under, and its line there."""

    place: str
    section: str
    summary: str


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is called, not when help is shown."""

    def __init__(self, *args: Any, entries: Mapping[str, Entry], **rest: Any) -> None:
        rest["context_settings"] = SETTINGS | rest.get("context_settings", {})
        super().__init__(*args, **rest)
        self.entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command's name, in the order of the help."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command, or None when there is none of this name."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.place.partition(":")
        found = getattr(importlib.import_module(module), attribute)
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first word names; raises NoCommand."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise NoCommand(args[0], self.list_commands(ctx), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by heading, without importing one."""
        width = max(len(name) for name in self.entries)
        for section in dict.fromkeys(entry.section for entry in self.entries.values()):
            with formatter.section(section):
                rows = [(n.ljust(width), e.summary) for n, e in self.entries.items() if e.section == section]
                formatter.write_dl(rows)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Commands first: they are what a reader looks for."""
        self.format_commands(ctx, formatter)
        write_options(self, ctx, formatter)


def write_options(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """Write a command's options under their headings; those without one come last."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for param in command.get_params(ctx):
        # Bare words are explained by the command's own text.
        record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
        if record is not None:
            sections.setdefault(getattr(param, "section", GENERAL), []).append(record)
    general = sections.pop(GENERAL, [])
    for title, rows in [*sections.items(), (GENERAL, general)]:
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows, col_max=28)


def compose(function: Callable[..., Any], options: Sequence[Callable[[Any], Any]]) -> Callable[..., Any]:
    """Put options on a function so that help lists them in this order."""
    for add in reversed(options):
        function = add(function)
    return function
