"""Code archives: the file's are built, live ones are fetched where the comparison or the way back needs them."""

from __future__ import annotations

import asyncio
import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from fcdeploy.app.bench import Bench
from fcdeploy.diagnostics import Diagnostic, Severity, error, warning
from fcdeploy.engine.canonical import compact
from fcdeploy.engine.redact import has_secret
from fcdeploy.engine.snapshot import Desired, Snapshot
from fcdeploy.engine.steps import Difference
from fcdeploy.engine.together import together
from fcdeploy.errors import CloudError, ReadFailed, SpecError
from fcdeploy.kinds.fields import Codec, Field
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Action, Address, ArchiveRef, CodeRef, Json, Live, Resource
from fcdeploy.package.archive import Archive
from fcdeploy.package.builds import BuildStore, Recipe
from fcdeploy.package.cache import ArchiveCache, Unbuilt
from fcdeploy.package.difference import archive_difference
from fcdeploy.package.errors import PackageError
from fcdeploy.package.limits import size_findings
from fcdeploy.package.sources import CodeSource, SourceKind, read_code_source

PACKERS = 4
MOST_FILES_NAMED = 5
BUILDS = "builds"
"""Where, in the folder of archives, what builds made is kept."""
_IN_PARTS = re.compile(r"[0-9a-f]{32}-[0-9]+")
_BUILD_HINT = "run `fcdeploy build`, or give --build"


@functools.cache
def _packers() -> ThreadPoolExecutor:
    """The threads that pack, for all targets of a command together."""
    return ThreadPoolExecutor(max_workers=PACKERS, thread_name_prefix="fcdeploy-pack")


class _Code(Struct, frozen=True, kw_only=True):
    """What became of a `code:` value: an archive, an object in a bucket, or what is wrong with it."""

    archive: Archive | None = None
    source: CodeSource | None = None
    problem: PackageError | None = None
    findings: Sequence[Diagnostic] = ()


Said: TypeAlias = tuple[str, ...]
"""What tells one `code:` value from others: the same for all that mean the same files."""


