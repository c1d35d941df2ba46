"""`--journal` where no server is: what is refused, what goes on with a warning, and that no password is shown."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SECRET = "s3cr3t-of-the-role"
KEY = "a passphrase of the whole team"


@pytest.fixture
def nowhere() -> Iterator[str]:
    """The address of a server that is not there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"postgresql://team:{SECRET}@127.0.0.1:{taken.getsockname()[1]}/fc"


def test_an_address_that_is_none_is_a_usage_error_wherever_it_stands(program: Any) -> None:
    for wrong in (f"mysql://team:{SECRET}@db/fc", f"postgresql://team:{SECRET}@@db/fc"):
        given = program.run("status", "--journal", wrong)
        program.environ["FCDEPLOY_JOURNAL"] = wrong
        told = program.run("history")
        del program.environ["FCDEPLOY_JOURNAL"]
        for result in (given, told):
            assert result.returncode == 64 and "--journal" in result.stderr
            assert SECRET not in result.stdout + result.stderr


def test_who_only_looks_is_warned_of_a_server_that_is_not_there(program: Any, nowhere: str) -> None:
    result = program.run("plan", "--local", "--journal", nowhere)
    assert result.returncode == 0 and "cannot be opened" in result.stderr + result.stdout
    assert "postgresql://team@127.0.0.1" in result.stderr + result.stdout
    assert SECRET not in result.stdout + result.stderr


def test_who_would_write_is_refused_before_any_call(program: Any, nowhere: str) -> None:
    result = program.run("apply", "--yes", "--local", "--journal", nowhere)
    assert result.returncode == 1 and "FCDEPLOY_JOURNAL_KEY is not set" in " ".join(result.stderr.split())
    program.environ["FCDEPLOY_JOURNAL_KEY"] = KEY
    result = program.run("apply", "--yes", "--local", "--journal", nowhere)
    assert result.returncode == 1 and "cannot be opened" in result.stderr
    assert SECRET not in result.stdout + result.stderr and KEY not in result.stdout + result.stderr
    assert "CREATE" not in result.stdout


def test_what_the_environment_says_of_a_journal_is_not_for_the_emulator_in_this_program(
    program: Any, nowhere: str
) -> None:
    program.environ["FCDEPLOY_JOURNAL"] = nowhere
    assert program.run("apply", "--yes", "--local").returncode == 0
    assert "done" in program.run("history", "--local").stdout


@pytest.mark.parametrize("seconds", ["2", "soon", "-1", "1e9", "nan"])
def test_a_lease_has_a_number_of_seconds(program: Any, nowhere: str, seconds: str) -> None:
    program.environ["FCDEPLOY_LEASE_SECONDS"] = seconds
    result = program.run("history", "--journal", nowhere)
    assert result.returncode == 64 and "from 3 to 3600" in result.stderr


def test_without_what_a_server_needs_the_hint_says_what_to_install(program: Any, nowhere: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "psycopg.py").write_text("raise ImportError('no psycopg here')\n")
    path = f"{broken}:{program.environ['PYTHONPATH']}"
    result = program.spawn("history", "--journal", nowhere, environ={"PYTHONPATH": path})
    assert result.returncode == 64
    assert "pip install 'fcdeploy[postgres]'" in result.stderr
    # Nothing of it is loaded where no server is named.
    assert program.spawn("plan", "--local", environ={"PYTHONPATH": path}).returncode == 0
