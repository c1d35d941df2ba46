"""A target's resolved spec as a spec of its own: one file, one target, no templates but those that lead to secrets.

What it says is what the target gets: read back, it expands to the same resources. Pure.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from fcdeploy.kinds import registry
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.fields import Access, Codec
from fcdeploy.model import Json, LaterText, Ref, Sensitive, Target, provider_of
from fcdeploy.package.sources import bucket_scheme
from fcdeploy.spec.dump import Remarked, Template, literal
from fcdeploy.spec.expand import code_folder
from fcdeploy.spec.node import Node, Path, path_text
from fcdeploy.spec.place import is_open
from fcdeploy.spec.refs import name_of
from fcdeploy.spec.resolve import handed_down
from fcdeploy.spec.secretlike import looks_secret
from fcdeploy.spec.shape import Shape, shapes
from fcdeploy.spec.values import part_expression
from fcdeploy.spec.words import OUTPUTS

_HIDDEN = "(sensitive)"


class Written(Struct, frozen=True, kw_only=True):
    """The spec as a tree for `dump.to_yaml`, and where each path of it was written: `services.shop` to `file:line`."""

    tree: dict[str, Json]
    origins: dict[str, str]


def written(resolved: Node, target: Target, folders: Mapping[str, str], root: str) -> Written:
    """The resolved spec of one target. Paths of `code` count from `root`, wherever they were written."""
    writer = _Writer(folders=folders, root=root)
    fields = resolved.fields
    tree: dict[str, Json] = {}
    for word in ("apiVersion", "project"):
        if word in fields:
            tree[word] = writer.value(fields[word], (word,), None, "")
    tree["targets"] = {target.name: writer.target(fields["targets"].fields[target.name], target)}
    writer.origins["targets"] = str(fields["targets"].key_span or fields["targets"].span).rpartition(":")[0]
    if "secrets" in fields:
        tree["secrets"] = writer.as_written(fields["secrets"], ("secrets",))
    for kind in registry.sections(target.provider):
        if kind.section in fields:
            tree[kind.section] = writer.section(fields[kind.section], kind, (kind.section,))
    if OUTPUTS in fields:
        tree[OUTPUTS] = writer.value(fields[OUTPUTS], (OUTPUTS,), None, "")
    return Written(tree=tree, origins=writer.origins)


class _Writer(Struct, kw_only=True):
    folders: Mapping[str, str]
    root: str
    origins: dict[str, str] = field(default_factory=dict)

    def target(self, node: Node, target: Target) -> Json:
        """The target as it came out; variables have done their work."""
        cloud = provider_of(target.provider)
        said: dict[str, Json] = {
            "provider": target.provider,
            cloud.account_field: target.account,
            "region": target.region,
            "api": target.api if len(cloud.apis) > 1 else None,
            "network": target.network,
            "credentials": target.credentials.to_json() if target.credentials else None,
            "retired": target.retired or None,
        }
        path: Path = ("targets", target.name)
        self._note(path, node.key_span or node.span)
        for name, value in said.items():
            if value is not None and value != "":
                self._note((*path, name), node.fields[name].span if name in node.fields else node.span)
        for inner in target.credentials.to_json() if target.credentials else ():
            self._note((*path, "credentials", inner), node.fields["credentials"].span)
        return {name: _literal(value) for name, value in said.items() if value is not None and value != ""}

    def as_written(self, node: Node, path: Path) -> Json:
        """What is evaluated only when it is used, with its templates."""
        self._note(path, node.key_span or node.span if node.fields or node.items else node.span)
        if isinstance(node.value, dict):
            return {key: self.as_written(item, (*path, key)) for key, item in node.value.items()}
        if isinstance(node.value, list):
            return [self.as_written(item, (*path, index)) for index, item in enumerate(node.value)]
        return Template(text=node.value) if node.dynamic else node.value

    def section(self, section: Node, kind: Kind, path: Path) -> Json:
        """A map from names to resources."""
        if not isinstance(section.value, dict):
            return self.value(section, path, None, "")
        self._note(path, section.key_span or section.span)
        return {name: self.resource(item, kind, (*path, name)) for name, item in section.value.items()}

    def resource(self, node: Node, kind: Kind, path: Path) -> Json:
        """A resource with what stands beneath it."""
        if not isinstance(node.value, dict):
            return self.value(node, path, None, "")
        self._note(path, node.key_span or node.span)
        below = {child.section: child for child in registry.within(kind)}
        known = shapes(kind.provider, kind.name)
        made: dict[str, Json] = {}
        # Every resource of a group has by now what the group hands down, and may have cancelled it.
        handed = {word for child in below.values() if child.section in node.value for word in handed_down(kind, child)}
        for name, item in node.value.items():
            here = (*path, name)
            if name in handed:
                continue
            if name in below:
                made[name] = self.section(item, below[name], here)
            elif name in known and known[name].field.codec is Codec.ARCHIVE:
                made[name] = self._code(item, here)
            else:
                made[name] = self.value(item, here, known.get(name), name)
        return made

    def value(self, node: Node, path: Path, shape: Shape | None, name: str, sensitive: bool = False) -> Json:
        """A value; a secret as what it is made of."""
        held = node.value
        sensitive = sensitive or (shape is not None and shape.field.sensitive)
        if isinstance(held, (dict, list)):
            self._note(path, node.key_span or node.span if held else node.span)
        else:
            self._note(path, node.span)
        if isinstance(held, dict):
            members = shape.members if shape is not None else {}
            return {key: self.value(item, (*path, key), members.get(key), key, sensitive) for key, item in held.items()}
        if isinstance(held, list):
            one = shape.item if shape is not None else None
            return [self.value(item, (*path, at), one, name, sensitive) for at, item in enumerate(held)]
        if isinstance(held, (Sensitive, Ref, LaterText)):
            return Template(text="".join(_pieces(held)))
        only_written = shape is not None and shape.field.access is Access.WRITE_ONLY
        guarded = (node.templated or node.pasted) and sensitive and isinstance(held, str) and looks_secret(name, held)
        if only_written or guarded or is_open(held):
            return Template(text=node.origin) if node.origin and not node.pasted else _HIDDEN
        return _literal(held)

    def _code(self, node: Node, path: Path) -> Json:
        """`code`, with its path as it is from the folder of the new file."""
        made = self.value(node, path, None, "")
        folder = code_folder(node, self.folders)
        if os.path.normpath(folder) == os.path.normpath(self.root):
            return made
        if isinstance(made, str) and not bucket_scheme(made):
            return self._moved(made, folder)
        if isinstance(made, dict):
            moved = {name: self._moved(made[name], folder) for name in ("path", "file", "zip") if name in made}
            return {**made, **moved}
        return made

    def _moved(self, path: Json, folder: str) -> Json:
        if not isinstance(path, str) or os.path.isabs(path):
            return path
        moved = os.path.relpath(os.path.join(folder, path), self.root or ".")
        return moved if moved.startswith(("./", "../")) else f"./{moved}"

    def _note(self, path: Path, span: object) -> None:
        self.origins[path_text(path)] = str(span).rpartition(":")[0]


def _literal(value: Json) -> Json:
    # Text of a class of its own would be written by its repr.
    return str.__str__(value) if isinstance(value, str) else value


def _pieces(held: Json) -> Iterator[str]:
    """A text as a file writes it: what is secret or known later as templates."""
    match held:
        case Ref():
            yield f"${{{{ ref('{name_of(held)}').{held.attribute} }}}}"
        case LaterText():
            for part in held.parts:
                yield from _pieces(part)
        case Sensitive():
            for part in held.parts:
                yield literal(part) if isinstance(part, str) else f"${{{{ {part_expression(part)} }}}}"
        case _:
            yield literal(str(held))


def with_notes(tree: Json, origins: Mapping[str, str], path: Path = ()) -> Json:
    """The tree with the origin of each line beside it."""
    if isinstance(tree, dict):
        made: Json = {key: with_notes(item, origins, (*path, key)) for key, item in tree.items()}
    elif isinstance(tree, list):
        made = [with_notes(item, origins, (*path, index)) for index, item in enumerate(tree)]
    else:
        made = tree
    return Remarked(value=made, remarks=(), note=origins.get(path_text(path), "")) if path else made


def as_json(tree: Json) -> Json:
    """The tree as JSON: a template is its text."""
    if isinstance(tree, dict):
        return {key: as_json(item) for key, item in tree.items()}
    if isinstance(tree, list):
        return [as_json(item) for item in tree]
    return tree.text if isinstance(tree, Template) else literal(tree) if isinstance(tree, str) else tree
