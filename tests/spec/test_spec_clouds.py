"""A cloud in which a service is nothing but a word of the file (S44, S45), with kinds made up for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from spec_nimbus import KINDS as NIMBUS

from fcdeploy.diagnostics import has_errors
from fcdeploy.errors import SpecError
from fcdeploy.kinds import registry
from fcdeploy.model import Json, Ref, Resource, Sensitive
from fcdeploy.spec import targets
from fcdeploy.spec.dump import to_yaml
from fcdeploy.spec.editor import editor_schema
from fcdeploy.spec.project import Project, read_project

HEAD = """\
apiVersion: fcdeploy/v1
project: p
targets:
  near: {provider: alibaba, region: cn-hangzhou, account: "1"}
  far: {provider: nimbus, region: r, account: "1"}
secrets: {KEY: {env: KEY}}
"""
SECRET = "zebra-9-zebra"


@pytest.fixture(autouse=True)
def two_clouds(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(targets, "_PROVIDERS", ("alibaba", "nimbus"))
    before = dict(registry.KINDS)
    for key in [key for key in before if key[0] != "alibaba"]:
        del registry.KINDS[key]
    registry.KINDS.update({(kind.provider, kind.name): kind for kind in NIMBUS})
    try:
        yield
    finally:
        # In the same order, which schemas follow.
        registry.KINDS.clear()
        registry.KINDS.update(before)


def project(folder: Path, text: str, head: str = HEAD) -> Project:
    file = folder / "fcdeploy.yaml"
    file.write_text(head + text)
    (folder / "src").mkdir(exist_ok=True)
    (folder / "src" / "index.py").write_text("def handler(): ...\n")
    return read_project(file, environ={"KEY": SECRET})


def desired(folder: Path, text: str, target: str = "far") -> Mapping[str, Resource]:
    made = project(folder, text)
    (chosen,) = made.select([target])
    return {address.short: one for address, one in made.expand(chosen).items()}


def said(folder: Path, text: str, *names: str) -> list[str]:
    made = project(folder, text)
    found = made.diagnostics(made.select(names))
    return [f"{one.span.line if one.span else 0}: {one.summary}" for one in found]


def hints(folder: Path, text: str, *names: str) -> list[str]:
    made = project(folder, text)
    return [one.hint for one in made.diagnostics(made.select(names))]


WHOLE = """\
services:
  shop:
    role: ops
    description: of the shop
    tags: {team: a, kind: shop}
    functions:
      resize:
        runtime: py
        tags: {kind: own}
        triggers:
          nightly: {type: timer, config: {cron: "1"}}
      send:
        runtime: py
        role: null
        description: sends
    versions: {publish: on-change}
    aliases:
      live: {version: latest}
"""


def test_a_group_is_nothing_in_the_cloud_and_hands_down_what_it_says(tmp_path: Path) -> None:
    found = desired(tmp_path, WHOLE)

    assert list(found) == [
        "function default/shop-resize",
        "trigger default/shop-resize/timer-1",
        "function default/shop-send",
        "version default/shop-resize/new",
        "version default/shop-send/new",
        "alias default/shop-resize/live",
        "alias default/shop-send/live",
    ]
    resize, send = found["function default/shop-resize"], found["function default/shop-send"]
    assert resize.body == {
        "runtime": "py",
        "role": "ops",
        "description": "of the shop",
        "tags": {"team": "a", "kind": "own"},
    }
    assert send.body == {"runtime": "py", "description": "sends", "tags": {"team": "a", "kind": "shop"}}
    # The line is where it is written.
    assert [resize.spans[path].line for path in ("role", "tags.team", "tags.kind")] == [9, 11, 15]
    # What stands beneath a function in the cloud says nothing of the group.
    live = found["alias default/shop-send/live"]
    assert (live.body, [one.short for one in live.refs]) == ({"versionId": "latest"}, ["function default/shop-send"])


def test_defaults_come_before_the_group_and_the_group_before_the_function(tmp_path: Path) -> None:
    text = """\
defaults:
  service: {tags: {a: service-default, b: service-default}}
  function: {runtime: py, timeout: 9, role: dev, tags: {a: x, c: function-default}}
services:
  shop:
    role: ops
    tags: {b: group}
    functions: {one: {}, two: {tags: {b: own}}}
