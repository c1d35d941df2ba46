"""The clouds: what a target of each may say, and in which words. Values, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace


class Provider(Struct, frozen=True, kw_only=True):
    """One cloud.

    `title` is what people call it, `service` its service of functions. Whose resources those of a target are, its
    `Target.account`, stands in a file as `account_field` and in sentences as `account_word`; `by_region`: each region
    has others. `apis` are the versions of its API, the default first; a file chooses where there are several.
    `networks` are those that it is reached through. `key_fields` are the fields of `credentials:`, all of them where
    it is empty.
    """

    title: str
    service: str
    account_field: str = "account"
    account_word: str = "account"
    account_hint: str = 'account: "…" (the digits in quotes)'
    by_region: bool = False
    apis: tuple[str, ...]
    networks: tuple[str, ...] = ("public",)
    key_fields: tuple[str, ...] = ()


PROVIDERS: Mapping[str, Provider] = {
    "alibaba": Provider(
        title="Alibaba Cloud",
        service="Function Compute",
        apis=("2021-04-06", "2016-08-15"),  # facts 1
        networks=("public", "internal"),
    ),
    "huawei": Provider(
        title="Huawei Cloud",
        service="FunctionGraph",
        account_field="projectId",
        account_word="project",
        account_hint='projectId: "…" (each region has its own: My Credentials in the console lists them)',
        by_region=True,
        apis=("v2",),  # FunctionGraph facts 1
        key_fields=("profile",),
    ),
}
"""Every cloud by the word that a target says."""


def provider_of(name: str) -> Provider:
    """The cloud of this name; one that is not known is told of by its name, and else in the words of the first."""
    first = next(iter(PROVIDERS.values()))
    return PROVIDERS.get(name) or replace(first, title=name, service=name)
