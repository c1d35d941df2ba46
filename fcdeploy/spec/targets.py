"""`targets:` of a spec, and which of them a command is about (S6, S8).

A target's fields are templates over `vars`, `env(…)` and each other; its `vars` are not evaluated here, as they are
only when something uses them (S3).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path as FilePath
from typing import Any

from fcdeploy.diagnostics import Diagnostic, Span, did_you_mean, error, has_errors, named
from fcdeploy.errors import SpecError, UsageError
from fcdeploy.kinds import registry
from fcdeploy.model import PROVIDERS, Provider, Target, provider_of
from fcdeploy.spec.credentials import to_credentials
from fcdeploy.spec.loader import read_spec
from fcdeploy.spec.matrix import NAME, WORDS, Row, rows
from fcdeploy.spec.node import Node, Path, path_text
from fcdeploy.spec.reading import FieldReader
from fcdeploy.spec.refs import no_reference
from fcdeploy.spec.scalars import plain_scalar
from fcdeploy.spec.scope import Scope
from fcdeploy.spec.sources import Surroundings
from fcdeploy.spec.template import rendered
from fcdeploy.spec.values import Names

API_VERSIONS = PROVIDERS["alibaba"].apis
"""Of Alibaba Cloud Function Compute; the first is the default (facts 1)."""
NETWORKS = PROVIDERS["alibaba"].networks
ACCOUNT_FIELDS = tuple(sorted({cloud.account_field for cloud in PROVIDERS.values()}))
"""What clouds call the account of a target in a file."""
TARGET_PATTERN = r"^[A-Za-z0-9][-_.A-Za-z0-9]{0,62}(/[A-Za-z0-9][-_.A-Za-z0-9]{0,62})*$"
LONGEST_NAME = 127
"""Of a target. With a project's name it is the mark in a description, which takes 256 characters in all (facts 13)."""
_FIELDS = ("provider", *ACCOUNT_FIELDS, "region", "api", "network", "credentials", "vars", "patch", "retired")
_NAME_HINT = (
    "up to 63 letters, digits, `-`, `_` and `.`, beginning with a letter or digit; several such words with `/` between"
)
_LATE = ("vars", "patch")
"""Fields that are evaluated when they are used, not with the target itself."""
_PROVIDERS = tuple(sorted({provider for provider, _ in registry.KINDS}))


def targets(document: Node, surroundings: Surroundings, over: Sequence[Node] = ()) -> tuple[Target, ...]:
    """The targets in the order of the file; raises SpecError with all that is wrong. See `placed_targets`."""
    return tuple(target for target, _ in placed_targets(document, surroundings, over, []))


def placed_targets(
    document: Node, surroundings: Surroundings, over: Sequence[Node], warnings: list[Diagnostic]
) -> tuple[tuple[Target, Row], ...]:
    """The targets in the order of the file, each with its fields; raises SpecError with all that is wrong.

    `over` are the layers of `--var-file` and `--var`, weakest first. `Target.vars` is what the file says, with its
    templates as text: it serves to be shown; values come from `target_scope`. Warnings are added to `warnings`.
    """
    section = document.at(["targets"])
    if section is None:
        hint = "targets: {dev: {provider: alibaba, region: cn-hangzhou}}"
        raise SpecError([error("the spec names no target", span=document.span, hint=hint)])
    if not section.fields:
        summary = f"`targets` must be a map of targets, not {section.what}" if section.value else "no target is named"
        raise SpecError([error(summary, span=section.span, path="targets")])
    found: list[Diagnostic] = []
    functions = {"ref": no_reference}
    placed: list[Row] = []
    for word, node in section.fields.items():
        path: Path = ("targets", word)
        if not isinstance(node.value, dict):
            found.append(error(f"a target must be a map, not {node.what}", span=node.span, path=path_text(path)))
            continue

        def scope_of(fields: Node, word: str = word) -> Scope:
            return target_scope(document, word, fields, surroundings, over, functions)

        placed += rows(word, node, _FIELDS, scope_of, found)
    placed = [row for row in placed if _is_usable(row, found)]
    found += _called_twice(placed)
    made: list[tuple[Target, Row]] = []
    for row in placed:
        scope = target_scope(document, row.name, row.node, surroundings, over, functions)
        target = to_target(row, scope, found)
        if target is not None:
            made.append((target, row))
    every = [target for target, _ in made]
    if not has_errors(found):
        found += _accounts_missing(made)
        found += _default_wrong(document, every)
    if has_errors(found):
        raise SpecError(found)
    warnings += found
    return tuple(made)


