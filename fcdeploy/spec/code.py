"""Whether every `code:` of a spec leads somewhere, and to all that the code needs (S25).

Looks at the file system; nothing is packed and nothing is run.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from pathlib import Path

from fcdeploy.diagnostics import Diagnostic, error, warning
from fcdeploy.kinds.fields import CHECKSUMS, Field
from fcdeploy.model import Json
from fcdeploy.model.providers import provider_of
from fcdeploy.package.errors import PackageError
from fcdeploy.package.installed import Missing, named, read_missing
from fcdeploy.package.sources import CodeSource, SourceKind, read_code_source
from fcdeploy.spec.expand import code_folder
from fcdeploy.spec.node import Node, path_text
from fcdeploy.spec.placed import Placed
from fcdeploy.spec.shape import archives


def read_code_findings(everything: Iterable[Placed], provider: str, sources: Sources) -> Iterator[Diagnostic]:
    """What is wrong with the `code:` of each resource; `sources` serves all targets of a file.

    A value of the wrong shape is the schema's to tell and is passed over here.
    """
    looked_at: set[tuple[CodeSource, tuple[str, ...]]] = set()
    for placed in everything:
        if placed.absent:
            continue
        for name, shape in archives(provider, placed.kind.name):
            node = placed.node.fields.get(name)
            if node is None or not _is_code(node):
                continue
            try:
                source = sources.read(node)
                elsewhere = _elsewhere(source, shape.field, provider)
                if elsewhere is not None:
                    yield _finding(elsewhere, node, placed, name)
                    continue
                needed = (source, _runtimes(placed))
                if needed in looked_at or _has_layers(placed):
                    continue
                # Of several functions with the same code the first is named.
                looked_at.add(needed)
                for missing in sources.read_missing(*needed):
                    yield _nothing_installed(missing, node, placed, name)
            except PackageError as problem:
                yield _finding(problem, node, placed, name)


class Sources:
    """What values of `code:` mean, each looked at once: a thousand functions may have the same, in many targets.

    `folders` are those of the spec's files, by their names.
    """

    def __init__(self, folders: Mapping[str, str]) -> None:
        self._folders = folders
        self._found: dict[Hashable, CodeSource | PackageError] = {}
        self._missing: dict[tuple[CodeSource, tuple[str, ...]], tuple[Missing, ...]] = {}

    def read(self, node: Node) -> CodeSource:
        """Raises PackageError."""
        folder, value = code_folder(node, self._folders), node.plain()
        key = (folder, _key(value))
        found = self._found.get(key)
        if found is None:
            try:
                found = read_code_source(value, Path(folder))
            except PackageError as problem:
                found = problem
            self._found[key] = found
        if isinstance(found, PackageError):
            raise found
        return found

    def read_missing(self, source: CodeSource, runtimes: tuple[str, ...]) -> tuple[Missing, ...]:
        """What the code asks for and is not beside it. Raises PackageError."""
        needed = (source, runtimes)
        if needed not in self._missing:
            self._missing[needed] = tuple(read_missing(source, runtimes))
        return self._missing[needed]


def _key(value: Json) -> Hashable:
    """What two values have in common that mean the same; secret text is another than the same in plain."""
    if isinstance(value, dict):
        return tuple((name, _key(item)) for name, item in value.items())
    if isinstance(value, list):
        return tuple(map(_key, value))
    return type(value), value


def _elsewhere(source: CodeSource, field: Field, provider: str) -> PackageError | None:
    """What is wrong with an object in a bucket for this cloud."""
    if source.kind is not SourceKind.OSS:
        return None
    if source.scheme != field.bucket:
        return PackageError(
            f"{provider_of(provider).service} takes no code from {source.scheme.upper()}",
            hint=f"put the archive into a bucket there, and write `{field.bucket}://bucket/object`; in a file for "
            f"several clouds, under `{provider}:`",
        )
    words, form = CHECKSUMS[field.checksum_by]
    if source.checksum is None or re.fullmatch(form, source.checksum):
        return None
    return PackageError(f"`code.checksum` is not a {words}", hint="take the one that the service keeps of an archive")


def _has_layers(placed: Placed) -> bool:
    """Whether what the code needs may come from elsewhere."""
    node = placed.node.fields.get("layers")
    return node is not None and bool(node.items)


def _runtimes(placed: Placed) -> tuple[str, ...]:
    """What the code may run in, as far as it is known."""
    found = [node for name in ("runtime", "compatibleRuntime") if (node := placed.node.fields.get(name)) is not None]
    return tuple(one.value for node in found for one in (node.items or [node]) if isinstance(one.value, str))


def _nothing_installed(missing: Missing, node: Node, placed: Placed, name: str) -> Diagnostic:
    return warning(
        f"`{missing.file}` has nothing installed beside it",
        detail=f"it asks for {named(missing)}" if named(missing) else "it asks for packages",
        hint=f"let `build` do it, or do it in the folder: {missing.command}\n"
        "if the runtime has all that, leave the file out of the archive with `exclude`",
        span=node.span,
        path=path_text((*placed.path, name)),
    )


def _is_code(node: Node) -> bool:
    if isinstance(node.value, dict):
        return all(
            isinstance(item.value, str)
            or (isinstance(item.value, list) and all(isinstance(one.value, str) for one in item.items))
            for item in node.fields.values()
        ) and ("build" not in node.fields or bool(node.fields["build"].items))
    return isinstance(node.value, str)


def _finding(problem: PackageError, node: Node, placed: Placed, name: str) -> Diagnostic:
    return error(
        problem.summary,
        detail=problem.detail,
        hint=problem.hint,
        span=node.span,
        path=path_text((*placed.path, name)),
    )
