from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from fcdeploy.errors import SpecError, UsageError
from fcdeploy.model import Federation, KeySource, Target
from fcdeploy.spec.loader import load
from fcdeploy.spec.targets import (
    default_target,
    placed_targets,
    read_variables,
    selected,
    target_scope,
    targets,
    variables,
)
from fcdeploy.spec.template import Surroundings, render


def made(text: str, env: Mapping[str, str] | None = None, over: tuple[str, ...] = ()) -> tuple[Target, ...]:
    return targets(load(text, "f.yaml"), Surroundings(root=Path("/nonexistent"), env=env or {}), [variables(over)])


def told(text: str, env: Mapping[str, str] | None = None) -> str:
    with pytest.raises(SpecError) as caught:
        made(text, env)
    return "\n".join(map(str, caught.value.diagnostics))


def test_targets_in_the_order_of_the_file() -> None:
    prod, dev = made(
        """
vars: {city: shanghai}
targets:
  prod:
    provider: alibaba
    account: "${{ env('ACCOUNT') }}"
    region: cn-${{ vars.city }}
    api: 2016-08-15
    network: internal
    credentials: {profile: "${{ target.name }}"}
    vars: {city: beijing, lazy: "${{ env('NOT_SET') }}"}
    retired: true
  dev: {provider: alibaba, account: "0123", region: "cn-${{ vars.city }}", credentials: null}
""",
        {"ACCOUNT": "1234"},
    )
    assert (prod.name, prod.provider, prod.account, prod.region) == ("prod", "alibaba", "1234", "cn-beijing")
    assert (prod.api, prod.network, prod.retired) == ("2016-08-15", "internal", True)
    assert prod.credentials == KeySource(profile="prod")
    assert prod.vars == {"city": "beijing", "lazy": "${{ env('NOT_SET') }}"}
    assert (dev.account, dev.region, dev.api, dev.network) == ("0123", "cn-shanghai", "2021-04-06", "public")
    assert (dev.credentials, dev.retired, dev.vars) == (None, False, {})
    assert (str(prod.span), str(dev.span)) == ("f.yaml:4:3", "f.yaml:13:3")


def test_variables_of_the_command_line_win() -> None:
    spec = 'vars: {r: a}\ntargets: {t: {provider: alibaba, region: "${{ vars.r }}", vars: {r: b}}}\n'
    assert made(spec)[0].region == "b"
    assert made(spec, over=("r=c",))[0].region == "c"


def test_everything_wrong_is_told_with_its_place() -> None:
    assert told(
        """
targets:
  a: {provider: alibab, region: 1}
  b: {provider: alibaba, regoin: x, account: 00123}
  c: {provider: alibaba, region: x, network: inside, api: "2020", retired: perhaps, credentials: {profil: p}}
  d: {provider: alibaba, region: "${{ vars.x }}", account: ""}
  e//f: {provider: alibaba, region: x}
  g: x
  h: {provider: alibaba, region: "", credentials: p, vars: [1], account: "${{ 12 }}"}
"""
    ) == (
        "f.yaml:3:17: error: `provider` cannot be `alibab` [targets.a.provider]\n"
        "    hint: did you mean `alibaba`?\n"
        "f.yaml:3:33: error: `region` must be text, not a number [targets.a.region]\n"
        '    hint: quote it: "1"\n'
        "f.yaml:4:3: error: the target needs `region` [targets.b.region]\n"
        "f.yaml:4:26: error: a target has no field `regoin` [targets.b.regoin]\n"
        "    hint: did you mean `region`?\n"
        "f.yaml:4:46: error: `account` must be text, not a number [targets.b.account]\n"
        '    hint: quote it: "00123"\n'
        "f.yaml:5:46: error: `network` cannot be `inside` [targets.c.network]\n"
        "    hint: one of: public, internal\n"
        "f.yaml:5:59: error: `api` cannot be `2020` [targets.c.api]\n"
        "    hint: one of: 2021-04-06, 2016-08-15\n"
        "f.yaml:5:76: error: `retired` must be true or false, not text [targets.c.retired]\n"
        "f.yaml:5:99: error: `credentials` has no field `profil` [targets.c.credentials.profil]\n"
        "    hint: did you mean `profile`?\n"
        "f.yaml:6:35: error: `vars.x` is not defined [targets.d.region]\n"
        "    in ${{ vars.x }}\n"
        "f.yaml:7:3: error: a target cannot have this name [targets.e//f]\n"
        "    hint: up to 63 letters, digits, `-`, `_` and `.`, beginning with a letter or digit; "
        "several such words with `/` between\n"
        "f.yaml:8:6: error: a target must be a map, not text [targets.g]\n"
        "f.yaml:9:34: error: `region` is empty [targets.h.region]\n"
        "f.yaml:9:51: error: `credentials` must be a map, not text [targets.h.credentials]\n"
        "    hint: credentials: {profile: NAME}\n"
        "f.yaml:9:60: error: `vars` must be a map, not a list [targets.h.vars]\n"
        "f.yaml:9:74: error: `account` must be text, not a number [targets.h.account]\n"
        "    hint: quote the value where it is given, or convert it: `|string`"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x: 1\n", "f.yaml:1:1: error: the spec names no target"),
        ("targets: 3\n", "f.yaml:1:10: error: `targets` must be a map of targets, not a number [targets]"),
        ("targets: {}\n", "f.yaml:1:10: error: no target is named [targets]"),
    ],
)
def test_a_spec_without_targets(text: str, message: str) -> None:
    assert told(text).splitlines()[0] == message