"""
    found = desired(tmp_path, text)

    one, two = found["function default/shop-one"], found["function default/shop-two"]
    assert (one.body["role"], one.body["timeout"]) == ("ops", 9)
    assert one.body["tags"] == {"a": "service-default", "b": "group", "c": "function-default"}
    assert two.body["tags"] == {"a": "service-default", "b": "own", "c": "function-default"}


def test_protect_and_ignore_of_a_group_hold_for_all_that_stands_in_it(tmp_path: Path) -> None:
    text = """\
services:
  shop:
    protect: true
    ignore: [role]
    functions:
      one: {runtime: py, ignore: [timeout]}
      two: {runtime: py, protect: false}
      gone: {absent: true}
"""
    found = desired(tmp_path, text)

    assert [one.protect for one in found.values()] == [True, False, True]
    assert [one.ignore for one in found.values()] == [(("timeout",), ("role",)), (("role",),), (("role",),)]
    assert [one.absent for one in found.values()] == [False, False, True]


def test_what_the_group_says_wrong_is_told_once_and_where_it_stands(tmp_path: Path) -> None:
    text = """\
services:
  shop:
    functions: {one: {runtime: py}, two: {runtime: py}}
    role: nobody
"""
    made = project(tmp_path, text)
    found = made.diagnostics(made.select(["far"]))

    assert [(one.path, one.detail) for one in found] == [("services.shop.role", 'found "nobody"; allowed: , ops, dev')]


def test_two_functions_with_one_name_in_the_cloud_are_refused_with_both_lines(tmp_path: Path) -> None:
    text = """\
services:
  shop:
    functions:
      a:
        runtime: py
        triggers: {t: {type: queue}}
    aliases: {live: {version: latest}}
  other:
    functions:
      b:
        runtime: py
        nimbus: {name: shop-a}
        triggers: {t: {type: queue}, u: {type: timer, config: {cron: x}}, v: {type: timer, config: {cron: x}}}
    aliases: {live: {version: latest}}
"""
    made = project(tmp_path, text)
    first, second = made.diagnostics(made.select(["far"]))

    assert first.summary == "function `other/b` and function `shop/a` are the same function in the cloud"
    assert first.span is not None and first.span.line == 16
    assert first.detail.endswith(":10:7") and "default/shop-a" in first.detail
    assert second.summary == "trigger `other/b/v` and trigger `other/b/u` are the same trigger in the cloud"
    # In another package it is another function.
    assert (
        said(tmp_path, text.replace("shop-a}", "shop-a, package: mine}").replace("cron: x}}}", "cron: y}}}"), "far")
        == []
    )


@pytest.mark.parametrize("value", ["${{ secret('KEY') }}", "${{ ref('shop/b').urn }}"])
def test_what_a_resource_is_called_is_no_secret_and_known_early(tmp_path: Path, value: str) -> None:
    text = f"""\
services:
  shop:
    functions:
      a: {{runtime: py, triggers: {{t: {{type: timer, config: {{cron: "{value}"}}}}}}}}
      b: {{runtime: py, triggers: {{t: {{type: queue, config: {{note: "{value}"}}}}}}}}
"""
    (found,) = said(tmp_path, text, "far")
    assert found == "10: what a trigger is called must be known before the plan is made, and be no secret"


def test_names_of_the_file_lead_to_what_stands_in_the_cloud(tmp_path: Path) -> None:
    text = """\
services:
  shop:
    functions:
      a:
        runtime: py
        calls: [shop/b, away/z]
        next: {function: shop/b}
        environmentVariables:
          B: ${{ ref('shop/b').urn }}
          T: ${{ ref('shop/b/nightly').id }}
          V: ${{ ref('version:shop/b').versionId }}
          L: x${{ ref('alias:shop/b/live').urn }}
      b:
        runtime: py
        nimbus: {name: bee, package: hive}
        triggers: {nightly: {type: timer, config: {cron: "1"}}}
    versions: {publish: on-change}
    aliases: {live: {version: latest}}
outputs:
  urn: ${{ ref('shop/b').urn }}
