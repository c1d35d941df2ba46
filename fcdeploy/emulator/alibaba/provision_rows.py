"""Stored provision configs: when one counts as gone, how many instances it has, what they stand in the way of.

Rows are under their service, named ``Q#F``: a ``#`` sorts before every character of a name, so their order is that of
the ``resource`` field. ``_was`` is how many instances there were when the config was put, ``_put`` the unix time.
"""

from fcdeploy.emulator.alibaba.common import PROVISION
from fcdeploy.emulator.alibaba.errors import PROVISION_EXISTS
from fcdeploy.emulator.exchange import Request
from fcdeploy.emulator.store import Row, Session


def current_of(request: Request, row: Row) -> int:
    """Return how many instances there are now: on a straight line to the target, reached after the delay (facts 11)."""
    was, put, target = row.body["_was"], row.body["_put"], row.body["target"]
    assert isinstance(was, int) and isinstance(put, int | float) and isinstance(target, int)
    delay = request.world.settings.delays.provision
    if delay <= 0:
        return target
    share = min(max((request.now - put) / delay, 0.0), 1.0)
    return target if share == 1.0 else was + int((target - was) * share)


def is_gone(request: Request, row: Row) -> bool:
    """Tell whether a config is as good as none: target 0, nothing planned, and no instance left (facts 9.7)."""
    body = row.body
    planned = body["target"] or body["scheduledActions"] or body["targetTrackingPolicies"]
    return not planned and current_of(request, row) == 0


def standing(request: Request, session: Session, service: str) -> list[Row]:
    """Return the configs of a service that are not gone, by qualifier and function."""
    return [row for row in session.children(PROVISION, service) if not is_gone(request, row)]


def check_not_provisioned(
    request: Request, session: Session, service: str, *, function: str | None = None, qualifier: str | None = None
) -> None:
    """Refuse to take away a function or an alias that a provision config stands on.

    The code is that of the FC 3.0 successor, which refuses to delete such a function with 409 until the instances
    are really gone; the alias is [INF] (facts 9.7, 16.5).
    """
    for row in standing(request, session, service):
        by, of = row.name.split("#")
        if function in (None, of) and qualifier in (None, by):
            raise PROVISION_EXISTS(of, service, by)
