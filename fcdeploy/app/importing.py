"""import: a live account, service or function becomes a spec, with its code where that is wanted.

What was written is proven before it is reported: the new file is read back, compared with the live state that it was
made from, and whatever an apply would change besides its own marks is said.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from fcdeploy.app.bench import Bench, opened_bench, opened_cloud
from fcdeploy.app.code import Packages, read_live_archive
from fcdeploy.app.import_choice import Chosen, read_chosen
from fcdeploy.app.imported import NOT_DOWNLOADED, Needed, code_folders, document, dotenv, remarked
from fcdeploy.app.types import Where
from fcdeploy.diagnostics import Diagnostic, Severity, error, has_errors, in_order, warning
from fcdeploy.engine.calling import calling
from fcdeploy.engine.diff import field_changes
from fcdeploy.engine.ownership import Wishes, mark_tags, says_itself, verdicts
from fcdeploy.engine.places import place_of
from fcdeploy.engine.planner import differences, present
from fcdeploy.engine.references import located
from fcdeploy.engine.snapshot import Site, Snapshot
from fcdeploy.engine.steps import Difference
from fcdeploy.engine.together import together
from fcdeploy.engine.unmarked import with_unmarked
from fcdeploy.errors import UsageError
from fcdeploy.kinds.descriptor import NEW, Kind, Marking
from fcdeploy.kinds.fields import Codec
from fcdeploy.kinds.registry import kind_of, parent_of
from fcdeploy.model import PROVIDERS, Action, Address, Json, KeySource, Live, Resource, Target, provider_of
from fcdeploy.package.errors import PackageError
from fcdeploy.package.unpack import write_unpacked
from fcdeploy.spec.project import FILE, read_project
from fcdeploy.spec.words import NAME_PATTERN

UNPACKERS = 4
UNKNOWN = "-----BEGIN PRIVATE KEY-----\nunknown\n-----END PRIVATE KEY-----\n"
"""Stands for a secret that the service never tells, while the new file is checked: all there are is keys (S22)."""


class Asked(Struct, frozen=True, kw_only=True):
    """What is to be imported, and into which folder.

    `names` are globs of what stands at the top in the cloud, or of `service/function`; none means everything that no
    project owns. The target is one of the file `where.spec` when `from_file`, else `provider` (None: the first there
    is), `region`, `account`, `api` and `profile` make it up. `project` is the new file's name, None for the folder's.
    `secrets_out` takes the values that look like secrets.
    """

    names: tuple[str, ...]
    out: Path
    from_file: bool = False
    provider: str | None = None
    region: str | None = None
    account: str | None = None
    api: str | None = None
    profile: str | None = None
    project: str | None = None
    with_code: bool = False
    secrets_out: Path | None = None
    force: bool = False


class Imported(Struct, frozen=True, kw_only=True):
    """What an import wrote: `counts` by the kinds' titles; `adopt` are the words with which an apply takes it over,
    `findings` what somebody has to know or mend.
    """

    project: str
    target: Target
    file: Path
    counts: Mapping[str, int]
    adopt: tuple[str, ...] = ()
    secrets: tuple[Needed, ...] = ()
    secrets_out: Path | None = None
    findings: tuple[Diagnostic, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether the file says all of what is live, so that taking it over changes nothing but marks."""
        return not has_errors(self.findings)


class _Codes(Struct, kw_only=True):
    """What `code:` says by address, and what is to be said of it."""

    values: dict[Address, Json] = field(default_factory=dict)
    found: list[Diagnostic] = field(default_factory=list)


async def import_live(where: Where, asked: Asked) -> Imported:
    """Write a spec of what is live. Raises UsageError, ReadFailed, CredentialsError and SpecError."""
    project, target = _destination(where, asked)
    _check_free(asked)
    place = place_of(project, target.name, spec_folder=asked.out, environ=where.environ)
    with opened_cloud(where, project, asked.out) as cloud:
        async with AsyncExitStack() as stack:
            packages = Packages(place.cache, frozenset())
            bench = await stack.enter_async_context(opened_bench(where, project, target, place, packages, cloud))
            chosen = await read_chosen(bench, asked.names)
            remarks = _remarks(bench.site, chosen)
            codes = await _write_codes(bench, chosen, asked)
            made = document(chosen.lives, bench.site, codes.values, external=chosen.external, remarks=remarks)
            file = _write_files(asked, made.text, dotenv(made.values))
            residual = _residual(where, asked, bench.site, chosen, made.values)
    written = [one for one in chosen.lives if one not in chosen.external and not _is_unwritten(one)]
    counts = Counter(kind_of(address).title for address in written)
    return Imported(
        project=project,
        target=bench.site.target,
        file=file,
        counts=counts,
        adopt=chosen.adopt,
        secrets=made.needed,
        secrets_out=asked.secrets_out if made.values else None,
        findings=in_order((*bench.warnings, *chosen.found, *codes.found, *residual)),
    )


