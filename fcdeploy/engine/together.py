"""Several reads at once: none of them outlives the failure of another."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")
U = TypeVar("U")


async def together(reads: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results in the order given. When one fails, the others are cancelled and waited for, then its error rises."""
    tasks = [asyncio.create_task(one) for one in reads]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def both(one: Coroutine[Any, Any, T], other: Coroutine[Any, Any, U]) -> tuple[T, U]:
    """The two results; a failure as in `together`."""
    found: list[Any] = await together([one, other])
    return found[0], found[1]
