"""Judges a resolved spec: JSON Schema first, then what a schema cannot say. Every problem at once (DESIGN 5). Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from msgspec.structs import replace

from fcdeploy.diagnostics import Diagnostic, Severity, Span, did_you_mean, error, in_order, warning
from fcdeploy.kinds import registry
from fcdeploy.kinds.descriptor import Finding, Kind
from fcdeploy.kinds.fields import CHECKSUMS, Field
from fcdeploy.kinds.risks import LIMITS, rule_of
from fcdeploy.model import Json, Mark, Sensitive
from fcdeploy.package.sources import bucket_scheme
from fcdeploy.spec.belongings import external_findings, mark_findings
from fcdeploy.spec.former import former_name_findings
from fcdeploy.spec.identities import identity_findings, unsaid_findings
from fcdeploy.spec.ignored import WORD as IGNORE
from fcdeploy.spec.ignored import ignore_findings
from fcdeploy.spec.judge import Judged, is_encodable
from fcdeploy.spec.leftout import LeftOut, left_out_findings, place_left_out
from fcdeploy.spec.node import TEMPLATE_START, Node, Path, path_text
from fcdeploy.spec.place import UNKNOWN, is_open
from fcdeploy.spec.placed import Placed, standing
from fcdeploy.spec.plain import plain_secret_findings
from fcdeploy.spec.references import Named, names_in
from fcdeploy.spec.refs_judged import reference_findings
from fcdeploy.spec.shape import archives, in_file_words, later_than

_QUOTED = re.compile("`([^`]+)`")


def check_spec(
    resolved: Node,
    *,
    provider: str,
    api: str = "",
    mark: Mark | None = None,
    left_out: LeftOut | None = None,
    unread: bool = False,
    there: Sequence[Placed] | None = None,
) -> list[Diagnostic]:
    """Everything that is wrong with a spec whose templates are evaluated and whose defaults are merged, in order.

    `api` is the target's API version; empty: no rule by version is asked. `mark` is what the target's own resources
    bear; None: it is not known. `left_out` are the resources that are not in this target although the file has them.
    `unread`: of secrets only that they are text is known. `there` is what stands in the spec, where it has been found.
    """
    there = [*standing(resolved, provider)] if there is None else there
    judged = Judged.of(resolved, provider)
    no_text = [*unsaid_findings(there)]
    if unread and judged.has_secrets:
        no_text = [*_secrets_that_are_no_text(judged), *no_text]
        judged = Judged.of(_with_secrets_unknown(resolved), provider)
        there = [*standing(judged.root, provider)]
    found = _Findings(judged)
    parents: dict[Path, list[Placed]] = {}
    everything = [placed for placed in there if not placed.kind.grouping]
    external = frozenset(placed.path for placed in there if placed.external)
    # An external one may hold more than the file says.
    known = {one.key for one in there if not one.absent and one.path not in external}
    # The same name may stand twice, each time for other targets.
    spots = {(one.kind.name, one.spot) for one in there if not one.absent and one.path not in external}
    gone = {key: place for key, place in (left_out or {}).items() if key not in spots}
    told: set[Path] = set()
    for placed in everything:
        if placed.path in told:
            # What is made for each function is one thing in the file.
            continue
        told.add(placed.path)
        if placed.path in external:
            found.add(external_findings(placed))
        if IGNORE in placed.node.fields:
            found.add(ignore_findings(placed))
        if placed.absent:
            # Of what is not to be there only its name matters.
            continue
        if gone:
            found.add(left_out_findings(placed, gone))
        if named := [*names_in(placed)]:
            found.add(_name_findings(placed, named, known, gone))
        parents.setdefault(placed.path[:-1], []).append(placed)
        body = judged.body(placed)
        found.add(_rule_findings(placed, body, api))
        if placed.kind.mark_field in body:
            found.add(mark_findings(placed, body, mark, stands_outside=placed.path[:-2] in external))
        found.add(plain_secret_findings(placed))
    found.add(identity_findings(everything))
    for siblings in parents.values():
        found.add(_sibling_findings(siblings, judged))
        found.add(former_name_findings(siblings))
    for section in {placed.path[:-1] for placed in there if placed.kind.grouping}:
        found.add(former_name_findings([one for one in there if one.path[:-1] == section and not one.absent]))
    found.add(reference_findings(judged, everything, api, gone))
    return [*no_text, *found.diagnostics()]


def _secrets_that_are_no_text(judged: Judged) -> list[Diagnostic]:
    mistakes = (one for one in judged.mistakes if one.keyword == "type")
    return [one.diagnostic for one in mistakes if isinstance(judged.root.nearest(one.path)[0].value, Sensitive)]


def _with_secrets_unknown(root: Node) -> Node:
    value = root.value
    if isinstance(value, dict):
        return root.with_value({key: _with_secrets_unknown(item) for key, item in value.items()})
    if isinstance(value, list):
        return root.with_value([_with_secrets_unknown(item) for item in value])
    return root.with_value(UNKNOWN) if isinstance(value, Sensitive) else root


def with_unknown(root: Node) -> Node:
    """The tree with everything that a template would give marked as not known, for a spec that has no usable target."""
    if not root.dynamic:
        return root
    value = root.value
    if isinstance(value, dict):
        return root.with_value({key: with_unknown(item) for key, item in value.items() if TEMPLATE_START not in key})
    if isinstance(value, list):
        return root.with_value([with_unknown(item) for item in value])
    return root.with_value(UNKNOWN)


def with_failed_as_unknown(root: Node) -> Node:
    """The tree after templating with the nulls that failed templates left marked as not known."""
    value = root.value
    if isinstance(value, dict):
        return root.with_value({key: with_failed_as_unknown(item) for key, item in value.items()})
    if isinstance(value, list):
        return root.with_value([with_failed_as_unknown(item) for item in value])
    return root.with_value(UNKNOWN) if value is None and root.templated else root


class _Findings:
    """Collects findings; tells each mistake once, and counts what only follows from another."""

    def __init__(self, judged: Judged) -> None:
        self._kept: dict[tuple[Span | None, str], Diagnostic] = {}
        self._repeats: Counter[tuple[Span | None, str]] = Counter()
        self._follows: Counter[tuple[Span | None, str]] = Counter()
        self._cause = {
            (*one.path[:-1], one.meant): (one.diagnostic.span, one.diagnostic.summary)
            for one in judged.mistakes
            if one.meant
        }
        self._root = judged.root
        self._wrong = {one.path for one in judged.mistakes}
        for one in judged.mistakes:
            cause = self._cause.get(one.path) if one.keyword == "required" else None
            if cause is not None:
                self._follows[cause] += 1
            else:
                self._keep(one.diagnostic)

    def add(self, found: Iterable[tuple[Path | None, Diagnostic]]) -> None:
        """Findings of rules: the path that each is about, for something missing the path of what is missing.

        None: it is told whatever else is wrong there.
        """
        for path, diagnostic in found:
            if path is None:
                self._keep(diagnostic)
                continue
            cause = self._cause.get(path)
            node = self._root.at(path)
            if cause is not None:
                self._follows[cause] += 1
            elif path not in self._wrong and (node is None or not is_open(node.value)):
                # The rules were not shown what is wrong or open; that they miss it says nothing.
                self._keep(diagnostic)

    def _keep(self, diagnostic: Diagnostic) -> None:
        key = (diagnostic.span, diagnostic.summary)
        if key in self._kept:
            self._repeats[key] += 1
        else:
            self._kept[key] = diagnostic

    def diagnostics(self) -> list[Diagnostic]:
        """All findings in order, with the counts in their details."""
        made = []
        for key, one in self._kept.items():
            lines = [one.detail] if one.detail else []
            repeats, follows = self._repeats[key], self._follows[key]
            if repeats:
                lines.append(f"the same line counts in {repeats:,} more {'place' if repeats == 1 else 'places'}")
            if follows:
                lines.append(f"{follows:,} more {'finding follows' if follows == 1 else 'findings follow'} from this")
            made.append(_writable(replace(one, detail="\n".join(lines))))
        return list(in_order(made))


def _writable(one: Diagnostic) -> Diagnostic:
    """The finding with what UTF-8 cannot write shown as an escape, so that it can be printed at all."""
    texts = {name: getattr(one, name) for name in ("summary", "detail", "hint", "path")}
    if is_encodable(texts):
        return one
    escaped = {name: text.encode("utf-8", "backslashreplace").decode() for name, text in texts.items()}
    return replace(one, **escaped)


def _rule_findings(placed: Placed, body: Mapping[str, Json], api: str) -> Iterator[tuple[Path, Diagnostic]]:
    kind = placed.kind
    for below, field in later_than(kind, placed.node, api) if api else ():
        path = (*placed.path, *below)
        yield (
            path,
            error(
                f"`{field.spec_name}` is not known to API version {api}",
                detail=f"it needs {field.since} or later",
                hint=f"set `api: {field.since}` on the target, or remove `{field.spec_name}`",
                span=_key_place(placed.node, below),
                path=path_text(path),
            ),
        )
    if kind.check is not None:
        for finding in kind.check(body, api, placed.identity[-1]):
            yield _told(placed, finding, body)
    for _, shape in archives(kind.provider, kind.name):
        yield from _unseen_object(placed, shape.field)


def _name_findings(
    placed: Placed, names: Iterable[Named], known: Set[tuple[str, tuple[str, ...]]], gone: LeftOut
) -> Iterator[tuple[Path, Diagnostic]]:
    """Names of resources that the file does not have: wrong where it has what is above, else somebody else's."""
    for named in names:
        if (named.kind, named.called) in known or place_left_out(named, placed.kind.provider, gone) is not None:
            continue
        kind = registry.KINDS[(placed.kind.provider, named.kind)]
        series = kind.numbering is not None
        shown = named.called[:-1] if series else named.called
        path, text = (*placed.path, *named.path), "/".join(shown)
        node = placed.node.nearest(named.path)[0]
        span = node.span
        if len(shown) not in registry.name_lengths(kind):
            hint = "write it as `service/name`"
            yield path, error(f"`{text}` does not name a {named.kind}", hint=hint, span=span, path=path_text(path))
            continue
        siblings = ["/".join(one[: len(shown)]) for name, one in known if name == named.kind]
        near = did_you_mean(text, siblings)
        if series:
            # A near name would tell the secret that is not told.
            hidden = isinstance(node.value, Sensitive)
            summary = f"there is no {named.kind} {'(sensitive)' if hidden else f'`{text}`'} in this file"
            hint = ("" if hidden else near) or f"add it under `{kind.section}:`, or write its ARN"
            yield path, error(summary, hint=hint, span=span, path=path_text(path))
        elif kind.place is not None and (kind.place, named.called[:-1]) in known:
            above = f"the {kind.place} `{'/'.join(named.called[:-1])}` of this file"
            summary = f"{above} has no {named.kind} `{named.called[-1]}`"
            yield path, error(summary, hint=near, span=span, path=path_text(path))
        else:
            summary = f"the {named.kind} `{text}` is not in this file"
            detail = "it is taken to exist in the same account and region"
            yield path, warning(summary, detail=detail, hint=near, span=span, path=path_text(path))


