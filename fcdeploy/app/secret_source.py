"""What was saved with references only, resolved again from the project (S36)."""

from __future__ import annotations

from collections.abc import Callable

from fcdeploy.errors import RunError, SpecError, UsageError
from fcdeploy.kinds.conditions import value_at
from fcdeploy.model import Address, Json, SecretSource
from fcdeploy.spec.plain import GIVEN
from fcdeploy.spec.project import Project
from fcdeploy.spec.template import secret_text
from fcdeploy.spec.values import TemplateFault


def secret_source(project: Project, note: Callable[[str, str], None] | None = None) -> SecretSource:
    """Reads the project's named secrets again, for what was saved with references only (S36).

    `note` is told the name and the text of each that was read.
    """
    node = project.document.fields.get("secrets")
    sources = node.plain() if node is not None else {}

    def read(name: str) -> str:
        if name not in sources:
            raise RunError(
                f"the run needs the secret {name}, which the file no longer names",
                hint="add it under `secrets:`, then run the command again",
            )
        try:
            text = project.surroundings.read_secret(name, sources[name])
        except TemplateFault as problem:
            raise RunError(f"the run needs the secret {name}", detail=str(problem), hint=problem.hint) from problem
        if note is not None:
            note(name, text)
        return text

    def part_text(part: Json) -> str:
        if isinstance(part, dict) and GIVEN in part:
            text = given_text(project, *part[GIVEN])
            if note is not None:
                note(f"{part[GIVEN][1]} of {part[GIVEN][0]}", text)
            return text
        try:
            return secret_text(part, read)
        except TemplateFault as problem:
            raise RunError(
                f"the run needs a value made from the secret {part['secret']}", detail=str(problem), hint=problem.hint
            ) from problem

    return part_text


def given_text(project: Project, address: str, path: str) -> str:
    """A value that the file itself gives to a resource, read again (S36). Raises RunError when it is gone."""
    where = Address.parse(address)
    try:
        resource = project.expand(*project.select([where.target])).get(where)
    except (SpecError, UsageError) as problem:
        raise RunError(f"the run needs {path} of {address}, which the file no longer gives") from problem
    found = value_at(resource.body, path) if resource is not None else None
    if not isinstance(found, str):
        raise RunError(
            f"the run needs {path} of {address}, which the file no longer gives",
            hint="put it back into the file, then run the command again",
        )
    return found
