"""What differs between a live archive and a planned one, by content (S27)."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from fcdeploy.package.archive import Archive
from fcdeploy.package.zipreader import is_link, read_zip, unix_mode

_OWNER_EXECUTES = 0o100


class ArchiveDifference(Struct, frozen=True, kw_only=True):
    """Names of files, sorted: `added` only the planned archive has, `removed` only the live one, `changed` differ in
    content, in being a link, or in whether the owner may execute them.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether both archives unpack to the same files."""
        return not (self.added or self.removed or self.changed)


def archive_difference(live_zip: Path | bytes, planned: Archive) -> ArchiveDifference:
    """Compare the live archive with a planned one, file by file.

    Times, order, packing, folder entries and comments do not count, and a mode counts only where both archives carry
    Unix modes. A file is unpacked only where both archives state the same size for it, so that no live archive makes
    this read more than the planned one holds. Raises PackageError for a live archive that cannot be read.
    """
    wanted = {entry.name: entry for entry in planned.entries}
    with read_zip(live_zip) as live:
        changed = []
        for name in wanted.keys() & live.files.keys():
            entry, found = wanted[name], live.files[name]
            mode = unix_mode(found)
            modes_differ = mode is not None and entry.mode is not None and bool((mode ^ entry.mode) & _OWNER_EXECUTES)
            if (
                modes_differ
                or entry.link != is_link(found)
                or entry.size != found.file_size
                or entry.sha256 != live.digest(found)
            ):
                changed.append(name)
        return ArchiveDifference(
            added=tuple(sorted(wanted.keys() - live.files.keys())),
            removed=tuple(sorted(live.files.keys() - wanted.keys())),
            changed=tuple(sorted(changed)),
        )
