"""The kinds of Function Compute 2.0: one file each, and one line of registration here.

To add a kind: write ``alibaba/<kind>.py`` with its fields (:mod:`.fields`), its operations as functions from
:class:`~fcdeploy.emulator.exchange.Request` to :class:`~fcdeploy.emulator.exchange.Reply`, and a tuple ``ROUTES`` whose
entries name the stored kind, the extent of the emulation, and the sources of its rules; then add it below. Names of
stored kinds, and where their rows live, are in :mod:`.common`; reading through a version or an alias is
:mod:`.qualifiers`; what must be gone before a service or a function
is deleted is said in :mod:`.service` and :mod:`.function`.
"""

from fcdeploy.emulator.alibaba import (
    account,
    alias,
    async_config,
    binding,
    domain,
    function,
    http_trigger,
    invocation,
    layer,
    on_demand,
    provision,
    service,
    tag,
    temp_bucket,
    trigger,
    version,
)
from fcdeploy.emulator.routes import Route

ROUTES: tuple[Route, ...] = (
    *service.ROUTES,
    *function.ROUTES,
    *trigger.ROUTES,
    *version.ROUTES,
    *alias.ROUTES,
    *provision.ROUTES,
    *on_demand.ROUTES,
    *async_config.ROUTES,
    *invocation.ROUTES,
    *http_trigger.ROUTES,
    *layer.ROUTES,
    *domain.ROUTES,
    *binding.ROUTES,
    *account.ROUTES,
    *temp_bucket.ROUTES,
    *tag.ROUTES,
)