def test_a_secret_is_no_field_of_a_target() -> None:
    spec = "secrets: {S: {env: S}}\ntargets: {t: {provider: alibaba, region: r, account: \"${{ secret('S') }}\"}}\n"
    message = told(spec, {"S": "hunter2"})
    assert "`account` cannot be a secret" in message
    assert "hunter2" not in message


def test_accounts_are_needed_where_there_are_several() -> None:
    line = "  {}: {{provider: alibaba, region: r{}}}\n"
    none = "targets:\n" + line.format("a", "") + line.format("b", "")
    one = "targets:\n" + line.format("a", ", account: '1'") + line.format("b", "")
    two = one + line.format("c", ", account: '2'")
    profiles = "targets:\n" + line.format("a", ", credentials: {profile: p}") + line.format("b", "")
    assert len(made(none)) == len(made(one)) == 2
    assert [text.splitlines()[0] for text in (told(two),)] == [
        "f.yaml:3:3: error: the target needs `account`, since the spec reaches more than one [targets.b]"
    ]
    assert told(profiles).count("the target needs `account`") == 2


def test_the_default_target_must_be_there() -> None:
    spec = "targets:\n  dev: {provider: alibaba, region: r}\ndefaultTarget: "
    assert default_target(load(spec + "d*\n", "f")) == "d*"
    assert len(made(spec + "d*\n")) == 1
    assert told(spec + "Dev\n") == (
        "f.yaml:3:16: error: no target is called `Dev` [defaultTarget]\n    hint: did you mean `dev`?"
    )
    assert "not a template" in told(spec + "${{ vars.x }}\n")
    assert "not a number" in told(spec + "1\n")


def test_a_circle_of_target_fields_is_shown() -> None:
    spec = 'vars: {r: "${{ target.region }}"}\ntargets: {t: {provider: alibaba, region: "${{ vars.r }}"}}\n'
    assert "the variables go in a circle: target.region -> vars.r -> target.region" in told(spec)


def test_the_scope_of_a_target() -> None:
    document = load(
        "vars: {who: '${{ target.name }}', deep: {n: 1}}\n"
        "targets:\n  dev: {provider: alibaba, region: r, vars: {deep: {m: 2}}}\n"
        "out: ['${{ vars.who }}', '${{ vars.deep }}', '${{ target.region }}', '${{ twice(2) }}']\n",
        "f",
    )
    node = document.at(["targets", "dev"])
    assert node is not None
    world = Surroundings(root=Path("/nonexistent"), env={})
    scope = target_scope(document, "dev", node, world, functions={"twice": lambda number: number * 2})
    out = document.at(["out"])
    assert out is not None
    assert render(out, scope).plain() == ["dev", {"m": 2}, "r", 4]


def _named(*names: str) -> list[Target]:
    return [Target(name=name, provider="alibaba", region="r") for name in names]


def test_which_targets_a_command_is_about() -> None:
    every = _named("dev", "prod/cn-a", "prod/cn-b")

    def chosen(*patterns: str, default: str | None = None, writes: bool = True) -> list[str]:
        return [target.name for target in selected(every, patterns, default=default, writes=writes)]

    assert chosen(writes=False) == ["dev", "prod/cn-a", "prod/cn-b"]
    assert chosen(writes=False, default="dev") == ["dev", "prod/cn-a", "prod/cn-b"]
    assert chosen(default="dev") == ["dev"]
    assert chosen("*") == ["dev", "prod/cn-a", "prod/cn-b"]
    assert chosen("prod/*", default="dev") == ["prod/cn-a", "prod/cn-b"]
    assert chosen("*-b", "dev") == ["dev", "prod/cn-b"]
    assert [target.name for target in selected(_named("only"), writes=True)] == ["only"]
    with pytest.raises(UsageError) as caught:
        chosen()
    assert caught.value.hint.endswith("targets are: dev, prod/cn-a, prod/cn-b")
    with pytest.raises(UsageError, match="no target matches `Dev`") as caught:
        chosen("Dev")
    assert caught.value.hint == "did you mean `dev`? targets are: dev, prod/cn-a, prod/cn-b"


