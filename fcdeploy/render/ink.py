"""Colour: what each role looks like on a terminal. Pure; with `PLAIN` every text stays as it is."""

from __future__ import annotations

import enum

from msgspec import Struct

from fcdeploy.model import Action


class Role(enum.Enum):
    """What a piece of text is; the value is its SGR code (ECMA-48)."""

    CREATE = "32"
    UPDATE = "33"
    REPLACE = "35"
    DELETE = "31"
    HEADING = "1"
    FAINT = "2"
    ERROR = "1;31"
    WARNING = "1;33"
    HINT = "36"
    GOOD = "1;32"


ROLES = {
    Action.CREATE: Role.CREATE,
    Action.UPDATE: Role.UPDATE,
    Action.REPLACE: Role.REPLACE,
    Action.DELETE: Role.DELETE,
    Action.NONE: Role.FAINT,
}

GLYPHS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.REPLACE: "±",
    Action.DELETE: "-",
    Action.NONE: " ",
}
"""What tells the actions apart without colour."""


class Ink(Struct, frozen=True):
    """Paints or does not."""

    colour: bool

    def __call__(self, text: str, role: Role) -> str:
        """The text in its role's colour; an empty text stays empty."""
        return f"\x1b[{role.value}m{text}\x1b[0m" if self.colour and text else text

    def glyph(self, action: Action) -> str:
        """The action's sign."""
        return _PAINTED[self.colour][action]


PLAIN = Ink(False)
COLOURED = Ink(True)

_PAINTED = {
    ink.colour: {action: ink(sign, ROLES[action]) for action, sign in GLYPHS.items()} for ink in (PLAIN, COLOURED)
}
