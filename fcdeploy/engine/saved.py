"""A plan that is kept in a file: what it is made from, and how it is told that it can still be applied (S43). Pure.

No live value is kept, and no secret. What is kept is what the plan was made from on our side (the resources as the file
wanted them, with references for secrets) and digests of what came of it. Whoever applies it reads what is live, makes
the plan once more, and goes on only if it is the same: then it is that very plan, and live is as it was.

    digest     of the changes, without key or ETags; what a person has reviewed (`fcdeploy.engine.digest`)
    steps      of each step with its guard, keyed: says which resource is no longer as it was
    whole      of all steps with all that they send and found, keyed and slow: nothing that the above leave out differs
    secrets    of each secret's text, keyed and slow: it is to be the same when it is resolved again

The key is random and stands beside them. So it keeps nobody from guessing a value, only from using tables or comparing
files; a guess costs as much as scrypt does where a value could be short.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from fcdeploy.diagnostics import Diagnostic, error
from fcdeploy.engine.ownership import Wishes
from fcdeploy.model import Action, Address, Json, Plan, Resource, Step, Target, guard_to_json

_COST = {"n": 1 << 14, "r": 8, "p": 1}
"""Of scrypt: 16 MiB and about 50 ms for each guess."""


class SavedFile(Struct, frozen=True, kw_only=True):
    """An archive that was compared with a live one, by its files: what is needed to come to the same result (S27)."""

    sha256: str
    crc64: str
    sha512: str
    md5: str
    size: int
    entries: tuple[tuple[str, int | None, int, str, bool], ...]


class SavedPlan(Struct, frozen=True, kw_only=True):
    """One target's part of a plan file.

    `desired` are its resources as JSON, secrets as references. `steps` are the keyed digests by step, in their order;
    `archives` the SHA-256 of what is sent. `account` is the one that the plan was made in.
    """

    target: str
    provider: str
    region: str
    account: str
    api: str
    destroying: bool
    desired: tuple[Json, ...]
    changes: tuple[str, ...]
    steps: tuple[tuple[str, str, str], ...]
    whole: str
    archives: tuple[str, ...] = ()
    compared: tuple[SavedFile, ...] = ()

    @property
    def touched(self) -> frozenset[Address]:
        """What the plan changes."""
        return frozenset(Address.parse(address) for _, address, _ in self.steps)


class SavedPlans(Struct, frozen=True, kw_only=True):
    """A plan file without the bytes of its archives. Times are seconds since the epoch.

    `id` is its own, by which the journal knows that it was used; `digest` that of all its changes; `secrets` are keyed
    digests by name; `archives` the sizes in bytes by SHA-256.
    """

    id: str
    project: str
    tool_version: str
    created: float
    expires: float
    destroy: bool
    digest: str
    key: str
    wishes: Wishes
    secrets: Mapping[str, str] = field(default_factory=dict)
    plans: tuple[SavedPlan, ...] = ()
    archives: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        """Plain JSON."""
        wishes = self.wishes
        return {
            "id": self.id,
            "project": self.project,
            "toolVersion": self.tool_version,
            "created": self.created,
            "expires": self.expires,
            "destroy": self.destroy,
            "digest": self.digest,
            "key": self.key,
            "wishes": {
                "adopt": list(wishes.adopt),
                "adoptOver": list(wishes.adopt_over),
                "adoptFrom": list(wishes.adopt_from),
                "allowUnsafe": wishes.allow_unsafe,
                "only": list(wishes.only),
                "forward": wishes.forward,
            },
            "secrets": dict(self.secrets),
            "targets": [_plan_to_json(one) for one in self.plans],
            "archives": [{"sha256": sha256, "size": size} for sha256, size in self.archives.items()],
        }

    @classmethod
    def from_json(cls, saved: Mapping[str, Json]) -> SavedPlans:
        """The inverse of `to_json`; KeyError, TypeError or ValueError for what is not its output."""
        wishes = saved["wishes"]
        return cls(
            id=saved["id"],
            project=saved["project"],
            tool_version=saved["toolVersion"],
            created=saved["created"],
            expires=saved["expires"],
            destroy=saved["destroy"],
            digest=saved["digest"],
            key=saved["key"],
            wishes=Wishes(
                adopt=tuple(wishes["adopt"]),
                adopt_over=tuple(wishes["adoptOver"]),
                adopt_from=tuple(wishes["adoptFrom"]),
                allow_unsafe=wishes["allowUnsafe"],
                only=tuple(wishes["only"]),
                forward=wishes["forward"],
            ),
            secrets=saved["secrets"],
            plans=tuple(_plan_from_json(one) for one in saved["targets"]),
            archives={one["sha256"]: one["size"] for one in saved["archives"]},
        )


def _plan_to_json(plan: SavedPlan) -> dict[str, Json]:
    return {
        "target": plan.target,
        "provider": plan.provider,
        "region": plan.region,
        "account": plan.account,
        "api": plan.api,
        "destroying": plan.destroying,
        "desired": list(plan.desired),
        "changes": list(plan.changes),
        "steps": [list(one) for one in plan.steps],
        "whole": plan.whole,
        "archives": list(plan.archives),
        "compared": [
            {
                "sha256": one.sha256,
                "crc64": one.crc64,
                "sha512": one.sha512,
                "md5": one.md5,
                "size": one.size,
                "entries": [list(file) for file in one.entries],
            }
            for one in plan.compared
        ],
    }


def _plan_from_json(saved: Mapping[str, Json]) -> SavedPlan:
    return SavedPlan(
        target=saved["target"],
        provider=saved["provider"],
        region=saved["region"],
        account=saved["account"],
        api=saved["api"],
        destroying=saved["destroying"],
        desired=tuple(saved["desired"]),
        changes=tuple(saved["changes"]),
        steps=tuple((step, address, digest) for step, address, digest in saved["steps"]),
        whole=saved["whole"],
        archives=tuple(saved["archives"]),
        compared=tuple(
            SavedFile(
                sha256=one["sha256"],
                crc64=one["crc64"],
                sha512=one["sha512"],
                md5=one["md5"],
                size=one["size"],
                entries=tuple((name, mode, size, sha256, link) for name, mode, size, sha256, link in one["entries"]),
            )
            for one in saved["compared"]
        ),
    )


def step_digests(plan: Plan, key: str) -> tuple[tuple[str, str, str], ...]:
    """(id, address, keyed digest) of each step: what it does to what, and the guard that says how that was found."""
    return tuple((step.id, str(step.address), _step_digest(step, key)) for step in plan.steps)


def _step_digest(step: Step, key: str) -> str:
    call = step.call
    covered = [
        *(step.id, step.action.value, step.group, step.last, sorted(step.needs)),
        *(call.operation, call.method, call.path, list(call.query)),
        guard_to_json(step.guard),
    ]
    return hmac.new(bytes.fromhex(key), _text(covered), hashlib.sha256).hexdigest()


def whole_digest(plan: Plan, key: str) -> str:
    """A keyed digest of all that the steps send, promise and found; not of the way back, whose code is not at hand when
    a plan is only made."""
    steps = [replace(step, undo=()).to_json() for step in plan.steps]
    return text_digest(hashlib.sha256(_text(steps)).hexdigest(), key, "steps")


def text_digest(text: str, key: str, name: str) -> str:
    """A keyed digest that is slow to make, so that a short text cannot be found by trying; `name` is what it is of."""
    return hashlib.scrypt(text.encode(), salt=bytes.fromhex(key) + name.encode(), **_COST).hex()


def _text(value: Json) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def resources_to_json(desired: Iterable[Resource]) -> tuple[Json, ...]:
    """The resources of a target, secrets as references."""
    return tuple(resource.to_json() for resource in sorted(desired, key=lambda one: one.address))


def place_findings(saved: SavedPlan, target: Target | None, account: str) -> tuple[Diagnostic, ...]:
    """Why a plan is of another place than the one at hand; `account` is that of the credentials, if it is known."""
    if target is None:
        return (
            error(
                f"the plan is of target {saved.target}, which the file does not name",
                hint="apply it with the file that it was made from",
            ),
        )
    pairs = {
        "provider": (saved.provider, target.provider),
        "region": (saved.region, target.region),
        "API": (saved.api, target.api),
        target.account_word: (saved.account, account),
    }
    return tuple(
        error(
            f"the plan of target {saved.target} is for another {what}",
            detail=f"it was made for {was or 'none'}, and here it would be applied to {now or 'none'}",
            hint="apply it where it was made for, or plan again",
        )
        for what, (was, now) in pairs.items()
        if was != now
    )


def stale_findings(saved: SavedPlan, plan: Plan, key: str) -> tuple[Diagnostic, ...]:
    """What is no longer as it was when the plan was made, resource by resource; none where the plan is the same."""
    now = {name: digest for name, _, digest in step_digests(plan, key)}
    actions = {step.address: step.action for step in plan.steps}
    was = {name: Address.parse(address) for name, address, _ in saved.steps}
    missed: dict[Address, bool] = {}
    for name, address, digest in saved.steps:
        if now.get(name) != digest:
            where = Address.parse(address)
            missed[where] = missed.get(where, False) or name not in now
    for step in plan.steps:
        if step.id not in was:
            missed[step.address] = True
    found = tuple(
        error(
            f"{address.short} is not as it was when the plan was made",
            detail=_difference(saved, address, actions.get(address), other=missed[address]),
            hint="plan again, and look at what is different",
            address=str(address),
        )
        for address in sorted(missed)
    )
    if found or whole_digest(plan, key) == saved.whole:
        return found
    return (
        error(
            f"the plan of target {saved.target} would not be the same",
            detail="something that it was made from is different, in what it sends or in what it expects to find",
            hint="plan again",
        ),
    )


def _difference(saved: SavedPlan, address: Address, action: Action | None, *, other: bool) -> str:
    """What is different about a resource, as far as what would be done to it now says so."""
    planned = {name.partition(" ")[0] for name, where, _ in saved.steps if where == str(address)}
    if not other:
        return "somebody has changed it since"
    if action is None:
        return "it was not there, and now is" if "create" in planned else "there is nothing left to do, or it is gone"
    return "something else would have to be done now" if action.value in planned else f"now it would be {_DONE[action]}"


_DONE = {
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.REPLACE: "replaced",
    Action.DELETE: "deleted",
    Action.NONE: "left alone",
}