def test_variables_from_the_command_line_and_files(tmp_path: Path) -> None:
    given = ["a=1", "b=x=y", "c=", "d=true", "e=1.50", "f='q'", "g=${{ x }}", "a=2"]
    layer = variables(given)
    assert layer.plain() == {"a": 2, "b": "x=y", "c": "", "d": True, "e": 1.5, "f": "'q'", "g": "${{ x }}"}
    assert not layer.dynamic
    for wrong in ("a", "=1", "a=.inf"):
        with pytest.raises(UsageError):
            variables([wrong])
    (tmp_path / "v.yaml").write_text("a: ${{ vars.b }}\n")
    assert read_variables(tmp_path / "v.yaml").dynamic
    (tmp_path / "w.yaml").write_text("- a\n")
    with pytest.raises(SpecError, match="must hold a map, not a list"):
        read_variables(tmp_path / "w.yaml")


def test_rows_keep_the_places_of_their_values() -> None:
    document = load(
        "targets:\n"
        "  prod:\n"
        "    provider: alibaba\n"
        "    matrix: {region: [cn-a, cn-b], stage: [x]}\n"
        "  rows:\n"
        "    provider: alibaba\n"
        "    matrix:\n"
        "      - {region: cn-c, vars: {a: 1}}\n"
        "    vars: {a: 0, b: 0}\n",
        "f",
    )
    placed = placed_targets(document, Surroundings(root=Path("/nonexistent"), env={}), [], [])
    assert [target.name for target, _ in placed] == ["prod/cn-a/x", "prod/cn-b/x", "rows/cn-c"]
    rows = [row for _, row in placed]
    assert [str(row.node.fields["region"].span) for row in rows] == ["f:4:23", "f:4:29", "f:8:18"]
    assert [str(target.span) for target, _ in placed] == ["f:2:3", "f:2:3", "f:5:3"]
    assert [row.free for row in rows] == [{"stage"}, {"stage"}, frozenset()]
    assert placed[2][0].vars == {"a": 1, "b": 0}
    assert str(rows[2].node.fields["vars"].fields["a"].span) == "f:8:34"


def test_a_row_may_say_any_field_of_a_target() -> None:
    row = (
        "{provider: alibaba, region: r, account: '1', api: 2016-08-15, network: internal, retired: true, "
        "credentials: {profile: p}}"
    )
    (target,) = made(f"targets: {{t: {{region: x, api: 2021-04-06, matrix: [{row}], name: n}}}}\n")
    assert (target.name, target.region, target.account, target.api) == ("n", "r", "1", "2016-08-15")
    assert (target.network, target.retired, target.credentials) == ("internal", True, KeySource(profile="p"))


def test_the_name_of_a_matrix_leads_to_its_targets() -> None:
    every = _named("prod/cn-a", "prod/cn-b", "dev")
    with pytest.raises(UsageError, match="no target matches `prod`") as caught:
        selected(every, ["prod"])
    assert caught.value.hint.startswith("did you mean `prod/*`?")
    with pytest.raises(UsageError) as caught:
        selected(_named(*(f"t{number}" for number in range(48))), writes=True)
    assert caught.value.hint.endswith("t9, t10 and 37 more")


CREDENTIALS = """
targets:
  t:
    provider: alibaba
    region: r
    account: "42"
    credentials: {}
"""


def with_credentials(text: str) -> str:
    return CREDENTIALS.replace("credentials: {}", f"credentials: {text}")


