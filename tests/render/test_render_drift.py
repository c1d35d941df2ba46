"""Drift with everything in it, as text and as JSON, against golden files that a person can read."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from fcdeploy.diagnostics import Span, error, warning
from fcdeploy.model import Address, Drift, FieldChange, FieldDrift, Gap, Json, Mover, Target
from fcdeploy.render.drift import drifts_text
from fcdeploy.render.ink import COLOURED
from fcdeploy.render.json import document_text, drifts_content
from fcdeploy.render.markdown_drift import drifts_markdown
from fcdeploy.render.views import DriftsView, DriftView
from fcdeploy.render.words import WIDTH, columns

GOLDEN = Path(__file__).parent / "golden"
DEV = Target(name="dev", provider="alibaba", region="cn-hangzhou", account="1234567890123456")
PROD = Target(name="prod/cn-shanghai", provider="alibaba", region="cn-shanghai")
RUN = "20260131-142501-3fa9c1d2"


def address(kind: str, *identity: str) -> Address:
    return Address(provider="alibaba", target="dev", kind=kind, identity=identity)


def at(line: int) -> Span:
    return Span(file="fcdeploy.yaml", line=line, column=3)


def field(
    path: str, live: Json, file: Json, moved: Mover = Mover.UNKNOWN, *, line: int | None = None, **more: Json
) -> FieldDrift:
    own = {name: more.pop(name) for name in ("given", "why") if name in more}
    span = at(line) if line else None
    change = FieldChange(path=path, before=live, after=file, span=span, **more)
    return FieldDrift(change=change, moved=moved, given=own.pop("given", line is not None), **own)


FULL = DriftView(
    target=DEV,
    compared=True,
    equal=17,
    drifts=(
        Drift(address=address("service", "billing"), gap=Gap.FOREIGN, owner="other/prod", moved=Mover.LIVE, run=RUN),
        Drift(
            address=address("function", "images", "resize"),
            gap=Gap.DIFFERS,
            run=RUN,
            span=at(9),
            fields=(
                field("memorySize", 512, 256, Mover.LIVE, line=13),
                field("timeout", 60, 3, Mover.LIVE),
                field("description", "short", "A text that is much too long to stand beside\x1b[31m " * 2, line=10),
                field(
                    "environmentVariables.TOKEN",
                    "(sensitive)",
                    "(sensitive)",
                    line=15,
                    why="the journal keeps no secrets",
                    before_hidden=True,
                    after_hidden=True,
                ),
                field("environmentVariables.DEBUG", "(sensitive)", None, Mover.LIVE, before_hidden=True),
                field(
                    "code",
                    {"checksum": "4501140413318719417"},
                    {"checksum": "17917014104612281145"},
                    Mover.FILE,
                    line=9,
                    note="files that differ: ~index.py",
                ),
                field("layers", [], ["acs:fc:cn-hangzhou:1:layers/a/versions/1"] * 3, Mover.BOTH, line=16),
                field("cpu", None, 0.5, why="no kept run wrote it", line=17),
                field("instanceLifecycleConfig", {"preStop": {"handler": "a" * 30, "timeout": 3}}, None, Mover.LIVE),
            ),
        ),
        Drift(address=address("function", "images", "old"), gap=Gap.EXTRA, moved=Mover.FILE, run=RUN),
        Drift(
            address=address("trigger", "images", "resize", "n" * 50),
            gap=Gap.MISSING,
            span=at(20),
            why="no kept run wrote it",
        ),
    ),
    warnings=(warning("target 'old' is not in the file, but still owns resources here", hint="bring it back"),),
)
OTHER = DriftView(target=PROD, compared=False, equal=3, drifts=(), problems=(error("cannot read service images"),))
VIEW = DriftsView(project="image-pipeline", drifts=(FULL, OTHER))


def golden(name: str, text: str) -> None:
    path = GOLDEN / name
    if not path.exists():
        path.write_text(text, encoding="utf-8")
        pytest.fail(f"{path} was written; read it, and run the test again")
    assert text == path.read_text(encoding="utf-8")


def test_the_text_of_full_drift() -> None:
    text = drifts_text(VIEW)
    golden("drift.txt", text)
    assert max(map(columns, text.splitlines())) <= WIDTH
    assert "\x1b" not in text


def test_the_json_of_full_drift() -> None:
    golden("drift.json", document_text("drift", drifts_content(VIEW)))


def test_the_markdown_of_full_drift() -> None:
    text = drifts_markdown(VIEW)
    golden("drift.md", text)
    assert all(sign.isprintable() or sign == "\n" for sign in text)


def test_colour_changes_no_character() -> None:
    import re

    painted = drifts_text(VIEW, ink=COLOURED)
    assert painted != drifts_text(VIEW)
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == drifts_text(VIEW)


def test_no_drift_and_no_journal_are_said_in_a_line() -> None:
    quiet = DriftsView(project="p", drifts=(DriftView(target=PROD, drifts=(), equal=1, compared=False),))
    assert drifts_text(quiet) == (
        "target prod/cn-shanghai · alibaba cn-shanghai\n\nNo drift. Live is as the file says (1 resource).\n"
    )
    none = DriftsView(project="p", drifts=(DriftView(target=PROD, drifts=(), equal=0, compared=False),))
    assert drifts_text(none).endswith("\n\nNo drift. The file asks for nothing, and nothing of it is live.\n")
    alone = replace(FULL, compared=False, warnings=(), drifts=(replace(FULL.drifts[2], moved=Mover.UNKNOWN, run=""),))
    assert drifts_text(DriftsView(project="p", drifts=(alone,))).endswith(
        "\n\n"
        "  function images/old: live, not in the file\n"
        "\n"
        "Drift: 1 not in the file, 17 as the file says.\n"
        "Who moved is not known: no run was made from here.\n"
    )
