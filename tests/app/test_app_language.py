"""What `when`, `foreach`, `patch` and `include` come to in the cloud: what leaves a target's file is pruned there."""

from __future__ import annotations

from typing import Any


def changes(plan: Any) -> set[str]:
    return {f"{one.action.value} {one.address.short}" for one in plan.changes}


def test_what_is_left_out_is_pruned_as_if_it_were_not_in_the_file(stage: Any) -> None:
    spec: dict[str, Any] = stage.spec(2)
    spec["vars"] = {"on": True}
    spec["services"]["s"]["functions"]["f1"]["when"] = "${{ vars.on }}"
    stage.write(spec)
    stage.apply()
    assert stage.plan().is_empty
    spec["vars"]["on"] = False
    stage.write(spec)
    left_out = stage.plan()
    assert changes(left_out) == {"delete trigger s/f1/t", "delete function s/f1"}
    del spec["services"]["s"]["functions"]["f1"]
    stage.write(spec)
    assert changes(stage.plan()) == changes(left_out)
    stage.apply()
    assert stage.plan().is_empty


def test_items_of_a_foreach_come_and_go_by_their_names(stage: Any) -> None:
    spec: dict[str, Any] = stage.spec(1)
    function = spec["services"]["s"]["functions"].pop("f0")
    spec["services"]["s"]["functions"]["f-${{ each.key }}"] = {
        **function,
        "foreach": {"a": 128, "b": 256},
        "memorySize": "${{ each.value }}",
    }
    stage.write(spec)
    stage.apply()
    assert stage.plan().is_empty
    spec["services"]["s"]["functions"]["f-${{ each.key }}"]["foreach"] = {"b": 512, "c": 128}
    stage.write(spec)
    assert changes(stage.plan()) == {
        *("delete function s/f-a", "delete trigger s/f-a/t", "update function s/f-b"),
        *("create function s/f-c", "create trigger s/f-c/t"),
    }
    stage.apply()
    assert stage.plan().is_empty


def test_a_patch_changes_what_it_names_and_prunes_what_it_removes(stage: Any) -> None:
    spec: dict[str, Any] = stage.spec(2)
    stage.write(spec)
    stage.apply()
    (target,) = spec["targets"].values()
    target["patch"] = {"function:s/f0": {"memorySize": 512}, "function:s/f1": None}
    stage.write(spec)
    assert changes(stage.plan()) == {
        *("update function s/f0", "delete function s/f1", "delete trigger s/f1/t"),
    }
    stage.apply()
    assert stage.plan().is_empty


def test_no_archive_holds_a_file_of_the_spec(stage: Any) -> None:
    spec: dict[str, Any] = stage.spec(1)
    (function,) = spec["services"]["s"]["functions"].values()
    function["code"] = "."
    spec["include"] = ["parts.yaml"]
    included = stage.root / "parts.yaml"
    included.write_text("vars: {a: 1}\n")
    stage.write(spec)
    stage.apply()
    included.write_text("vars: {a: 2}\n")
    assert stage.plan().is_empty
    (stage.root / "other.yaml").write_text("vars: {a: 2}\n")
    assert changes(stage.plan()) == {"update function s/f0"}
