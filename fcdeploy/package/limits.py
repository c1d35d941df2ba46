"""What fits into a direct upload (S29, facts 13)."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

OLDER_REGIONS_ARCHIVE_LIMIT = 52_428_800
"""Bytes of archive that every region takes; the error text of older regions names this figure (facts 9.2, 13)."""

REQUEST_LIMIT = 104_857_600
"""Bytes of a whole request body (facts 13)."""

AROUND_THE_ARCHIVE = 16_384
"""Bytes allowed for the rest of the JSON body: names, environment variables (about 4 KB), the other fields."""

_WAY_OUT = (
    "upload the archive to an {place} bucket and write `code: {scheme}://bucket/key`, or leave files out with `exclude`"
)


class SizeFinding(Struct, frozen=True, kw_only=True):
    """A limit that an archive meets; the caller adds the place in the spec."""

    severity: Literal["warning", "error"]
    summary: str
    detail: str
    hint: str


def base64_size(size: int) -> int:
    """How many characters `size` bytes take in base64, padding included."""
    return (size + 2) // 3 * 4


def size_findings(
    archive_size: int, *, around: int = AROUND_THE_ARCHIVE, largest: int = 0, scheme: str = "oss"
) -> tuple[SizeFinding, ...]:
    """What is to be said of uploading an archive of `archive_size` bytes inside a request (S29).

    `around` is the number of bytes of the request body that are not the archive. An archive that cannot be sent gives
    one error; one that only some regions take gives one warning. `largest`: the service counts the bytes of the
    archive alone, and takes so many. `scheme` is that of the cloud's buckets.
    """
    way_out = _WAY_OUT.format(place=scheme.upper(), scheme=scheme)
    if largest:
        too_large = SizeFinding(
            severity="error",
            summary=f"the code archive of {archive_size:,} bytes is too large for a direct upload",
            detail=f"the service accepts {largest:,} bytes of archive",
            hint=way_out,
        )
        return (too_large,) if archive_size > largest else ()
    request = base64_size(archive_size) + around
    if request > REQUEST_LIMIT:
        most = (REQUEST_LIMIT - around) // 4 * 3
        return (
            SizeFinding(
                severity="error",
                summary=f"the code archive of {archive_size:,} bytes is too large for a direct upload",
                detail=(
                    f"in base64 the request takes {request:,} bytes; the service accepts {REQUEST_LIMIT:,},"
                    f" which leaves {most:,} bytes for the archive"
                ),
                hint=way_out,
            ),
        )
    if archive_size > OLDER_REGIONS_ARCHIVE_LIMIT:
        return (
            SizeFinding(
                severity="warning",
                summary=f"the code archive of {archive_size:,} bytes may be refused by the region",
                detail=f"older regions accept {OLDER_REGIONS_ARCHIVE_LIMIT:,} bytes of archive",
                hint=way_out,
            ),
        )
    return ()
