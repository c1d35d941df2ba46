from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fcdeploy.diagnostics import Span
from fcdeploy.errors import SpecError
from fcdeploy.model import LaterText, Output, Sensitive, to_json
from fcdeploy.spec.loader import load
from fcdeploy.spec.node import Node
from fcdeploy.spec.project import read_project
from fcdeploy.spec.targets import variables
from fcdeploy.spec.template import Names, Scope, Surroundings, TemplateFault, render, rendered, secret_text

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "templates.yaml").read_text())


def scope_of(
    spec: str, *, env: Mapping[str, str] | None = None, over: tuple[str, ...] = (), root: Path = Path("/nonexistent")
) -> Scope:
    document = load(spec, "spec.yaml")
    layers = [layer for layer in (document.at(["vars"]),) if layer is not None]
    return Scope(
        Surroundings(root=root, env=env or {}),
        layers=[*layers, variables(over)],
        target=document.at(["target"]),
        secrets=document.at(["secrets"]),
    )


def told(text: str, scope: Scope) -> str:
    with pytest.raises(SpecError) as caught:
        render(load(text, "t.yaml"), scope)
    return "\n".join(map(str, caught.value.diagnostics))


def value_of(expression: str, scope: Scope) -> Any:
    return render(Node.of({}, Span(file="f", line=1, column=1)).with_value({"k": written(expression)}), scope).plain()[
        "k"
    ]


def written(expression: str) -> Node:
    return Node("${{ " + expression + " }}", "f", 1, 1, dynamic=True)


@pytest.mark.parametrize(
    "case", [pytest.param(one, id=f"{group}: {one['write']}") for group, all_ in CASES["cases"].items() for one in all_]
)
def test_cases(case: dict[str, Any]) -> None:
    scope = scope_of(CASES["spec"], env=CASES["env"], over=tuple(CASES["var"]))
    made, found = rendered(load(f"k: {case['write']}\n", "t.yaml"), scope)
    assert "\n".join(map(str, found)) + "\n" == case.get("error", "\n")
    if "value" in case:
        value = made.plain()["k"]
        assert to_json(value) == case["value"]
        assert type(to_json(value)) is type(case["value"])
        for secret in secrets_in(value):
            again = "".join(secret_text(part, CASES["env"].__getitem__) for part in secret.parts)
            assert again == str.__str__(secret)


def secrets_in(value: Any) -> list[Sensitive]:
    match value:
        case Sensitive():
            return [value]
        case dict():
            return [found for item in value.values() for found in secrets_in(item)]
        case list():
            return [found for item in value for found in secrets_in(item)]
        case _:
            return []


def test_no_case_tells_a_secret() -> None:
    scope = scope_of(CASES["spec"], env={**CASES["env"], "PASSWORD": "k3ykeykey"}, over=tuple(CASES["var"]))
    for one in CASES["cases"]["secrets"]:
        made, found = rendered(load(f"k: {one['write']}\n", "t.yaml"), scope)
        seen = repr(made.plain()) + repr(made) + repr(to_json(made.plain())) + "".join(map(str, found)) + repr(found)
        for trace in ("k3ykeykey", "K3YKEYKEY", "k3yk", "yekyekyek3k", "azN5a2V5a2V5"):
            assert trace not in seen, one


def test_keys_are_templates_too_and_may_not_meet() -> None:
    scope = scope_of(
        "vars: {a: x, b: x, n: 7, secret: \"${{ secret('S') }}\"}\nsecrets: {S: {env: S}}\n", env={"S": "s"}
    )
    root = render(load('s-${{ vars.a }}: 1\n"${{ vars.n }}": {k: "${{ vars.a }}"}\n', "t.yaml"), scope)
    assert root.plain() == {"s-x": 1, "7": {"k": "x"}}
    entry = root.at(["s-x"])
    assert entry is not None and str(entry.key_span) == "t.yaml:1:1"
    assert told("${{ vars.a }}: 1\nx: 2\n${{ vars.b }}: 3\n", scope) == (
        "t.yaml:2:1: error: the key `x` stands twice in this map [x]\n"
        "    the first is at t.yaml:1:1\n"
        "    hint: give one of them another name\n"
        "t.yaml:3:1: error: the key `x` stands twice in this map [x]\n"
        "    the first is at t.yaml:1:1; this one is written ${{ vars.b }}\n"
        "    hint: give one of them another name"
    )
    assert "a secret cannot be a key" in told("a-${{ vars.secret }}: 1\n", scope)
    assert "a key must be text" in told('"${{ [1] }}": 1\n', scope)