def _destination(where: Where, asked: Asked) -> tuple[str, Target]:
    """The new file's project, and its target."""
    if asked.from_file:
        assignments = [f"{name}={value}" for name, value in where.variables.items()]
        known = read_project(where.spec, environ=where.environ, var_files=where.var_files, assignments=assignments)
        chosen = known.select(() if where.target is None else (where.target,), writes=True)
        if len(chosen) != 1:
            named = ", ".join(target.name for target in chosen)
            raise UsageError("an import reads one target", hint=f"--target takes one of: {named}")
        target = replace(chosen[0], name=chosen[0].name.replace("/", "-"), retired=False, vars={}, span=None)
        return asked.project or known.name, target
    if asked.region is None:
        raise UsageError("no region is given", hint="--region cn-hangzhou, or -f FILE --target NAME")
    project = asked.project or _project_name(asked.out)
    if re.fullmatch(NAME_PATTERN, project) is None:
        raise UsageError(
            f"{project!r} cannot be the name of a project", hint="--project NAME: 1 to 63 of a-z, 0-9, `-`"
        )
    provider = asked.provider or next(iter(PROVIDERS))
    apis = provider_of(provider).apis
    if asked.api is not None and asked.api not in apis:
        raise UsageError(
            f"{asked.api} is no API of {provider_of(provider).title}", hint=f"there are: {', '.join(apis)}"
        )
    target = Target(
        name=asked.region,
        provider=provider,
        region=asked.region,
        account=asked.account,
        api=asked.api or apis[0],
        credentials=KeySource(profile=asked.profile) if asked.profile else None,
    )
    return project, target


def _project_name(folder: Path) -> str:
    return re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")[:63].strip("-")


def _check_free(asked: Asked) -> None:
    """Refuse to overwrite (before anything is read)."""
    try:
        if asked.out.exists() and not asked.out.is_dir():
            raise UsageError(f"{asked.out} is not a folder")
        if asked.out.is_dir() and any(asked.out.iterdir()) and not asked.force:
            raise UsageError(
                f"the folder {asked.out} is not empty",
                hint="name an empty or a new folder, or give --force to write over what import makes",
            )
        if asked.secrets_out is not None and (asked.secrets_out.exists() or asked.secrets_out.is_symlink()):
            raise UsageError(f"{asked.secrets_out} exists already; secrets are not written over it")
    except OSError as problem:
        raise UsageError(f"{asked.out} cannot be used: {problem.strerror or problem}") from problem


def _remarks(site: Site, chosen: Chosen) -> tuple[str, ...]:
    """The lines at the top of the file: where it comes from, and what it does not say."""
    scope = site.scope
    numbered: dict[tuple[Address | None, str], list[str]] = {}
    for address in sorted(chosen.lives):
        if _is_unwritten(address) and parent_of(address) not in chosen.external:
            numbered.setdefault((parent_of(address), address.kind), []).append(address.identity[-1])
    whole = f"the {site.target.account_word}"
    standing = [
        f"Not in this file: {kind} {', '.join(sorted(numbers, key=int))} of {above.short if above else whole}; "
        "what exists stays as it is."
        for (above, kind), numbers in numbered.items()
    ]
    return (
        f"Imported from {scope.region} of {site.target.account_word} {scope.account}.",
        f"Look it over, then take over what it names: {shlex.join(('fcdeploy', 'apply', *chosen.adopt))}",
        *standing,
    )


def _is_unwritten(address: Address) -> bool:
    """Whether no file names it: what the service numbered beneath something."""
    return kind_of(address).numbering is not None and parent_of(address) is not None


async def _write_codes(bench: Bench, chosen: Chosen, asked: Asked) -> _Codes:
    """Every code archive as a folder or, where a folder cannot say the same, as the archive it is."""
    having = [address for address, live in sorted(chosen.lives.items()) if _has_code(kind_of(address), live)]
    folders = code_folders(having, chosen.lives)
    codes = _Codes()
    if not asked.with_code:
        codes.values |= {address: remarked(f"./{path}", NOT_DOWNLOADED) for address, path in folders.items()}
        return codes
    unpacking = asyncio.Semaphore(UNPACKERS)

    async def one(address: Address, path: str) -> tuple[Address, Json, Diagnostic | None]:
        async with unpacking:
            _, archive = await read_live_archive(bench, address, chosen.lives[address])
            why = await asyncio.to_thread(_write_code, archive, asked.out / path)
        if not why:
            return address, f"./{path}", None
        said = warning(
            f"the code of {address.short} is kept as an archive: {why}",
            hint=f"{path}.zip is sent as it is",
            address=str(address),
        )
        return address, remarked({"zip": f"./{path}.zip"}, f"Kept as an archive: {why}"), said

    for address, value, said in await together(one(*item) for item in folders.items()):
        codes.values[address] = value
        codes.found += [said] if said is not None else []
    return codes


def _has_code(kind: Kind, live: Live) -> bool:
    return kind.archive_read is not None and any(
        one.codec is Codec.ARCHIVE and live.body.get(one.name) is not None for one in kind.fields
    )