def _told(placed: Placed, finding: Finding, body: Mapping[str, Json]) -> tuple[Path, Diagnostic]:
    below = in_file_words(placed.kind, placed.node, finding.path)
    node, left = placed.node.nearest(below)
    about = (*placed.path, *below)
    if not below:
        # A finding about the whole resource names in its summary what is missing.
        named = _QUOTED.match(finding.summary)
        about = (*about, *in_file_words(placed.kind, placed.node, named[1])) if named else about
    secrets = sorted(_secrets(body), key=len, reverse=True)
    return about, Diagnostic(
        severity=Severity.WARNING if finding.is_warning else Severity.ERROR,
        summary=_hidden(finding.summary, secrets),
        # A rule may quote a piece of the value that it is about.
        detail="found (sensitive)" if isinstance(node.value, Sensitive) else _hidden(finding.detail, secrets),
        hint=_hidden(finding.hint, secrets),
        span=node.span if below and not left else node.key_span or node.span,
        path=path_text(about),
        rule=rule_of(finding.risk),
    )


def _secrets(value: Json) -> Iterator[str]:
    match value:
        case Sensitive():
            yield str.__str__(value)
        case dict():
            for item in value.values():
                yield from _secrets(item)
        case list():
            for item in value:
                yield from _secrets(item)
        case _:
            pass


