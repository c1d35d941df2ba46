"""`policies:` of a spec and of the files that a pipeline adds: what each says, and what is wrong with it.

Their expressions are no templates of the spec: they are evaluated by `fcdeploy.spec.verdict`, over what the spec comes
to and over plans.

Effect: `read_policy_files` and `read_policies` read files, of policies and of JSON Schemas.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from fnmatch import fnmatchcase
from pathlib import Path as FilePath

from msgspec import Struct, field
from msgspec.structs import replace

from fcdeploy.diagnostics import Diagnostic, Severity, Span, did_you_mean, error
from fcdeploy.errors import SpecError
from fcdeploy.kinds import registry
from fcdeploy.model import Json
from fcdeploy.spec.loader import read_spec
from fcdeploy.spec.node import Node, path_text
from fcdeploy.spec.pieces import Expression, pieces
from fcdeploy.spec.policy_words import JUDGEMENTS, LEVELS, POLICIES, SUBJECTS
from fcdeploy.spec.values import TemplateFault

_BUILTIN = "builtin/"
_BESIDE = ("$schema", "apiVersion", POLICIES)
"""What a file of policies may say."""
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")


class Policy(Struct, frozen=True, kw_only=True):
    """One policy as it was written.

    `on` is `resource`, `change` or `plan`. It judges by a `schema` (None: not by one) or by an `expression`, which is
    true of what breaks it where `denies`, and of what keeps it where not. `span` is where its name is written, `place`
    where its judgement is. `zone` is that of `now`.
    """

    name: str
    span: Span
    place: Span
    description: str = ""
    severity: Severity = Severity.ERROR
    on: str = SUBJECTS[0]
    kinds: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    schema: Json = None
    expression: str = ""
    denies: bool = False
    message: str = ""
    zone: tzinfo

    @property
    def rule(self) -> str:
        """What a finding calls it."""
        return f"policy/{self.name}"

    def is_for(self, target: str, kind: str = "") -> bool:
        """Whether it judges in a target, and resources of a kind where one is given; addresses are the engine's."""
        return (not self.targets or any(fnmatchcase(target, glob) for glob in self.targets)) and (
            not kind or not self.kinds or any(fnmatchcase(kind, glob) for glob in self.kinds)
        )


