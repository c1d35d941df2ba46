"""`Scope`: what the names in a template mean for one target (S2, S3, S41)."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from fcdeploy.diagnostics import Diagnostic, Span, did_you_mean, error
from fcdeploy.model import Json, Sensitive
from fcdeploy.spec.node import TEMPLATE_START, Node, Path, path_text
from fcdeploy.spec.pieces import Expression, Unclosed, pieces
from fcdeploy.spec.sources import Surroundings
from fcdeploy.spec.values import (
    MAX_ELEMENTS,
    Elements,
    Exhausted,
    Failed,
    Function,
    Meter,
    Names,
    TemplateFault,
    joined,
    settled,
)

if TYPE_CHECKING:
    from fcdeploy.spec.sandbox import Sandbox

MAX_MADE = 500_000
"""What all templates of one target may make, in elements, with 256 characters of text counting as one."""
REPEAT = 20
"""What evaluating a template once more for an item of a `foreach` counts for among `MAX_MADE`."""
MAX_CHAIN = 24
"""How many variables may lead from one to the next; a chain costs stack."""

_NEW: Any = object()
_EACH = "each"


class Scope:
    """Names of one target: `vars`, `target`, `env`, `secret`, `file`, `sha256`, `git` and those of `functions`.

    `layers` are maps of variables, weakest first: the file's, the target's, `--var-file`, `--var`; a later layer
    replaces a variable whole. `target` holds the target's fields, `name` among them. `secrets` is the spec's section.
    `functions` adds names for a stage: a callable becomes a function, a `Names` stands for itself.
    Evaluation is lazy and each variable is evaluated once. Not for use by several threads.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        *,
        layers: Iterable[Node] = (),
        target: Node | None = None,
        secrets: Node | None = None,
        functions: Mapping[str, Callable[..., Any] | Names] | None = None,
    ) -> None:
        self.surroundings = surroundings
        self._layers = tuple(layers)
        self._target = target
        self._secrets = secrets
        self._functions = dict(functions or {})
        self.room = Meter(MAX_MADE)
        self._made: dict[Path, Any] = {}
        self._texts: dict[str, Json] = {}
        self._active: dict[Path, Node] = {}
        self._sandbox: Sandbox | None = None
        self._names: dict[str, Any] = {}
        self._around: Scope | None = None

    def with_functions(self, functions: Mapping[str, Callable[..., Any] | Names]) -> Scope:
        """The same scope with more names. Nothing evaluated is carried over, as variables may use the new names."""
        return Scope(
            self.surroundings,
            layers=self._layers,
            target=self._target,
            secrets=self._secrets,
            functions={**self._functions, **functions},
        )

    def with_item(self, key: str | int, value: Json) -> Scope:
        """The same scope with `each`, one item of a `foreach`. Variables stay as they are: they do not see it."""
        self._ready()
        inner = copy.copy(self)
        inner._around = self
        inner._texts = {}
        inner._names = {**self._names, _EACH: _Each(key, value, self._names.get(_EACH))}
        return inner

    def scalar(self, node: Node, path: Path = ()) -> Json:
        """The value of a scalar's text; raises Failed with a diagnostic at the template."""
        text = node.value
        if not node.dynamic or not isinstance(text, str):
            return text
        if self._around is not None and _EACH not in text:
            # It means the same for every item.
            return self._around.scalar(node, path)
        # Names mean the same wherever they stand, so equal texts have equal values.
        known = self._texts.get(text, _NEW)
        if known is _NEW:
            if self._around is not None:
                self.spend(REPEAT, text, node.span, path)
            known = self._texts[text] = self._evaluate(text, node.span, node.lead, path)
        return known

    def key(self, text: str, span: Span, path: Path = ()) -> str:
        """A map key with its templates evaluated; raises Failed."""
        value = self._evaluate(text, span, None, path)
        if isinstance(value, Sensitive):
            raise Failed([_complaint("a secret cannot be a key", "", text, span, path)])
        if isinstance(value, str):
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        raise Failed([_complaint("a key must be text", "convert it: `|string`", text, span, path)])

    def expression(self, text: str, span: Span, path: Path = ()) -> Json:
        """The value of an expression that stands without `${{ }}`; raises Failed."""
        try:
            return self._expression(text)
        except TemplateFault as fault:
            shown = text if len(text) <= 200 else text[:199] + "…"
            raise self._failed(fault, shown, span, path) from None

    def entry_name(self, text: str, node: Node, path: Path) -> str:
        """The name of an entry of `vars`, `target` or `secrets` whose key is a template; raises Failed."""
        place = node.key_span or node.span
        if len(path) == 2:
            # Names at the top must be known without evaluating any of them.
            summary = f"a name in `{path[0]}` cannot be a template"
            raise Failed([error(summary, span=place, path=path_text(path), hint="templates may stand in its value")])
        if path in self._active:
            raise Failed([self._cycle(path)])
        self._active[path] = node
        try:
            return self.key(text, place, path)
        finally:
            del self._active[path]

    def variables(self) -> Names:
        """All variables, each evaluated when it is asked for; what fails raises Failed then."""
        return _Map(self, self._variables(), ("vars",))

    def fields(self) -> Names:
        """The target's fields likewise."""
        return _Map(self, self._target, ("target",))

    def variable(self, name: str) -> Json:
        """The value of one variable, all of it; raises Failed, and KeyError for an unknown name."""
        return settled(_Map(self, self._variables(), ("vars",)).value(name), Meter(MAX_ELEMENTS))[0]

    def _evaluate(self, text: str, span: Span, lead: int | None, path: Path) -> Json:
        offset = 0
        source = text
        try:
            cut = pieces(text)
            if len(cut) == 1 and isinstance(cut[0], Expression):
                return self._expression(cut[0].text)
            values: list[Json] = []
            for piece in cut:
                if isinstance(piece, str):
                    values.append(piece)
                    continue
                offset, source = piece.offset, "${{" + piece.text + "}}"
                # Checked one by one, so that a value without a text form is told at its own place.
                values.append(joined([self._expression(piece.text)]))
            return joined(values)
        except TemplateFault as fault:
            if isinstance(fault, Unclosed):
                offset, source = fault.offset, text[fault.offset :]
            elif lead is not None and not offset:
                offset = max(text.find(TEMPLATE_START), 0)
            shown = source if len(source) <= 200 else source[:199] + "…"
            if lead is not None:
                span = Span(file=span.file, line=span.line, column=span.column + lead + offset)
            elif "\n" in text.rstrip("\n"):
                shown += f"\nin line {text.count(chr(10), 0, offset) + 1} of the text"
            raise self._failed(fault, shown, span, path) from None

    def spend(self, amount: int, text: str, span: Span, path: Path) -> None:
        """Charge what a template made, in elements; raises Failed when all of them made too much."""
        self.room.left -= amount
        if self.room.left < 0:
            raise self._failed(Exhausted("the template does too much work"), text, span, path)

    def stop(self, found: Diagnostic) -> None:
        """Evaluate nothing more for any target: the spec asks for too much, as the finding says."""
        self.surroundings.work.left = 0
        self.surroundings.exhausted = self.surroundings.exhausted or Failed([found])

    def _failed(self, fault: TemplateFault, source: str, span: Span, path: Path) -> Failed:
        """What is told of a fault; that there is no work left is told where it was found first."""
        failed = Failed([_complaint(fault.summary, fault.hint, source, span, path)])
        if not isinstance(fault, Exhausted):
            return failed
        self.stop(failed.diagnostics[0])
        assert self.surroundings.exhausted is not None
        return Failed(self.surroundings.exhausted.diagnostics)

    @property
    def names(self) -> Mapping[str, Any]:
        """What every name means."""
        self._ready()
        return self._names

    def _expression(self, text: str) -> Json:
        return self._ready().value(text, self._names)

    def _ready(self) -> Sandbox:
        if self._sandbox is None:
            from fcdeploy.spec.sandbox import Sandbox

            # What one target compiled serves the others: the names of each are handed over with every evaluation.
            world = self.surroundings
            self._sandbox = world.sandbox = world.sandbox or Sandbox(world.work, unread=world.unread)
            self._names = self._all_names()
        return self._sandbox

    def _all_names(self) -> dict[str, Any]:
        world = self.surroundings
        names: dict[str, Any] = {
            "vars": _Map(self, self._variables(), ("vars",)),
            "target": _Map(self, self._target, ("target",)),
            "git": _Git(world),
            "env": Function("env", world.read_env),
            "file": Function("file", world.read_text),
            "secret": Function("secret", self._secret),
            "sha256": Function("sha256", _sha256, pure=True),
        }
        for name, meaning in self._functions.items():
            names[name] = meaning if isinstance(meaning, Names) else Function(name, meaning)
        return names

    def _variables(self) -> Node | None:
        if not self._layers:
            return None
        entries: dict[str, Node] = {}
        for layer in self._layers:
            entries.update(layer.fields)
        return self._layers[0].with_value(entries)

    def _secret(self, name: Json) -> Sensitive:
        declared = self._secrets.fields if self._secrets is not None else {}
        if not isinstance(name, str) or name not in declared:
            shown = name if isinstance(name, str) else "…"
            hint = did_you_mean(str(name), declared) or f"declare it: `secrets: {{{shown}: {{env: {shown}}}}}`"
            raise TemplateFault(f"there is no secret `{shown}`", hint)
        if "," in name:
            raise TemplateFault("a secret's name cannot hold a comma")
        source = self.follow(declared[name], ("secrets", name))
        plain = self._plain(source)
        if not isinstance(plain, dict):
            plain = {}
        return Sensitive(self.surroundings.read_secret(name, plain), parts=({"secret": name},))

    def _plain(self, value: Any) -> Json:
        plain, names = settled(value, Meter(MAX_ELEMENTS))
        if names:
            raise TemplateFault("the source of a secret cannot hold another secret")
        return plain

    def follow(self, node: Node, path: Path) -> Any:
        """What a node of `vars`, `target` or `secrets` stands for; scalars are evaluated, once each."""
        if isinstance(node.value, dict):
            return _Map(self, node, path)
        if isinstance(node.value, list):
            return _List(self, node, path)
        if not node.dynamic:
            return node.value
        if path not in self._made:
            self._made[path] = self._follow_template(node, path)
        made = self._made[path]
        if isinstance(made, Failed):
            raise made
        return made

    def _follow_template(self, node: Node, path: Path) -> Any:
        if path in self._active:
            return Failed([self._cycle(path)])
        if len(self._active) >= MAX_CHAIN:
            summary = f"the variables lead through more than {MAX_CHAIN} others"
            return Failed([error(summary, span=node.span, path=path_text(path))])
        self._active[path] = node
        try:
            return self.scalar(node, path)
        except Failed as failed:
            return failed
        finally:
            del self._active[path]

    def _cycle(self, path: Path) -> Diagnostic:
        chain = list(self._active)
        # Begun at the smallest, so that the same circle is told the same way wherever it is entered.
        ring = chain[chain.index(path) :]
        first = ring.index(min(ring, key=path_text))
        ring = ring[first:] + ring[:first]
        shown = " -> ".join(path_text(one) for one in [*ring, ring[0]])
        places = "\n".join(f"{path_text(one)} is at {self._active[one].span}" for one in ring)
        return error(
            f"the variables go in a circle: {shown}",
            detail=places,
            hint="give one of them a value of its own",
            span=self._active[ring[0]].span,
            path=path_text(ring[0]),
        )


