"""What SIGINT (Ctrl-C), SIGTERM and SIGHUP do to the work of a command."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final, TypeVar

import trio

from .._exception_groups import ungrouped
from . import process

T = TypeVar("T")

Stages = deque[Callable[[int], Awaitable[object]]]
"""What the next signals do, in this order; each is given the number of its signal."""

LAST: Final = 3
"""The signal that ends the process, whatever goes on in it."""


async def until_signalled(
    work: Callable[[trio.Nursery], Awaitable[T]],
    stages: Stages,
    *,
    hang_up: Callable[[], object] | None = None,
) -> T | None:
    """What `work` returns; None when signals came and it was cancelled.

    Args:
      work: is given a nursery for helper tasks, which are cancelled when it ends.
      stages: each signal takes the first one and runs it in a task of its own, so that none can hold up
        the next signal. When there is none, `work` is cancelled. SIGHUP only counts when it is the first
        signal: a shell that ends sends it to its jobs, and the kernel sends it once more. The third signal
        cancels `work` in any case, and what has not ended a second later ends with the process.
      hang_up: what SIGHUP calls instead, each time, where it is for services: to read a file again.

    Raises:
      Exception: what `work` raises, as itself.
    """
    result: T | None = None
    send, received = trio.open_memory_channel[int](LAST)
    with send, received, _handled(send, hang_up), ungrouped():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_react, received, stages, nursery)
            result = await work(nursery)
            nursery.cancel_scope.cancel()
    return result


async def _react(received: trio.MemoryReceiveChannel[int], stages: Stages, nursery: trio.Nursery) -> None:
    count = 0
    async for number in received:
        count += 1
        if stages and count < LAST:
            nursery.start_soon(stages.popleft(), number)
        else:
            nursery.cancel_scope.cancel()


@contextmanager
def _handled(send: trio.MemorySendChannel[int], hang_up: Callable[[], object] | None) -> Iterator[None]:
    """Have signals sent to the channel. Its third is acted upon at once: the event loop may be stuck."""
    token, count = trio.lowlevel.current_trio_token(), 0

    def deliver(number: int) -> None:
        with suppress(trio.ClosedResourceError, trio.BrokenResourceError):  # the work has just ended
            send.send_nowait(number)

    def handle(number: int, _: FrameType | None) -> None:
        nonlocal count
        if number == signal.SIGHUP and hang_up is not None:
            token.run_sync_soon(hang_up)
            return
        if number == signal.SIGHUP and count:
            return
        count += 1
        if count == LAST:
            process.end_soon()
        if count <= LAST:
            token.run_sync_soon(deliver, number)

    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup has it
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
