"""`fcdeploy init`: a first project that works on the embedded emulator at once."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from msgspec import Struct

from fcdeploy.errors import UsageError
from fcdeploy.spec.project import FILE, TEMPLATE
from fcdeploy.spec.schema import editor_schema, schema_text
from fcdeploy.spec.words import NAME_PATTERN

SCHEMA_FILE = "fcdeploy.schema.json"
_CODE = "src/hello/index.py"
_LONGEST_NAME = 63

_SPEC = """\
# yaml-language-server: $schema={schema}
apiVersion: fcdeploy/v1
project: {name}

vars:
  stage: dev

targets:
  dev:
    provider: alibaba
    region: {region}

defaults:
  function:
    runtime: python3.10
    handler: index.handler
    timeout: 30

services:
  greetings-${{{{ vars.stage }}}}:
    description: A first service
    functions:
      hello:
        description: Answers http calls
        code: ./src/hello
        environmentVariables:
          GREETING: Hello
        triggers:
          http:
            type: http
            config:
              authType: function
              methods: [GET]
"""

_HANDLER = """\
import os


def handler(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [os.environ.get("GREETING", "Hello").encode() + b"\\n"]
"""


class Begun(Struct, frozen=True, kw_only=True):
    """What was written: the project's name, and its files from the folder `folder`."""

    project: str
    folder: Path
    files: tuple[str, ...]


def write_first_project(folder: Path, *, name: str | None, region: str) -> Begun:
    """Write a project of one function into a folder, which is made where it is not there. Nothing is overwritten.

    `name` is the project's, None for the folder's. Raises UsageError, and then nothing has been written.
    """
    project = name if name is not None else _name_of(folder)
    if not re.fullmatch(NAME_PATTERN, project):
        raise UsageError(
            f"a project cannot be called `{project}`",
            detail="1 to 63 of a-z, 0-9 and `-`",
            hint="give another name with --name",
        )
    if not re.fullmatch(r"[a-z0-9-]+", region):
        raise UsageError(f"`{region}` is no region", hint="such as cn-hangzhou")
    texts = {
        FILE: _SPEC.format(schema=SCHEMA_FILE, name=project, region=region),
        _CODE: _HANDLER,
        SCHEMA_FILE: schema_text(editor_schema()),
    }
    there = [one for one in (*texts, TEMPLATE) if (folder / one).exists() or (folder / one).is_symlink()]
    if there:
        raise UsageError(
            f"{folder / there[0]} exists, and nothing is overwritten",
            detail=f"there are also {', '.join(there[1:])}" if there[1:] else "",
            hint="name another folder: `fcdeploy init FOLDER`",
        )
    made: list[Path] = []
    try:
        for one, text in texts.items():
            path = folder / one
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as opened:
                made.append(path)
                opened.write(text)
    except OSError as problem:
        for path in made:
            path.unlink(missing_ok=True)
        raise UsageError(f"cannot write {problem.filename}: {problem.strerror or problem}") from problem
    return Begun(project=project, folder=folder, files=tuple(texts))


def _name_of(folder: Path) -> str:
    """The folder's name as that of a project."""
    plain = unicodedata.normalize("NFKD", folder.resolve().name).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_NAME].strip("-") or "hello"