def _write_code(archive: Path, folder: Path) -> str:
    """Why the archive was kept as it is, "" where it was unpacked. Raises UsageError."""
    kept = folder.with_name(f"{folder.name}.zip")
    try:
        # What an earlier import left; whoever gave --force knows.
        shutil.rmtree(folder, ignore_errors=True)
        kept.unlink(missing_ok=True)
        try:
            write_unpacked(archive, folder)
        except PackageError as problem:
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(archive, kept)
            return problem.summary
    except OSError as problem:
        raise UsageError(f"cannot write {folder}: {problem.strerror or problem}") from problem
    return ""


def _write_files(asked: Asked, text: str, secrets: str) -> Path:
    """The spec, whole or not at all, and the secrets for their owner's eyes alone. Raises UsageError."""
    file = asked.out / FILE
    try:
        if asked.secrets_out is not None and secrets:
            descriptor = os.open(asked.secrets_out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
                opened.write(secrets)
        asked.out.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f".{FILE}.{os.getpid()}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(file)
    except OSError as problem:
        raise UsageError(f"cannot write {problem.filename}: {problem.strerror or problem}") from problem
    return file


def _residual(
    where: Where, asked: Asked, site: Site, chosen: Chosen, values: Mapping[str, str]
) -> tuple[Diagnostic, ...]:
    """What is wrong with the new file, and what an apply of it would change besides its own marks."""
    project = read_project(
        asked.out / FILE, environ=where.environ, read_secret=lambda name, source: values.get(name, UNKNOWN)
    )
    (target,) = project.targets
    wrong = [
        replace(one, detail="\n".join(filter(None, (one.detail, "so it is live, and no spec may say it"))))
        for one in project.diagnostics([target], code=asked.with_code)
        if one.severity is Severity.ERROR
    ]
    if wrong:
        return tuple(wrong)
    lives = {address: _marked(live, chosen, site) for address, live in chosen.lives.items()}
    desired = located(
        {address: _with_code_of(one, _stood_for(address, lives)) for address, one in project.expand(target).items()},
        site.scope,
    )
    snapshot, all_of_it = Snapshot(lives=lives), Wishes(adopt=("*",))
    wanted = present(desired, site.scope.api)
    owned = with_unmarked(verdicts(wanted, snapshot, site, all_of_it), wanted, snapshot, all_of_it, site.scope)
    places = calling({address: live.body for address, live in lives.items()})
    return tuple(
        _residue(one, one.address in places)
        for one in differences(wanted, snapshot, owned, site)
        if one.action is not Action.NONE
    )


def _residue(difference: Difference, is_called: bool) -> Diagnostic:
    """What an apply would do besides marking; `is_called`: a file can say the resource beside the others."""
    live, resource, named = difference.live, difference.resource, difference.address.short
    changes = (
        field_changes(difference.fields, difference.body, live.body, resource)
        if live is not None and resource is not None
        else ()
    )
    told = {
        "detail": "\n".join(f"{change.path}: {change.before!r} -> {change.after!r}" for change in changes),
        "address": str(difference.address),
        "span": resource.span if resource is not None else None,
    }
    if difference.action is Action.UPDATE and all(_is_of_secrets(difference.kind, one.path) for one in changes):
        return warning(f"taking over {named} writes what the file has as secrets, encrypted", **told)
    hint = "mend the file by hand, or `ignore` the field; please report it"
    if not is_called:
        hint = "no file can say it beside another of that name: rename or delete one of them"
    return error(f"taking over {named} would {difference.action.value} it", hint=hint, **told)


def _is_of_secrets(kind: Kind, path: str) -> bool:
    """Whether a difference is that the file has as a secret what the service told, or what it never tells (S22)."""
    name, _, key = path.partition(".")
    if kind.tags is not None and name == kind.tags.field:
        return key in {one.digest_tag for one in kind.fields if one.digest_tag}
    return any(name == one.name for one in kind.fields if one.secrets_in or one.digest_tag)


def _marked(live: Live, chosen: Chosen, site: Site) -> Live:
    """The live resource as it is once it is ours."""
    address, kind = live.address, kind_of(live.address)
    if address in chosen.external:
        return replace(live, mark=None)
    if kind.marking is Marking.TAGS and kind.tags is not None:
        tags = {**(live.body.get(kind.tags.field) or {}), **mark_tags(site.mark)}
        return replace(live, body={**live.body, kind.tags.field: tags}, mark=site.mark)
    return replace(live, mark=site.mark if says_itself(address, chosen.external) else None)


def _stood_for(address: Address, lives: Mapping[Address, Live]) -> Live | None:
    """The live resource that a resource of the file was made from: of a series, its newest."""
    if address.identity[-1] != NEW or kind_of(address).numbering is None:
        return lives.get(address)
    return next(
        (
            live
            for one, live in lives.items()
            if one.kind == address.kind and one.identity[:-1] == address.identity[:-1]
        ),
        None,
    )


def _with_code_of(resource: Resource, live: Live | None) -> Resource:
    """The resource with its code taken for the live one, which it was when it was unpacked."""
    if live is None:
        return resource
    code = {name: live.body[name] for name in resource.code if live.body.get(name) is not None}
    return replace(resource, body={**resource.body, **code}, code={})