def test_all_problems_are_told_at_once_and_consequences_once() -> None:
    scope = scope_of('vars: {broken: "${{ vars.no }}", uses: "${{ vars.broken }}"}\n')
    found = told("a: ${{ vars.uses }}\nb: ${{ vars.broken }}\nc: ${{ vars.uses }}\nd: [1, 'x${{ nope }}']\n", scope)
    assert [line for line in found.splitlines() if not line.startswith(" ")] == [
        "spec.yaml:1:17: error: `vars.no` is not defined [vars.broken]",
        "t.yaml:4:10: error: `nope` is not defined [d[1]]",
    ]


def test_rendered_nodes_keep_their_places_and_say_where_they_come_from() -> None:
    scope = scope_of("vars: {m: {a: [1]}, t: text}\n")
    root = render(load("x: ${{ vars.m }}\ny: a-${{ vars.t }}\nz: plain\n", "t.yaml"), scope)
    x, deep, y, z = (root.at(path) for path in (["x"], ["x", "a", 0], ["y"], ["z"]))
    assert x is not None and deep is not None and y is not None and z is not None
    assert (x.templated, x.origin, x.span, x.key_span) == (
        True,
        "${{ vars.m }}",
        Span(file="t.yaml", line=1, column=4),
        Span(file="t.yaml", line=1, column=1),
    )
    assert (deep.value, deep.templated, str(deep.span)) == (1, True, "t.yaml:1:4")
    assert (y.value, y.templated, y.origin) == ("a-text", True, "a-${{ vars.t }}")
    assert (z.value, z.templated, z.origin) == ("plain", False, None)
    assert not root.dynamic


