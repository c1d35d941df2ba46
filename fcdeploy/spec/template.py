"""`${{ expr }}` in scalars and map keys (S2): the door to templates.

A scalar that is one expression has that expression's value; any other scalar with expressions is text. `{{` and `{%`
without `$` are plain text. Filters are listed in `fcdeploy.spec.filters`, names in `fcdeploy.spec.scope`.
jinja2 is imported when the first template is evaluated, not before.
"""

from __future__ import annotations

from collections.abc import Callable

from fcdeploy.diagnostics import Diagnostic, Span, error
from fcdeploy.errors import SpecError
from fcdeploy.model import Json, Sensitive
from fcdeploy.spec.node import TEMPLATE_START, Node, Path, path_text
from fcdeploy.spec.scope import Scope
from fcdeploy.spec.sources import Surroundings
from fcdeploy.spec.values import Elements, Failed, Function, Names, TemplateFault

__all__ = [
    "Elements",
    "Names",
    "Scope",
    "Surroundings",
    "TemplateFault",
    "render",
    "rendered",
    "same_key",
    "secret_text",
]

_MAX_SAVED_EXPRESSION = 4 * 1024 * 1024


def render(node: Node, scope: Scope, path: Path = ()) -> Node:
    """The tree with every template evaluated, keys too; raises SpecError with all that failed.

    `path` is where the node stands in the spec, for messages. Parts without templates are shared, not copied.
    """
    made, found = rendered(node, scope, path)
    if found:
        raise SpecError(found)
    return made


def rendered(node: Node, scope: Scope, path: Path = ()) -> tuple[Node, list[Diagnostic]]:
    """Like `render`, but hands the diagnostics over; what failed is null in the tree."""
    found: list[Diagnostic] = []
    return _rendered(node, scope, path, found), found


def secret_text(part: Json, secret: Callable[[str], str]) -> str:
    """The text of one of a `Sensitive`'s parts, from a journal or a plan file (S36).

    Raises what `secret` raises, and TemplateFault when the part depended on more than secrets.
    """
    if isinstance(part, str):
        return part
    if "expr" not in part:
        return secret(part["secret"])
    from fcdeploy.spec.sandbox import Sandbox
    from fcdeploy.spec.scope import _sha256

    def read(name: Json) -> Sensitive:
        return Sensitive(secret(name), parts=({"secret": name},))

    names = {"secret": Function("secret", read), "sha256": Function("sha256", _sha256, pure=True)}
    value = Sandbox().value(part["expr"], names, longest=_MAX_SAVED_EXPRESSION)
    if not isinstance(value, str):
        raise TemplateFault(f"the value made of the secret {part['secret']} is not text")
    return str.__str__(value)


def _rendered(node: Node, scope: Scope, path: Path, found: list[Diagnostic]) -> Node:
    if not node.dynamic:
        return node
    value = node.value
    if isinstance(value, dict):
        return node.with_value(_rendered_map(value, scope, path, found))
    if isinstance(value, list):
        return node.with_value([_rendered(item, scope, (*path, index), found) for index, item in enumerate(value)])
    try:
        made = scope.scalar(node, path)
    except Failed as failed:
        found.extend(failed.diagnostics)
        made = None
    return _placed(made, node, scope, path, found)


def _placed(made: Json, node: Node, scope: Scope, path: Path, found: list[Diagnostic]) -> Node:
    """The value of a template in the place of its scalar."""
    if isinstance(made, (dict, list)):
        wrong = _wrong_key(made)
        if wrong is not None:
            found.append(error(f"a key must be text: {wrong}", span=node.span, path=path_text(path)))
            made = None
    try:
        scope.spend(_size(made), str(node.value), node.span, path)
    except Failed as failed:
        found.extend(failed.diagnostics)
        made = None
    tree = Node.of(made, node.span, templated=True, origin=node.value)
    return node.with_value(tree.value, templated=True, origin=node.value)


def _size(value: Json) -> int:
    match value:
        case dict():
            return 1 + sum(_size(item) for item in value.values())
        case list():
            return 1 + sum(_size(item) for item in value)
        case str():
            return 1 + len(value) // 256
        case _:
            return 1


def _wrong_key(value: Json) -> str | None:
    if isinstance(value, list):
        return next((wrong for item in value if (wrong := _wrong_key(item)) is not None), None)
    if not isinstance(value, dict):
        return None
    for key, item in value.items():
        if isinstance(key, Sensitive):
            return "it is a secret"
        if not isinstance(key, str):
            return str(key)
        if (wrong := _wrong_key(item)) is not None:
            return wrong
    return None


def _rendered_map(entries: dict[str, Node], scope: Scope, path: Path, found: list[Diagnostic]) -> dict[str, Node]:
    made: dict[str, Node] = {}
    for key, item in entries.items():
        name = key
        if TEMPLATE_START in key:
            try:
                name = scope.key(key, item.key_span or item.span, (*path, key))
            except Failed as failed:
                found.extend(failed.diagnostics)
                # The entry itself is still looked through.
                _rendered(item, scope, (*path, key), found)
                continue
        if name in made:
            found.append(same_key(name, key, made[name], item.key_span or item.span, path))
            continue
        made[name] = _rendered(item, scope, (*path, name), found) if item.dynamic else item
    return made


def same_key(name: str, key: str, first: Node, place: Span, path: Path) -> Diagnostic:
    """That a key, written as `key`, stands twice in the map at a path."""
    return error(
        f"the key `{name}` stands twice in this map",
        detail=f"the first is at {first.key_span or first.span}"
        + (f"; this one is written {key}" if key != name else ""),
        hint="give one of them another name",
        span=place,
        path=path_text((*path, name)),
    )