IDP, HUB, ROLE = "acs:ram::41:oidc-provider/gitlab", "acs:ram::41:role/hub", "acs:ram::42:role/deploy"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", KeySource()),
        ("{profile: p}", KeySource(profile="p")),
        ("{ecsRole: true}", KeySource(ecs_role="")),
        ("{ecsRole: runner}", KeySource(ecs_role="runner")),
        ("{ecsRole: false, profile: p}", KeySource(profile="p")),
        (
            '{roleArn: "acs:ram::${{ target.account }}:role/deploy", sessionName: ci, externalId: x-1, '
            "durationSeconds: 900}",
            KeySource(role_arn=ROLE, session_name="ci", external_id="x-1", duration_seconds=900),
        ),
        (
            f"{{oidc: {{providerArn: '{IDP}', roleArn: '{HUB}', tokenEnv: CI_TOKEN}}, roleArn: '{ROLE}'}}",
            KeySource(oidc=Federation(provider_arn=IDP, role_arn=HUB, token_env="CI_TOKEN"), role_arn=ROLE),
        ),
        (
            f"{{oidc: {{providerArn: '{IDP}', roleArn: '{ROLE}', tokenFile: \"${{{{ env('FILE') }}}}\"}}}}",
            KeySource(oidc=Federation(provider_arn=IDP, role_arn=ROLE, token_file="/run/token")),
        ),
        (
            f"{{oidc: {{providerArn: '{IDP}', roleArn: '{ROLE}', github: {{audience: sts.aliyuncs.com}}}}}}",
            KeySource(oidc=Federation(provider_arn=IDP, role_arn=ROLE, github="sts.aliyuncs.com")),
        ),
        (
            f"{{oidc: {{providerArn: '{IDP}', roleArn: '{ROLE}', github: {{}}}}}}",
            KeySource(oidc=Federation(provider_arn=IDP, role_arn=ROLE, github="")),
        ),
    ],
)
def test_where_keys_come_from(text: str, expected: KeySource) -> None:
    (target,) = made(with_credentials(text), {"FILE": "/run/token"})
    assert target.credentials == expected
    assert KeySource.from_json(expected.to_json()) == expected
    # What a saved project says is what this file said.
    assert made(with_credentials(str(expected.to_json())))[0].credentials == expected


SECRET = "eyJhbGciOiJSUzI1NiJ9.c2VjcmV0.c2ln"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{accessKeySecret: abc}", ["no field `accessKeySecret`", "keys never stand in a spec"]),
        ("{roleArm: x}", ["no field `roleArm`", "did you mean `roleArn`?"]),
        ("{profile: p, ecsRole: true}", ["`profile` and `ecsRole` cannot both say where keys come from"]),
        ("{roleArn: deploy}", ["`roleArn` is not the name of a RAM role", 'roleArn: "acs:ram::ACCOUNT:role/NAME"']),
        ("{externalId: x1}", ["`externalId` needs `roleArn`"]),
        (f"{{roleArn: '{ROLE}', durationSeconds: 60}}", ["`durationSeconds` must be a number from 900 to 43200"]),
        (f"{{roleArn: '{ROLE}', sessionName: 'a b'}}", ["`sessionName` is not a session's name"]),
        (f"{{roleArn: '{HUB}'}}", ["the role is one of account 41, but the target's account is 42"]),
        (f"{{oidc: {{roleArn: '{ROLE}'}}}}", ["nothing says where the id token is", "`oidc` needs `providerArn`"]),
        (
            f"{{oidc: {{providerArn: '{IDP}', roleArn: '{ROLE}', tokenEnv: A, github: {{}}}}}}",
            ["`tokenEnv` and `github` cannot both be"],
        ),
        (
            f"{{oidc: {{providerArn: '{IDP}', roleArn: '{ROLE}', tokenFile: token}}}}",
            ["`tokenFile` must be an absolute path"],
        ),
        (
            f"{{oidc: {{providerArn: '{IDP}', roleArn: '{ROLE}', tokenEnv: {SECRET}}}}}",
            ["`tokenEnv` is not the name of a variable"],
        ),
        (
            f"{{oidc: {{providerArn: '{IDP}', roleArn: '{ROLE}', token: {SECRET}}}}}",
            ["`oidc` has no field `token`"],
        ),
        ("{oidc: yes}", ["`oidc` must be a map, not text"]),
    ],
)
def test_what_cannot_be_where_keys_come_from(text: str, says: list[str]) -> None:
    message = told(with_credentials(text))
    assert [one for one in says if one not in message] == []
    assert SECRET not in message


def test_a_role_names_the_account() -> None:
    line = "  {}: {{provider: alibaba, region: r, credentials: {{roleArn: 'acs:ram::{}:role/deploy'}}}}\n"
    assert len(made("targets:\n" + line.format("a", "1") + line.format("b", "2"))) == 2
    mixed = "targets:\n" + line.format("a", "1") + "  b: {provider: alibaba, region: r}\n"
    assert told(mixed).count("the target needs `account`") == 1
