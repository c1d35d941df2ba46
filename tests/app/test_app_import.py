"""import: what is live becomes a file, and taking over what the file names writes marks and nothing else (S12)."""

from __future__ import annotations

import asyncio
import copy
import io
import shlex
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from field_samples import ABSENT, CASES, put, sample
from test_app_fields import Bench

from fcdeploy.app import Wishes
from fcdeploy.app.importing import Asked, Imported, import_live
from fcdeploy.errors import ReadFailed, UsageError
from fcdeploy.model import Action, Plan

APIS = ("2021-04-06", "2016-08-15")
ALL = Wishes(allow_unsafe=True)
ADOPT = Wishes(adopt=("*",))
TAGS = "TagResource"
FEW = ("function",)
"""The kinds whose fields are imported in `make test`; `make proofs` has all."""
KEY = "-----BEGIN PRIVATE KEY-----\nk\n-----END PRIVATE KEY-----\n"
DAY = "2026-01-01T00:00:00Z"
SECRETS = {
    "DB_PASSWORD": "correct horse",
    "MY_ID": "LTAI5tKkWmEXAMPLEabcdef",
    "DSN_URL": "mysql://app:hunter2@db.example.com/shop",
    "BLOB": "dGhpcyBpcyBub3QgYSBzZWNyZXQgYnV0IGl0IGxvb2tzIGxpa2UgMQ==",
    "PEM": "-----BEGIN RSA PRIVATE KEY-----\nMIIE'quoted'\n-----END RSA PRIVATE KEY-----\n",
}
PLAIN = {
    "BUCKET": "img-cn-hangzhou",
    "KEYBOARD": "de",
    "USE_TOKEN": "true",
    "REQUEST": "a ${{ vars.x }} b }} ${{",
    "COUNT": "0012",
    "WHEN": "12:30:00",
    "FLAG": "on",
    "EMPTY": "",
    "LINES": "one\n  two\n",
    "ROLE": "acs:ram::1234567890123456:role/service-role-of-the-shop",
}


class Importer:
    """Imports from a stage into a folder beside it, and makes that folder the stage's project."""

    def __init__(self, stage: Any, out: Path, *, api: str = APIS[0]) -> None:
        self.stage, self.out, self.api = stage, out, api

    def run(self, *names: str, **more: Any) -> Imported:
        asked = {"project": "taken", "region": "cn-hangzhou", "account": "1234567890123456", "api": self.api, **more}
        asked = {"secrets_out": self.out.with_name("secrets.env"), **asked}
        return asyncio.run(import_live(self.stage.where(), Asked(names=names, out=self.out, **asked)))

    @property
    def text(self) -> str:
        return (self.out / "fcdeploy.yaml").read_text("utf-8")

    @property
    def spec(self) -> dict[str, Any]:
        read: dict[str, Any] = yaml.safe_load(self.text)
        return read

    def take_over(self, done: Imported) -> None:
        """Adopt everything: marks are all that is written, and then there is nothing to do."""
        assert done.findings == (), [(one.summary, one.detail) for one in done.findings]
        self.stage.root = self.out
        self.stage.environ |= {one.name: KEY for one in done.secrets if not one.known}
        if done.secrets_out is not None:
            # As a shell reads it.
            words = shlex.split(done.secrets_out.read_text("utf-8"))
            self.stage.environ |= dict(word.split("=", 1) for word in words)
        before = self.stage.dump()
        plan = self.stage.plan(ADOPT)
        assert_only_marks(plan)
        self.stage.requests()
        self.stage.apply(ADOPT)
        assert {one["operation"] for one in self.stage.writes()} == ({TAGS} if plan.steps else set())
        assert all(field == "_tags" for _, field, _, _ in self.stage.difference(before))
        again = self.stage.plan()
        assert again.is_empty, [(one.address.short, one.fields) for one in again.changes]


