"""What SIGINT (Ctrl-C) and SIGTERM do to the work of a command."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import trio

from .._exception_groups import ungrouped

T = TypeVar("T")

Stages = deque[Callable[[], Awaitable[object]]]
"""What the next signals do, in this order."""


async def until_signalled(work: Callable[[trio.Nursery], Awaitable[T]], stages: Stages) -> T | None:
    """What `work` returns; None when signals came and it was cancelled.

    Args:
      work: is given a nursery for helper tasks, which are cancelled when it ends.
      stages: each signal takes the first one and runs it in a task of its own, so that none can hold up
        the next signal. When there is none, `work` is cancelled.

    Raises:
      Exception: what `work` raises, as itself.
    """
    result: T | None = None
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received, ungrouped():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_react, received, stages, nursery)
            result = await work(nursery)
            nursery.cancel_scope.cancel()
    return result


async def _react(received: AsyncIterator[int], stages: Stages, nursery: trio.Nursery) -> None:
    async for _ in received:
        if stages:
            nursery.start_soon(stages.popleft())
        else:
            nursery.cancel_scope.cancel()
