"""Request bodies: compact JSON in which code archives stand as base64, read from their files only while being sent."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from fcdeploy.model import ArchiveRef, Json

ARCHIVE_INLINE = 256 * 1024
"""Archives up to this many bytes are put into the body at once."""

KEPT = 16
"""So many archives that were put into bodies are kept as text: many functions share a folder."""

# Stands where an archive belongs. Unguessable, so that no text of the user's can be mistaken for it.
_PLACE = secrets.token_hex(16)
_CHUNK = 192 * 1024  # divisible by three, so that the base64 of the pieces is that of the whole


class UnusableArchive(Exception):
    """The archive's file is missing or is not what the reference says."""


class Body(Struct, frozen=True):
    """A request body in pieces: bytes, or an archive's file that is sent as base64."""

    pieces: tuple[bytes | Path, ...]
    length: int

    @property
    def whole(self) -> bytes | None:
        """The body as one piece, unless it holds a file."""
        if not self.pieces:
            return b""
        first = self.pieces[0]
        return first if len(self.pieces) == 1 and isinstance(first, bytes) else None

    def chunks(self) -> Iterator[bytes]:
        """The body bit by bit; reads the files."""
        for piece in self.pieces:
            if isinstance(piece, bytes):
                yield piece
                continue
            with piece.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    yield base64.b64encode(chunk)

    def sha256(self) -> str:
        """Hex digest of the whole body; reads the files."""
        digest = hashlib.sha256()
        for chunk in self.chunks():
            digest.update(chunk)
        return digest.hexdigest()


EMPTY = Body((), 0)


def body(value: Json, archives: Callable[[str], Path], kept: dict[str, bytes] | None = None) -> Body:
    """The body of a call; None is no body at all. `archives` gives the file of an archive by its hex SHA-256.

    `kept` holds the texts of the small ones that went into earlier bodies (at most KEPT), and takes in more.
    Raises UnusableArchive, and TypeError for a value that is not JSON, such as an `Output` that nobody filled in.
    """
    if value is None:
        return EMPTY
    found: list[ArchiveRef] = []

    def to_plain(leaf: object) -> object:
        match leaf:
            case ArchiveRef():
                found.append(leaf)
                return _PLACE
            case Mapping():
                return dict(leaf)
            case _:
                raise TypeError(f"a call's body holds a {type(leaf).__name__}, which cannot be sent")

    text = json.dumps(value, separators=(",", ":"), allow_nan=False, default=to_plain).encode()
    if not found:
        return Body((text,), len(text))
    parts = text.split(_PLACE.encode())
    pieces: list[bytes | Path] = [parts[0]]
    length = len(text) - len(_PLACE) * len(found)
    for archive, after in zip(found, parts[1:], strict=True):
        pieces += [_archive(archive, archives, kept if kept is not None else {}), after]
        length += 4 * ((archive.size + 2) // 3)
    return Body(_joined(pieces), length)


def _archive(archive: ArchiveRef, archives: Callable[[str], Path], kept: dict[str, bytes]) -> bytes | Path:
    if archive.sha256 in kept:
        return kept[archive.sha256]
    file = archives(archive.sha256)
    try:
        size = file.stat().st_size
        if size != archive.size:
            raise UnusableArchive(f"{file} has {size} bytes and should have {archive.size}")
        if size > ARCHIVE_INLINE:
            return file
        if len(kept) >= KEPT:
            kept.clear()
        kept[archive.sha256] = base64.b64encode(file.read_bytes())
        return kept[archive.sha256]
    except OSError as error:
        raise UnusableArchive(f"{file} cannot be read: {error.strerror}") from error


def _joined(pieces: list[bytes | Path]) -> tuple[bytes | Path, ...]:
    """Neighbouring bytes in one piece."""
    joined: list[bytes | Path] = []
    for piece in pieces:
        if isinstance(piece, bytes) and joined and isinstance(joined[-1], bytes):
            joined[-1] += piece
        else:
            joined.append(piece)
    return tuple(joined)
