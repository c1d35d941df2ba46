"""The words in which a field says who writes it, how it is reset, how it travels and how it is compared."""

from __future__ import annotations

import enum
from typing import Final


class Access(enum.Enum):
    """Who may write a field, and when. PLANNING: it tells the planner what to do and never travels."""

    UPDATABLE = "updatable"
    CREATE_ONLY = "create-only"
    READ_ONLY = "read-only"
    WRITE_ONLY = "write-only"
    PLANNING = "planning"


class Reset(enum.Enum):
    """How a field goes back to its default once the file no longer names it (S16)."""

    VALUE = "value"
    RECREATE = "recreate"
    NONE = "none"


class Codec(enum.Enum):
    """How the canonical value travels.

    JSON_TEXT: the wire has a string that holds JSON. ARCHIVE: the wire has a code archive, reads give its checksum.
    """

    PLAIN = "plain"
    JSON_TEXT = "json-text"
    ARCHIVE = "archive"


CHECKSUMS: Final = {
    "crc64": ("CRC-64 in unsigned decimal", r"[0-9]+"),
    "md5": ("MD5 in hex", r"[0-9a-f]{32}"),
    "sha512": ("SHA-512 in hex", r"[0-9a-f]{128}"),
}
"""By the kind of a checksum: what it is called, and its form."""


class Order(enum.Enum):
    """Whether the order of a list means something."""

    LIST = "list"
    SET = "set"


class _Unsent(enum.Enum):
    NOT_SENT = "not-sent"


NOT_SENT: Final = _Unsent.NOT_SENT
"""As the value that empties a field: nothing travels, and the fields of `together`, sent without this one, empty it."""