class Policies(Struct, frozen=True, kw_only=True):
    """All policies of a spec, in its order; `levels` are those that it sets built-in ones to, by what findings call
    these."""

    policies: tuple[Policy, ...] = ()
    levels: Mapping[str, str] = field(default_factory=dict)

    def on(self, subject: str) -> tuple[Policy, ...]:
        """Those about resources, changes or plans."""
        return tuple(one for one in self.policies if one.on == subject)

    def leveled(self, found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """The findings as grave as this spec says that they are, without those that it wants none of."""
        if not self.levels:
            return tuple(found)
        return tuple(
            one if (level := self.levels.get(one.rule)) is None else replace(one, severity=Severity(level))
            for one in found
            if self.levels.get(one.rule) != LEVELS[0]
        )


def levels_of(document: Node) -> dict[str, str]:
    """How grave the spec says built-in policies are; what is no level is left to the schema."""
    node = document.fields.get(POLICIES)
    given = node.fields.items() if node is not None else ()
    return {name: str(item.value) for name, item in given if name.startswith(_BUILTIN) and item.value in LEVELS}


def read_policy_files(paths: Sequence[FilePath], document: Node, folders: dict[str, str]) -> Node:
    """The spec with the policies of these files, which beat its own; `folders` learns of the files. Raises SpecError.

    Who writes a spec cannot weaken what a pipeline asks for.
    """
    added: dict[str, Node] = {}
    for path in paths:
        part = read_spec(path)
        top = Span(file=str(path), line=1, column=1)
        section = part.fields.get(POLICIES)
        for key, item in part.fields.items():
            if key not in _BESIDE:
                hint = did_you_mean(key, [POLICIES]) or f"a file of policies has `{POLICIES}:` and nothing else"
                raise SpecError([error(f"a file of policies has no `{key}`", span=item.key_span or top, hint=hint)])
        if section is None or not isinstance(section.value, dict):
            hint = f"it begins with `{POLICIES}:`, and has them by name"
            place = section.span if section is not None else top
            raise SpecError([error("this is no file of policies", span=place, hint=hint)])
        for name, item in section.value.items():
            if name in added:
                first = added[name]
                raise SpecError(
                    [
                        error(
                            f"`{name}` stands in two files",
                            detail=f"the other is at {first.key_span or first.span}",
                            span=item.key_span or item.span,
                            path=path_text((POLICIES, name)),
                        )
                    ]
                )
            added[name] = item
        folders[str(path)] = str(path.parent)
    if not added:
        return document
    own = document.fields.get(POLICIES)
    if own is not None and isinstance(own.value, dict):
        section = own.with_value({**own.value, **added})
    else:
        section = Node.of({}, next(iter(added.values())).span).with_value(added)
    return document.with_value({**document.fields, POLICIES: section})


def read_policies(document: Node, folders: Mapping[str, str]) -> Policies:
    """The policies of a spec that its schema has nothing against. Raises SpecError with all that is wrong with them."""
    node = document.fields.get(POLICIES)
    if node is None or not node.fields:
        return Policies()
    from fcdeploy.spec.sandbox import Sandbox

    found: list[Diagnostic] = []
    check = Sandbox().check
    made = [
        one
        for name, item in node.fields.items()
        if not name.startswith(_BUILTIN) and (one := _Reader(name, item, folders, check, found).read()) is not None
    ]
    if found:
        raise SpecError(found)
    return Policies(policies=tuple(made), levels=levels_of(document))


class _Reader:
    """Reads one policy, saying what is wrong with it; `check` raises TemplateFault for what is no expression."""

    def __init__(
        self, name: str, node: Node, folders: Mapping[str, str], check: Callable[[str], None], found: list[Diagnostic]
    ) -> None:
        self._name = name
        self._node = node
        self._folders = folders
        self._check = check
        self._found = found

    def read(self) -> Policy | None:
        """The policy; None when it cannot be used."""
        before, fields = len(self._found), self._node.fields
        judged = next((fields[name] for name in JUDGEMENTS if name in fields), self._node)
        schema = self._schema(fields["schema"]) if "schema" in fields else None
        expression = self._expression(judged) if judged is not fields.get("schema") else ""
        self._check_message()
        on = self._text("on") or SUBJECTS[0]
        kinds = self._globs("kind")
        self._check_kinds(kinds)
        if on == "plan":
            for word in ("kind", "address"):
                if word in fields:
                    self._say(f"`{word}` means nothing for a whole plan", fields[word], word, "write `on: change`")
        zone = self._zone(on)
        if len(self._found) > before or zone is None:
            return None
        return Policy(
            name=self._name,
            span=self._node.key_span or self._node.span,
            place=judged.span,
            description=self._text("description"),
            severity=Severity(self._text("severity") or "error"),
            on=on,
            kinds=kinds,
            addresses=self._globs("address"),
            targets=self._globs("target"),
            schema=schema,
            expression=expression,
            denies="deny" in fields,
            message=self._text("message"),
            zone=zone,
        )

    def _text(self, name: str) -> str:
        node = self._node.fields.get(name)
        return str(node.value) if node is not None else ""

    def _globs(self, name: str) -> tuple[str, ...]:
        node = self._node.fields.get(name)
        if node is None:
            return ()
        return tuple(str(item.value) for item in node.items) if isinstance(node.value, list) else (str(node.value),)

    def _check_kinds(self, globs: tuple[str, ...]) -> None:
        """A kind that there is not would be a policy that nobody keeps and nobody breaks."""
        names = sorted({name for _, name in registry.KINDS})
        for glob in globs:
            if not any(fnmatchcase(name, glob) for name in names):
                hint = did_you_mean(glob, names) or f"kinds are: {', '.join(names)}"
                self._say(f"no kind is called `{glob}`", self._node.fields["kind"], "kind", hint)

    def _zone(self, on: str) -> tzinfo | None:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        node = self._node.fields.get("timezone")
        if node is not None and on == "resource":
            self._say("`timezone` is for changes and plans", node, "timezone", "what a file says has no time")
            return None
        name = str(node.value) if node is not None else "UTC"
        try:
            if not _ZONE.fullmatch(name):
                raise ZoneInfoNotFoundError(name)
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, OSError, ValueError):
            if node is not None:
                self._say(f"there is no time zone `{name}`", node, "timezone", "write one such as `Asia/Shanghai`")
                return None
            from datetime import UTC

            # A machine without a table of time zones has this one.
            return UTC

    def _expression(self, node: Node) -> str:
        """The expression, which may stand in `${{ }}` as that of `when`."""
        text = str(node.value)
        try:
            cut = pieces(text)
            if len(cut) > 1 and any(isinstance(one, Expression) for one in cut):
                hint = "write the expression alone, without `${{ }}`"
                self._say("this is text with templates in it, not an expression", node, self._word(node), hint)
                return ""
            if isinstance(cut[0], Expression):
                text = cut[0].text
            self._check(text)
        except TemplateFault as fault:
            self._say(fault.summary, node, self._word(node), fault.hint)
        return text

    def _check_message(self) -> None:
        node = self._node.fields.get("message")
        if node is None:
            return
        try:
            for piece in pieces(str(node.value)):
                if isinstance(piece, Expression):
                    self._check(piece.text)
        except TemplateFault as fault:
            self._say(fault.summary, node, "message", fault.hint)

    def _schema(self, node: Node) -> Json:
        """A JSON Schema, read from its file where a path is given; anything that is none is told."""
        if isinstance(node.value, str):
            folder = self._folders.get(node.span.file, os.path.dirname(node.span.file))
            read = self._read_schema(FilePath(folder) / node.value, node)
            if read is None:
                return None
            node = read
        plain = node.plain()
        for path, summary in _schema_mistakes(plain):
            self._say(f"this is no JSON Schema: {summary}", node.nearest(path)[0], "schema")
        return plain

    def _read_schema(self, path: FilePath, node: Node) -> Node | None:
        try:
            if path.suffix == ".json":
                # JSON may be written with what YAML does not take.
                return Node.of(json.loads(path.read_bytes()), Span(file=str(path), line=1, column=1))
            return read_spec(path, os.path.normpath(path))
        except SpecError as problem:
            self._found.extend(problem.diagnostics)
        except (OSError, ValueError) as problem:
            reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
            self._say("the schema cannot be read", node, "schema", detail=f"{path}: {reason}")
        return None

    def _word(self, node: Node) -> str:
        return next((name for name, item in self._node.fields.items() if item is node), "")

    def _say(self, summary: str, node: Node, word: str, hint: str = "", detail: str = "") -> None:
        path = path_text((POLICIES, self._name, *([word] if word else [])))
        self._found.append(error(summary, detail=detail, hint=hint, span=node.span, path=path))


def _schema_mistakes(schema: Json) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What the language of JSON Schema has against a schema."""
    from jsonschema import Draft202012Validator, validators

    if not isinstance(schema, dict):
        yield (), "it is not a map"
        return
    kind = validators.validator_for(schema, default=Draft202012Validator)
    for one in kind(kind.META_SCHEMA).iter_errors(schema):
        yield tuple(one.absolute_path), one.message[:200]
