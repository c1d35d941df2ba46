"""An exception that nobody expected: short, without a traceback or the exception's own text unless asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import sys
import fcdeploy.app
from fcdeploy.cli.entry import run

def validate(where, *, portability):
    raise KeyError("hunter2")

fcdeploy.app.validate = validate
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("flags", "traceback", "text"), [([], False, False), (["-v"], True, False), (["-vv"], True, True)]
)
def test_a_bug_is_owned_up_to(flags: list[str], traceback: bool, text: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "validate", *flags], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: this is a bug in fcdeploy: KeyError in fcdeploy/cli/check.py:")
    assert ("in validate" in done.stderr) is traceback
    assert ("hunter2" in done.stderr) is text
    assert ("run it again with -v" in done.stderr) is not traceback
