"""Rules between the fields of a function: facts 9.2 and 13, S5."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fcdeploy.kinds.code_rules import code_findings, image_findings
from fcdeploy.kinds.descriptor import Finding
from fcdeploy.kinds.risks import LIMITS
from fcdeploy.model import Json

CONTAINER = ("custom-container",)
CUSTOM = ("custom", "custom.debian10", *CONTAINER)
PYTHON = ("python3.10", "python3.9", "python3", "python2.7")
OTHER = (
    *("nodejs20", "nodejs18", "nodejs16", "nodejs14", "nodejs12", "nodejs10", "nodejs8", "nodejs6", "nodejs4.4"),
    *("java11", "java8", "go1", "php7.2", "dotnetcore3.1", "dotnetcore2.1"),
)
MEMORY_MB: Mapping[str, tuple[int, int]] = {"e1": (128, 3072)}
MEMORY_STEPS_MB: Mapping[str, tuple[int, ...]] = {"c1": (4096, 8192, 16384, 32768)}

MOST_VARIABLES = 4096
"""Bytes of all names and values of environment variables: commonly said, by no document of the vendor (facts 13)."""


def check(body: Mapping[str, Json], api: str, name: str) -> Iterable[Finding]:
    """Rules between fields: facts 9.2 (code xor container, memory by instance type, concurrency), 13, S5."""
    del api, name
    runtime = body.get("runtime")
    yield from code_findings(body, containers=CONTAINER)
    if runtime in CONTAINER:
        yield from image_findings(body, example="registry/name:tag@sha256:…")
    yield from _check_size(body)
    yield from _check_concurrency(body, runtime)
    if runtime is not None and runtime not in CUSTOM:
        if not body.get("handler"):
            yield Finding(
                path="",
                summary="`handler` is missing",
                detail=f"runtime {runtime} needs the name of what is called",
                hint="for example `handler: index.handler`",
            )
        for field in ("caPort", "customRuntimeConfig", "customHealthCheckConfig"):
            if body.get(field) is not None:
                yield Finding(
                    path=field,
                    summary=f"`{field}` is only for the custom runtimes",
                    detail=f"runtime is {runtime}",
                    hint=f"remove it, or use one of: {', '.join(CUSTOM)}",
                )
    if body.get("initializationTimeout") is not None and not body.get("initializer"):
        yield Finding(
            path="initializationTimeout",
            summary="`initializationTimeout` has no effect without `initializer`",
            is_warning=True,
        )


def _check_size(body: Mapping[str, Json]) -> Iterable[Finding]:
    memory, instance = body.get("memorySize"), body.get("instanceType") or "e1"
    cpu = body.get("cpu")
    if isinstance(cpu, int | float) and abs(cpu * 20 - round(cpu * 20)) > 1e-9:
        yield Finding(path="cpu", summary="cpu must be a multiple of 0.05", detail=f"found {cpu}")
    if body.get("gpuMemorySize") is not None and instance in ("e1", "c1"):
        yield Finding(
            path="gpuMemorySize",
            summary="`gpuMemorySize` needs a GPU instance",
            detail=f"instanceType is {instance}",
            hint="set `instanceType: fc.gpu.tesla.1` or `fc.gpu.ampere.1`",
        )
    if memory is None:
        if instance != "e1":
            yield Finding(
                path="",
                summary="`memorySize` is missing",
                detail=f"instance type {instance} has no default size",
                hint="write `memorySize` in megabytes",
            )
        return
    if not isinstance(memory, int):
        return
    low_high, steps = MEMORY_MB.get(instance), MEMORY_STEPS_MB.get(instance)
    if low_high and not low_high[0] <= memory <= low_high[1]:
        yield Finding(
            path="memorySize",
            summary=f"memorySize must be {low_high[0]} to {low_high[1]} MB for instance type {instance}",
            detail=f"found {memory}",
            hint="more memory needs `instanceType: c1`" if memory > low_high[1] else "",
        )
    if steps and memory not in steps:
        yield Finding(
            path="memorySize",
            summary=f"memorySize must be one of {', '.join(map(str, steps))} MB for instance type {instance}",
            detail=f"found {memory}",
        )


def _check_concurrency(body: Mapping[str, Json], runtime: Json) -> Iterable[Finding]:
    hard, soft = body.get("instanceConcurrency"), body.get("instanceSoftConcurrency")
    if runtime in PYTHON and isinstance(hard, int) and hard > 1:
        yield Finding(
            path="instanceConcurrency",
            summary="Python runtimes serve one call at a time in an instance",
            detail=f"instanceConcurrency is {hard}, runtime is {runtime}",
            hint="remove it, or use a custom runtime",
        )
    if isinstance(soft, int) and soft > (hard if isinstance(hard, int) else 1):
        yield Finding(
            path="instanceSoftConcurrency",
            summary="instanceSoftConcurrency must not be above instanceConcurrency",
            detail=f"{soft} is more than {hard if isinstance(hard, int) else '1, the default'}",
        )


def risks(body: Mapping[str, Json], api: str, name: str) -> Iterable[Finding]:
    """Facts 13, S5."""
    del api, name
    variables = body.get("environmentVariables")
    given = [*variables, *variables.values()] if isinstance(variables, Mapping) else []
    # What is known only after apply has no length yet.
    size = len("".join([one for one in given if isinstance(one, str)]).encode())
    if size > MOST_VARIABLES:
        yield Finding(
            path="environmentVariables",
            summary=f"the environment variables have more than {MOST_VARIABLES:,} bytes",
            detail=f"names and values together have {size:,}; the service is said to refuse that",
            hint="put what is large into a file of the code, or into a bucket",
            is_warning=True,
            risk=LIMITS,
        )