class Packages:
    """The archives of one run: each source is read once, what was planned is what is sent (S28).

    `shared` are those of the command's other targets, by the folder `cache`.
    """

    def __init__(self, cache: Path, left_out: frozenset[Path], shared: dict[Path, ArchiveCache] | None = None) -> None:
        self._cache = (shared if shared is not None else {}).setdefault(cache, ArchiveCache(cache))
        self._builds = BuildStore(cache / BUILDS, left_out=left_out)
        self._left_out = left_out
        self._planned: dict[str, Archive] = {}

    def path(self, sha256: str) -> Path:
        """The file of a planned archive."""
        return self._planned[sha256].path

    def planned(self, sha256: str) -> Archive | None:
        """A planned archive with its entries, None when it is not one of ours."""
        return self._planned.get(sha256)

    def adopt(self, archives: Iterable[Archive]) -> None:
        """Take these as planned; their bytes are looked for in the spool first."""
        self._planned |= {one.sha256: one for one in archives}

    async def packaged(self, desired: Desired) -> tuple[Desired, tuple[Diagnostic, ...]]:
        """Every resource with its code as a checksum and a payload. Raises SpecError naming each bad `code:`."""
        resources = [resource for resource in desired.values() if resource.code and not resource.absent]
        first = {
            _said(resource, reference): (resource, reference)
            for resource in resources
            for reference in resource.code.values()
        }
        # One thread for all that is there already: listing files leaves nothing to gain from several.
        found = await asyncio.to_thread(lambda: {key: self._looked_up(*where) for key, where in first.items()})
        loop = asyncio.get_running_loop()
        unbuilt = {key: one for key, one in found.items() if isinstance(one, Unbuilt)}
        # Of two ways to write the same folder one is built.
        each = {(one.source, one.key): one for one in unbuilt.values()}
        made = await asyncio.gather(*(loop.run_in_executor(_packers(), self._made, one) for one in each.values()))
        built = dict(zip(each, made, strict=True))
        codes = {key: built[one.source, one.key] if isinstance(one, Unbuilt) else one for key, one in found.items()}
        results = [self._packaged(resource, codes) for resource in resources]
        findings = [one for _, more in results for one in more]
        if any(one.severity is Severity.ERROR for one in findings):
            raise SpecError(findings)
        return {**desired, **{resource.address: resource for resource, _ in results}}, tuple(findings)

    def _looked_up(self, resource: Resource, reference: CodeRef) -> _Code | Unbuilt:
        try:
            recipe = recipe_of(resource, reference)
            if recipe.source.kind is SourceKind.OSS:
                return _Code(source=recipe.source)
            if recipe.source.build:
                archive, findings = self._built(recipe, reference)
                return _Code(archive=archive, findings=findings)
            found = self._cache.looked_up(recipe.source, left_out=self._left_out)
            return found if isinstance(found, Unbuilt) else _Code(archive=found)
        except PackageError as problem:
            return _Code(problem=problem)

    def _made(self, unbuilt: Unbuilt) -> _Code:
        try:
            return _Code(archive=self._cache.built_of(unbuilt))
        except PackageError as problem:
            return _Code(problem=problem)

    def _packaged(self, resource: Resource, codes: Mapping[Said, _Code]) -> tuple[Resource, list[Diagnostic]]:
        found: list[Diagnostic] = []
        body, payloads = dict(resource.body), dict(resource.payloads)
        for name, reference in resource.code.items():
            field, code = kind_of(resource.address).field(name), codes[_said(resource, reference)]
            if code.problem is not None:
                found.append(_problem(code.problem, reference, resource))
                continue
            checksum, payloads[name], findings = self._sent(code, reference, field)
            if checksum is not None:
                body[name] = {"checksum": checksum}
            found += [replace(one, address=str(resource.address)) for one in findings]
        return replace(resource, body=body, payloads=payloads, code={}), found

    def _sent(self, code: _Code, reference: CodeRef, field: Field) -> tuple[str | None, Json, list[Diagnostic]]:
        """(checksum as the field has it, or None; what is sent; findings)."""
        archive, source = code.archive, code.source
        if archive is None:
            assert source is not None
            return source.checksum, {"ossBucketName": source.bucket, "ossObjectName": source.object_name}, []
        self._planned[archive.sha256] = archive
        findings = [
            Diagnostic(
                severity=Severity(one.severity),
                summary=one.summary,
                detail=one.detail,
                hint=one.hint,
                span=reference.span,
            )
            for one in size_findings(archive.size, largest=field.largest, scheme=field.bucket)
        ]
        sent = ArchiveRef(
            sha256=archive.sha256,
            crc64=archive.crc64,
            size=archive.size,
            sha512=archive.sha512,
            md5=archive.md5,
        )
        return sent.checksum(field.checksum_by), {"zipFile": sent}, [*code.findings, *findings]

    def _built(self, recipe: Recipe, reference: CodeRef) -> tuple[Archive, list[Diagnostic]]:
        """What the last build made, with a warning where its inputs are newer. Nothing is run (S25)."""
        inputs = self._builds.inputs(recipe.path)
        archive = self._builds.result(recipe, inputs)
        if archive is not None:
            return archive, []
        newest = self._builds.newest(recipe)
        if newest is None:
            raise PackageError(
                f"the code in {recipe.path} has not been built with this command here",
                detail="plan and apply run no build unless they are told to",
                hint=_BUILD_HINT,
                path=recipe.path,
            )
        before, now = newest.marks, inputs.marks
        changed = [name for name in before.keys() & now.keys() if before[name] != now[name]]
        differ = _files(tuple(sorted(now.keys() - before)), tuple(sorted(before.keys() - now)), tuple(sorted(changed)))
        stale = warning(
            f"the code in {recipe.path} is newer than what was built of it",
            detail=f"what was built is used; {differ}" if now != before else "what was built is used",
            hint=_BUILD_HINT,
            span=reference.span,
        )
        return newest.archive, [stale]


def _said(resource: Resource, reference: CodeRef) -> Said:
    value = reference.value
    if type(value) is str:
        return (reference.base, value)
    if isinstance(value, Mapping) and not value.get("build") and not has_secret(value):
        return (reference.base, "", compact(value))
    # What a build made depends on the resource too, and what is wrong is said of each.
    return (reference.base, "", "", str(resource.address), str(id(reference)))


def recipe_of(resource: Resource, reference: CodeRef) -> Recipe:
    """What a `code:` value of a resource says; the runtime is what its build is told. Raises PackageError."""
    runtime = resource.body.get("runtime", resource.body.get("compatibleRuntime"))
    runtimes = runtime if isinstance(runtime, list) else [runtime] if runtime is not None else []
    source = read_code_source(reference.value, Path(reference.base))
    return Recipe(source=source, runtime=",".join(map(str, runtimes)))


