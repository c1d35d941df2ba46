"""The kinds of Function Compute 2.0: one file each, and one line of registration here."""

from fcdeploy.emulator.alibaba import function, service, tag, trigger
from fcdeploy.emulator.routes import Route

ROUTES: tuple[Route, ...] = (
    *service.ROUTES,
    *function.ROUTES,
    *trigger.ROUTES,
    *tag.ROUTES,
)
