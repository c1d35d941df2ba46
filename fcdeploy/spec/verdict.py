"""What a policy says of one resource, change or plan. Pure.

What it judges comes as plain JSON in which no secret and nothing that is known later stands any more: the engine makes
it so. Expressions are the sandbox's, each bounded by itself, and all of a command together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from fcdeploy.diagnostics import Diagnostic, Span
from fcdeploy.model import Json, Sensitive
from fcdeploy.spec.node import Path, path_text
from fcdeploy.spec.pieces import Expression, pieces
from fcdeploy.spec.policies import Policy
from fcdeploy.spec.values import Failed, Meter, Names, TemplateFault, check_known, to_text

WORK = 300_000
"""What all policies may do, in elements visited, besides `WORK_EACH` for each resource and change that one judges."""
WORK_EACH = 2_000
MOST_FAULTS = 20
"""That a schema finds in one resource and that are told."""
_LONGEST = 200


class Subject(Struct, frozen=True, kw_only=True):
    """What is judged: what expressions call it by (`names`), what a schema is asked about (`instance`), its address as
    printed, and the place of a path below it, None where the file has none."""

    names: Mapping[str, Json]
    instance: Json
    address: str
    place: Callable[[Path], Span | None]


class Besides(Names):
    """Values that are known, and more names besides."""

    def __init__(self, known: Mapping[str, Json], more: Names) -> None:
        self.label = more.label
        self._known = known
        self._more = more

    def names(self) -> Iterable[str]:
        """All of them."""
        return {**self._known, **dict.fromkeys(self._more.names())}

    def value(self, name: str) -> Any:
        """What is known comes first."""
        return self._known[name] if name in self._known else self._more.value(name)


class Judge:
    """Judges whatever it is shown; what it compiled for one serves the others."""

    def __init__(self) -> None:
        self._meter = Meter(WORK)
        self._sandbox: Any = None
        self._validators: dict[str, Any] = {}

    def findings(self, policy: Policy, subject: Subject, around: Mapping[str, Any]) -> Iterator[Diagnostic]:
        """What the policy has against the subject; that it cannot be judged is a finding, too.

        `around` are names that mean the same for all subjects of a target.
        """
        self._meter.left += WORK_EACH
        names = {**around, **subject.names}
        try:
            if policy.schema is None:
                value = self._value(policy.expression, names)
                check_known(value, "a policy")
                if bool(value) is policy.denies:
                    yield self._finding(policy, subject, names, subject.place(()))
                return
            for path, said in self._faults(policy, subject.instance):
                detail = f"{path_text(path)}: {said}" if path else said
                yield self._finding(policy, subject, names, subject.place(path), detail)
        except TemplateFault as fault:
            yield self._unjudged(policy, subject, fault.summary, fault.hint)
        except Failed as failed:
            yield from failed.diagnostics

    def _value(self, expression: str, names: Mapping[str, Any]) -> Json:
        if self._sandbox is None:
            from fcdeploy.spec.sandbox import Sandbox

            self._sandbox = Sandbox(self._meter)
        return self._sandbox.value(expression, names)

    def _faults(self, policy: Policy, instance: Json) -> Iterator[tuple[Path, str]]:
        from jsonschema import Draft202012Validator, validators
        from referencing.exceptions import Unresolvable
        from referencing.jsonschema import EMPTY_REGISTRY

        validator = self._validators.get(policy.name)
        if validator is None:
            kind: Any = validators.validator_for(policy.schema, default=Draft202012Validator)
            # An empty registry fetches nothing (law 11).
            validator = self._validators[policy.name] = kind(policy.schema, registry=EMPTY_REGISTRY)
        try:
            faults = sorted(validator.iter_errors(instance), key=lambda one: [str(step) for step in one.absolute_path])
        except Unresolvable as problem:
            raise TemplateFault(
                f"the schema refers to `{problem.ref}`, which is not in it",
                "put it under `$defs` of the schema; nothing is fetched",
            ) from None
        except RecursionError:
            raise TemplateFault("the schema goes in a circle") from None
        for fault in faults[:MOST_FAULTS]:
            yield tuple(fault.absolute_path), _cut(fault.message)

    def _finding(
        self, policy: Policy, subject: Subject, names: Mapping[str, Any], place: Span | None, detail: str = ""
    ) -> Diagnostic:
        summary = policy.description or detail or f"this breaks the policy `{policy.name}`"
        lines = [detail if summary != detail else ""]
        if policy.message:
            try:
                summary = self._message(policy.message, names)
            except TemplateFault as fault:
                lines.append(f"its message cannot be made: {fault.summary}")
        return Diagnostic(
            severity=policy.severity,
            summary=summary,
            detail="\n".join(filter(None, (*lines, f"policy `{policy.name}` at {policy.span}"))),
            # What is to go stands in no file.
            span=place or policy.span,
            address=subject.address,
            rule=policy.rule,
        )

    def _message(self, text: str, names: Mapping[str, Any]) -> str:
        said = [
            _said(self._value(piece.text, names)) if isinstance(piece, Expression) else piece for piece in pieces(text)
        ]
        return " ".join("".join(said).split())

    def _unjudged(self, policy: Policy, subject: Subject, why: str, hint: str) -> Diagnostic:
        """Nobody knows whether it is kept, so it is as if it were broken."""
        return Diagnostic(
            severity=policy.severity,
            summary=f"the policy `{policy.name}` cannot be judged: {why}",
            hint=hint,
            span=policy.place,
            address=subject.address,
            rule=policy.rule,
        )


def _said(value: Json) -> str:
    # Text of a secret prints as what it is.
    return format(value) if isinstance(value, Sensitive) else to_text(value)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
