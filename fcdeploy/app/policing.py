"""Policies where they count: what a spec breaks, what a plan breaks, and which plans are refused for it.

Policies about resources judge what is to be there, so nothing of what is destroyed; those about changes and plans judge
what is about to be done. A way back is never held up by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from fcdeploy.app.types import TargetPlan, Where
from fcdeploy.diagnostics import Diagnostic, Severity, has_errors, in_order
from fcdeploy.engine.ownership import matches
from fcdeploy.engine.policy import (
    change_terms,
    crowd_findings,
    now_terms,
    place_of,
    plan_terms,
    resource_body,
    resource_terms,
    risk_findings,
    target_terms,
    total_findings,
)
from fcdeploy.engine.snapshot import Desired, Snapshot
from fcdeploy.errors import PlanRefused, SpecError
from fcdeploy.model import Action, Address, Change, Json, Plan, Resource, Target
from fcdeploy.spec.plain import plain_text_findings
from fcdeploy.spec.policies import Policies
from fcdeploy.spec.policy_words import POLICIES
from fcdeploy.spec.project import Project
from fcdeploy.spec.verdict import Besides, Judge, Subject


class Policing(Struct, kw_only=True):
    """The policies of one command; what it found of the spec's resources is kept for the plans."""

    project: Project
    where: Where
    judge: Judge = field(default_factory=Judge)
    _found: dict[str, tuple[Diagnostic, ...]] = field(default_factory=dict)

    @property
    def policies(self) -> Policies:
        """Raises SpecError for what is wrong with them."""
        return self.project.read_policies()

    def checked(self, targets: Sequence[Target], *, destroy: bool = False) -> tuple[Diagnostic, ...]:
        """The warnings about a spec; raises SpecError when it cannot be used."""
        found = self.project.diagnostics(targets, code=not destroy)
        if has_errors(found):
            raise SpecError([*found, *self._mistakes(found)])
        # A policy that cannot be read is one that nothing would be held to.
        return tuple(self.policies.leveled(found))

    def remarks(
        self, warnings: Sequence[Diagnostic], targets: Sequence[Target], *, destroy: bool = False
    ) -> tuple[Diagnostic, ...]:
        """The `warnings` about a spec and what its resources break, in order.

        What stops a plan is not among them: that is told with the plan.
        """
        return tuple(one for one in self._with_broken(warnings, targets, destroy) if not _stops(one))

    def validated(self, targets: Sequence[Target]) -> tuple[Diagnostic, ...]:
        """The same where there will be no plan: raises SpecError with everything when there is an error."""
        found = self._with_broken(self.checked(targets), targets, False)
        if has_errors(found):
            raise SpecError(found)
        return tuple(found)

    def _with_broken(
        self, warnings: Sequence[Diagnostic], targets: Sequence[Target], destroy: bool
    ) -> Sequence[Diagnostic]:
        judged = {} if destroy else {one.name: self.resource_findings(one) for one in targets}
        return in_order([*warnings, *_told_once(judged)])

    def _mistakes(self, found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """What is wrong with the policies, where the rest of the spec is wrong as well."""
        if any(one.path.partition(".")[0] == POLICIES for one in found):
            # They have not even the form of policies.
            return ()
        try:
            self.project.read_policies()
        except SpecError as problem:
            return problem.diagnostics
        return ()

    def resource_findings(self, target: Target) -> tuple[Diagnostic, ...]:
        """What the resources of a target break."""
        if target.name not in self._found:
            wanted = {} if target.retired else self.project.expand(target)
            self._found[target.name] = self._resource_findings(target, wanted, checked=True)
        return self._found[target.name]

    def _resource_findings(self, target: Target, desired: Desired, *, checked: bool) -> tuple[Diagnostic, ...]:
        there = {address: one for address, one in desired.items() if not one.absent and not one.external}
        found = total_findings(there)
        for one in there.values():
            found += risk_findings(one, target.api, checked=checked)
            found += plain_text_findings(one)
        made = [*self.policies.leveled(found)]
        wanted = [one for one in self.policies.on("resource") if one.is_for(target.name)]
        if wanted:
            around = self._around(target)
            for address, resource in there.items():
                chosen = [one for one in wanted if _chosen(one, target, address)]
                subject = _of_resource(resource, target.api) if chosen else None
                for policy in chosen:
                    assert subject is not None
                    made += self.judge.findings(policy, subject, around)
        return in_order(made)

    def plan_findings(self, target: Target, desired: Desired, plan: Plan, snapshot: Snapshot) -> tuple[Diagnostic, ...]:
        """What a plan and its changes break."""
        made = [*self.policies.leveled(crowd_findings(plan, snapshot, desired))]
        of_changes = [one for one in self.policies.on("change") if one.is_for(target.name)]
        of_plans = [one for one in self.policies.on("plan") if one.is_for(target.name)]
        if not of_changes and not of_plans:
            return tuple(made)
        around, seconds = self._around(target), self.where.clock()
        changes = [change_terms(one) for one in plan.changes]
        whole = plan_terms(plan, changes)
        for change, terms in zip(plan.changes, changes, strict=True):
            chosen = [one for one in of_changes if _chosen(one, target, change.address)]
            after = desired.get(change.address) if chosen and change.action is not Action.DELETE else None
            shown = resource_terms(after, resource_body(after, target.api)) if after is not None else None
            for policy in chosen:
                names = {"change": terms, "resource": shown, "plan": whole, "now": now_terms(seconds, policy.zone)}
                made += self.judge.findings(policy, _of_change(change, names, terms), around)
        for policy in of_plans:
            names = {"plan": whole, "now": now_terms(seconds, policy.zone)}
            subject = Subject(names=names, instance=whole, address="", place=_nowhere)
            made += self.judge.findings(policy, subject, around)
        return in_order(made)

    def judged(
        self, result: TargetPlan, desired: Desired, snapshot: Snapshot, *, destroying: bool, saved: bool = False
    ) -> TargetPlan:
        """The plan of a target, refused where it breaks a policy that stops it, else with what else there is to say.

        `saved`: what it is to have comes out of a plan file and not out of the spec.
        """
        target, plan = result.target, result.plan
        assert plan is not None
        of_resources: tuple[Diagnostic, ...] = ()
        if not destroying:
            of_resources = (
                self._resource_findings(target, desired, checked=False) if saved else self.resource_findings(target)
            )
        found = self.plan_findings(target, desired, plan, snapshot)
        refusals = [one for one in (*of_resources, *self._of_spec(target, saved or destroying), *found) if _stops(one)]
        warnings = tuple(one for one in found if not _stops(one))
        once = _told_once({target.name: refusals})
        problem = PlanRefused([*result.problems, *once]) if once else result.problem
        return replace(result, plan=replace(plan, warnings=(*plan.warnings, *warnings)), problem=problem)

    def _of_spec(self, target: Target, unread: bool) -> tuple[Diagnostic, ...]:
        """What the spec's own check says, where a policy makes more of it than a warning."""
        return () if unread or not self.policies.levels else self.policies.leveled(self.project.diagnostics([target]))

    def _around(self, target: Target) -> Mapping[str, Any]:
        names = self.project.names(target)
        return {**names, "target": Besides(target_terms(target), names["target"])}


def _chosen(policy: Any, target: Target, address: Address) -> bool:
    return policy.is_for(target.name, address.kind) and (not policy.addresses or matches(address, policy.addresses))


def _of_resource(resource: Resource, api: str) -> Subject:
    body = resource_body(resource, api)
    return Subject(
        names={"resource": resource_terms(resource, body)},
        instance=body,
        address=str(resource.address),
        place=lambda path: place_of(resource, path),
    )


def _of_change(change: Change, names: Mapping[str, Json], terms: Mapping[str, Json]) -> Subject:
    def place(path: Sequence[str | int]) -> Any:
        below = str(path[1]) if len(path) > 1 and path[0] == "fields" else ""
        fields = {one.path: one for one in change.fields}
        return (change.place_of(fields[below]) if below in fields else None) or change.span

    return Subject(names=names, instance=dict(terms), address=str(change.address), place=place)


def _nowhere(path: Sequence[str | int]) -> None:
    del path


def _stops(one: Diagnostic) -> bool:
    return one.severity is Severity.ERROR


def _others(found: Sequence[Diagnostic]) -> str:
    """What else a finding is about."""
    names = [Address.parse(one.address).short for one in found[:_MOST_NAMED] if one.address]
    more = f", and {len(found) - _MOST_NAMED:,} more" if len(found) > _MOST_NAMED else ""
    return f"as well: {', '.join(names)}{more}" if names else ""


_MOST_NAMED = 5


def _told_once(by_target: Mapping[str, Iterable[Diagnostic]]) -> list[Diagnostic]:
    """The findings of all targets, those of one line and one kind once: with how many there are, and in which."""
    groups: dict[Diagnostic, dict[str, list[Diagnostic]]] = {}
    for name, found in by_target.items():
        for one in found:
            groups.setdefault(replace(one, address=""), {}).setdefault(name, []).append(one)
    made = []
    for targets in groups.values():
        first = next(iter(targets.values()))
        lines = [
            first[0].detail,
            _others(first[1:]),
            f"in target {', '.join(targets)}" if len(targets) < len(by_target) else "",
        ]
        made.append(replace(first[0], detail="\n".join(filter(None, lines))))
    return made
