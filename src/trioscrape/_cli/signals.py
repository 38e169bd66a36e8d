"""What SIGINT (Ctrl-C), SIGTERM and SIGHUP do to the work of a command."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import trio

from .._exception_groups import ungrouped

T = TypeVar("T")

Stages = deque[Callable[[int], Awaitable[object]]]
"""What the next signals do, in this order; each is given the number of its signal."""


async def until_signalled(work: Callable[[trio.Nursery], Awaitable[T]], stages: Stages) -> T | None:
    """What `work` returns; None when signals came and it was cancelled.

    Args:
      work: is given a nursery for helper tasks, which are cancelled when it ends.
      stages: each signal takes the first one and runs it in a task of its own, so that none can hold up
        the next signal. When there is none, `work` is cancelled. SIGHUP only counts when it is the first
        signal: a shell that ends sends it to its jobs, and the kernel sends it once more.

    Raises:
      Exception: what `work` raises, as itself.
    """
    result: T | None = None
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup has it
        numbers.append(signal.SIGHUP)
    with trio.open_signal_receiver(*numbers) as received, ungrouped():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_react, received, stages, nursery)
            result = await work(nursery)
            nursery.cancel_scope.cancel()
    return result


async def _react(received: AsyncIterator[int], stages: Stages, nursery: trio.Nursery) -> None:
    first = True
    async for number in received:
        if number == signal.SIGHUP and not first:
            continue
        first = False
        if stages:
            nursery.start_soon(stages.popleft(), number)
        else:
            nursery.cancel_scope.cancel()