class _Map(Names):
    """A map of the spec whose entries are evaluated when asked for."""

    def __init__(self, scope: Scope, node: Node | None, path: Path) -> None:
        self.label = path_text(path)
        self._scope = scope
        self._node = node
        self._path = path
        self._entries: dict[str, Node] | None = None

    def names(self) -> Iterable[str]:
        return self._by_name()

    def value(self, name: str) -> Any:
        return self._scope.follow(self._by_name()[name], (*self._path, name))

    def whole(self) -> dict[str, Any]:
        return {name: self.value(name) for name in self._by_name()}

    def __len__(self) -> int:
        return len(self._by_name())

    def _by_name(self) -> dict[str, Node]:
        if self._entries is None:
            entries = self._node.fields if self._node is not None else {}
            self._entries = {
                self._scope.entry_name(key, item, (*self._path, key)) if TEMPLATE_START in key else key: item
                for key, item in entries.items()
            }
        return self._entries


class _List(Elements):
    """A list of the spec whose elements are evaluated when asked for."""

    def __init__(self, scope: Scope, node: Node, path: Path) -> None:
        self._scope = scope
        self._node = node
        self._path = path

    def __len__(self) -> int:
        return len(self._node.items)

    def element(self, index: int) -> Any:
        return self._scope.follow(self._node.items[index], (*self._path, index))

    def whole(self) -> list[Any]:
        return [self.element(index) for index in range(len(self))]


class _Git(Names):
    """`git.commit`, `git.branch`, `git.dirty` of the checkout that the spec lies in."""

    label = "git"

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings

    def names(self) -> Iterable[str]:
        return ("commit", "branch", "dirty")

    def value(self, name: str) -> Any:
        return self._surroundings.read_git(name)


class _Each(Names):
    """`each.key` and `each.value` of one item, and `each.outer` inside the `foreach` of a resource further up."""

    label = _EACH

    def __init__(self, key: str | int, value: Json, outer: _Each | None) -> None:
        self._parts: dict[str, Any] = {"key": key, "value": value, **({"outer": outer} if outer is not None else {})}

    def names(self) -> Iterable[str]:
        return self._parts

    def value(self, name: str) -> Any:
        return self._parts[name]


def _sha256(text: Json) -> str:
    if not isinstance(text, str):
        raise TemplateFault("sha256() takes text", "convert it first: `|string` or `|tojson`")
    return hashlib.sha256(text.encode()).hexdigest()


def _complaint(summary: str, hint: str, source: str, span: Span, path: Path) -> Diagnostic:
    return error(summary, detail=f"in {source}", hint=hint, span=span, path=path_text(path))