def assert_only_marks(plan: Plan) -> None:
    for change in plan.changes:
        assert change.action is Action.UPDATE, (change.address.short, change.action)
        paths = {one.path for one in change.fields}
        assert paths == {"tags.fcdeploy.project", "tags.fcdeploy.target"}, (change.address.short, change.fields)


def unmark(stage: Any) -> None:
    """Make everything somebody else's: no service has a mark."""
    for row in stage.whole_dump():
        tags = {key: value for key, value in row["body"].get("_tags", {}).items() if not key.startswith("fcdeploy.")}
        if row["kind"] == "service" and "_tags" in row["body"]:
            stage.change("service", "", row["name"], _tags=tags)


def account_of(stage: Any, kind: str, api: str) -> None:
    """Every field of a kind with a value of its own, each on a resource of its own."""
    bench = Bench(stage, kind, api)
    for trial in bench.trials:
        trial.body = copy.deepcopy(CASES[kind].get("with", {}).get(trial.place.path[0], {}))
        values = [sample(kind, trial.place, number) for number in (1, 0)]
        put(kind, trial.body, trial.place, next(one for one in values if one is not ABSENT))
        if kind == "customDomain":
            # One that leads nowhere is nobody's.
            trial.body.setdefault("routes", [{"path": "/*", "function": "s/f"}])
    bench.apply()


@pytest.mark.parametrize("api", [APIS[0], pytest.param(APIS[1], marks=pytest.mark.proof)])
@pytest.mark.parametrize("kind", [one if one in FEW else pytest.param(one, marks=pytest.mark.proof) for one in CASES])
def test_every_field_of_every_kind_comes_back(stage: Any, tmp_path: Path, kind: str, api: str) -> None:
    account_of(stage, kind, api)
    unmark(stage)
    importer = Importer(stage, tmp_path / "out", api=api)
    importer.take_over(importer.run(with_code=True))


def shop(stage: Any, api: str = APIS[0]) -> dict[str, Any]:
    """A service with a bit of everything, deployed and then nobody's."""
    spec: dict[str, Any] = stage.spec(3, api=api, service="shop")
    functions = spec["services"]["shop"]["functions"]
    functions["f0"]["environmentVariables"] = {**SECRETS, **PLAIN}
    stage.environ |= {f"S_{name}": value for name, value in SECRETS.items()}
    spec["secrets"] = {name: {"env": f"S_{name}"} for name in SECRETS}
    escaped = {key: value.replace("${{", "${{ '${{' }}") for key, value in PLAIN.items()}
    functions["f0"]["environmentVariables"] = {
        **{name: f"${{{{ secret('{name}') }}}}" for name in SECRETS},
        **escaped,
    }
    functions["f0"]["triggers"]["t"]["config"]["payload"] = '{"user": "u", "password": "pay hunter2 now"}'
    functions["f0"]["asyncInvoke"] = {"destinationConfig": {"onSuccess": {"destination": {"function": "shop/f1"}}}}
    functions["f1"]["asyncInvoke"] = {"LATEST": {}}
    functions["f1"]["onDemand"] = {"LATEST": {"maximumInstanceCount": 6}, "any": {"maximumInstanceCount": 7}}
    functions["f2"]["provision"] = {"LATEST": {"target": 2}}
    spec["services"]["shop"] |= {"vpcBindings": ["vpc-1", "vpc-2"], "tags": {"token": "public", "team": "äöü: x"}}
    stage.write(spec)
    stage.apply()
    unmark(stage)
    return spec


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("with_code", [True, False])
def test_an_account_comes_back(stage: Any, tmp_path: Path, api: str, with_code: bool) -> None:
    shop(stage, api)
    importer = Importer(stage, tmp_path / "out", api=api)
    done = importer.run(with_code=with_code)
    assert done.counts == {
        "Service": 1,
        "Function": 3,
        "Trigger": 3,
        "Async invoke config": 2,
        "On-demand config": 2,
        "Provision config": 1,
        "VPC binding": 2,
    }
    shop_read = importer.spec["services"]["shop"]
    assert list(importer.spec) == ["apiVersion", "project", "targets", "secrets", "services"]
    assert shop_read["vpcBindings"] == ["vpc-1", "vpc-2"]
    # What is the case anyway is not said, and names stand for ARNs.
    assert shop_read["functions"]["f0"]["asyncInvoke"] == {
        "destinationConfig": {"onSuccess": {"destination": {"function": "shop/f1"}}}
    }
    assert shop_read["functions"]["f1"]["asyncInvoke"] == {}
    assert shop_read["functions"]["f1"]["onDemand"] == {
        "LATEST": {"maximumInstanceCount": 6},
        "any": {"maximumInstanceCount": 7},
    }
    assert set(shop_read["functions"]["f2"]) == {
        *("runtime", "handler", "code", "environmentVariables", "triggers", "provision"),
        # What the service chose stays what it is.
        *(["diskSize"] if api == APIS[0] else []),
    }
    assert shop_read["functions"]["f2"]["code"] == "./src/shop/f2"
    if not with_code:
        assert importer.text.count("# not downloaded") == 3
        for name in ("f0", "f1", "f2"):
            stage.root = importer.out
            stage.write_source(f"src/shop/{name}")
    importer.take_over(done)