async def with_live_code(
    bench: Bench, packages: Packages, snapshot: Snapshot, found: Iterable[Difference], *, for_undo: bool
) -> Snapshot:
    """The snapshot with the live archives that are needed (S27, law 6). Raises ReadFailed.

    Needed are those whose checksum differs from the file's, and, `for_undo`, those of functions that will go.
    """
    standing = [_against_newest(one) for one in found]
    wanted = [one for one in standing if one.address not in snapshot.archives and _needs_live_code(one, for_undo)]
    if not wanted:
        return snapshot
    fetched = await together(read_live_archive(bench, one.address, one.live) for one in wanted)
    archives: dict[Address, ArchiveRef] = dict(snapshot.archives)
    notes: dict[Address, str] = dict(snapshot.code_notes)
    same = set(snapshot.same_code)
    for one, (archive, path) in zip(wanted, fetched, strict=True):
        archives[one.address] = archive
        planned = _planned(one, packages)
        if planned is None:
            continue
        try:
            difference = await asyncio.to_thread(archive_difference, path, planned)
        except PackageError as problem:
            notes[one.address] = f"the live archive cannot be compared: {problem.summary}"
            continue
        if difference.equal:
            same.add(one.address)
        else:
            notes[one.address] = _files(difference.added, difference.removed, difference.changed)
    return replace(snapshot, archives=archives, code_notes=notes, same_code=frozenset(same))


def _against_newest(difference: Difference) -> Difference:
    """The next of a series as a change of the newest: so its code is compared."""
    newest = difference.against
    return replace(difference, address=newest.address, live=newest) if newest is not None else difference


def _needs_live_code(difference: Difference, for_undo: bool) -> bool:
    kind, live = difference.kind, difference.live
    if difference.action is Action.NONE or kind.archive_read is None or live is None:
        return False
    if not any(one.codec is Codec.ARCHIVE and live.body.get(one.name) is not None for one in kind.fields):
        return False
    if difference.action in (Action.DELETE, Action.REPLACE):
        # A number does not come back.
        return (for_undo and kind.numbering is None) or _keeps_live_code(difference)
    return any(one.codec is Codec.ARCHIVE for one in difference.fields)


def _keeps_live_code(difference: Difference) -> bool:
    """Whether a replacement is made with the live code, which is not the file's to choose (S17)."""
    ignored = difference.resource.ignore if difference.resource is not None else ()
    return any(one.codec is Codec.ARCHIVE and (one.name,) in ignored for one in difference.kind.fields)


def _planned(difference: Difference, packages: Packages) -> Archive | None:
    payloads: Mapping[str, Json] = difference.resource.payloads if difference.resource is not None else {}
    for payload in payloads.values():
        if isinstance(payload, Mapping) and isinstance(payload.get("zipFile"), ArchiveRef):
            return packages.planned(payload["zipFile"].sha256)
    return None


async def read_live_archive(bench: Bench, address: Address, live: Live | None) -> tuple[ArchiveRef, Path]:
    """A live archive, stored by its content; what was read must have the live body's checksum. Raises ReadFailed."""
    url = await bench.reader.read_code_url(address, live.raw if live is not None else None)
    path = bench.download_path()
    try:
        archive = await bench.client.read_archive(url, path)
    except CloudError as failure:
        raise ReadFailed(
            f"cannot read the code of {address.short}",
            resource=address.short,
            detail=failure.summary,
            hint="it is needed to compare, and to go back; nothing was changed",
        ) from failure
    body: Mapping[str, Json] = live.body if live is not None else {}
    for one in kind_of(address).fields:
        if one.codec is not Codec.ARCHIVE:
            continue
        announced = str((body.get(one.name) or {}).get("checksum"))
        found = archive.checksum(one.checksum_by)
        # What was uploaded in parts has an MD5 of MD5s, which tells nothing of the bytes (facts 7).
        if announced != found and not _IN_PARTS.fullmatch(announced):
            raise ReadFailed(
                f"the code of {address.short} changed while it was read",
                resource=address.short,
                detail=f"downloaded checksum {found}, announced {announced}",
                hint="run the command again",
            )
    return archive, bench.keep_download(path, archive)


def _files(added: tuple[str, ...], removed: tuple[str, ...], changed: tuple[str, ...]) -> str:
    named = [f"+{name}" for name in added] + [f"-{name}" for name in removed] + [f"~{name}" for name in changed]
    more = f" and {len(named) - MOST_FILES_NAMED} more" if len(named) > MOST_FILES_NAMED else ""
    return f"files that differ: {', '.join(named[:MOST_FILES_NAMED])}{more}"


def _problem(problem: PackageError, reference: CodeRef, resource: Resource) -> Diagnostic:
    return error(
        problem.summary,
        detail=problem.detail,
        hint=problem.hint,
        span=reference.span,
        address=str(resource.address),
    )
