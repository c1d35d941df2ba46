"""Help is product: golden files of what people read, never wider than 80 columns, and quick to show."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from fcdeploy.cli.commands import LazyGroup
from fcdeploy.cli.entry import run
from fcdeploy.cli.root import root

GOLDEN = Path(__file__).parent / "golden"
PAGES = ("", *root.entries, "emulator coverage")


@pytest.mark.parametrize("page", PAGES)
def test_help_reads_as_its_golden_page(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*page.split(), "--help"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    path = GOLDEN / f"help-{page.replace(' ', '-') or 'fcdeploy'}.txt"
    if not path.exists():
        path.write_text(out, encoding="utf-8")
        pytest.fail(f"{path} was written; read it, and run the test again")
    assert out == path.read_text(encoding="utf-8")
    assert max(len(line) for line in out.splitlines()) <= 80
    assert out == out.rstrip() + "\n"


def test_no_command_shows_the_help_as_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    assert capsys.readouterr().out == (GOLDEN / "help-fcdeploy.txt").read_text(encoding="utf-8")


def test_help_is_as_wide_on_any_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for columns in ("40", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        assert run(["apply", "-h"]) == 0
        assert capsys.readouterr().out == (GOLDEN / "help-apply.txt").read_text(encoding="utf-8")


def every_command(group: LazyGroup) -> list[tuple[str, click.Command]]:
    ctx = click.Context(group)
    found = []
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        found.append((name, command))
        if isinstance(command, LazyGroup):
            found += every_command(command)
    return found


@pytest.mark.parametrize(
    ("name", "command"), every_command(root), ids=lambda item: item if isinstance(item, str) else ""
)
def test_every_command_and_option_explains_itself(name: str, command: click.Command) -> None:
    assert command.name == name, "the list in the help and the command agree on the name"
    assert command.help
    for param in command.params:
        if isinstance(param, click.Argument):
            assert param.metavar is not None, f"{name} takes bare words without a name"
            assert param.metavar.strip("[].") in command.help, f"{name} does not say what its bare words are"
            continue
        assert isinstance(param, click.Option), param
        assert param.help and param.help.endswith("."), f"{name} {param.opts[0]} has no sentence"


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["plan", "--help"], ["emulator", "--help"]])
def test_help_imports_nothing_heavy(args: list[str]) -> None:
    """What costs 50 ms or more each (DESIGN 7) is not on the way to the help."""
    script = (
        "import sys\n"
        "from fcdeploy.cli.entry import run\n"
        f"code = run({args!r})\n"
        "heavy = 'httpx httptools jinja2 jsonschema jsonschema_rs deepdiff rich starlette uvicorn yaml asyncio "
        "fcdeploy.app fcdeploy.engine fcdeploy.emulator fcdeploy.spec fcdeploy.kinds fcdeploy.model'.split()\n"
        "print(sorted(set(heavy) & set(sys.modules)), file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "[]\n")