def _hidden(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "(sensitive)") if secret else text
    return text


def _key_place(node: Node, below: Path) -> Span:
    found, _ = node.nearest(below)
    return found.key_span or found.span


def _unseen_object(placed: Placed, field: Field) -> Iterator[tuple[Path, Diagnostic]]:
    """An object in a bucket can be replaced under its name without anybody seeing it (S25)."""
    name = field.spec_name
    node = placed.node.fields.get(name)
    if node is None:
        return
    source = node.fields.get(field.bucket, node)
    if "checksum" in node.fields or not (isinstance(source.value, str) and bucket_scheme(source.value) == field.bucket):
        return
    checksum = CHECKSUMS[field.checksum_by][0].partition(" ")[0]
    path = (*placed.path, name)
    yield (
        path,
        warning(
            "a new object under the same name cannot be seen",
            detail="code in a bucket has no checksum that could be compared",
            hint=f"write `{name}: {{{field.bucket}: {source.value}, checksum: …}}` with the archive's {checksum}",
            span=source.span,
            path=path_text(path),
        ),
    )


def _sibling_findings(siblings: list[Placed], judged: Judged) -> Iterator[tuple[Path, Diagnostic]]:
    kind = siblings[0].kind
    if kind.soft_limit and len(siblings) > kind.soft_limit:
        first = siblings[kind.soft_limit]
        parent = kind.parent or "target"
        yield (
            first.path[:-1],
            warning(
                f"more than {kind.soft_limit} {kind.section} in one {parent}",
                detail=f"found {len(siblings)}; the service allows {kind.soft_limit} unless the limit was raised",
                span=first.node.key_span or first.node.span,
                path=path_text(first.path[:-1]),
                rule=rule_of(LIMITS),
            ),
        )
    if kind.collides is None or len(siblings) == 1:
        return
    # What is not known yet may keep them apart.
    settled = [one for one in siblings if not any(is_open(node.value) for node in one.node.fields.values())]
    if len(settled) > 1:
        yield from _collisions(kind, settled, [judged.body(one) for one in settled])


def _collisions(kind: Kind, siblings: list[Placed], bodies: list[dict[str, Json]]) -> Iterator[tuple[Path, Diagnostic]]:
    assert kind.collides is not None
    for index, one in enumerate(siblings):
        others = [other for other in range(index) if kind.collides(bodies[other], bodies[index])]
        if not others:
            continue
        first = siblings[others[0]]
        yield (
            one.path,
            error(
                f"{kind.title.lower()} `{one.identity[-1]}` cannot stand beside `{first.identity[-1]}`",
                detail="\n".join(
                    filter(
                        None, (kind.collision, f"`{first.identity[-1]}` is at {first.node.key_span or first.node.span}")
                    )
                ),
                span=one.node.key_span or one.node.span,
                path=path_text(one.path),
            ),
        )
