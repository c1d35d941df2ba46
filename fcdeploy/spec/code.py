"""Whether every `code:` of a spec leads somewhere (S25). Looks at the file system; nothing is packed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from fcdeploy.diagnostics import Diagnostic, error
from fcdeploy.kinds.fields import Codec
from fcdeploy.package.errors import PackageError
from fcdeploy.package.sources import read_code_source
from fcdeploy.spec.expand import code_folder
from fcdeploy.spec.node import Node, path_text
from fcdeploy.spec.resolve import Placed, resources
from fcdeploy.spec.shape import shapes


def read_code_findings(resolved: Node, provider: str, folders: Mapping[str, str]) -> Iterator[Diagnostic]:
    """What is wrong with the `code:` of each resource; `folders` are those of the spec's files, by their names.

    A value of the wrong shape is the schema's to tell and is passed over here.
    """
    for placed in resources(resolved, provider):
        if placed.absent:
            continue
        for name, shape in shapes(provider, placed.kind.name).items():
            node = placed.node.fields.get(name)
            if shape.field.codec is not Codec.ARCHIVE or node is None or not _is_code(node):
                continue
            try:
                read_code_source(node.plain(), Path(code_folder(node, folders)))
            except PackageError as problem:
                yield _finding(problem, node, placed, name)


def _is_code(node: Node) -> bool:
    if isinstance(node.value, dict):
        return all(isinstance(item.value, str | list) for item in node.fields.values())
    return isinstance(node.value, str)


def _finding(problem: PackageError, node: Node, placed: Placed, name: str) -> Diagnostic:
    return error(
        problem.summary,
        detail=problem.detail,
        hint=problem.hint,
        span=node.span,
        path=path_text((*placed.path, name)),
    )
