"""The use cases: what each command does, one screen each. The composition root; prints nothing and never exits.

A use case is loaded when it is first asked for, with what it needs: `validate` needs no cloud, and a command that only
reads none of what writes.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fcdeploy.app.building import Building as Building
    from fcdeploy.app.building import build as build
    from fcdeploy.app.changing import apply as apply
    from fcdeploy.app.changing import plan as plan
    from fcdeploy.app.checking import graph as graph
    from fcdeploy.app.checking import validate as validate
    from fcdeploy.app.looking import drift as drift
    from fcdeploy.app.looking import outputs as outputs
    from fcdeploy.app.looking import status as status
    from fcdeploy.app.moving import move_back as move_back
    from fcdeploy.app.recalling import history as history
    from fcdeploy.app.recalling import past_run as past_run
    from fcdeploy.app.recovering import abandon as abandon
    from fcdeploy.app.recovering import recover as recover
    from fcdeploy.app.recovering import resume as resume
    from fcdeploy.app.recovering import rollback as rollback
    from fcdeploy.app.rendering import rendered_specs as rendered_specs
    from fcdeploy.app.reports import BuildReport as BuildReport
    from fcdeploy.app.reports import Built as Built
    from fcdeploy.app.reports import DriftReport as DriftReport
    from fcdeploy.app.reports import GraphReport as GraphReport
    from fcdeploy.app.reports import Kept as Kept
    from fcdeploy.app.reports import Move as Move
    from fcdeploy.app.reports import MoveReport as MoveReport
    from fcdeploy.app.reports import OpenTarget as OpenTarget
    from fcdeploy.app.reports import OutputsReport as OutputsReport
    from fcdeploy.app.reports import TargetDrift as TargetDrift
    from fcdeploy.app.reports import TargetHistory as TargetHistory
    from fcdeploy.app.reports import TargetOutputs as TargetOutputs
    from fcdeploy.app.reports import TargetStatus as TargetStatus
    from fcdeploy.app.required import Required as Required
    from fcdeploy.app.required import read_required as read_required
    from fcdeploy.app.running import Manner as Manner
    from fcdeploy.app.saving import PlanFile as PlanFile
    from fcdeploy.app.saving import Saving as Saving
    from fcdeploy.app.saving import apply_saved as apply_saved
    from fcdeploy.app.saving import read_plan_file as read_plan_file
    from fcdeploy.app.starting import write_first_project as write_first_project
    from fcdeploy.app.types import ApplyReport as ApplyReport
    from fcdeploy.app.types import PlanReport as PlanReport
    from fcdeploy.app.types import TargetPlan as TargetPlan
    from fcdeploy.app.types import Validated as Validated
    from fcdeploy.app.types import Where as Where
    from fcdeploy.engine.ownership import Wishes as Wishes
    from fcdeploy.engine.watch import Progress as Progress
    from fcdeploy.engine.watch import StopRequest as StopRequest

_PLACES = {
    "fcdeploy.app.building": ("Building", "build"),
    "fcdeploy.app.changing": ("apply", "plan"),
    "fcdeploy.app.checking": ("graph", "validate"),
    "fcdeploy.app.looking": ("drift", "outputs", "status"),
    "fcdeploy.app.moving": ("move_back",),
    "fcdeploy.app.recalling": ("history", "past_run"),
    "fcdeploy.app.recovering": ("abandon", "recover", "resume", "rollback"),
    "fcdeploy.app.rendering": ("rendered_specs",),
    "fcdeploy.app.reports": (
        *("BuildReport", "Built", "DriftReport", "GraphReport", "Kept"),
        *("Move", "MoveReport", "OpenTarget", "OutputsReport", "TargetDrift"),
        *("TargetHistory", "TargetOutputs", "TargetStatus"),
    ),
    "fcdeploy.app.required": ("Required", "read_required"),
    "fcdeploy.app.running": ("Manner",),
    "fcdeploy.app.saving": ("PlanFile", "Saving", "apply_saved", "read_plan_file"),
    "fcdeploy.app.starting": ("write_first_project",),
    "fcdeploy.app.types": ("ApplyReport", "PlanReport", "TargetPlan", "Validated", "Where"),
    "fcdeploy.engine.ownership": ("Wishes",),
    "fcdeploy.engine.watch": ("Progress", "StopRequest"),
}
"""Where each of the names is."""


def __getattr__(name: str) -> Any:
    """Load what is asked for (PEP 562); raises AttributeError."""
    for place, names in _PLACES.items():
        if name in names:
            found = globals()[name] = getattr(import_module(place), name)
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