"""
    found = desired(tmp_path, text)

    one = found["function default/shop-a"]
    assert one.body["calls"] == ["hive/bee", "default/away-z"]
    assert one.body["next"] == {"function": "hive/bee"}
    variables = one.body["environmentVariables"]
    assert variables["B"] == Ref(kind="function", identity=("hive", "bee"), attribute="urn")
    assert variables["T"] == Ref(kind="trigger", identity=("hive", "bee", "timer-1"), attribute="id")
    assert variables["V"] == Ref(kind="version", identity=("hive", "bee", "new"), attribute="versionId")
    assert variables["L"].parts[1].identity == ("hive", "bee", "live")
    assert {ref.short for ref in one.refs} == {
        "function hive/bee",
        "function default/away-z",
        "trigger hive/bee/timer-1",
        "version hive/bee/new",
        "alias hive/bee/live",
    }
    made = project(tmp_path, text)
    assert made.outputs(made.select(["far"])[0]) == {
        "urn": Ref(kind="function", identity=("hive", "bee"), attribute="urn")
    }


def test_what_is_made_for_each_function_may_be_named_by_its_place_where_there_is_one(tmp_path: Path) -> None:
    text = """\
services:
  shop:
    functions:
      a: {runtime: py}
    aliases: {live: {version: latest}}
outputs: {live: "${{ ref('alias:shop/live').urn }}"}
"""
    assert said(tmp_path, text, "far") == []
    two = text.replace("    aliases", "      b: {runtime: py}\n    aliases")
    assert said(tmp_path, two, "far") == ["13: `alias:shop/live` names several resources"]
    assert hints(tmp_path, two, "far") == ["write ref('alias:shop/a/live') or ref('alias:shop/b/live')"]


def test_unknown_and_left_out_names_are_told_as_the_file_writes_them(tmp_path: Path) -> None:
    text = """\
services:
  shop:
    functions:
      a: {runtime: py, calls: [shop/c]}
      b: {runtime: py, when: target.name == 'near', environmentVariables: {A: "${{ ref('shop/zz').urn }}"}}
      d: {runtime: py, calls: [shop/b], environmentVariables: {A: "${{ ref('shop/cc').urn }}"}}
"""
    assert said(tmp_path, text, "far") == [
        "10: the service `shop` of this file has no function `c`",
        "12: the function `shop/b` is left out here, and this leads to it",
        "12: there is no resource `shop/cc` in this file",
    ]


def test_a_circle_through_names_of_the_file_is_found(tmp_path: Path) -> None:
    text = """\
services:
  shop:
    functions:
      a: {runtime: py, environmentVariables: {B: "${{ ref('shop/b/t').id }}"}}
      b: {runtime: py, environmentVariables: {A: "${{ ref('shop/a').urn }}"}, triggers: {t: {type: queue}}}
"""
    (found,) = said(tmp_path, text, "far")
    assert found == (
        "10: the references go in a circle: function shop/a -> trigger shop/b/t -> function shop/b -> function shop/a"
    )


def test_one_alias_that_is_made_for_each_function_does_not_collide_with_itself(tmp_path: Path) -> None:
    text = """\
services:
  shop:
    functions: {a: {runtime: py}, b: {runtime: py}}
    aliases: {live: {version: latest}, next: {version: latest}}
"""
    assert said(tmp_path, text, "far") == ["10: alias `next` cannot stand beside `live`"]


@pytest.mark.parametrize(
    ("group", "own", "former"),
    [
        ("", "renamedFrom: old", "shop-old"),
        ("renamedFrom: store", "timeout: 3", "store-new"),
        ("renamedFrom: store", "renamedFrom: old", "store-old"),
        ("", "renamedFrom: new, nimbus: {name: other}", "shop-new"),
        ("", "renamedFrom: old, nimbus: {name: shop-old}", None),
        ("", "timeout: 3", None),
    ],
)
def test_a_former_name_of_the_file_gives_the_former_name_in_the_cloud(
    tmp_path: Path, group: str, own: str, former: str | None
) -> None:
    text = f"services: {{shop: {{{group and group + ', '}functions: {{new: {{runtime: py, {own}}}}}}}}}\n"
    (found,) = desired(tmp_path, text).values()
    assert found.renamed_from == former


def test_former_names_are_judged_by_what_the_file_has(tmp_path: Path) -> None:
    text = """\
services:
  shop:
    renamedFrom: other
    functions: {a: {runtime: py, renamedFrom: a}, b: {runtime: py, renamedFrom: a}}
  other: {}
"""
    assert said(tmp_path, text, "far") == [
        "9: `shop` cannot be renamed from `other`: the file still has that service",
        "10: `a` cannot be renamed from itself",
        "10: `b` cannot be renamed from `a`: the file still has that function",
    ]


def test_a_block_is_laid_over_its_resource_in_its_own_cloud_and_dropped_in_others(tmp_path: Path) -> None:
    text = """\
