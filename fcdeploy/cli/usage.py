"""A command line that cannot be obeyed: what is wrong with it, in our words and with exit code 64 (S39)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fcdeploy.errors import UsageError


class NoCommand(click.UsageError):
    """A word that is no command; `known` are those that are."""

    def __init__(self, word: str, known: list[str], ctx: click.Context) -> None:
        super().__init__(f"there is no command `{word}`", ctx)
        self.word = word
        self.known = known


def to_usage_error(error: click.ClickException) -> UsageError:
    """click's complaint with a way out; its own exit code 2 is ours for pending changes."""
    from fcdeploy.diagnostics import did_you_mean
    from fcdeploy.errors import UsageError

    ctx = error.ctx if isinstance(error, click.UsageError) else None
    program = ctx.command_path if ctx else "fcdeploy"
    see_also = f"`{program} --help` lists what there is"
    match error:
        case NoCommand():
            return UsageError(error.message, hint=did_you_mean(error.word, error.known) or see_also)
        case click.NoSuchOption():
            return UsageError(
                f"`{program}` has no option `{error.option_name}`", hint=_option_hint(error, ctx) or see_also
            )
        case click.MissingParameter():
            return UsageError(_sentence(error.format_message()), hint=see_also)
        case click.BadParameter() if error.param is not None:
            return UsageError(f"{_named(error.param)}: {_sentence(error.message)}", hint=see_also)
        case _:
            return UsageError(_sentence(error.format_message()), hint=see_also)


def _option_hint(error: click.NoSuchOption, ctx: click.Context | None) -> str:
    from fcdeploy.diagnostics import did_you_mean

    if ctx is None:
        return ""
    if isinstance(ctx.command, click.Group) and ctx.parent is None:
        holders = [name for name in ctx.command.list_commands(ctx) if error.option_name in _options(ctx, name)]
        if holders:
            return f"options follow the command: `{ctx.command_path} {holders[0]} {error.option_name} ...`"
    known = [name for one in ctx.command.params for name in (*one.opts, *one.secondary_opts) if name.startswith("--")]
    # Without the dashes: they are in every option, and would make strangers alike.
    hint = did_you_mean(error.option_name.lstrip("-"), [name.removeprefix("--") for name in known])
    return hint.replace("`", "`--", 1)


def _options(ctx: click.Context, name: str) -> list[str]:
    assert isinstance(ctx.command, click.Group)
    command = ctx.command.get_command(ctx, name)
    return [option for one in command.params for option in one.opts] if command else []


def _named(param: click.Parameter) -> str:
    return max(param.opts, key=len) if isinstance(param, click.Option) else param.human_readable_name


def _sentence(text: str) -> str:
    """One statement as we write them: no capital at the start, no full stop."""
    text = text.strip().removesuffix(".").replace("'", "`")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
