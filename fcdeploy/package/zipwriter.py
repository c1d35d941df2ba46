"""ZIP files of which every byte is determined by names, modes and contents (S26; PKWARE APPNOTE 6.3, no ZIP64)."""

from __future__ import annotations

import stat
import struct
from collections.abc import Iterable
from typing import Final, Protocol

STORED: Final = 0
DEFLATED: Final = 8

LARGEST: Final = 0xFFFF_FFFF
"""The largest size of an entry, and of the whole, that fits without ZIP64."""

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_MADE_BY = 3 << 8 | 20  # Unix, format 2.0
_NEEDS = 20
_TIME, _DATE = 0, 1 << 5 | 1  # 1980-01-01 00:00, the earliest that the format can say
_UTF8 = 1 << 11


class Sink(Protocol):
    """Where the bytes go, in order; the writer never seeks."""

    def write(self, block: bytes, /) -> object:
        """Take the next bytes."""


class ZipWriter:
    """Writes entries in the order they are given and never looks back, so the bytes can be hashed as they pass.

    Sizes and checksums stand in the local header (no data descriptors, which some unpackers refuse for stored
    entries); there are no folder entries, extra fields or comments.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._central: list[bytes] = []
        self._offset = 0

    def add(
        self,
        name: str,
        *,
        executable: bool,
        method: int,
        crc: int,
        size: int,
        packed_size: int,
        packed: Iterable[bytes],
    ) -> None:
        """Write one entry; `packed` must give exactly `packed_size` bytes. Raises OverflowError past 4 GiB."""
        raw_name = name.encode()
        flags = 0 if name.isascii() else _UTF8
        if max(size, packed_size, self._offset) > LARGEST:
            raise OverflowError("the archive would need ZIP64")
        shared = (_NEEDS, flags, method, _TIME, _DATE, crc, packed_size, size, len(raw_name), 0)
        mode = stat.S_IFREG | (0o755 if executable else 0o644)
        self._central.append(
            _CENTRAL.pack(b"PK\x01\x02", _MADE_BY, *shared, 0, 0, 0, mode << 16, self._offset) + raw_name
        )
        self._write(_LOCAL.pack(b"PK\x03\x04", *shared) + raw_name)
        before = self._offset
        for block in packed:
            self._write(block)
        if self._offset - before != packed_size:
            raise ValueError(f"{name}: {packed_size} bytes announced, {self._offset - before} written")

    def finish(self) -> None:
        """Write the central directory. Raises OverflowError where ZIP64 would be needed."""
        start = self._offset
        for record in self._central:
            self._write(record)
        count, length = len(self._central), self._offset - start
        if start > LARGEST or length > LARGEST or count > 0xFFFF:
            raise OverflowError("the archive would need ZIP64")
        self._write(_END.pack(b"PK\x05\x06", 0, 0, count, count, length, start, 0))

    def _write(self, block: bytes) -> None:
        self._sink.write(block)
        self._offset += len(block)