def test_an_import_is_the_same_every_time(stage: Any, tmp_path: Path) -> None:
    shop(stage)
    first, second = (Importer(stage, tmp_path / name / "out") for name in ("a", "b"))
    first.out.parent.mkdir()
    second.out.parent.mkdir()
    first.run(with_code=True)
    second.run(with_code=True)
    assert first.text == second.text
    names = [sorted(path.relative_to(one.out).as_posix() for path in one.out.rglob("*")) for one in (first, second)]
    folders = [f"src/shop/{name}" for name in ("f0", "f1", "f2")]
    files = [f"{folder}/index.py" for folder in folders]
    assert names[0] == names[1] == sorted(["fcdeploy.yaml", "src", "src/shop", *folders, *files])


def test_no_secret_is_written_but_where_it_was_asked_for(stage: Any, tmp_path: Path) -> None:
    shop(stage)
    importer = Importer(stage, tmp_path / "out")
    done = importer.run(with_code=True)
    payload = "SHOP_F0_T_PAYLOAD"
    assert {one.name for one in done.secrets} == {payload, *(f"SHOP_F0_{name}" for name in SECRETS)}
    assert importer.spec["secrets"] == {one.name: {"env": one.name} for one in done.secrets}
    read = importer.spec["services"]["shop"]["functions"]["f0"]["environmentVariables"]
    assert {key: read[key] for key in SECRETS} == {key: f"${{{{ secret('SHOP_F0_{key}') }}}}" for key in SECRETS}
    assert {key: value.replace("${{ '${{' }}", "${{") for key, value in read.items() if key in PLAIN} == PLAIN
    for path in [*importer.out.rglob("*"), *stage.state.rglob("*")]:
        if path.is_file() and path.parent.name != "undo":
            content = path.read_bytes()
            assert not any(value.encode() in content for value in [*SECRETS.values(), "hunter2"]), path
    assert done.secrets_out is not None
    assert stat.S_IMODE(done.secrets_out.stat().st_mode) == 0o600
    assert "hunter2" in done.secrets_out.read_text("utf-8")
    assert not any(value in repr(done) for value in SECRETS.values())


