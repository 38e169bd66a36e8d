"""Work that the first signal ends."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import trio

from .._groups import ungrouped

T = TypeVar("T")


async def until_signalled(
    work: Callable[[], Awaitable[T]], beside: Callable[[], Awaitable[object]]
) -> T | None:
    """What `work` returns; None when SIGINT or SIGTERM came first, and it was cancelled.

    Args:
      work: what is done.
      beside: goes on meanwhile, and is cancelled at the end.

    Raises:
      Exception: what `work` raises.
    """
    result: T | None = None
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received, ungrouped():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_cancel_at_the_first, received, nursery.cancel_scope)
            nursery.start_soon(beside)
            result = await work()
            nursery.cancel_scope.cancel()
    return result


async def _cancel_at_the_first(received: AsyncIterator[int], scope: trio.CancelScope) -> None:
    async for _ in received:
        scope.cancel()