def _is_usable(row: Row, found: list[Diagnostic]) -> bool:
    """Whether a target can have this name; that it cannot is told."""
    if re.fullmatch(TARGET_PATTERN, row.name) and len(row.name) <= LONGEST_NAME:
        return True
    summary, hint = "a target cannot have this name", _NAME_HINT
    if len(row.name) > LONGEST_NAME:
        hint = f"up to {LONGEST_NAME} characters in all"
    if row.name != row.word:
        summary = f"a target cannot have the name `{row.name}`"
        hint += "; `name: …` says how they are made, `|slug` what a name may be"
    found.append(error(summary, span=row.place, path=path_text(("targets", row.word)), hint=hint))
    return False


def _called_twice(placed: Sequence[Row]) -> list[Diagnostic]:
    """Targets with the name of an earlier one; each name is told once."""
    first: dict[str, Row] = {}
    found: dict[str, Diagnostic] = {}
    for row in placed:
        other = first.setdefault(row.name, row)
        if other is row or row.name in found:
            continue
        same = other.place == row.place
        found[row.name] = error(
            f"two targets would have the name `{row.name}`",
            detail="" if same else f"the other is at {other.place}",
            hint=f"let `{NAME}` hold all that tells the rows apart" if row.name != row.word or same else "",
            span=row.place,
            path=path_text(("targets", row.word)),
        )
    return [*found.values()]


def target_scope(
    document: Node,
    name: str,
    node: Node,
    surroundings: Surroundings,
    over: Sequence[Node] = (),
    functions: Mapping[str, Callable[..., Any] | Names] | None = None,
) -> Scope:
    """The scope of templates for one target; `node` holds its fields, those of a matrix' row laid over them.

    A field `name` there stands for the name that is not known yet.
    """
    layers = [layer for layer in (document.at(["vars"]), node.at(["vars"])) if layer is not None]
    fields = {key: item for key, item in node.fields.items() if key != "patch"}
    named = node.with_value({"name": Node.of(name, node.key_span or node.span), **fields})
    return Scope(
        surroundings,
        layers=[*layers, *over],
        target=named,
        secrets=document.at(["secrets"]),
        functions=functions,
    )


def to_target(row: Row, scope: Scope, found: list[Diagnostic]) -> Target | None:
    """One target from its fields; what is wrong is added to `found`, and None is returned."""
    before = len(found)
    node = row.node
    # As the file has it: what is wrong in every row of a matrix is one mistake.
    path: Path = ("targets", row.word)
    fields = node.with_value({key: item for key, item in node.fields.items() if key not in _LATE})
    made, problems = rendered(fields, scope, path)
    found += problems
    if problems:
        return None
    reader = FieldReader(made, path, found, free=row.free)
    for key, item in made.fields.items():
        if key not in _FIELDS and key not in row.free:
            known = (*_FIELDS, *WORDS)
            hint = did_you_mean(key, known) or f"fields are: {', '.join(known)}"
            reader.say(f"a target has no field `{key}`", item.key_span or item.span, key, hint)
    provider = reader.text("provider", required=True, allowed=_PROVIDERS)
    region = reader.text("region", required=True)
    cloud = provider_of(provider or "")
    if provider is not None:
        _refuse_foreign(made, cloud, reader)
    account = reader.text(cloud.account_field)
    api = reader.text("api", allowed=cloud.apis if len(cloud.apis) > 1 else ())
    network = reader.text("network", allowed=NETWORKS)
    if network is not None and network not in cloud.networks:
        summary = f"{cloud.title} cannot be reached through network `{network}`"
        reader.say(summary, made.fields["network"].span, "network", "leave `network` out")
    credentials = to_credentials(made.at(["credentials"]), (*path, "credentials"), found, account=account, cloud=cloud)
    retired = made.at(["retired"])
    if retired is not None and not isinstance(retired.value, bool) and retired.value is not None:
        reader.say(f"`retired` must be true or false, not {retired.what}", retired.span, "retired")
    given = node.at(["vars"])
    if given is not None and given.value is not None and not isinstance(given.value, dict):
        reader.say(f"`vars` must be a map, not {given.what}", given.span, "vars")
    if len(found) > before or provider is None or region is None:
        return None
    return Target(
        name=row.name,
        provider=provider,
        region=region,
        account=account,
        api=api or cloud.apis[0],
        network=network or NETWORKS[0],
        credentials=credentials,
        retired=retired is not None and retired.value is True,
        vars=given.plain() if given is not None and given.fields else {},
        span=node.key_span or node.span,
    )


def _refuse_foreign(fields: Node, cloud: Provider, reader: FieldReader) -> None:
    """Say what this cloud has no word for, or another one."""
    for name in ACCOUNT_FIELDS:
        item = fields.at([name])
        if name != cloud.account_field and item is not None and item.value is not None:
            summary = f"a target at {cloud.title} has no field `{name}`"
            reader.say(summary, item.key_span or item.span, name, cloud.account_hint)
    api = fields.at(["api"])
    if len(cloud.apis) == 1 and api is not None and api.value is not None:
        summary = f"a target at {cloud.title} has no field `api`"
        reader.say(summary, api.key_span or api.span, "api", f"there is one version, {cloud.apis[0]}: leave it out")