def test_text_that_comes_in_is_never_a_template(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("${{ vars.t }}")
    scope = scope_of("vars: {t: no}\n", env={"E": "${{ vars.t }}"}, over=("v=${{ vars.t }}",), root=tmp_path)
    root = render(load("a: ${{ file('f') }}\nb: ${{ env('E') }}\nc: ${{ vars.v }}\n", "t.yaml"), scope)
    assert set(root.plain().values()) == {"${{ vars.t }}"}
    assert render(root, scope).plain() == root.plain()


def test_later_layers_win_and_what_is_not_used_is_not_evaluated() -> None:
    weak = load("a: weak\nb: ${{ env('MISSING') }}\nc: ${{ vars.a }}\n", "weak.yaml")
    strong = load("a: strong-${{ target.name }}\n", "strong.yaml")
    scope = Scope(Surroundings(root=Path(), env={}), layers=[weak, strong], target=load("name: prod\n", "target.yaml"))
    assert value_of("vars.c", scope) == "strong-prod"
    assert scope.variable("a") == "strong-prod"


def test_files_are_read_beside_the_spec(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "text").write_text("é\n")
    (tmp_path / "latin").write_bytes(b"\xe9")
    (tmp_path / "large").write_bytes(b"x" * (1024 * 1024 + 1))
    scope = scope_of("vars: {}\n", root=tmp_path)
    assert value_of("file('sub/text')", scope) == "é\n"
    for name, problem in {
        "latin": "`latin` is not UTF-8",
        "large": "`large` is larger than 1,048,576 bytes",
        "sub": "`sub` is not a file",
        "/dev/zero": "`/dev/zero` is not a file",
    }.items():
        assert problem in told(f"k: ${{{{ file('{name}') }}}}\n", scope)


def test_secrets_come_from_files_and_commands(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\r\n")
    (tmp_path / "empty").write_text("\n")
    spec = f"""
vars: {{stage: prod}}
secrets:
  FILE: {{file: "${{{{ 'tok' ~ 'en' }}}}"}}
  EMPTY: {{file: empty}}
  RUN: {{command: [{sys.executable}, -c, "print('ran-' + '${{{{ vars.stage }}}}')"]}}
  FAILS: {{command: [{sys.executable}, -c, "import sys; print('s3cret'); sys.exit('s3cret')"]}}
  NONE: {{command: [./no-such-program]}}
  ENV: {{env: "X_${{{{ vars.stage }}}}"}}
  OF_SECRET: {{env: "${{{{ secret('FILE') }}}}"}}
"""
    scope = scope_of(spec, env={"X_prod": "from-env"}, root=tmp_path)
    got = {name: value_of(f"secret('{name}')", scope) for name in ("FILE", "RUN", "ENV")}
    assert {name: str.__str__(value) for name, value in got.items()} == {
        "FILE": "from-file",
        "RUN": "ran-prod",
        "ENV": "from-env",
    }
    assert all(isinstance(value, Sensitive) for value in got.values())
    for name, problem in {
        "EMPTY": "the secret `EMPTY` is empty",
        "FAILS": "ended with 1",
        "NONE": "cannot be started: No such file or directory",
        "OF_SECRET": "the source of a secret cannot hold another secret",
    }.items():
        message = told(f"k: ${{{{ secret('{name}') }}}}\n", scope)
        assert problem in message
        assert "s3cret" not in message and "from-file" not in message


def test_a_secret_is_read_once_for_all_targets(tmp_path: Path) -> None:
    asked: list[str] = []

    def read(name: str, source: Mapping[str, Any]) -> str:
        asked.append(name)
        return "text"

    world = Surroundings(root=tmp_path, env={}, read_secret=read)
    secrets = load("S: {env: S}\n", "f")
    for _ in range(3):
        scope = Scope(world, secrets=secrets)
        assert value_of("secret('S') ~ secret('S')", scope) == "texttext"
    assert asked == ["S"]


def test_git_answers_when_asked(tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}

    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=n", "-c", "user.email=e@example.com")
        done = subprocess.run(
            ["git", "-C", str(tmp_path), *identity, *arguments], env=environment, capture_output=True, check=True
        )
        return done.stdout.decode().strip()

    assert "git has no answer" in told("k: ${{ git.commit }}\n", scope_of("vars: {}\n", env=environment, root=tmp_path))
    git("init", "-q", "-b", "topic")
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-q", "-m", "one")
    scope = scope_of("vars: {}\n", env=environment, root=tmp_path)
    assert value_of("[git.commit, git.branch, git.dirty]", scope) == [git("rev-parse", "HEAD"), "topic", False]
    (tmp_path / "a").write_text("2")
    git("checkout", "-q", "--detach")
    scope = scope_of("vars: {}\n", env=environment, root=tmp_path)
    assert value_of("git.dirty", scope) is True
    assert "HEAD is detached" in told("k: ${{ git.branch }}\n", scope)
    scope = scope_of("vars: {}\n", env={**environment, "GITHUB_HEAD_REF": "feature"}, root=tmp_path)
    assert value_of("git.branch", scope) == "feature"
    assert "hint: did you mean `commit`?" in told("k: ${{ git.comit }}\n", scope)


def test_git_runs_no_program_of_the_checkout(tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}

    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=n", "-c", "user.email=e@example.com")
        subprocess.run(
            ["git", "-C", str(tmp_path), *identity, *arguments], env=environment, capture_output=True, check=True
        )

    git("init", "-q")
    assert "no commit yet" in told("k: ${{ git.commit }}\n", scope_of("vars: {}\n", env=environment, root=tmp_path))
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-q", "-m", "one")
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho ran >> '{ran}'\nexit 1\n")
    program.chmod(0o755)
    for hook in ("post-index-change", "pre-auto-gc", "fsmonitor-watchman"):
        (tmp_path / ".git" / "hooks" / hook).write_text(program.read_text())
        (tmp_path / ".git" / "hooks" / hook).chmod(0o755)
    git("config", "core.fsmonitor", str(program))
    (tmp_path / "a").write_text("2")
    scope = scope_of("vars: {}\n", env=environment, root=tmp_path)
    assert value_of("[git.branch is string, git.dirty]", scope) == [True, True]
    assert not ran.exists()
    git("status")
    assert ran.exists(), "git itself runs it"


class _Later(Names):
    label = "ref('a/b')"

    def names(self) -> list[str]:
        return ["arn"]

    def value(self, name: str) -> Output:
        return Output(step="s1", pointer=f"/{name}")


def test_a_stage_can_add_names() -> None:
    def ref(name: str) -> Names:
        if name != "a/b":
            raise TemplateFault(f"there is no resource `{name}`", "did you mean `a/b`?")
        return _Later()

    scope = scope_of("vars: {arn: \"${{ ref('a/b').arn }}\"}\n").with_functions({"ref": ref})
    assert value_of("ref('a/b').arn", scope) == Output(step="s1", pointer="/arn")
    assert value_of("vars.arn", scope) == Output(step="s1", pointer="/arn")
    assert value_of("{'x': [vars.arn]}", scope) == {"x": [Output(step="s1", pointer="/arn")]}
    mixed = load("k: x${{ vars.arn }}\n", "x.yaml")
    assert render(mixed, scope).plain() == {"k": LaterText(parts=("x", Output(step="s1", pointer="/arn")))}
    for expression in ("vars.arn|upper", "vars.arn == 'x'", "1 if vars.arn else 2", "vars.arn * 2", "sha256(vars.arn)"):
        assert "needs a value that is known already" in told("k: ${{ " + expression + " }}\n", scope)
    assert "there is no resource `a/c`" in told("k: ${{ ref('a/c').arn }}\n", scope)
    assert "`ref('a/b').url` is not defined" in told("k: ${{ ref('a/b').url }}\n", scope)
    assert "`ref('a/b')` is not a value" in told("k: ${{ ref('a/b') }}\n", scope)


@pytest.mark.parametrize(
    "expression",
    [
        "vars.a",
        "vars.m.deep.x",
        "target.name",
        "env('E')",
        'env("E")',
        " vars . a ",
        "env( 'E' )",
        "vars.nope",
        "sha256('é')",
    ],
)
def test_walking_gives_what_compiling_gives(expression: str) -> None:
    scope = scope_of("vars: {a: 1, m: {deep: {x: [1]}}}\ntarget: {name: t}\n", env={"E": "e"})

    def outcome(text: str) -> Any:
        made, found = rendered(Node.of(None, Span(file="f", line=1, column=1)).with_value({"k": written(text)}), scope)
        return made.plain(), [one.summary for one in found]

    # The parentheses keep the second from being walked.
    assert outcome(expression) == outcome(f"({expression})")


def test_bombs_end_soon() -> None:
    doubling = "vars:\n  v0: ['a', 'a']\n" + "".join(
        f"  v{i}: ['${{{{ vars.v{i - 1} }}}}', '${{{{ vars.v{i - 1} }}}}']\n" for i in range(1, 40)
    )
    growing = "vars:\n  v0: aaaaaaaaaa\n" + "".join(
        f"  v{i}: '${{{{ vars.v{i - 1} }}}}${{{{ vars.v{i - 1} }}}}'\n" for i in range(1, 22)
    )
    chain = "vars:\n  v0: a\n" + "".join(f"  v{i}: x${{{{ vars.v{i - 1} }}}}\n" for i in range(1, 100))
    wide = "vars:\n  big: ${{ 'a' * 1000000 }}\n  many: ${{ [0] * 40000 }}\n"
    for spec, text, summary in (
        (doubling, "k: ${{ vars.v16 }}", "the value has more than 50,000 elements"),
        (doubling, "k: ${{ vars.v39 }}", "the variables lead through more than 24 others"),
        (growing, "k: ${{ vars.v21 }}", "the value has more than 1,048,576 characters"),
        (chain, "k: ${{ vars.v99 }}", "the variables lead through more than 24 others"),
        (wide, "k: [" + "'${{ vars.many }}', " * 60 + "]", "the template does too much work"),
        (wide, "k: ${{ [vars.big, vars.big] | tojson }}", "the value has more than 1,048,576 characters"),
        (
            wide,
            "k: ${{ (vars.many == vars.many) " + "and (vars.many == vars.many) " * 60 + "}}",
            "the template does too much work",
        ),
        (wide, "k: ${{ " + "(" * 500 + "1" + ")" * 500 + " }}", "the expression is nested too deeply"),
        (wide, "k: ${{ 1" + " + 1" * 900 + " }}", "the expression is nested too deeply"),
        (wide, "k: ${{ " + "not " * 900 + "1 }}", "the expression is nested too deeply"),
        (wide, "k: ${{ " + "- " * 1900 + "1 }}", "the expression is nested too deeply"),
        (wide, "k: ${{ '" + "x" * 5000 + "' }}", "the expression is longer than 4096 characters"),
    ):
        assert summary in told(text, scope_of(spec)), text[:60]


def test_jinja_is_imported_only_for_templates() -> None:
    program = (
        "import sys\n"
        "from fcdeploy.spec.loader import load\n"
        "from fcdeploy.spec.template import Scope, Surroundings, render\n"
        "from pathlib import Path\n"
        "scope = Scope(Surroundings(root=Path(), env={}))\n"
        "render(load('a: {b: 1}', 'f'), scope)\n"
        "assert 'jinja2' not in sys.modules\n"
        "assert render(load('a: ${{ 1 + 1 }}', 'f'), scope).plain() == {'a': 2}\n"
        "assert 'jinja2' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


_WORDS = st.sampled_from(
    [
        "vars",
        ".a",
        ".s",
        "['a']",
        "[0]",
        "[1:]",
        "(",
        ")",
        "secret('S')",
        "env('E')",
        "sha256(",
        " ~ ",
        " + ",
        " * ",
        " ** ",
        " % ",
        " // ",
        " and ",
        " or ",
        "not ",
        " if ",
        " else ",
        " is ",
        "defined",
        "|upper",
        "|tojson",
        "|join(',')",
        "|length",
        "|b64encode",
        "|default('d', true)",
        "|first",
        "|int",
        "|fromjson",
        "|split('e')",
        "|string",
        " == ",
        " in ",
        " < ",
        "'",
        "'a'",
        '"',
        "1",
        "99999",
        "1.5",
        "-",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "none",
        "true",
        "self",
        "__class__",
        "}}",
        "${{",
        "\n",
        "é",
    ]
)


@given(st.lists(_WORDS, max_size=12).map("".join))
def test_no_expression_gives_a_traceback_or_loses_a_secret(expression: str) -> None:
    scope = scope_of(
        "vars: {a: [x, y], s: \"${{ secret('S') }}\"}\nsecrets: {S: {env: S}}\n", env={"S": "qvqzqwq", "E": "e"}
    )
    made, found = rendered(Node.of({}, Span(file="f", line=1, column=1)).with_value({"k": written(expression)}), scope)
    shown = (repr(made.plain()) + "".join(map(str, found))).lower()
    assert "qvqz" not in shown and "cxzxenf3cq" not in shown


def test_what_is_made_of_secrets_that_nobody_reads_is_text_that_means_nothing(tmp_path: Path) -> None:
    made = (
        "secret('S')|fromjson",
        "(secret('S')|fromjson).user",
        "(secret('S')|fromjson)['user'].name",
        "(secret('S')|split(':'))[3]",
        "secret('S')|b64decode|upper",
        "secret('S')[40]",
        "'a' ~ secret('S')",
        "'a' if secret('S') == 'b' else 'c'",
    )
    tags = "\n".join(f'      t{at}: "${{{{ {text} }}}}"' for at, text in enumerate(made))
    (tmp_path / "fcdeploy.yaml").write_text(
        "apiVersion: fcdeploy/v1\nproject: p\ntargets: {dev: {provider: alibaba, region: cn-hangzhou}}\n"
        f"secrets: {{S: {{command: [touch, {tmp_path}/was-run]}}}}\nservices:\n  s:\n    tags:\n{tags}\n"
        "    functions: {f: {code: ., runtime: python3.10, handler: a.b, memorySize: \"${{ secret('S') }}\"}}\n"
    )
    project = read_project(tmp_path, environ={}, unread=True)
    (found,) = project.diagnostics(project.targets)
    assert (found.summary, found.hint) == ("`memorySize` must be a whole number", "a secret can only be text")
    assert not (tmp_path / "was-run").exists()
    text = (tmp_path / "fcdeploy.yaml").read_text().replace("memorySize: \"${{ secret('S') }}\"", "memorySize: 128")
    (tmp_path / "fcdeploy.yaml").write_text(text)
    project = read_project(tmp_path, environ={}, unread=True)
    (service,) = [one for one in project.expand(project.targets[0]).values() if one.address.kind == "service"]
    tags_made = service.body["tags"]
    assert isinstance(tags_made, dict) and len(tags_made) == len(made)
    assert all(isinstance(one, Sensitive) for one in tags_made.values())
