"""The documents are true: generated pages equal their sources, sessions print what is shown, specs are valid."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docs_kinds
import docs_session
import generate
import pytest
import yaml

from fcdeploy.cli import exits
from fcdeploy.cli.entry import run
from fcdeploy.cli.root import root as command_line
from fcdeploy.emulator import control
from fcdeploy.emulator.faults import FaultBook
from fcdeploy.engine.canonical import desired_body
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.fields import Access, Codec, Field, Reset
from fcdeploy.kinds.registry import KINDS
from fcdeploy.model import Ending, Outcome
from fcdeploy.render.outcome import outcome_text
from fcdeploy.render.views import OutcomeView
from fcdeploy.spec.loader import load
from fcdeploy.spec.project import read_project
from fcdeploy.spec.words import DOCUMENT_WORDS, RESOURCE_WORDS, code_word

ROOT = generate.ROOT
DOCUMENTS = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")))
REGENERATE = "run `make docs`, and read what it changed"
FOLDER_FILES = {
    "api.pem": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    "api.key": "-----BEGIN PRIVATE KEY-----\nt0k3n\n-----END PRIVATE KEY-----\n",
    "src/index.py": "def handler(event, context):\n    return 1\n",
    "src/build.sh": "echo \"STAGE = '$1'\" > stage.py\n",
    "build/app.zip": "",
    "token.txt": "t0k3n-of-a-file\n",
    "motd.txt": "Be kind\n",
    "parts/tools.yaml": "services: {tools: {functions: {check: {code: ../src}}}}\n",
    "policies/platform.yaml": "policies: {small: {kind: function, schema: {}}}\n",
    "parts/domains.yaml": "vars: {domain: shop.example.com}\n",
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", list(generate.PAGES), ids=name_of)
def test_a_generated_page_equals_its_source(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == generate.PAGES[path](), REGENERATE


@pytest.mark.parametrize("path", generate.WRITTEN, ids=name_of)
def test_generated_parts_equal_their_source(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text == generate.with_parts(text), REGENERATE


def test_every_part_stands_somewhere() -> None:
    texts = [path.read_text(encoding="utf-8") for path in generate.WRITTEN]
    for name in generate.PARTS:
        assert sum(f"<!-- begin: {name} " in text for text in texts) == 1


@pytest.mark.parametrize(
    "path",
    [path for path in generate.WRITTEN if docs_session.session_blocks(path.read_text(encoding="utf-8"))],
    ids=name_of,
)
@pytest.mark.parametrize("warm", [True, pytest.param(False, marks=pytest.mark.proof)], ids=["warm", "cold"])
def test_a_session_prints_what_the_document_shows(path: Path, tmp_path: Path, warm: bool) -> None:
    text = path.read_text(encoding="utf-8")
    folder = tmp_path / "work"
    folder.mkdir()
    outputs = docs_session.run_document(text, folder, ROOT, warm=warm)
    for one in docs_session.blocks(text):
        if one.start in outputs:
            shown, printed = docs_session.comparable(one.body), docs_session.comparable(outputs[one.start])
            assert shown == printed, REGENERATE


@pytest.mark.parametrize("seconds", [0.3, 1.7, 125.0, 3840.0])
def test_what_a_session_shows_does_not_hang_on_how_long_it_took(seconds: float) -> None:
    def shown(took: float) -> str:
        made = Outcome(
            run="20260131-142501-3fa9c1d2",
            target="dev",
            ending=Ending.DONE,
            seconds=took,
            done=("a", "b"),
            durations={"a": took, "b": took / 1.5},
        )
        return outcome_text(OutcomeView(outcome=made, code=0, titles={"a": "create service s", "b": "create b"}))

    assert ("Slowest" in shown(seconds)) == (seconds >= 1)
    assert docs_session.steady(shown(seconds)) == docs_session.steady(shown(0.1))
    assert docs_session.steady(shown(seconds).rstrip()) == docs_session.steady(shown(0.1).rstrip())


def test_the_documents_show_sessions() -> None:
    shown = {name_of(path) for path in generate.WRITTEN if "```console\n" in path.read_text(encoding="utf-8")}
    named = {"policies", "lifecycle", "import", "emulator", "errors", "credentials"}
    assert shown == {"README.md", *(f"docs/{name}.md" for name in named)}


def specs() -> Iterator[tuple[str, str]]:
    """Every YAML block that is a spec or a part of one, with the place that it stands at."""
    for path in generate.WRITTEN:
        text = path.read_text(encoding="utf-8")
        for one in docs_session.blocks(text):
            part_of_a_session = one.word == "file" and "apiVersion" not in one.body
            if one.language == "yaml" and not part_of_a_session and "broken" not in one.note:
                yield f"{name_of(path)}:{text.count(chr(10), 0, one.start)}", one.body


BASE = yaml.safe_load("""
apiVersion: fcdeploy/v1
project: shop
vars: {stage: dev, memory: 256}
targets: {dev: {provider: alibaba, region: cn-hangzhou}}
defaults: {function: {runtime: python3.10, handler: index.handler}}
services: {shop-dev: {functions: {order: {code: ./src}}}}
""")


@pytest.mark.parametrize("body", [pytest.param(body, id=place) for place, body in specs()])
def test_a_spec_in_the_documents_is_valid_and_applies(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "work"
    for name, content in FOLDER_FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    # An empty archive.
    (folder / "build/app.zip").write_bytes(b"PK\5\6" + bytes(18))
    # As the product reads it, where `on` is a word; JSON is YAML, too.
    given = load(body, "block").plain()
    spec = body if "apiVersion" in given else json.dumps({**BASE, **given})
    (folder / "fcdeploy.yaml").write_text(spec)
    monkeypatch.chdir(folder)
    for name in os.environ:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.setenv("SHOP_TOKEN", "t0k3n-of-the-environment")
    monkeypatch.setenv("FCDEPLOY_STATE", str(tmp_path / "state"))
    assert run(["validate"]) == 0, capsys.readouterr().err
    target = read_project(folder, environ=os.environ).targets[0].name
    if "code: {oss:" in body or "probe:" in body:
        # The archive behind the address is the emulator's own; its checksum is not the one in the text. And an address
        # that is asked after an apply is not ours.
        return
    assert run(["apply", "--build", "--local", "--yes", "--target", target]) == 0, capsys.readouterr().err
    assert run(["plan", "--local", "--target", target, "--detailed-exitcode"]) == 0, capsys.readouterr().out
    out, err = capsys.readouterr()
    assert "t0k3n" not in out + err


def test_faults_in_the_documents_are_fault_documents() -> None:
    text = (ROOT / "docs" / "emulator.md").read_text(encoding="utf-8")
    read = 0
    for one in docs_session.blocks(text):
        document: Any = None
        if one.language == "json":
            document = json.loads(one.body)
        elif one.language == "yaml" and "apiVersion" not in one.body:
            document = yaml.safe_load(one.body)
        if document is not None:
            FaultBook().load(document)
            read += 1
    assert read >= 3


class Server:
    """`fcdeploy emulator` as a process, and the environment of a client of it."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.log = folder / "requests.jsonl"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fcdeploy", "emulator", "--port", "0", "--log", str(self.log), *arguments],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().removeprefix("listening on ").strip()
        self.environ = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "ALIBABA_CLOUD_ACCESS_KEY_ID": "local",
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "local",
            "ALIBABA_CLOUD_ACCOUNT_ID": "1234567890123456",
        }

    def methods(self) -> list[str]:
        return [json.loads(line)["method"] for line in self.log.read_text().splitlines()]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    found = Server(tmp_path)
    try:
        yield found
    finally:
        found.process.terminate()
        found.process.communicate(timeout=30)