def selected(
    all_targets: Sequence[Target], patterns: Sequence[str] = (), *, default: str | None = None, writes: bool = False
) -> tuple[Target, ...]:
    """The targets that a command is about, in the file's order (S8).

    `patterns` are what `--target` gave; `*` also matches `/`. `default` is `defaultTarget`, used by commands that
    write. Raises UsageError, naming the targets there are.
    """
    names = [target.name for target in all_targets]
    listed = f"targets are: {named(names)}"
    if not patterns:
        if not writes or len(all_targets) <= 1:
            return tuple(all_targets)
        if default is None:
            raise UsageError(
                "the spec has several targets, and none is chosen",
                hint=f"give `--target NAME` or `--target '*'`; {listed}",
            )
        patterns = (default,)
    chosen: set[str] = set()
    for pattern in patterns:
        matching = {name for name in names if fnmatchcase(name, pattern)}
        if not matching:
            near = _near(pattern, names)
            raise UsageError(f"no target matches `{pattern}`", hint=f"{near} {listed}".strip())
        chosen |= matching
    return tuple(target for target in all_targets if target.name in chosen)


def _near(pattern: str, names: Sequence[str]) -> str:
    """What may have been meant by a pattern that matches nothing; the name of a matrix means all its targets."""
    if any(name.startswith(f"{pattern}/") for name in names):
        return f"did you mean `{pattern}/*`?"
    return did_you_mean(pattern, names)


def default_target(document: Node) -> str | None:
    """What `defaultTarget` says, when it is text."""
    node = document.at(["defaultTarget"])
    return str(node.value) if node is not None and isinstance(node.value, str) else None


def variables(assignments: Iterable[str]) -> Node:
    """`--var NAME=VALUE` as a layer; values are read as YAML scalars and never as templates. Raises UsageError."""
    made: dict[str, Node] = {}
    span = Span(file="--var", line=1, column=1)
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or not name:
            raise UsageError(f"`--var {assignment}` names no value", hint="--var NAME=VALUE")
        try:
            made[name] = Node.of(plain_scalar(text) if text else "", span)
        except ValueError as problem:
            raise UsageError(f"the value of `--var {name}` cannot be used: {problem}") from None
    layer = Node.of({}, span)
    return layer.with_value(made)


def read_variables(path: FilePath, name: str | None = None) -> Node:
    """A `--var-file` as a layer: a YAML map. Raises SpecError."""
    layer = read_spec(path, name)
    if not isinstance(layer.value, dict):
        raise SpecError([error(f"a file of variables must hold a map, not {layer.what}", span=layer.span)])
    return layer


def _accounts_missing(made: Sequence[tuple[Target, Row]]) -> list[Diagnostic]:
    """Where several accounts of a cloud are in play, each target there must say which is its own (S6).

    Several sources of keys count as several accounts: whose they are is known only after asking the cloud, unless a
    role names it. So do several regions, where each has accounts (projects) of its own.
    """
    found: list[Diagnostic] = []
    for name in dict.fromkeys(target.provider for target, _ in made):
        cloud = provider_of(name)
        here = [(target, row) for target, row in made if target.provider == name]
        accounts = {account for account in (_account(target) for target, _ in here) if account is not None}
        sources = {target.credentials for target, _ in here}
        places = {target.region for target, _ in here} if cloud.by_region else set()
        if max(len(accounts), len(sources), len(places)) < 2:
            continue
        found += [
            error(
                f"the target needs `{cloud.account_field}`, since the spec reaches more than one",
                span=target.span,
                path=path_text(("targets", row.word)),
                hint=cloud.account_hint,
            )
            for target, row in here
            if _account(target) is None
        ]
    return found


def _account(target: Target) -> str | None:
    return target.account or (target.credentials.account if target.credentials else None)


def _default_wrong(document: Node, made: Sequence[Target]) -> list[Diagnostic]:
    node = document.at(["defaultTarget"])
    if node is None or node.value is None:
        return []
    if not isinstance(node.value, str) or node.dynamic:
        what = "a template" if node.dynamic else node.what
        summary = f"`defaultTarget` must be the name of a target, not {what}"
        return [error(summary, span=node.span, path="defaultTarget")]
    names = [target.name for target in made]
    if any(fnmatchcase(name, node.value) for name in names):
        return []
    hint = _near(node.value, names) or f"targets are: {named(names)}"
    return [
        error(f"no target is called `{node.value}`", span=node.span, path="defaultTarget", hint=hint),
    ]
