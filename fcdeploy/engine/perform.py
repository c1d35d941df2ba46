"""Performs steps of one target: picks how a step comes to its end. Stateless between steps."""

from __future__ import annotations

from fcdeploy.engine.attempt import Attempt, Tools
from fcdeploy.engine.numbering import NumberedAttempt
from fcdeploy.engine.results import Done, Surroundings
from fcdeploy.model import NextAfter, Step


class Performer:
    """Performs steps of one target. Stateless between steps."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def perform(self, step: Step, around: Surroundings, *, unsettled: bool = False) -> Done:
        """Do one step. `unsettled`: an earlier try may have had its effect, so look first.

        Raises StepFailed, StepUnknown, and, before anything is sent, StepSkipped and whatever `around.begun` raises.
        """
        return await self._attempt(step, around).run(unsettled)

    async def read_effect(self, step: Step, around: Surroundings) -> Done | None:
        """The effect of a step whose reply never came, None when there is none; nothing is sent.

        Raises StepUnknown when it cannot be read.
        """
        return await self._attempt(step, around).read_effect()

    def _attempt(self, step: Step, around: Surroundings) -> Attempt:
        made = NumberedAttempt if isinstance(step.guard, NextAfter) else Attempt
        return made(self._tools, step, around)