def test_what_others_made_by_hand_comes_back(stage: Any, tmp_path: Path) -> None:
    """Members that are null, missing, empty or of a form that we never send."""
    spec = stage.spec(2)
    functions = spec["services"]["s"]["functions"]
    functions["f1"]["triggers"] = {"web": {"type": "http", "config": {"authType": "anonymous", "methods": ["GET"]}}}
    stage.write(spec)
    stage.apply()
    unmark(stage)
    empty = {"description": None, "role": "", "internetAccess": None, "tracingConfig": {}, "ossMountConfig": None}
    stage.change("service", "", "s", **empty, logConfig={"project": "", "logstore": ""}, vpcConfig={}, nasConfig=None)
    stage.change("function", "s", "f0", environmentVariables=None, layers=None, initializer=None, caPort=None)
    stage.change("function", "s", "f0", instanceLifecycleConfig={"preFreeze": {"handler": ""}}, customDNS={})
    stage.change("function", "s", "f1", initializationTimeout=None, instanceConcurrency=None, instanceType=None)
    stage.change("trigger", "s/f0", "t", qualifier=None, invocationRole=None, sourceArn="", description=None)
    importer = Importer(stage, tmp_path / "out")
    importer.take_over(importer.run(with_code=True))
    assert importer.spec["services"]["s"] == {
        "functions": {
            "f0": {
                "runtime": "python3.10",
                "handler": "index.handler",
                "code": "./src/s/f0",
                "diskSize": 512,
                "triggers": {"t": {"type": "timer", "config": {"cronExpression": "@every 1m"}}},
            },
            "f1": {
                "runtime": "python3.10",
                "handler": "index.handler",
                "code": "./src/s/f1",
                "diskSize": 512,
                "environmentVariables": {"NUMBER": "1"},
                "triggers": {"web": {"type": "http", "config": {"authType": "anonymous", "methods": ["GET"]}}},
            },
        }
    }


def test_what_no_spec_may_say_is_told(stage: Any, tmp_path: Path) -> None:
    stage.write(stage.spec(1))
    stage.apply()
    unmark(stage)
    stage.change("function", "s", "f0", runtime="fortran77")
    done = Importer(stage, tmp_path / "out").run(with_code=True)
    (found,) = done.findings
    assert not done.is_whole
    assert "fortran77" in f"{found.summary} {found.detail}"
    assert found.span is not None
    assert found.span.file == str(tmp_path / "out" / "fcdeploy.yaml")