def readme_file(name: str) -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return next(one.body for one in docs_session.blocks(text) if one.word == "file" and one.note == name)


@pytest.mark.proof
def test_the_pipeline_recipe_works(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "hello"
    (folder / "src").mkdir(parents=True)
    for name in ("src/index.py", "fcdeploy.yaml"):
        (folder / name).write_text(readme_file(f"hello/{name}"))
    recipe = readme_file("hello/pipeline.sh")
    script = re.sub(r"\bfcdeploy (plan|apply)", rf"fcdeploy \1 --endpoint {server.url}", recipe)
    assert script.count(server.url) == 3

    def job(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", script, "pipeline.sh", *arguments],
            cwd=folder,
            env={**server.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    asked = job("pull-request", "dev")
    assert asked.returncode == 0, asked.stderr
    assert "Plan: 3 to create" in asked.stdout
    spec = (folder / "fcdeploy.yaml").read_text()
    (folder / "fcdeploy.yaml").write_text(spec.replace("Hello", "Good morning"))
    unseen = job("merge", "dev")
    assert unseen.returncode == 5, unseen.stderr
    assert "this change of function greetings/hello was not reviewed" in unseen.stderr
    (folder / "fcdeploy.yaml").write_text(spec)
    merged = job("merge", "dev")
    assert merged.returncode == 0, merged.stderr
    assert "No changes." in job("pull-request", "dev").stdout
    assert (tmp_path / ".fcdeploy-state").is_dir()
    (folder / "fcdeploy.yaml").write_text("project: hello\n")
    assert job("pull-request", "dev").returncode != 0


def test_an_unchanged_project_costs_as_many_calls_as_the_readme_says(server: Server, tmp_path: Path) -> None:
    row = next(line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("| fcdeploy,"))
    calls, writes = (int(cell) for cell in row.split("|")[3:5])
    folder = tmp_path / "bench"
    (folder / "src").mkdir(parents=True)
    (folder / "src/index.py").write_text("def handler(event, context):\n    return 1\n")
    trigger = {"type": "timer", "config": {"cronExpression": "@every 5m"}}
    function = {"runtime": "python3.10", "handler": "index.handler", "code": "src", "triggers": {"t": trigger}}
    service = {"functions": {f"f{number}": function for number in range(10)}}
    targets = {"dev": {"provider": "alibaba", "region": "cn-hangzhou"}}
    spec = {"apiVersion": "fcdeploy/v1", "project": "bench", "targets": targets, "services": {"bench": service}}
    (folder / "fcdeploy.yaml").write_text(json.dumps(spec))
    command = [sys.executable, "-m", "fcdeploy", "apply", "--endpoint", server.url, "--yes"]
    environ = {**server.environ, "FCDEPLOY_STATE": str(tmp_path / "state")}
    for _ in range(2):
        before = len(server.methods()) if server.log.exists() else 0
        subprocess.run(command, cwd=folder, env=environ, check=True, capture_output=True, timeout=60)
    # The log is written after the reply.
    deadline = time.monotonic() + 10
    while len(server.methods()) - before < calls and time.monotonic() < deadline:
        time.sleep(0.05)
    unchanged = server.methods()[before:]
    assert (len(unchanged), sum(method != "GET" for method in unchanged)) == (calls, writes)


def test_make_targets_in_the_documents_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        blocks = [one.body for one in docs_session.blocks(text) if one.language == "sh"]
        named = {name for body in blocks for name in docs_session.make_targets(body)}
        named |= set(re.findall(r"`make ([a-z]+)`", text))
        for name in named:
            assert re.search(rf"^{name}:", makefile, re.M), f"{name_of(path)} names `make {name}`"


def anchors(path: Path) -> set[str]:
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    titles = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    prose = re.sub(r"`[^`\n]*`", "", path.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        there = (path.parent / name).resolve() if name else path
        assert there.exists(), f"{name_of(path)}: {target}"
        assert not anchor or anchor in anchors(there), f"{name_of(path)}: {target}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_prose_reads_in_80_columns(path: Path) -> None:
    prose = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    for line in prose.splitlines():
        table_or_comment = line.startswith(("|", "<!--"))
        one_word = len(line.strip("- *:").split()) <= 2
        assert len(line) <= 80 or table_or_comment or one_word, f"{name_of(path)}: {line}"


def test_the_spec_page_explains_every_word() -> None:
    text = (ROOT / "docs" / "spec.md").read_text(encoding="utf-8")
    targets = DOCUMENT_WORDS["targets"]["additionalProperties"]["properties"]
    secrets = DOCUMENT_WORDS["secrets"]["additionalProperties"]["properties"]
    sections = {kind.section for kind in KINDS.values()}
    words = [word.name for word in RESOURCE_WORDS]
    archives = [field for kind in KINDS.values() for field in kind.fields if field.codec is Codec.ARCHIVE]
    codes = {word for field in archives for word in code_word(field)["properties"]}
    for word in (*DOCUMENT_WORDS, *targets, *secrets, *codes, *sections, *words, "defaults", "$schema"):
        assert re.search(rf"(?<![\w.]){re.escape(word)}(?!\w)", text), word


def test_the_commands_that_the_documents_name_exist() -> None:
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        named = {word for part in re.findall(r"`fcdeploy ([a-z][^`\n]*)`", text) for word in part.split()[:1]}
        assert named <= set(command_line.entries), f"{name_of(path)}: {named - set(command_line.entries)}"


def test_migrating_says_what_other_resources_are_here() -> None:
    text = (ROOT / "docs" / "migrating.md").read_text(encoding="utf-8")
    for word in re.findall(r"^\| `alicloud_fc_[^|]*\| `(\w+)`", text, re.M):
        assert word in {kind.section for kind in KINDS.values()}, word
    for word in re.findall(r"^\| `huaweicloud_fgs_[^|]*\| `(\w+)`", text, re.M):
        assert word in {kind.section for kind in KINDS.values()}, word


def test_exit_codes_in_the_documents_are_the_programs() -> None:
    codes = {
        *(exits.DONE, exits.FAILED, exits.PENDING, exits.ROLLED_BACK, exits.ATTENTION, exits.STALE, exits.USAGE),
    }
    for name in ("README.md", "docs/lifecycle.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        table = text[text.index("Exit codes\n\n") :]
        assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.M)} == codes


def test_control_endpoints_in_the_manual_are_those_that_there_are() -> None:
    text = (ROOT / "docs" / "emulator.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| ([A-Z]+) \| `(\w+)` \|", text, re.M))
    assert told == set(re.findall(r"^([A-Z]+) +/__emulator__/(\w+)", control.__doc__ or "", re.M))


def test_trigger_types_in_the_readme_are_those_that_there_are() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8").replace("\n", " ")
    listed = re.search(r"triggers of the types ([a-z_, ]+) and (\w+)\.", text)
    assert listed is not None
    kind = KINDS[("alibaba", "trigger")]
    assert {*listed[1].split(", "), listed[2]} == set(kind.field("triggerConfig").variants)


def optional_fields(fields: tuple[Field, ...], above: str = "") -> Iterator[tuple[str, Field]]:
    """Every field that a file may leave out, members of left-out objects too, by its path in the manual."""
    for one in fields:
        if one.access in (Access.READ_ONLY, Access.PLANNING):
            continue
        path = above + one.spec_name
        if not one.required:
            yield path, one
        yield from optional_fields(one.fields, f"{path}.")
        if one.item is not None:
            yield from optional_fields(one.item.fields, f"{path}[].")
        for value, members in one.variants.items():
            yield from optional_fields(members, f"{path}({value}).")


def listed_alone(kind: Kind) -> dict[str, str]:
    """What the manual lists for a kind: path -> the reason given."""
    text = (ROOT / "docs" / docs_kinds.KIND_PAGES[kind.provider]).read_text(encoding="utf-8")
    section = text[text.index("## Fields that stay") :]
    part = section.partition(f"### Of a {kind.name}\n")[2].partition("\n### ")[0]
    joined = re.sub(r"\n  +", " ", part)
    return dict(re.findall(r"^- `([^`]+)`: (.+)$", joined, re.M))


@pytest.mark.parametrize("kind", list(KINDS.values()), ids=lambda kind: f"{kind.provider}-{kind.name}")
def test_the_list_of_fields_that_stay_holds_all_of_them_and_no_other(kind: Kind) -> None:
    told = listed_alone(kind)
    whole = {path for path, why in told.items() if "with all that is in it" in why}
    for path, field in optional_fields(kind.fields):
        unconditional = any(not one.when and one.compared for one in field.defaults)
        stays = field.reset is Reset.NONE or not unconditional
        covered = path in told or any(path.startswith(f"{above}.") for above in whole)
        assert covered == stays, path
    known = {path for path, _ in optional_fields(kind.fields)}
    assert told.keys() <= known


@pytest.mark.parametrize("kind", list(KINDS.values()), ids=lambda kind: f"{kind.provider}-{kind.name}")
def test_a_field_that_is_not_on_the_list_is_always_compared(kind: Kind) -> None:
    """By behaviour, not by the table: a body that names nothing has an opinion on every field not listed."""
    told = listed_alone(kind)
    required = {one.name: f"any-{one.name}" for one in kind.fields if one.required}
    body = desired_body(kind, required, "2021-04-06")
    for field in kind.fields:
        silent = field.access in (Access.READ_ONLY, Access.PLANNING)
        if not silent and not field.required and field.spec_name not in told:
            assert field.name in body, field.name
    opinions = [name for name in body if kind.field(name).spec_name in told]
    conditional = [name for name in opinions if all(one.when for one in kind.field(name).defaults)]
    assert opinions == conditional


def test_the_generator_says_what_a_field_says() -> None:
    text = re.sub(r"\n +", " ", (ROOT / "docs" / "kinds.md").read_text(encoding="utf-8"))
    for needed in (
        "- **`timeout`**: whole number, 1 to 86400. Seconds that one call may take. Default: `3`.",
        "- **`cpu`**: number, at most 16, above 0. vCPUs, a multiple of 0.05; the service chooses by memory when left "
        "out. Default: the service chooses. Left out again: stays as it is. Since 2021-04-06.",
        "- **`type`**: text, one of `cdn_events`, `eventbridge`, `http`, `log`, `mns_topic`, `oss`, `rds`, "
        "`tablestore`, `timer`. What calls the function. Required. Create-only.",
    ):
        assert needed in text
    assert "facts" not in text
    for provider in docs_kinds.KIND_PAGES:
        assert set(docs_kinds.left_alone(provider)) == {name for cloud, name in KINDS if cloud == provider}


def test_options_in_the_documents_exist() -> None:
    manual = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    known = set(re.findall(r"--[a-z][a-z-]+", manual))
    for path in DOCUMENTS:
        prose = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
        for option in itertools.chain.from_iterable(
            re.findall(r"--[a-z][a-z-]+", part) for part in re.findall(r"`([^`\n]+)`", prose)
        ):
            assert option in known, f"{name_of(path)}: {option}"
