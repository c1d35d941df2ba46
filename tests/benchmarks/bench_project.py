"""Projects of any size, written as a user would write them, to a folder."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ACCOUNT = 1_234_567_890_123_456
REGIONS = ("cn-hangzhou", "cn-shanghai", "cn-beijing", "cn-shenzhen", "cn-qingdao")
_HANDLER = "def handler(event, context):\n    return 'ok'\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """So many services of so many functions with so many triggers each, in each of so many targets.

    `archive` is the size in bytes of what is packed for each function, 0: all share one small folder. `large` is the
    size of the folder that the first function has for itself, 0: it has none.
    """

    services: int
    functions: int
    triggers: int = 1
    targets: int = 1
    archive: int = 0
    large: int = 0

    @property
    def resources(self) -> int:
        """How many resources that are, in all targets."""
        return self.targets * self.services * (1 + self.functions * (1 + self.triggers))


def write_project(folder: Path, shape: Shape) -> None:
    """Write the spec and the code that it names."""
    _write_code(folder / "code")
    if shape.archive:
        for service, function in _functions(shape):
            _write_code(folder / _own_code(service, function), shape.archive, seed=service * 100_000 + function)
    if shape.large:
        _write_code(folder / "large", shape.large)
    (folder / "fcdeploy.yaml").write_text("\n".join(spec_lines(shape)) + "\n", encoding="utf-8")


def write_large(folder: Path, shape: Shape, seed: int) -> None:
    """Write the folder of the first function anew, with other content for each seed."""
    _write_code(folder / "large", shape.large, seed=seed)


def spec_lines(shape: Shape) -> Iterator[str]:
    """The spec, line by line."""
    yield from ("apiVersion: fcdeploy/v1", "project: bench", "targets:")
    yield from target_lines(shape.targets)
    yield "services:"
    for service in range(shape.services):
        yield f"  svc{service:04}:"
        yield f"    description: service {service}"
        yield "    functions:"
        for function in range(shape.functions):
            yield from _function_lines(shape, service, function)


def target_lines(targets: int) -> Iterator[str]:
    """`dev` when there is one; else five regions of each account."""
    if targets == 1:
        yield f'  dev: {{provider: alibaba, region: {REGIONS[0]}, account: "{ACCOUNT}"}}'
        return
    for number in range(targets):
        account = ACCOUNT + number // len(REGIONS)
        region = REGIONS[number % len(REGIONS)]
        yield f'  t{number:04}: {{provider: alibaba, region: {region}, account: "{account}"}}'


def _functions(shape: Shape) -> Iterator[tuple[int, int]]:
    return ((service, function) for service in range(shape.services) for function in range(shape.functions))


def _own_code(service: int, function: int) -> str:
    return f"code-{service:04}-{function:04}"


def _code_of(shape: Shape, service: int, function: int) -> str:
    if shape.large and (service, function) == (0, 0):
        return "large"
    return _own_code(service, function) if shape.archive else "code"


def _function_lines(shape: Shape, service: int, function: int) -> Iterator[str]:
    yield f"      fn{function:04}:"
    yield "        runtime: python3.10"
    yield "        handler: index.handler"
    yield f"        code: {_code_of(shape, service, function)}"
    yield "        memorySize: 512"
    yield "        timeout: 30"
    yield "        environmentVariables:"
    yield f"          NAME: fn-{service}-{function}"
    yield "          STAGE: prod"
    if shape.triggers:
        yield "        triggers:"
    for trigger in range(shape.triggers):
        cron = f"0 {function % 60} {function % 24} * * *"
        config = f'{{payload: p{function}, cronExpression: "{cron}", enable: true}}'
        yield f"          t{trigger}: {{type: timer, config: {config}}}"


def _write_code(folder: Path, size: int = 0, seed: int = 0) -> None:
    """A handler and, besides, so many bytes that no packing makes smaller."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.py").write_text(_HANDLER, encoding="utf-8")
    if size:
        (folder / "model.bin").write_bytes(random.Random(seed).randbytes(size))