def archive(entries: dict[str, bytes], *, mode: int | None = 0o644, link: str = "") -> bytes:
    """A ZIP as somebody else's tool may make it."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in entries.items():
            info = zipfile.ZipInfo(name)
            if mode is not None:
                info.external_attr = ((stat.S_IFLNK if name == link else stat.S_IFREG) | mode) << 16
            info.create_system = 0 if mode is None else 3
            opened.writestr(info, content)
    return made.getvalue()


@pytest.mark.parametrize(
    ("entries", "more", "why"),
    [
        ({"index.py": b"1", "bin/tool": b"2"}, {"mode": 0o755}, ""),
        ({"./index.py": b"1", "lib//b.py": b"2", "ü.txt": b"3"}, {}, ""),
        pytest.param({"index.py": b"1"}, {"mode": None}, "", marks=pytest.mark.proof),
        ({"index.py": b"1", ".env.production": b"2"}, {}, "packaging leaves it out"),
        pytest.param(
            {"index.py": b"1", "lib/__pycache__/a.py": b"2"}, {}, "packaging leaves it out", marks=pytest.mark.proof
        ),
        pytest.param({"index.py": b"1", ".fcignore": b"*"}, {}, "packaging leaves it out", marks=pytest.mark.proof),
        ({"index.py": b"1", "../../evil.py": b"2"}, {}, "it leads outside"),
        ({"index.py": b"1", "link": b"/etc/passwd"}, {"link": "link"}, "it is a symbolic link"),
        pytest.param({"index.py": b"1", "Index.py": b"2"}, {}, "differ only by case", marks=pytest.mark.proof),
        pytest.param({"index.py": b"1", "a": b"2", "a/b": b"2"}, {}, "is a file and a folder", marks=pytest.mark.proof),
        ({"index.py": b"1", "u\u0308.txt": b"2"}, {}, "NFC"),
    ],
)
def test_code_comes_back_as_a_folder_or_as_it_is(
    stage: Any, tmp_path: Path, entries: dict[str, bytes], more: dict[str, Any], why: str
) -> None:
    spec = stage.spec(1)
    (stage.root / "made.zip").write_bytes(archive(entries, **more))
    spec["services"]["s"]["functions"]["f0"]["code"] = "./made.zip"
    stage.write(spec)
    stage.apply()
    unmark(stage)
    importer = Importer(stage, tmp_path / "out")
    done = importer.run(with_code=True)
    code = importer.spec["services"]["s"]["functions"]["f0"]["code"]
    assert not (tmp_path / "evil.py").exists()
    assert not list(importer.out.rglob(".*ing-*"))
    if why:
        assert code == {"zip": "./src/s/f0.zip"}
        (said,) = done.findings
        assert why in said.summary
        assert f"# Kept as an archive: {said.summary.partition(': ')[2]}" in importer.text
        assert (importer.out / "src/s/f0.zip").read_bytes() == (stage.root / "made.zip").read_bytes()
    else:
        assert code == "./src/s/f0"
        assert done.findings == ()
    assert done.is_whole
    stage.root = importer.out
    assert_only_marks(stage.plan(ADOPT))
    stage.apply(ADOPT)
    assert stage.plan().is_empty


def two_services(stage: Any) -> None:
    spec = stage.spec(2, service="one")
    spec["services"]["two"] = copy.deepcopy(spec["services"]["one"])
    stage.write(spec)
    stage.apply()


def test_names_choose(stage: Any, tmp_path: Path) -> None:
    two_services(stage)
    unmark(stage)
    importer = Importer(stage, tmp_path / "out")
    importer.take_over(importer.run("t*", with_code=True))
    assert list(importer.spec["services"]) == ["two"]
    with pytest.raises(UsageError, match="nothing live is called `tow`") as refused:
        Importer(stage, tmp_path / "other").run("tow")
    assert "two" in refused.value.hint
    assert not (tmp_path / "other").exists()


def test_a_function_comes_without_its_service(stage: Any, tmp_path: Path) -> None:
    two_services(stage)
    importer = Importer(stage, tmp_path / "out")
    done = importer.run("one/f1", with_code=True)
    service = importer.spec["services"]["one"]
    assert service["external"] is True
    assert set(service) == {"external", "functions"}
    assert list(service["functions"]) == ["f1"]
    assert service["functions"]["f1"]["triggers"] == {"t": {"type": "timer", "config": {"cronExpression": "@every 2m"}}}
    # Whoever keeps the service, the function is taken by a mark of its own.
    assert (done.adopt, done.findings) == (("--adopt", "*"), ())
    stage.root = importer.out
    (change,) = stage.plan(ADOPT).changes
    assert (change.address.short, {one.path for one in change.fields}) == ("function one/f1", {"description"})
    before = stage.dump()
    stage.apply(ADOPT)
    assert [(field, now) for _, field, _, now in stage.difference(before)] == [
        ("description", "[fcdeploy:taken/cn-hangzhou]")
    ]
    assert stage.plan().is_empty
    # It is somebody's from now on, also to an import of the whole service.
    whole = Importer(stage, tmp_path / "whole")
    done = whole.run("one", project="staged")
    assert list(whole.spec["services"]["one"]["functions"]) == ["f0"]
    assert "function one/f1 is left out: it belongs to taken/cn-hangzhou" in [one.summary for one in done.findings]


def test_domains_come_with_what_they_lead_to(stage: Any, tmp_path: Path) -> None:
    spec = stage.spec(1, service="one")
    for name in ("one", "two"):
        web = {"type": "http", "config": {"authType": "anonymous", "methods": ["GET"]}}
        spec["services"][name] = copy.deepcopy(spec["services"]["one"])
        spec["services"][name]["functions"]["f0"]["triggers"] = {"web": web}
    stage.environ["KEY"] = KEY
    spec["secrets"] = {"KEY": {"env": "KEY"}}
    certificate = "-----BEGIN CERTIFICATE-----\na\n-----END CERTIFICATE-----\n"
    to_one, to_two = {"path": "/*", "function": "one/f0"}, {"path": "/two", "function": "two/f0", "methods": ["GET"]}
    spec["customDomains"] = {
        "one.example.com": {
            "protocol": "HTTP,HTTPS",
            "routes": [to_one],
            "certConfig": {"certName": "c", "certificate": certificate, "privateKey": "${{ secret('KEY') }}"},
        },
        "two.example.com": {"routes": [to_two]},
        "both.example.com": {"routes": [to_one, to_two]},
        "none.example.com": {},
    }
    stage.write(spec)
    stage.apply()
    unmark(stage)
    importer = Importer(stage, tmp_path / "out")
    done = importer.run("one", with_code=True)
    assert [one.summary for one in done.findings] == [
        "customDomain both.example.com is left out: it leads to service two, too"
    ]
    name = "ONE_EXAMPLE_COM_PRIVATEKEY"
    assert importer.spec["customDomains"] == {
        "one.example.com": {
            "protocol": "HTTP,HTTPS",
            "routes": [to_one],
            "certConfig": {
                "certName": "c",
                "certificate": certificate,
                "privateKey": f"${{{{ secret('{name}') }}}}",
            },
        }
    }
    assert [(one.name, one.known) for one in done.secrets] == [(name, False)]
    assert done.secrets_out is None
    both = Importer(stage, tmp_path / "both")
    done = both.run(with_code=True)
    assert set(both.spec["customDomains"]) == {"one.example.com", "two.example.com", "both.example.com"}
    both.take_over(done)


def test_what_is_somebodys_is_only_taken_by_name(stage: Any, tmp_path: Path) -> None:
    two_services(stage)
    tags = {"fcdeploy.project": "else", "fcdeploy.target": "prod"}
    unmark(stage)
    stage.change("service", "", "one", _tags=tags)
    importer = Importer(stage, tmp_path / "out")
    done = importer.run()
    assert list(importer.spec["services"]) == ["two"]
    assert [one.summary for one in done.findings] == ["service one is left out: it belongs to else/prod"]
    named = Importer(stage, tmp_path / "named")
    done = named.run("one", with_code=True, secrets_out=None)
    (found,) = done.findings
    assert "--adopt-from else/prod" in found.hint
    assert "fcdeploy." not in yaml.safe_dump(named.spec["services"])
    stage.root = named.out
    assert_only_marks(stage.plan(Wishes(adopt_from=("else/prod",))))
    stage.change("service", "", "two", _tags=tags)
    with pytest.raises(UsageError, match="nothing to import"):
        Importer(stage, tmp_path / "third").run()


@pytest.mark.parametrize("api", APIS)
def test_aliases_come_back_and_versions_stay(stage: Any, tmp_path: Path, api: str) -> None:
    spec = stage.spec(2, api=api)
    service = spec["services"]["s"]
    service["versions"] = {"publish": "on-change"}
    service["aliases"] = {"live": {"version": "latest", "weights": {"previous": 0.1}}, "old": {"version": "1"}}
    first = service["functions"]["f0"]
    first["triggers"]["t"]["qualifier"] = "live"
    first |= {"provision": {"live": {"target": 2}}, "asyncInvoke": {"live": {"maxAsyncRetryAttempts": 1}}}
    stage.write(spec)
    stage.apply()
    stage.write_source("src", "def handler(event, context):\n    return 'new'\n")
    stage.apply()
    unmark(stage)
    importer = Importer(stage, tmp_path / "out", api=api)
    done = importer.run(with_code=True)
    assert (done.counts["Alias"], done.counts["Version"]) == (2, 0)
    read = importer.spec["services"]["s"]
    assert read["aliases"] == {"live": {"version": "2", "weights": {"1": 0.1}}, "old": {"version": "1"}}
    assert read["functions"]["f0"]["triggers"]["t"]["qualifier"] == "live"
    assert "versions" not in read
    assert "# Not in this file: version 1, 2 of service s; what exists stays as it is.\n" in importer.text
    importer.take_over(done)


def test_a_target_of_a_file_says_where(stage: Any, tmp_path: Path) -> None:
    two_services(stage)
    importer = Importer(stage, tmp_path / "out")
    done = importer.run(from_file=True, region=None, account=None, api=None, project=None, with_code=True)
    assert (done.project, done.target.name) == ("staged", "dev")
    assert importer.spec["targets"] == {
        "dev": {"provider": "alibaba", "account": "1234567890123456", "region": "cn-hangzhou"}
    }
    # Its own project again: there is nothing to take over.
    stage.root = importer.out
    assert stage.plan().is_empty


def test_nothing_is_written_over(stage: Any, tmp_path: Path) -> None:
    two_services(stage)
    unmark(stage)
    importer = Importer(stage, tmp_path / "out")
    importer.run(with_code=True)
    text = importer.text
    (importer.out / "src/one/f0/index.py").write_text("mine", "utf-8")
    with pytest.raises(UsageError, match="is not empty"):
        importer.run(with_code=True)
    assert (importer.out / "src/one/f0/index.py").read_text("utf-8") == "mine"
    importer.run(with_code=True, force=True)
    assert importer.text == text
    assert (importer.out / "src/one/f0/index.py").read_text("utf-8") != "mine"
    (tmp_path / "there.env").write_text("KEEP=1\n", "utf-8")
    with pytest.raises(UsageError, match="exists already"):
        importer.run(force=True, secrets_out=tmp_path / "there.env")
    assert (tmp_path / "there.env").read_text("utf-8") == "KEEP=1\n"


def test_a_failed_read_is_no_file(stage: Any, tmp_path: Path) -> None:
    two_services(stage)
    stage.faults(
        {"match": {"operation": "ListTriggers"}, "effect": {"status": 403, "code": "AccessDenied", "message": "no"}}
    )
    importer = Importer(stage, tmp_path / "out")
    with pytest.raises(ReadFailed):
        importer.run("one")
    assert not importer.out.exists()


@pytest.mark.parametrize("api", APIS)
def test_the_projects_own_layers_come_along_and_functions_name_them(stage: Any, tmp_path: Path, api: str) -> None:
    spec = stage.spec(2, api=api)
    spec["targets"]["cn-hangzhou"] = spec["targets"].pop("dev")
    spec["layers"] = {"imaging": {"code": stage.write_source("layer"), "compatibleRuntime": ["python3.10"]}}
    service = spec["services"]["s"]
    service["functions"]["f0"]["layers"] = ["imaging"]
    service |= {"versions": {"publish": "on-change"}, "aliases": {"live": {"version": "latest"}}}
    stage.write(spec)
    stage.apply()
    stage.write_source("layer", "VALUE = 2\n")
    stage.apply()
    importer = Importer(stage, tmp_path / "out", api=api)
    done = importer.run(project="staged", with_code=True)
    assert done.findings == ()
    assert importer.spec["layers"] == {"imaging": {"code": "./layers/imaging", "compatibleRuntime": ["python3.10"]}}
    assert importer.spec["services"]["s"]["functions"]["f0"]["layers"] == ["imaging"]
    assert (tmp_path / "out/layers/imaging/index.py").read_text("utf-8") == "VALUE = 2\n"
    stage.root = tmp_path / "out"
    plan = stage.plan()
    assert plan.is_empty, [(one.address.short, one.fields) for one in plan.changes]
