"""Rules between the fields of a function, and what there is not: facts 3.2, 3.3, 3.6, 15, S45."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from fcdeploy.kinds.code_rules import code_findings, image_findings
from fcdeploy.kinds.descriptor import Finding
from fcdeploy.kinds.huawei.function_fields import MOST_VARIABLES
from fcdeploy.kinds.huawei.runtimes import CONTAINER, DOTTED, GPU, JAVA, SERVERS
from fcdeploy.kinds.huawei.shared_fields import MARK_TAGS, MAX_TAGS
from fcdeploy.kinds.huawei.urn import NAME_PATTERN
from fcdeploy.model import Json, Sensitive

VARIABLES_LENGTH = 4096
"""Characters of all environment variables as JSON (facts 3.2)."""

LACKS: Mapping[str, str] = {
    "instanceType": "size comes with `memorySize`; a GPU with `gpuType` and `gpuMemorySize`",
    "cpu": "the share of a CPU follows from `memorySize`",
    "instanceSoftConcurrency": "the service decides when it starts a further instance: write `instanceConcurrency`",
    "caPort": "a server listens on port 8000",
    "customRuntimeConfig": "a custom runtime starts the file `bootstrap` of its code: put the command there",
    "customHealthCheckConfig": "the service has no check to be set; a Java function can have a `heartbeatHandler`",
    "customDNS": "name servers cannot be set; private names of a VPC are `domainNames`",
}
"""Words of a function elsewhere that there are not here, each with what comes nearest."""

_ONLY: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("gpuType", GPU),
    ("gpuMemorySize", GPU),
    ("heartbeatHandler", JAVA),
    ("restoreHookHandler", JAVA),
    ("enableClassIsolation", JAVA),
    ("enableAuthInHeader", CONTAINER),
)
_SHORT_HANDLER = 3


def check(body: Mapping[str, Json], api: str, name: str) -> Iterable[Finding]:
    """Rules that no schema of one field can say."""
    del api
    runtime = body.get("runtime")
    if len(name) > 1 and re.search(NAME_PATTERN, name) is None:
        yield Finding(
            path="",
            summary=f"`{name}` cannot be the name of a function",
            detail="up to 60 letters, digits, `_` and `-`; the first is a letter, the last a letter or digit",
            hint="the name is made of the service's and the function's: set another with `name`",
        )
    yield from code_findings(body, containers=CONTAINER, excluded=("code", "layers"))
    yield from _check_handler(body, runtime)
    yield from _check_runtime(body, runtime)
    yield from _check_variables(body)
    yield from _check_places(body)


def _check_handler(body: Mapping[str, Json], runtime: Json) -> Iterable[Finding]:
    handler = body.get("handler")
    if runtime in DOTTED or runtime in ("go1", "go1.8", "cangjie1.0"):
        if not handler:
            yield Finding(
                path="",
                summary="`handler` is missing",
                detail=f"runtime {runtime} needs the name of what is called",
                hint="for example `handler: index.handler`" if runtime in DOTTED else "for example `handler: handler`",
            )
        elif isinstance(handler, str) and runtime in DOTTED and "." not in handler:
            yield Finding(
                path="handler",
                summary="`handler` has no dot",
                detail=f"runtime {runtime} calls a function in a file; found {handler}",
                hint="for example `handler: index.handler`",
            )
    for field, timeout in (
        ("initializer", "initializationTimeout"),
        ("restoreHookHandler", "restoreHookTimeout"),
    ):
        if body.get(timeout) is not None and not body.get(field):
            yield Finding(path=timeout, summary=f"`{timeout}` has no effect without `{field}`", is_warning=True)
        hook = body.get(field)
        if isinstance(hook, str) and hook and runtime in DOTTED and "." not in hook:
            yield Finding(path=field, summary=f"`{field}` has no dot", detail=f"found {hook}")


def _check_runtime(body: Mapping[str, Json], runtime: Json) -> Iterable[Finding]:
    if runtime is None:
        return
    for field, allowed in _ONLY:
        if body.get(field) and runtime not in allowed:
            yield Finding(
                path=field,
                summary=f"`{field}` does not go with runtime {runtime}",
                hint=f"remove it, or use one of: {', '.join(allowed)}",
            )
    concurrency, disk = body.get("instanceConcurrency"), body.get("diskSize")
    if isinstance(concurrency, int) and concurrency > 1 and runtime not in SERVERS:
        yield Finding(
            path="instanceConcurrency",
            summary=f"runtime {runtime} serves one call at a time in an instance",
            detail=f"instanceConcurrency is {concurrency}",
            hint=f"remove it, or use one of: {', '.join(SERVERS)}",
        )
    if disk not in (None, 512) and runtime not in SERVERS:
        yield Finding(
            path="diskSize",
            summary=f"the disk of runtime {runtime} has 512 MB",
            hint=f"remove it, or use one of: {', '.join(SERVERS)}",
        )
    if body.get("type") == "v1":
        for field in ("ltsCustomTags", "stateful"):
            if body.get(field):
                yield Finding(path=field, summary=f"`{field}` needs a function of type v2")
        most = (body.get("onDemand") or {}).get("maximumInstanceCount")
        if most not in (None, 0, -1):
            yield Finding(
                path="onDemand.maximumInstanceCount",
                summary="a function of type v1 has any number of instances (-1) or none (0)",
                detail=f"found {most}",
            )


def _check_variables(body: Mapping[str, Json]) -> Iterable[Finding]:
    given, stored = body.get("environmentVariables"), body.get("encryptedVariables")
    plain = given if isinstance(given, Mapping) else {}
    more = stored if isinstance(stored, Mapping) else {}
    for key in sorted({*plain} & {*more}):
        yield Finding(
            path=f"encryptedVariables.{key}",
            summary=f"`{key}` is given twice",
            detail="it stands in `environmentVariables` and in `encryptedVariables`",
        )
    secret = {**{key: one for key, one in plain.items() if isinstance(one, Sensitive)}, **more}
    for path, variables in (
        ("environmentVariables", {key: one for key, one in plain.items() if key not in secret}),
        ("encryptedVariables", secret),
    ):
        # What is known only after apply has no length yet.
        text = json.dumps({key: str.__str__(one) if isinstance(one, str) else "" for key, one in variables.items()})
        if len(text) > VARIABLES_LENGTH:
            yield Finding(
                path=path if path in body else "environmentVariables",
                summary=f"the variables have more than {VARIABLES_LENGTH:,} characters",
                detail=f"as JSON they have {len(text):,}",
                hint="put what is large into a file of the code, or into a bucket",
            )
        if len(variables) > MOST_VARIABLES:
            yield Finding(path=path, summary=f"there are more than {MOST_VARIABLES} variables")
    tags = body.get("tags")
    if secret and isinstance(tags, Mapping) and len(tags) >= MAX_TAGS - MARK_TAGS:
        yield Finding(
            path="tags",
            summary=f"a function with secrets has room for {MAX_TAGS - MARK_TAGS - 1} tags",
            detail="the service takes twenty; three are of fcdeploy: whose it is, and a digest of the secrets",
        )


def _check_places(body: Mapping[str, Json]) -> Iterable[Finding]:
    for field in ("vpcConfig", "nasConfig"):
        if body.get(field) and not body.get("role"):
            yield Finding(
                path=field,
                summary=f"`{field}` needs a role",
                detail="the service reaches it with the permissions of an agency",
                hint="set `role: NAME`, the name of the agency, on the function or on its service",
            )
    vpc = body.get("vpcConfig")
    if isinstance(vpc, Mapping) and vpc.get("moreSecurityGroupIds") and not vpc.get("securityGroupId"):
        yield Finding(
            path="vpcConfig.moreSecurityGroupIds",
            summary="`moreSecurityGroupIds` are those after the first",
            hint="write the first as `securityGroupId`",
        )
    if body.get("domainNames") and not body.get("vpcConfig"):
        yield Finding(path="domainNames", summary="`domainNames` needs a VPC", hint="write `vpcConfig` as well")
    mounts = body.get("nasConfig")
    for one in ("userId", "groupId"):
        if isinstance(mounts, Mapping) and mounts.get(one) in (0, 1000, 1002):
            yield Finding(
                path=f"nasConfig.{one}",
                summary=f"`{one}` cannot be {mounts[one]}",
                detail="0 is root, 1000 and 1002 belong to the service",
                hint="-1 lets the service choose",
            )
    for at, mount in enumerate(mounts.get("mountPoints") or () if isinstance(mounts, Mapping) else ()):
        if isinstance(mount, Mapping) and mount.get("sharePath") and mount.get("type") != "ecs":
            yield Finding(path=f"nasConfig.mountPoints.{at}.sharePath", summary="`sharePath` is only for type ecs")


def risks(body: Mapping[str, Json], api: str, name: str) -> Iterable[Finding]:
    """An image by a tag, which may lead to another one tomorrow."""
    del api, name
    yield from image_findings(body, example="swr.…/name@sha256:…")
