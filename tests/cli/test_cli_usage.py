"""A command line that cannot be obeyed: exit code 64, said in one line with a way out, nothing on stdout."""

from __future__ import annotations

import pytest

from fcdeploy.cli.entry import run

CASES = [
    ("aplly", "there is no command `aplly`", "did you mean `apply`?"),
    ("roll-back", "there is no command `roll-back`", "did you mean `rollback`?"),
    ("xyzzy", "there is no command `xyzzy`", "`fcdeploy --help` lists what there is"),
    ("emulator coverag", "there is no command `coverag`", "did you mean `coverage`?"),
    ("plan --targt dev", "`fcdeploy plan` has no option `--targt`", "did you mean `--target`?"),
    ("apply --allow_unsafe", "`fcdeploy apply` has no option `--allow_unsafe`", "did you mean `--allow-unsafe`?"),
    ("destroy --only x", "`fcdeploy destroy` has no option `--only`", "`fcdeploy destroy --help` lists what there is"),
    ("plan --yes", "`fcdeploy plan` has no option `--yes`", "`fcdeploy plan --help` lists what there is"),
    ("-f other.yaml plan", "`fcdeploy` has no option `-f`", "options follow the command: `fcdeploy validate -f ...`"),
    ("plan --parallelism 0", "--parallelism: 0 is not between 1 and 512", "`fcdeploy plan --help` lists what there is"),
    ("plan --parallelism x", "--parallelism: `x` is no whole number", "`fcdeploy plan --help` lists what there is"),
    ("plan --var secret-text", "--var: write NAME=VALUE", "`fcdeploy plan --help` lists what there is"),
    (
        "plan --format yaml",
        "--format: `yaml` is not one of `text`, `json`",
        "`fcdeploy plan --help` lists what there is",
    ),
    ("plan --target", "option `--target` requires an argument", "`fcdeploy plan --help` lists what there is"),
    ("plan dev", "got unexpected extra argument (dev)", "`fcdeploy plan --help` lists what there is"),
    ("apply --yes --grace 5x", "--grace: `5x` is no time: write 250ms, 2s, 5m or 1h", "`fcdeploy apply --help` lists"),
    ("emulator --access-key AK", "--access-key: write AK:SK", "`fcdeploy emulator --help` lists what there is"),
    ("emulator --port 70000", "--port: 70000 is not between 0 and 65535", "`fcdeploy emulator --help` lists"),
    ("plan --local --endpoint http://x", "--local and --endpoint exclude each other", "--local starts an emulator"),
    (
        "apply --keep-undo x",
        "--keep-undo: `x` is no number of days: write 0 to 36500, such as 30 or 0.5",
        "apply --help`",
    ),
    ("destroy --keep-undo 36501", "--keep-undo: `36501` is no number of days", "`fcdeploy destroy --help` lists"),
    ("apply", "`fcdeploy apply` has to ask before it changes anything, and there is no terminal to ask on", "--yes"),
    ("destroy --local", "`fcdeploy destroy` has to ask", "give --yes: fcdeploy plan --destroy --local"),
    ("rollback --to 7 --yes", "--service and --to say more about --alias", "add --alias NAME"),
    ("rollback r --alias a", "RUN and --alias exclude each other", "an alias is moved back by itself"),
    ("rollback --alias live", "`fcdeploy rollback` has to ask", "look first, then give --yes: fcdeploy status"),
    ("rollback", "`fcdeploy rollback` has to ask", "look first, then give --yes: fcdeploy status"),
    ("abandon", "`fcdeploy abandon` has to ask", "look first, then give --yes: fcdeploy status"),
    ("history r1 --limit 3", "RUN and --limit exclude each other", "a run is shown with all its calls"),
    ("history --limit 0", "--limit: 0 is not between 1 and 100000", "`fcdeploy history --help` lists what there is"),
    (
        "rollback r1 -f a/b --var A=$x --var-file v.yaml --endpoint http://x --target d/*",
        "`fcdeploy rollback` has to ask",
        "fcdeploy history r1 -f a/b --var 'A=$x' --var-file v.yaml --endpoint http://x --target 'd/*'",
    ),
]


@pytest.mark.parametrize(("line", "said", "hint"), CASES, ids=[case[0] for case in CASES])
def test_usage_errors(line: str, said: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(line.split()) == 64
    out, err = capsys.readouterr()
    assert out == ""
    first, *rest = err.splitlines()
    assert first.startswith(f"error: {said}")
    assert not first.endswith(".")
    assert hint in " ".join(part.strip() for part in rest)
    assert "Usage:" not in err and "Traceback" not in err
    assert "secret-text" not in err, "what may be a secret with a mistake in it is not repeated"
