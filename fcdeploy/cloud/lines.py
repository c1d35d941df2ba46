"""The connections of one command: made with the first call, shared by all clients, closed with the last of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fcdeploy.cloud.exchange import App, Line

DEADLINE: Final = 60.0
"""Seconds for a small call."""


class Lines:
    """What the clients of a command send on; `app` is an ASGI application that takes the place of the network.

    A target has a client of its own, but connections, the certificates that they trust and the addresses of hosts are
    nothing of one target.
    """

    def __init__(self, app: App | None = None, *, deadline: float = DEADLINE) -> None:
        self._app = app
        self._deadline = deadline
        self._line: Line | None = None
        self._users = 0

    def taken(self) -> Line:
        """The one line that all use, for as long as it is not given back."""
        self._users += 1
        if self._line is None:
            self._line = self._made()
        return self._line

    async def give_back(self) -> None:
        """Whoever took it no longer needs it; the last one closes all connections."""
        self._users -= 1
        if self._users == 0 and self._line is not None:
            line, self._line = self._line, None
            await line.aclose()

    def _made(self) -> Line:
        if self._app is not None:
            from fcdeploy.cloud.indoors import Indoors

            return Indoors(self._app, deadline=self._deadline)
        from fcdeploy.cloud.wire import Wire

        return Wire(deadline=self._deadline)
