"""The chosen targets, each with its cloud."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from fcdeploy.app.bench import Cloud, opened_cloud
from fcdeploy.app.rollout import works_in_waves
from fcdeploy.app.selection import Chosen
from fcdeploy.app.work import Work


@contextmanager
def opened_works(every: Sequence[Chosen]) -> Iterator[list[Work]]:
    """The chosen targets in the order in which they go, each with its cloud; all share what a service can take."""
    with ExitStack() as stack:
        works: list[Work] = []
        cloud: Cloud | None = None
        for one in every:
            cloud = stack.enter_context(opened_cloud(one.where, one.project.name, one.project.root, cloud))
            works += works_in_waves(one.where, one.project, one.targets, cloud, one.policing)
        yield works
