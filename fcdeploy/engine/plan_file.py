"""A plan file on disk: one line of head, one of JSON, then the archives, one after the other (S43).

    fcdeploy-plan LAYOUT SHA-256-OF-ALL-THAT-FOLLOWS\\n
    {…}\\n
    ARCHIVE ARCHIVE …

Every byte is covered: a wrong one in the head makes it no plan file or one of another layout or digest, any other makes
the digest wrong. The digest is no signature: who can write the file can make it fit.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import IO

from msgspec import Struct

from fcdeploy.diagnostics import error
from fcdeploy.engine.saved import SavedPlans
from fcdeploy.errors import PlanOutdated, UsageError

SUFFIX = ".fcplan"
LAYOUT = 1
_HEAD = re.compile(rb"fcdeploy-plan (\d{1,9}) ([0-9a-f]{64})\n")
_HEAD_BYTES = 120
_MOST_JSON = 1 << 30
_CHUNK = 1 << 20


class PlanFile(Struct, frozen=True, kw_only=True):
    """A plan file that was read, its digest right; `offset` is where its archives begin."""

    path: Path
    plans: SavedPlans
    offset: int

    def read_archive(self, sha256: str) -> bytes:
        """The bytes of one of its archives, right by their own digest. Raises PlanOutdated."""
        place = self.offset
        for name, size in self.plans.archives.items():
            if name == sha256:
                break
            place += size
        else:
            raise _damaged(self.path, f"the archive {sha256[:12]} is not in it")
        try:
            with self.path.open("rb") as file:
                file.seek(place)
                content = file.read(self.plans.archives[sha256])
        except OSError as problem:
            raise _damaged(self.path, problem.strerror or str(problem)) from problem
        if hashlib.sha256(content).hexdigest() != sha256:
            raise _damaged(self.path, "it was written to while it was read")
        return content


def write_plan_file(path: Path, plans: SavedPlans, archive: Callable[[str], Path]) -> None:
    """Write it whole or not at all, mode 0600; `archive` says where each is. Raises UsageError when it cannot be.

    It takes its name only when all of it is on disk, and an earlier file of that name is there until then.
    """
    draft = path.with_name(f".{secrets.token_hex(8)}{SUFFIX}")
    try:
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "r+b") as file:
                os.fchmod(file.fileno(), 0o600)
                _fill(file, plans, archive)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as problem:
        raise UsageError(f"cannot write {path}: {problem.strerror or problem}") from problem


def _fill(file: IO[bytes], plans: SavedPlans, archive: Callable[[str], Path]) -> None:
    digest = hashlib.sha256()
    file.write(_head("0" * 64))

    def add(block: bytes) -> None:
        digest.update(block)
        file.write(block)

    # Keys stay in their order: it is that in which a plan lists what it creates.
    add(json.dumps(plans.to_json(), separators=(",", ":"), allow_nan=False).encode() + b"\n")
    for sha256 in plans.archives:
        with archive(sha256).open("rb") as source:
            while block := source.read(_CHUNK):
                add(block)
    file.seek(0)
    file.write(_head(digest.hexdigest()))
    file.flush()
    os.fsync(file.fileno())


def _head(digest: str) -> bytes:
    return f"fcdeploy-plan {LAYOUT} {digest}\n".encode()


def read_plan_file(path: Path) -> PlanFile:
    """Read and check a plan file, its archives too. Raises UsageError when it cannot be read, else PlanOutdated."""
    try:
        with path.open("rb") as file:
            start = file.readline(_HEAD_BYTES)
            head = _HEAD.fullmatch(start)
            if head is None:
                raise _no_plan(path)
            if int(head[1]) != LAYOUT:
                raise PlanOutdated(
                    [
                        error(
                            f"{path} was written by another version of fcdeploy",
                            detail=f"its layout is {int(head[1])}, this version reads {LAYOUT}",
                            hint="plan again with this version, or apply it with the one that wrote it",
                        )
                    ]
                )
            digest = hashlib.sha256()
            document = file.readline(_MOST_JSON)
            digest.update(document)
            while block := file.read(_CHUNK):
                digest.update(block)
    except OSError as problem:
        raise UsageError(f"cannot read {path}: {problem.strerror or problem}") from problem
    if digest.hexdigest() != head[2].decode():
        raise _damaged(path, "what it holds is not what was saved")
    try:
        plans = SavedPlans.from_json(json.loads(document))
    except (KeyError, TypeError, ValueError) as problem:
        raise _damaged(path, "it does not say what a plan says") from problem
    return PlanFile(path=path, plans=plans, offset=len(start) + len(document))


def _no_plan(path: Path) -> PlanOutdated:
    found = error(
        f"{path} is no plan file of fcdeploy, or its beginning was changed",
        hint=f"`fcdeploy plan --out FILE{SUFFIX}` writes one",
    )
    return PlanOutdated([found])


def _damaged(path: Path, why: str) -> PlanOutdated:
    found = error(
        f"{path} was changed after it was saved, or is damaged",
        detail=why,
        hint="nothing of it can be trusted: plan again",
    )
    return PlanOutdated([found])
