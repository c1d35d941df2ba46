"""The errors of fcdeploy; each class is one decision a caller can take.

FcdeployError
├── UsageError             the command line cannot be obeyed                       (exit 64)
├── SpecError              the files say something that cannot be; carries diagnostics
├── PlanRefused            a plan was made but must not be applied; carries diagnostics
├── PlanOutdated           a plan is not, or no longer, the one that was agreed to; carries diagnostics   (exit 5)
├── BuildFailed            a build did not do its work; carries diagnostics
├── CredentialsError       no usable credentials
│   └── CredentialsUnreachable   what gives them does not answer: it may pass
├── CloudError             a call did not do what was asked
│   ├── ApiError           the service answered with an error: nothing happened, unless the status is 5xx
│   │   └── KeyExpired     the temporary key is over, and another can be had: nothing happened
│   ├── NotSent            the request never left: nothing happened
│   └── NoReply            the request left and no whole reply came: the effect is unknown
├── ReadFailed             live state could not be read; names the resource
└── RunError               the journal, the lease or the state folder forbids going on
    ├── OpenRun            an earlier run has not ended
    ├── LeaseHeld          another process is at work on this target
    ├── LeaseLost          another process took this run over
    └── JournalError       the journal cannot be written or is not one of ours
"""

from __future__ import annotations

from collections.abc import Iterable

from fcdeploy.diagnostics import Diagnostic, in_order


class FcdeployError(Exception):
    """Base of all; `summary` is one sentence without a full stop, `hint` says what to do."""

    def __init__(self, summary: str, *, detail: str = "", hint: str = "") -> None:
        super().__init__(summary)
        self.summary = summary
        self.detail = detail
        self.hint = hint


class UsageError(FcdeployError):
    """The command line cannot be obeyed."""


class DiagnosedError(FcdeployError):
    """An error whose content is a list of findings."""

    def __init__(self, found: Iterable[Diagnostic], *, summary: str = "") -> None:
        self.diagnostics = in_order(found)
        super().__init__(summary or (self.diagnostics[0].summary if self.diagnostics else "unknown problem"))


class SpecError(DiagnosedError):
    """The spec cannot be used; `diagnostics` says where and why, all at once."""


class PlanRefused(DiagnosedError):
    """The plan must not be applied: ownership, protection, safety, or a service limit."""


class PlanOutdated(DiagnosedError):
    """What was agreed to cannot be applied: a plan file that is stale, used, expired or damaged, or another digest."""


class BuildFailed(DiagnosedError):
    """A build did not do its work; nothing has been sent to any cloud."""


class CredentialsError(FcdeployError):
    """No usable credentials for a target."""


class CredentialsUnreachable(CredentialsError):
    """What gives temporary credentials does not answer, or has no room: it may pass."""


class CloudError(FcdeployError):
    """A call did not do what was asked; `operation` names it, `resource` what it was about."""

    def __init__(self, summary: str, *, operation: str, resource: str = "", detail: str = "", hint: str = "") -> None:
        super().__init__(summary, detail=detail, hint=hint)
        self.operation = operation
        self.resource = resource


class ApiError(CloudError):
    """The service answered with an error. Statuses of 500 and above leave the effect of a write unknown."""

    def __init__(
        self,
        *,
        operation: str,
        resource: str = "",
        status: int,
        code: str,
        message: str,
        request_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{operation} answered {status} {code}: {message}", operation=operation, resource=resource)
        self.status = status
        self.code = code
        self.message = message
        self.request_id = request_id
        self.retry_after = retry_after

    def met_by(self, operation: str, resource: str) -> ApiError:
        """The same error for another call, which would only have met it too."""
        error = ApiError(
            operation=operation,
            resource=resource,
            status=self.status,
            code=self.code,
            message=self.message,
            request_id=self.request_id,
            retry_after=self.retry_after,
        )
        error.hint = self.hint
        return error


class KeyExpired(ApiError):
    """The service refused a temporary key that is over; another can be had, and the call sent again with that."""


class NotSent(CloudError):
    """The request never left this machine: no connection could be made. Nothing happened."""


class NoReply(CloudError):
    """The request left and no whole reply came back. The effect is unknown and is settled by reading."""


class ReadFailed(FcdeployError):
    """Live state could not be read; `resource` names what, the cause says why. Never taken for "absent" (law 1)."""

    def __init__(self, summary: str, *, resource: str, detail: str = "", hint: str = "") -> None:
        super().__init__(summary, detail=detail, hint=hint)
        self.resource = resource


class RunError(FcdeployError):
    """The journal, the lease or the state folder forbids going on."""


class OpenRun(RunError):
    """An earlier run of this target has not ended (S37)."""


class LeaseHeld(RunError):
    """Another process is at work on this target (S37)."""


class LeaseLost(RunError):
    """Another process took this run over while this one slept; no further effect may be made (S37)."""


class JournalError(RunError):
    """The journal cannot be written, or the file is not one of ours."""