defaults:
  function: {runtime: python3.10, handler: index.handler, timeout: 60, nimbus: {timeout: 30, size: m}}
services:
  shop:
    nimbus: {role: ops, tags: {b: far}}
    tags: {a: both, b: both}
    functions:
      resize:
        code: ./src
        memorySize: 512
        environmentVariables: {A: both, B: both}
        alibaba: {instanceType: c1, memorySize: 8192, environmentVariables: {B: null, C: near}}
        nimbus: {memorySize: null, environmentVariables: {B: far}, size: "${{ vars.size }}", code: null, handler: null}
      nimbus: {code: ./src, alibaba: {timeout: 5}}
"""
    head = HEAD.replace('account: "1"}\nsecrets', 'account: "1", vars: {size: l}}\nsecrets')
    made = project(tmp_path, text.replace("code: ./src, alibaba", "nimbus: {code: null}, code: ./src, alibaba"), head)
    near, far = (made.expand(target) for target in made.targets)

    here = {address.short: one for address, one in near.items()}
    one = here["function shop/resize"]
    assert one.body == {
        "runtime": "python3.10",
        "handler": "index.handler",
        "timeout": 60,
        "memorySize": 8192,
        "instanceType": "c1",
        "environmentVariables": {"A": "both", "C": "near"},
    }
    assert one.spans["memorySize"].line == 18
    assert here["function shop/nimbus"].body["timeout"] == 5
    assert here["service shop"].body == {"tags": {"a": "both", "b": "both"}}
    there = {address.short: one for address, one in far.items()}
    assert there["function default/shop-resize"].body == {
        "runtime": "python3.10",
        "role": "ops",
        "tags": {"a": "both", "b": "far"},
        "timeout": 30,
        "size": "l",
        "environmentVariables": {"A": "both", "B": "far"},
    }
    assert there["function default/shop-nimbus"].body["timeout"] == 30


def test_what_a_block_brings_is_patched_and_what_is_for_another_cloud_is_not_evaluated(tmp_path: Path) -> None:
    text = """\
services:
  shop:
    functions:
      a: {runtime: python3.10, handler: i.h, code: ./src, nimbus: {timeout: "${{ vars.nowhere }}"}, timeout: 4}
      b: {runtime: python3.10, nimbus: {timeout: 5}, timeout: 6, when: target.name == 'far'}
"""
    assert said(tmp_path, text, "near") == []
    head = HEAD.replace(
        'r, account: "1"', 'r, account: "1", patch: {"function:shop/b": {timeout: 7, nimbus: {memorySize: 256}}}'
    )
    head = head.replace("project: p", "project: p\nvars: {nowhere: 1}")
    text = text.replace(", code: ./src", "")
    made = project(tmp_path, text, head)
    (far,) = made.select(["far"])
    b = {address.short: one for address, one in made.expand(far).items()}["function default/shop-b"]
    assert (b.body["timeout"], b.body["memorySize"]) == (7, 256)


def test_sections_of_one_cloud_stand_in_its_block_or_are_left_out_elsewhere(tmp_path: Path) -> None:
    text = """\
services:
  shop:
    alibaba:
      vpcBindings: {vpc-1: {when: target.name == 'near'}, vpc-2: {when: "${{ false }}"}}
      functions: {a: {timeout: 9}}
    vpcBindings: {vpc-3: {when: target.name == 'near'}}
    functions:
      a: {runtime: python3.10, handler: i.h, code: ./src, nimbus: {code: null}, alibaba: {memorySize: 512}}
