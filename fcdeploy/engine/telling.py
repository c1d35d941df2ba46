"""What a step says of another writer and of the service: values only where they may be seen (S20, S21, S42). Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from fcdeploy.diagnostics import Diagnostic, warning
from fcdeploy.engine.redact import Redactor, has_secret
from fcdeploy.engine.results import StepFailed, StepUnknown
from fcdeploy.engine.steps import UNDO
from fcdeploy.engine.threeway import drifted, value_shown
from fcdeploy.errors import ReadFailed
from fcdeploy.kinds.conditions import value_at
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.model import Action, Address, Json, Live, Sensitive, Step


class Telling:
    """The words of one step."""

    def __init__(self, kind: Kind, step: Step, redactor: Redactor) -> None:
        self._kind = kind
        self._step = step
        self._redactor = redactor

    @property
    def is_undo(self) -> bool:
        """Whether the step takes another one back."""
        return self._step.id.startswith(UNDO)

    @property
    def made_by_others(self) -> Diagnostic:
        """All is as the step was to make it, and it was not this run."""
        short = self._step.address.short
        gone = self._step.action is Action.DELETE
        return warning(
            f"somebody else deleted {short}" if gone else f"somebody else made {short} as this run was to make it",
            detail=f"nothing was sent, and a rollback of this run leaves it {'deleted' if gone else 'so'}",
            hint="another run may be at work on the same resources",
            address=str(self._step.address),
        )

    def not_known(self, failure: ReadFailed) -> StepUnknown:
        """Neither a reply nor a read says what became of it."""
        return StepUnknown(
            f"it is not known whether {self._step.action.value} {self._step.address.short} took effect",
            detail=failure.detail,
            hint="`fcdeploy resume` or `fcdeploy rollback` settles it by reading",
        )

    def conflict(self, theirs: tuple[tuple[str, Json, Json], ...]) -> StepFailed:
        """Somebody changed what the step writes: (path, as planned from, as it is now) of each."""
        return StepFailed(
            f"{self._step.address.short} was changed by somebody else meanwhile",
            detail="\n".join(f"{path}: {self._both(path, was, now)}{self._ours(path)}" for path, was, now in theirs),
            hint="run plan again and look at the difference",
        )

    def _both(self, path: str, was: Json, now: Json) -> str:
        """The values that another writer changed; hidden where the file has a secret, since the old one was one too."""
        if has_secret(value_at(self._step.after, path)):
            was = now = Sensitive("", parts=())
        then = "as this run left it" if self.is_undo else "when planned"
        return self._redactor.text(f"{self._shown(path, was)} {then}, {self._shown(path, now)} now")

    def _shown(self, path: str, value: Json) -> str:
        return value_shown(self._kind, path, value, self._step.literal)

    def _ours(self, path: str) -> str:
        if not self._step.after:
            return ""
        where = "to be put back" if self.is_undo else "in the file"
        return f", {self._shown(path, value_at(self._step.after, path))} {where}"

    def drift(self, live: Mapping[str, Json]) -> tuple[Diagnostic, ...]:
        """Somebody changed what the step does not write, and keeps it; `live` is the whole canonical body."""
        step = self._step
        if step.before is None:
            return ()
        return tuple(
            warning(
                f"drifted during apply: {step.address.short} {path}",
                detail=f"{self._both(path, was, now)}; kept, since this run does not write it",
                hint="run plan again to see what the file makes of it",
                address=str(step.address),
            )
            for path, was, now in drifted(self._kind, step.before, step.after or {}, live, step.ignored)
        )

    @property
    def elsewhere(self) -> Diagnostic:
        """Somebody changed what other steps write, or nobody does, and keeps it."""
        return warning(
            f"drifted during apply: {self._step.address.short}",
            detail="somebody else changed what this step does not write; kept",
            hint="run plan again to see what the file makes of it",
            address=str(self._step.address),
        )

    def not_taken(
        self,
        promise: Mapping[str, Json],
        missing: tuple[str, ...],
        live: Live | None,
        etag: str | None = None,
        outputs: Mapping[str, Json] | None = None,
    ) -> StepFailed:
        """Our effect is there, and some of what it promised is not (S21)."""
        return StepFailed(
            f"the service did not take {', '.join(missing)} of {self._step.address.short}",
            detail="\n".join(
                f"{name}: sent {self._shown(name, promise[name])}, "
                f"is {self._shown(name, live.body.get(name) if live else None)}"
                for name in missing
            ),
            happened=True,
            etag=live.etag if live is not None and etag is None else etag,
            outputs=outputs,
        )

    def not_empty(self, others: Collection[Address]) -> StepFailed:
        """What is to be deleted holds something that nobody planned to delete."""
        return StepFailed(
            f"{self._step.address.short} is not empty",
            detail=f"somebody else put there: {', '.join(address.short for address in sorted(others))}",
            hint="run plan again to see what would become of it",
        )
