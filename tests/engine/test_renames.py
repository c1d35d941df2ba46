"""A rename of what stands beneath nothing and still has a name of two parts, and of what stands beneath it (S44)."""

from __future__ import annotations

from fcdeploy.engine.renames import renamed
from fcdeploy.model import Address, Resource


def function(name: str, package: str = "default") -> Address:
    return Address(provider="huawei", target="t", kind="function", identity=(package, name))


def test_a_function_keeps_its_package_when_it_is_renamed() -> None:
    new = function("shop-mail")
    desired = {new: Resource(address=new, body={}, renamed_from="shop-post")}

    assert renamed(desired, [function("shop-post")]) == {function("shop-post"): new}
    assert renamed(desired, [function("shop-post", "other"), function("shop-order")]) == {}
