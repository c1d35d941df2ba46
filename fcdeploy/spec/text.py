"""Files named `*.yaml.j2`: rendered as text before they are read as YAML, with the way back to the templates.

Effect: `Texts.read` reads the file and what its templates include. jinja2 is imported when the first is rendered.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from fcdeploy.diagnostics import Diagnostic, error
from fcdeploy.errors import SpecError
from fcdeploy.spec.scope import Scope
from fcdeploy.spec.traced import Trace
from fcdeploy.spec.values import Exhausted, Failed, Function, TemplateFault

SUFFIXES = (".yaml.j2", ".yml.j2")
MAX_TEMPLATE = 4 * 1024 * 1024
"""Bytes of one template."""
_SAME = ("vars", "env", "file", "git", "sha256")
"""Names that are the same for all targets, and so are known before there is any."""


def is_template(path: Path) -> bool:
    """Whether a file is rendered as text first, which its name says."""
    return path.name.endswith(SUFFIXES)


class Text(Struct, frozen=True, kw_only=True):
    """What a file was rendered to. `paths` are the templates that were read for it, itself the first."""

    text: str
    trace: Trace
    paths: tuple[Path, ...]


class Texts:
    """Renders the files of one spec. `root` is the folder of the spec, which no template leads out of."""

    def __init__(self, root: Path, scope: Scope) -> None:
        self._root = root.resolve()
        self._scope = scope

    def read(self, path: Path, name: str) -> Text:
        """The text of a file; `name` is how messages call it. Raises SpecError."""
        from fcdeploy.spec.text_sandbox import TextFault, TextSandbox

        paths: list[Path] = []

        def read(template: str) -> str:
            real = path if template == name else Path(template)
            if template != name and not real.resolve().is_relative_to(self._root):
                shown = os.path.relpath(template, os.path.dirname(name) or ".")
                raise TemplateFault(f"`{shown}` leads outside the project's folder", "move it into the folder")
            text = _read_text(real)
            paths.append(real)
            return text

        world = self._scope.surroundings
        sandbox = TextSandbox(read, self._names(), world.work)
        try:
            if world.work.left <= 0:
                raise Failed(world.exhausted.diagnostics if world.exhausted else ())
            made = sandbox.rendered(name)
        except Failed as failed:
            raise SpecError(failed.diagnostics) from None
        except TextFault as problem:
            found = _finding(problem.fault, problem)
            if isinstance(problem.fault, Exhausted):
                world.exhausted = world.exhausted or Failed([found])
            raise SpecError([found]) from None
        return Text(text=made, trace=Trace(made, name), paths=tuple(paths))

    def _names(self) -> Mapping[str, Any]:
        from fcdeploy.spec.text_sandbox import NotYet

        known = self._scope.names
        later = {
            "target": NotYet("target", "write `${{ target.name }}`: it is evaluated for each target"),
            "each": NotYet("each", "write `${{ each.value }}`, or use `{% for %}` instead of `foreach`"),
        }
        return {**{name: known[name] for name in _SAME}, **later, "secret": _refused_secret(), "ref": _refused_ref()}


def _refused_secret() -> Function:
    def refuse(*given: Any) -> Any:
        shown = given[0] if given and isinstance(given[0], str) else "NAME"
        raise TemplateFault(
            "a secret cannot be written into the text of a file",
            f"write `${{{{ secret('{shown}') }}}}`: it stays as it is here, and stays a secret",
        )

    return Function("secret", refuse)


def _refused_ref() -> Function:
    def refuse(*_given: Any) -> Any:
        raise TemplateFault(
            "resources are not known while the text of the file is made", "write `${{ ref('…').arn }}`: it stays"
        )

    return Function("ref", refuse)


def _finding(fault: TemplateFault, problem: Any) -> Diagnostic:
    via = "\n".join(f"called at {span}" for span in problem.via[:_MOST_CALLS])
    return error(fault.summary, detail=via, hint=fault.hint, span=problem.span)


_MOST_CALLS = 5


def _read_text(path: Path) -> str:
    try:
        if path.is_dir():
            raise TemplateFault(f"`{path}` is a folder, not a file")
        if path.stat().st_size > MAX_TEMPLATE:
            raise TemplateFault(f"`{path}` is larger than {MAX_TEMPLATE // 2**20} MiB")
        text = path.read_bytes().decode().removeprefix("\ufeff")
    except FileNotFoundError:
        raise KeyError(path) from None
    except UnicodeDecodeError:
        raise TemplateFault(f"`{path}` is not UTF-8", "save it as UTF-8") from None
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
        raise TemplateFault(f"`{path}` cannot be read: {reason}") from None
    # jinja counts lines after this, too; a lone carriage return ends a line for it.
    return text.replace("\r\n", "\n").replace("\r", "\n")
