"""CRC-64/XZ, the checksum that the service keeps of a code archive (facts 12)."""

from __future__ import annotations

from fastcrc import crc64

LARGEST = (1 << 64) - 1


def crc64_xz(data: bytes | bytearray | memoryview, crc: int = 0) -> int:
    """The CRC-64/XZ of `data`; give the result for the bytes before it as `crc` to go on with a stream."""
    return crc64.xz(data, crc)


def checksum_text(crc: int) -> str:
    """The checksum as the API writes it: unsigned decimal, no padding (facts 12)."""
    return str(crc)
