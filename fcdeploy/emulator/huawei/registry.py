"""All operations of FunctionGraph."""

from fcdeploy.emulator.huawei import (
    account,
    alias,
    async_config,
    dependency,
    function,
    invocation,
    reserved,
    tag,
    transfer,
    trigger,
    version,
)

ROUTES = (
    *function.ROUTES,
    *version.ROUTES,
    *alias.ROUTES,
    *trigger.ROUTES,
    *dependency.ROUTES,
    *reserved.ROUTES,
    *async_config.ROUTES,
    *tag.ROUTES,
    *transfer.ROUTES,
    *invocation.ROUTES,
    *account.ROUTES,
)