customDomains:
  a.example.com:
    when: target.provider == 'alibaba'
    protocol: HTTP
    routes: [{path: /*, function: shop/a}]
"""
    near = desired(tmp_path, text, "near")
    assert {name for name in near if name.startswith("vpcBinding")} == {
        "vpcBinding shop/vpc-1",
        "vpcBinding shop/vpc-3",
    }
    assert (near["function shop/a"].body["timeout"], near["function shop/a"].body["memorySize"]) == (9, 512)
    assert list(desired(tmp_path, text)) == ["function default/shop-a"]


def test_words_that_a_cloud_lacks_are_refused_at_their_line_with_what_to_write(tmp_path: Path) -> None:
    text = """\
services:
  shop:
    external: true
    internetAccess: true
    vpcBindings: [vpc-1]
    functions:
      a:
        runtime: py
        instanceType: e1
        cpu: 1
        gpu: 2
        customContainerConfig: {image: x, instanceID: y, accelerationType: None}
        onDemand: {prod: {maximumInstanceCount: 3}}
        asyncInvoke: {maxAsyncRetryAttempts: 1}
customDomains: {a.example.com: {}}
defaults: {customDomain: {protocol: HTTP}, function: {diskSize: 512}}
"""
    made = project(tmp_path, text)
    found = {
        one.span.line * 100 + index: (one.summary, one.hint)
        for index, one in enumerate(made.diagnostics(made.select(["far"])))
        if one.span
    }
    assert list(found.values()) == [
        ("nimbus has no `external`", "put it under `alibaba:` on the service"),
        ("nimbus has no `internetAccess`", "put it under `alibaba:` on the service"),
        ("nimbus has no `vpcBindings`", "write `vpcConfig`; or put it under `alibaba:` on the service"),
        ("nimbus has no `instanceType`", "`size`; or put it under `alibaba:` on the function"),
        ("nimbus has no `cpu`", "put it under `alibaba:` on the function"),
        ("unknown key `gpu`", ""),
        (
            "nimbus has no `instanceID` in `customContainerConfig`",
            "the address of the image; or put it under `alibaba:` on the function",
        ),
        (
            "nimbus has no `accelerationType` in `customContainerConfig`",
            "put it under `alibaba:` on the function",
        ),
        ("nimbus has no `prod` in `onDemand`", "put it under `alibaba:` on the function"),
        (
            "nimbus has no async invoke configs",
            "keep them to the Alibaba Cloud targets with `when: target.provider == 'alibaba'`, or an `alibaba:` block",
        ),
        (
            "nimbus has no custom domains",
            "keep them to the Alibaba Cloud targets with `when: target.provider == 'alibaba'`",
        ),
        ("nimbus has no `diskSize`", "put it under `alibaba:` on the function"),
    ]
    assert list(found) == sorted(found)


def test_blocks_in_wrong_places_are_told(tmp_path: Path) -> None:
    text = """\
services:
  shop:
    functions:
      a: {runtime: py, nimbus: 5}
      b: {runtime: py, nimbus: {when: true}}
      c: {runtime: py, environmentVariables: {nimbus: fine}, customContainerConfig: {nimbus: {image: x}}}
      d: {runtime: py, nimbos: {timeout: 5}}
      e: {runtime: py, nimbus: {tmeout: 5}}
nimbus: {}
"""
    assert said(tmp_path, text, "far") == [
        "10: `nimbus` must be a map of fields, not a number",
        "11: `when` cannot stand under `nimbus`",
        "12: `nimbus` cannot stand in `customContainerConfig`",
        "13: unknown key `nimbos`",
        "14: unknown key `tmeout`",
        "15: `nimbus` cannot stand at the top of the file",
    ]
    assert hints(tmp_path, text, "far")[3:5] == ["did you mean `nimbus`?", "did you mean `timeout`?"]


def test_secret_members_travel_in_a_field_of_their_own(tmp_path: Path) -> None:
    text = """\
services:
  shop:
    functions:
      a:
        runtime: py
        environmentVariables:
          PLAIN: text
          TOKEN: ${{ secret('KEY') }}
          BOTH: ${{ ref('shop/b').urn }}?${{ secret('KEY') }}
        ignore: [environmentVariables.TOKEN, timeout]
      b: {runtime: py, environmentVariables: {ONLY: text}}
"""
    found = desired(tmp_path, text)
    a, b = found["function default/shop-a"], found["function default/shop-b"]

    assert a.body["environmentVariables"] == {"PLAIN": "text"}
    hidden: Mapping[str, Json] = a.body["encryptedVariables"]
    assert list(hidden) == ["TOKEN", "BOTH"] and isinstance(hidden["TOKEN"], Sensitive)
    assert hidden["BOTH"].parts[0] == Ref(kind="function", identity=("default", "shop-b"), attribute="urn")
    assert {path: a.spans[path].line for path in a.spans if "Variables" in path} == {
        "environmentVariables": 13,
        "environmentVariables.PLAIN": 13,
        "encryptedVariables": 13,
        "encryptedVariables.TOKEN": 14,
        "encryptedVariables.BOTH": 15,
    }
    assert a.literal == {"runtime", "environmentVariables", "environmentVariables.PLAIN"}
    assert a.ignore == (("environmentVariables", "TOKEN"), ("encryptedVariables", "TOKEN"), ("timeout",))
    assert "encryptedVariables" not in b.body


RENDERED = """\
services:
  shop:
    nimbus: {role: ops, ignore: [role]}
    description: of the shop
    tags: {team: a, kind: shop}
    functions:
      resize:
        runtime: python3.10
        nimbus: {tags: {kind: own}}
        alibaba: {code: ./src, handler: i.h}
        triggers:
          nightly:
            type: timer
            nimbus: {config: {cron: "1"}}
            alibaba: {config: {cronExpression: "@every 5m"}}
      send:
        runtime: python3.10
        nimbus: {role: null, memorySize: 256, name: post, description: null}
        alibaba: {code: ./src, handler: i.h}
    versions: {publish: on-change}
    aliases:
      live: {version: latest}
"""


@pytest.mark.parametrize("target", ["near", "far"])
def test_what_is_rendered_of_a_target_comes_to_the_same_resources(tmp_path: Path, target: str) -> None:
    made = project(tmp_path, RENDERED)
    (chosen,) = made.select([target])
    spec, found = made.resolved(chosen)
    assert not has_errors(found)
    again = tmp_path / "again"
    again.mkdir()
    file = again / "fcdeploy.yaml"
    file.write_text(to_yaml(spec.tree))
    other = read_project(file, environ={"KEY": SECRET})

    first, second = made.expand(chosen), other.expand(other.targets[0])
    assert [(str(one.address), one.body, one.ignore) for one in first.values()] == [
        (str(one.address), one.body, one.ignore) for one in second.values()
    ]
    assert "nimbus:" not in to_yaml(spec.tree["services"]) and "alibaba:" not in to_yaml(spec.tree["services"])


def test_an_editor_knows_the_words_of_every_cloud_and_in_a_block_those_of_its_own() -> None:
    schema = editor_schema()
    validator = Draft202012Validator(schema)
    head = {"apiVersion": "fcdeploy/v1", "project": "p", "targets": {"a": {"provider": "alibaba", "region": "r"}}}

    def accepts(**fields: Json) -> bool:
        function = {"runtime": "py", **fields}
        return validator.is_valid({**head, "services": {"s": {"functions": {"f": function}}}})

    assert accepts(timeout=900, instanceType="c1", size="m", runtime="python3.10", when="true")
    assert accepts(nimbus={"size": "m", "timeout": None}, alibaba={"instanceType": "c1", "cpu": "${{ vars.c }}"})
    assert accepts(triggers={"t": {"type": "queue"}}) and accepts(
        triggers={"t": {"type": "timer", "config": {"cron": "1"}}}
    )
    assert accepts(onDemand={"maximumInstanceCount": 1}) and accepts(onDemand={"prod": {"maximumInstanceCount": 1}})
    for wrong in (
        {"runtime": "nodejs99"},
        {"sise": "m"},
        {"nimbus": {"instanceType": "c1"}},
        {"alibaba": {"size": "m"}},
        {"nimbus": {"timeout": 901}},
        {"nimbus": {"when": True}},
        {"nimbus": {"nimbus": {}}},
    ):
        assert not accepts(**wrong), wrong
    assert validator.is_valid({**head, "services": {"s": {"functions": {"f": {"nimbus": {"runtime": "py"}}}}}})
    assert not validator.is_valid({**head, "services": {"s": {"functions": {"f": {"timeout": 1}}}}})
    own = schema["$defs"]["function"]["properties"]
    assert own["size"] == {"$ref": "#/$defs/nimbus.function/properties/size"}
    assert own["runtime"]["title"] and len(own["runtime"]["anyOf"]) == 2
    assert own["nimbus"]["description"]


def test_a_spec_without_a_usable_target_is_judged_by_what_every_cloud_says(tmp_path: Path) -> None:
    text = """\
services: {shop: {functions: {a: {runtime: python3.10, instanceType: c1, size: m, memry: 1, nimbus: {size: m}}}}}
"""
    with pytest.raises(SpecError) as told:
        project(tmp_path, text, HEAD.replace("provider: alibaba, region", "region").replace("provider: nimbus,", ""))
    found = [one.summary for one in told.value.diagnostics if one.path.startswith("services")]
    assert found == ["unknown key `memry`"]
