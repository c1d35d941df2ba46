"""`include:` of other files: read with the spec and merged by sections, every piece with the file it came from.

Effect: `read_files` reads the spec and all that it includes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from fcdeploy.diagnostics import Diagnostic, Span, did_you_mean, error
from fcdeploy.errors import SpecError
from fcdeploy.spec.loader import load, read_spec
from fcdeploy.spec.node import Node, path_text
from fcdeploy.spec.text import Texts, is_template

INCLUDE = "include"
MOST_FILES = 500
"""That one spec may include, with all that they include."""

_GLOB = re.compile(r"[*?\[]")
_OF_EACH = ("$schema", "apiVersion", INCLUDE)
"""Words that every file may have for itself."""


class Files(Struct, frozen=True, kw_only=True):
    """A spec out of one or more files. `paths` are all of them; `folders`, by the name of a file in messages, where
    relative paths in it begin."""

    document: Node
    paths: tuple[Path, ...]
    folders: Mapping[str, str]


def read_files(path: Path, *, texts: Texts, found: list[Diagnostic]) -> Files:
    """Read a spec and what it includes; `texts` renders those that are templates. What is wrong is added to `found`;
    raises SpecError when the spec itself cannot be read or is no map.
    """
    document, paths = _document(path, str(path), texts, found)
    if not isinstance(document.value, dict):
        hint = "a spec begins with `apiVersion: fcdeploy/v1`"
        wrong = error(f"the file must be a map, not {document.what}", span=document.span, hint=hint)
        raise SpecError([*found, wrong])
    reader = _Reader(path, paths, texts, found)
    reader.read_included(document, path, str(path), (path.resolve(),))
    merged = {key: item for key, item in document.value.items() if key != INCLUDE}
    for part in reader.parts:
        _merge(merged, part, found)
    return Files(document=document.with_value(merged), paths=tuple(reader.paths), folders=reader.folders)


def _document(path: Path, name: str, texts: Texts, found: list[Diagnostic]) -> tuple[Node, tuple[Path, ...]]:
    """A file as a tree, and the files that were read for it. Raises SpecError."""
    if not is_template(path) or not path.is_file():
        return read_spec(path, name, found=found), (path,)
    made = texts.read(path, name)
    return load(made.text, name, found=found, trace=made.trace), made.paths


class _Reader:
    """Reads what is included, each file once; `parts` are the included files in their order."""

    def __init__(self, path: Path, paths: tuple[Path, ...], texts: Texts, found: list[Diagnostic]) -> None:
        self._root = path.parent.resolve()
        self._texts = texts
        self._found = found
        self._seen = {path.resolve()}
        self.parts: list[Node] = []
        self.paths = [*paths]
        self.folders = {str(path): str(path.parent)}

    def read_included(self, document: Node, path: Path, name: str, chain: tuple[Path, ...]) -> None:
        """Read what a file includes; `chain` are the files that led to it, itself the last."""
        node = document.fields.get(INCLUDE)
        if node is None or node.value is None:
            return
        if not isinstance(node.value, list):
            hint = f"write a list: [{node.value}]" if isinstance(node.value, str) else ""
            self._say(f"`{INCLUDE}` must be a list of files, not {node.what}", node.span, hint)
            return
        for entry in node.items:
            for wanted in self._wanted(entry, path, name):
                self._read(wanted, path.parent / wanted, _beside(name, wanted), entry, chain)

    def _wanted(self, entry: Node, path: Path, name: str) -> Iterator[str]:
        """The files of one entry, relative to the file that it stands in."""
        text, outside = _parts_of(entry)
        if text is None:
            hint = "write a path, a pattern, or {path: …, outside: true}"
            self._say(f"this is not a file to include: {entry.what}", entry.span, hint)
            return
        if entry.dynamic:
            hint = "use `when` on the resources in it, to have them in some targets only"
            self._say("a template cannot stand here: files are read before any is evaluated", entry.span, hint)
            return
        if os.path.isabs(text):
            self._say(f"`{text}` is no relative path", entry.span, "a path begins at the folder of this file")
            return
        matching = [text]
        if _GLOB.search(text):
            matching = sorted(_matching(path.parent, text, path))[: MOST_FILES + 1]
            if not matching:
                self._say(f"no file matches `{text}`", entry.span, "the pattern begins at the folder of this file")
        for one in matching:
            if not outside and not (path.parent / one).resolve().is_relative_to(self._root):
                hint = f"if that is meant, say so: `- {{path: {text}, outside: true}}`"
                self._say(f"`{one}` leads outside the project's folder", entry.span, hint)
                continue
            yield one

    def _read(self, wanted: str, path: Path, name: str, entry: Node, chain: tuple[Path, ...]) -> None:
        real = path.resolve()
        if real in chain:
            ring = [*chain[chain.index(real) :], real]
            shown = " -> ".join(os.path.relpath(one, self._root) for one in ring)
            self._say(f"the files include each other in a circle: {shown}", entry.span, "remove one of the includes")
            return
        if real in self._seen:
            return
        if not path.exists():
            near = [one.name for one in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
            self._say(f"there is no file `{wanted}`", entry.span, did_you_mean(path.name, near))
            return
        if len(self.parts) >= MOST_FILES:
            self._say(f"more than {MOST_FILES} files are included", entry.span)
            return
        self._seen.add(real)
        self.folders[name] = str(path.parent)
        try:
            part, paths = _document(path, name, self._texts, self._found)
        except SpecError as problem:
            self._found.extend(problem.diagnostics)
            return
        self.paths += paths
        if not isinstance(part.value, dict):
            self._say(f"an included file must be a map, not {part.what}", part.span)
            return
        self.parts.append(part)
        self.read_included(part, path, name, (*chain, real))

    def _say(self, summary: str, span: Span, hint: str = "") -> None:
        self._found.append(error(summary, span=span, path=INCLUDE, hint=hint))


def _parts_of(entry: Node) -> tuple[str | None, bool]:
    """The path of an entry, and whether it says that it leads outside; no path when it has not the form of one."""
    path, outside = entry, None
    if isinstance(entry.value, dict):
        if not {"path"} <= entry.value.keys() <= {"path", "outside"}:
            return None, False
        path, outside = entry.value["path"], entry.value.get("outside")
    if not isinstance(path.value, str) or not path.value or "\0" in path.value:
        return None, False
    if outside is not None and not isinstance(outside.value, bool):
        return None, False
    return path.value, outside is not None and outside.value is True


def _matching(folder: Path, pattern: str, itself: Path) -> Iterator[str]:
    """Files that match, relative to the folder; no hidden ones, and never the file that asks."""
    for path in folder.glob(pattern):
        name = os.path.relpath(path, folder)
        hidden = any(part.startswith(".") and part != ".." for part in Path(name).parts)
        if path.is_file() and not hidden and path.resolve() != itself.resolve():
            yield name


def _beside(name: str, wanted: str) -> str:
    """How an included file is called in messages, by the name of the file that includes it."""
    return os.path.normpath(os.path.join(os.path.dirname(name), wanted))


def _merge(merged: dict[str, Node], part: Node, found: list[Diagnostic]) -> None:
    """Add what an included file says: the names of its sections, and words that no other file has."""
    for key, item in part.fields.items():
        first = merged.get(key)
        if key in _OF_EACH and (first is not None or key != "apiVersion"):
            if key == "apiVersion" and first is not None and first.value != item.value:
                found.append(_twice(key, first, item, key))
            continue
        if first is None or first.value is None:
            merged[key] = item
        elif item.value is None:
            continue
        elif not isinstance(first.value, dict) or not isinstance(item.value, dict):
            found.append(_twice(key, first, item, key))
        else:
            both = dict(first.value)
            for name, one in item.value.items():
                if name in both:
                    found.append(_twice(name, both[name], one, path_text((key, name))))
                else:
                    both[name] = one
            merged[key] = first.with_value(both)


def _twice(name: str, first: Node, second: Node, path: str) -> Diagnostic:
    return error(
        f"`{name}` stands in two files",
        detail=f"the other is at {first.key_span or first.span}",
        hint="keep one of them; files are merged by sections, not within one name",
        span=second.key_span or second.span,
        path=path,
    )
