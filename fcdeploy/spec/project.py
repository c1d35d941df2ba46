"""The front door of a spec: read the file once, then ask for what each target is to have.

Effects: `read_project` reads the spec and the files of variables. `check` and `expand` are pure but for what templates
read of the world (`env`, `secret`, `file`, `git`), which `Surroundings` reads once and keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from fcdeploy.diagnostics import Diagnostic, error, has_errors, in_order, named
from fcdeploy.errors import SpecError
from fcdeploy.model import Json, Mark, Rollout, Target
from fcdeploy.spec.alike import Alike
from fcdeploy.spec.code import Sources, read_code_findings
from fcdeploy.spec.expand import Desired, outputs_of, probe_of
from fcdeploy.spec.include import Files, read_files
from fcdeploy.spec.matrix import Row
from fcdeploy.spec.node import Node, path_text
from fcdeploy.spec.outline import outline
from fcdeploy.spec.placed import Placed
from fcdeploy.spec.policies import Policies, levels_of, read_policies, read_policy_files
from fcdeploy.spec.refs import reference
from fcdeploy.spec.resolver import Resolved, Resolver
from fcdeploy.spec.rollout import rollout_findings, rollout_of
from fcdeploy.spec.scope import Scope
from fcdeploy.spec.sources import ReadSecret, Surroundings
from fcdeploy.spec.targets import default_target, placed_targets, read_variables, selected, target_scope, variables
from fcdeploy.spec.text import Texts
from fcdeploy.spec.unevaluated import unevaluated_findings
from fcdeploy.spec.unfold import by_item
from fcdeploy.spec.values import Names
from fcdeploy.spec.words import OUTPUTS

if TYPE_CHECKING:
    from fcdeploy.model.portability import Portability
    from fcdeploy.spec.written import Written

FILE = "fcdeploy.yaml"
TEMPLATE = f"{FILE}.j2"
"""Which is rendered as text first; a folder has one of the two."""
_NAMED = 6
"""Targets that a finding names, of those that it is about."""


def spec_file(path: Path) -> Path:
    """The file that a path means: itself, or the spec of the folder that it is."""
    file = path / FILE if path.is_dir() else path
    template = file.with_name(TEMPLATE)
    return template if file.name == FILE and not file.exists() and template.exists() else file


def read_project(
    path: Path,
    *,
    environ: Mapping[str, str],
    var_files: Sequence[Path] = (),
    assignments: Iterable[str] = (),
    read_secret: ReadSecret | None = None,
    unread: bool = False,
    policies: Sequence[Path] = (),
) -> Project:
    """Read a spec: a file, or the `fcdeploy.yaml` (`fcdeploy.yaml.j2`) of a folder.

    `var_files` and `assignments` are what `--var-file` and `--var NAME=VALUE` gave, weakest first (S3). `read_secret`
    replaces how secrets are read; `unread`: none is, each is text that means nothing. `policies` are files whose
    policies beat those of the spec. Raises SpecError with everything that is wrong before any target is looked at,
    UsageError for an assignment that is none.
    """
    file = spec_file(path)
    over = [*(read_variables(one) for one in var_files), variables(assignments)]
    wrong: list[Diagnostic] = []
    surroundings = Surroundings(root=file.parent, env=environ, read_secret=read_secret, unread=unread)
    files = read_files(file, texts=Texts(file.parent, Scope(surroundings, layers=over)), found=wrong)
    if policies:
        folders = dict(files.folders)
        files = replace(files, document=read_policy_files(policies, files.document, folders), folders=folders)
    document = files.document
    if wrong:
        # The file is refused, so no secret is read for it; the rest is told in the same breath.
        surroundings = Surroundings(root=file.parent, env=environ, read_secret=_no_secret, unread=unread)
    notes: list[Diagnostic] = []
    try:
        there = placed_targets(document, surroundings, over, notes)
    except SpecError as problem:
        # Without targets nothing can be evaluated, but all that is no template can be judged.
        raise SpecError([*wrong, *problem.diagnostics, *unevaluated_findings(document)]) from None
    project = Project(files=files, placed=there, surroundings=surroundings, over=over, notes=notes)
    if wrong:
        raise SpecError([*wrong, *project.diagnostics(project.targets, code=True)])
    return project


class Project:
    """A spec with its targets. What a target comes to is worked out when asked for, once.

    `files` are those that it was read from; the first is the one that was named. `notes` are warnings about targets.
    """

    def __init__(
        self,
        *,
        files: Files,
        placed: Sequence[tuple[Target, Row]],
        surroundings: Surroundings,
        over: Sequence[Node] = (),
        notes: Sequence[Diagnostic] = (),
    ) -> None:
        self.document = files.document
        self._resolver = Resolver(files.document)
        self._outlines: dict[str, Resolver] = {}
        self.files = files.paths
        self._folders = files.folders
        self._alike = Alike(files.folders, several=len(placed) > 1)
        self.targets = tuple(target for target, _ in placed)
        self._fields = {target.name: row.node for target, row in placed}
        self._notes = tuple(notes)
        self.surroundings = surroundings
        self._over = tuple(over)
        self._judged: dict[str, tuple[Resolved, tuple[Diagnostic, ...]]] = {}
        self._sound: set[str] = set()
        self._desired: dict[str, Desired] = {}
        self._at_top: dict[str, dict[tuple[str, tuple[str, ...]], Placed]] = {}
        self._policies: Policies | None = None
        self._unwanted = frozenset(name for name, level in levels_of(files.document).items() if level == "off")

    @property
    def name(self) -> str:
        """The project's name, half of the mark on everything that it owns (S10)."""
        node = self.document.fields.get("project")
        return str(node.value) if node is not None else ""

    @property
    def file(self) -> Path:
        """The file that was named, or found in the folder that was."""
        return self.files[0]

    @property
    def root(self) -> Path:
        """The folder of the spec."""
        return self.file.parent

    @property
    def rollout(self) -> Rollout | None:
        """How the targets follow each other, of a spec that `check` has nothing against; None: they do not."""
        return rollout_of(self.document)

    @property
    def default_target(self) -> str | None:
        """What `defaultTarget` says."""
        return default_target(self.document)

    def select(self, patterns: Sequence[str] = (), *, writes: bool = False) -> tuple[Target, ...]:
        """The targets that a command is about (S8); raises UsageError."""
        return selected(self.targets, patterns, default=self.default_target, writes=writes)

    def diagnostics(self, chosen: Sequence[Target], *, code: bool = False) -> tuple[Diagnostic, ...]:
        """Everything that is wrong with the chosen targets, in order; what several have in common is told once.

        With `code`, also every `code:` that leads nowhere, which only those need who will pack it.
        """
        # A name with a template in it differs by target; what is wrong there is one mistake all the same.
        places: dict[Diagnostic, dict[str, Diagnostic]] = {}
        sources = Sources(self._folders)
        # By what stands in a target, which may be the same in many; the project holds on to it.
        codes: dict[int, tuple[Diagnostic, ...]] = {}
        for target in chosen:
            resolved, judged = self._judge(target)
            nowhere: tuple[Diagnostic, ...] = ()
            if code and not target.retired:
                key = id(resolved.there)
                if key not in codes:
                    codes[key] = tuple(read_code_findings(resolved.there, target.provider, sources))
                nowhere = codes[key]
            for one in (*judged, *by_item(nowhere, resolved.items)):
                if one.rule in self._unwanted:
                    continue
                places.setdefault(replace(one, path="") if one.span else one, {}).setdefault(target.name, one)
        found: list[Diagnostic] = []
        for by_target in places.values():
            one = next(iter(by_target.values()))
            lines = [one.detail, f"in target {named(by_target, _NAMED)}" if len(by_target) < len(chosen) else ""]
            found.append(replace(one, detail="\n".join(filter(None, lines))))
        names = [target.name for target in self.targets], [target.name for target in chosen]
        found = [*self._notes, *found, *self._shared(chosen), *rollout_findings(self.document, *names)]
        if not has_errors(found):
            self._sound |= {target.name for target in chosen}
        return in_order(found)

    def check(self, chosen: Sequence[Target], *, code: bool = False) -> tuple[Diagnostic, ...]:
        """The warnings for the chosen targets; raises SpecError with everything when there is an error."""
        found = self.diagnostics(chosen, code=code)
        if has_errors(found):
            raise SpecError(found)
        return found

    def expand(self, target: Target) -> Desired:
        """What a target is to have; raises SpecError."""
        if target.name not in self._desired:
            self._desired[target.name] = self._alike.desired(self._sound_one(target), target)
        return self._desired[target.name]

    def _sound_one(self, target: Target) -> Resolved:
        """What a target comes to that has no error; raises SpecError."""
        if target.name not in self._sound:
            self.check([target])
        return self._judge(target)[0]

    @property
    def has_outputs(self) -> bool:
        """Whether it says anything under `outputs:`, for whatever target."""
        return OUTPUTS in self.document.fields

    def outputs(self, target: Target) -> Mapping[str, Json]:
        """What `outputs:` says for a target, in the order of the file; each `Ref` is to be read. Raises SpecError."""
        return outputs_of(self._sound_one(target).tree, target)

    def probe(self, target: Target) -> Mapping[str, Json]:
        """How to ask whether a target is healthy, empty where it is not asked; each `Ref` is to be read first.

        Raises SpecError.
        """
        return probe_of(self._sound_one(target).tree, target)

    def read_policies(self) -> Policies:
        """What it says under `policies:`, read once; raises SpecError with all that is wrong with them."""
        if self._policies is None:
            self._policies = read_policies(self.document, self._folders)
        return self._policies

    def names(self, target: Target) -> dict[str, Names]:
        """`vars` and `target` as templates of a target know them; each value is evaluated when it is asked for."""
        scope = self._scope(target, self.surroundings)
        return {"vars": scope.variables(), "target": scope.fields()}

    def resolved(self, target: Target) -> tuple[Written, tuple[Diagnostic, ...]]:
        """The spec of one target as a spec of its own, and what is wrong with it; raises SpecError when a template
        fails, since then there is no such spec.
        """
        from fcdeploy.spec.written import written

        made, judged = self._judge(target)
        if has_errors(made.found):
            raise SpecError(judged)
        return written(made.tree, target, self._folders, str(self.root)), judged

    def portability(self, chosen: Sequence[Target]) -> Portability:
        """What differs between these targets (S45); raises SpecError."""
        from fcdeploy.spec.portability import portability

        self.check(chosen)
        return portability([(target, self._judge(target)[0].tree) for target in chosen if not target.retired])

    def _judge(self, target: Target) -> tuple[Resolved, tuple[Diagnostic, ...]]:
        """The resolved spec of a target and what is wrong with it."""
        if target.name not in self._judged:
            made = self._resolved(target, self.surroundings, self._resolver)
            mark = Mark(project=self.name, target=target.name)
            judged = self._alike.findings(made, target, mark, unread=self.surroundings.unread)
            self._judged[target.name] = (made, in_order(by_item((*made.found, *judged), made.items)))
            self.surroundings.retell(self._judged[target.name][1])
        return self._judged[target.name]

    def _resolved(self, target: Target, surroundings: Surroundings, resolver: Resolver) -> Resolved:
        return resolver.resolved(target, self._fields[target.name], self._scope(target, surroundings))

    def _outline(self, provider: str) -> Resolver:
        """Resolves no more than what stands at the top."""
        if provider not in self._outlines:
            self._outlines[provider] = Resolver(outline(self.document, provider))
        return self._outlines[provider]

    def _scope(self, target: Target, surroundings: Surroundings) -> Scope:
        return target_scope(
            self.document, target.name, self._fields[target.name], surroundings, self._over, {"ref": reference}
        )

    def _shared(self, chosen: Sequence[Target]) -> list[Diagnostic]:
        """Resources that two targets would both own (S7); what stands beneath them follows and is not told."""
        names = {target.name for target in chosen}
        wanted = {(target.provider, target.region) for target in chosen}
        places: dict[tuple[str, str], list[Target]] = {}
        found: list[Diagnostic] = []
        for target in self.targets:
            place = (target.provider, target.region)
            if place not in wanted:
                continue
            here = places.setdefault(place, [])
            for other in here:
                if not {target.name, other.name} & names or not _same_account(target, other):
                    continue
                mine, theirs = self._roots(target), self._roots(other)
                for key in sorted(mine.keys() & theirs.keys()):
                    found.append(_twice(key, mine[key], target, other))
            here.append(target)
        return found

    def shared_with(self, chosen: Sequence[Target], other: Project, others: Sequence[Target]) -> list[Diagnostic]:
        """Resources that a target of this project and one of another would both own (S7).

        What one of them calls external may be the other's.
        """
        found: list[Diagnostic] = []
        for target in chosen:
            for one in others:
                if (target.provider, target.region) != (one.provider, one.region) or not _same_account(target, one):
                    continue
                mine, theirs = self._roots(target), other._roots(one)
                for key in sorted(mine.keys() & theirs.keys()):
                    if not (mine[key].external or theirs[key].external):
                        named = replace(target, project=self.name), replace(one, project=other.name)
                        found.append(_twice(key, mine[key], *named))
        return found

    def _roots(self, target: Target) -> dict[tuple[str, tuple[str, ...]], Placed]:
        """What stands at the top of a target's spec, by kind and name."""
        if target.name not in self._at_top:
            if target.name in self._judged:
                made = self._judged[target.name][0]
            else:
                # Only names are wanted, which cannot be secrets: another target's secrets are not read for them.
                world = Surroundings(root=self.root, env=self.surroundings.env, read_secret=_no_secret)
                made = self._resolved(target, world, self._outline(target.provider))
            self._at_top[target.name] = {
                (one.kind.name, one.identity): one
                for one in made.there
                if one.kind.parent is None and not one.absent and not one.kind.grouping
            }
        return self._at_top[target.name]


def _no_secret(name: str, source: Mapping[str, Json]) -> str:
    del source
    return name


def _same_account(one: Target, other: Target) -> bool:
    """Whether two targets may reach the same account; one that is not given may be any."""
    return one.account is None or other.account is None or one.account == other.account


def _twice(key: tuple[str, tuple[str, ...]], placed: Placed, target: Target, other: Target) -> Diagnostic:
    kind, identity = key
    # Of what stands in a group the group is renamed, and all in it with it.
    named = placed.called[0] if placed.group is not None else identity[-1]
    return error(
        f"targets `{other.title}` and `{target.title}` both have the {kind} `{'/'.join(identity)}`",
        detail=f"both reach {target.region}"
        + (f" of {target.account_word} {target.account}" if target.account else ""),
        hint="give them names that differ: `" + named + "-${{ target.name }}`",
        span=placed.node.key_span or placed.node.span,
        path=path_text(placed.path),
    )
