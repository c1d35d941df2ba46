"""The connections of one command: made with the first call to a host, shared, closed with the last who uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fcdeploy.cloud.exchange import App, Line

DEADLINE: Final = 60.0
"""Seconds for a small call."""


class Lines:
    """What the clients of a command send on; `app` is an ASGI application that takes the place of the network.

    Targets of one account and region share theirs. Others have their own, also where all are led through one endpoint:
    what stands there may tell hosts apart by the connection, and one that hangs holds up no other.
    """

    def __init__(self, app: App | None = None, *, deadline: float = DEADLINE) -> None:
        self._app = app
        self._deadline = deadline
        self._made: dict[str, Line] = {}
        self._users: dict[str, int] = {}

    def taken(self, host: str) -> Line:
        """The line on which calls to a host travel, for as long as it is not given back."""
        self._users[host] = self._users.get(host, 0) + 1
        if host not in self._made:
            self._made[host] = self._line()
        return self._made[host]

    async def give_back(self, host: str) -> None:
        """Whoever took it no longer needs it; the last one closes its connections."""
        self._users[host] -= 1
        if not self._users[host]:
            del self._users[host]
            await self._made.pop(host).aclose()

    def _line(self) -> Line:
        if self._app is not None:
            from fcdeploy.cloud.indoors import Indoors

            return Indoors(self._app, deadline=self._deadline)
        from fcdeploy.cloud.wire import Wire

        return Wire(deadline=self._deadline)
