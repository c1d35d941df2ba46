"""Several reads at once: none of them outlives the failure of another."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")
U = TypeVar("U")


async def together(reads: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results in the order given. When one fails, the others are cancelled and waited for, then its error rises."""
    return await gathered([asyncio.create_task(one) for one in reads])


async def gathered(tasks: Sequence[asyncio.Task[T]]) -> list[T]:
    """The results of what was begun before; a failure as in `together`."""
    if not tasks:
        return []
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        await dropped(tasks)
        raise


async def dropped(tasks: Sequence[asyncio.Task[T]]) -> None:
    """End what was begun before and is of no use any more."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def both(one: Coroutine[Any, Any, T], other: Coroutine[Any, Any, U]) -> tuple[T, U]:
    """The two results; a failure as in `together`."""
    found: list[Any] = await together([one, other])
    return found[0], found[1]
