"""Waiting for the end of another run that uses the store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TypeVar

from .._errors import StoreInUse
from .progress import Progress

T = TypeVar("T")


@asynccontextmanager
async def in_turn(
    opened: Callable[[float], AbstractAsyncContextManager[T]], wait: float, progress: Progress
) -> AsyncIterator[T]:
    """`opened` in the block; what is waited for is said once.

    Args:
      opened: what raises `StoreInUse` if it can't be opened within the seconds that it is given.
      wait: seconds to wait.
      progress: where to say so.

    Raises:
      StoreInUse: another run uses the store, and has not ended in time.
    """
    async with AsyncExitStack() as stack:
        try:
            entered = await stack.enter_async_context(opened(0))
        except StoreInUse as error:
            if not wait:
                raise StoreInUse(f"{error}; to wait for its end, use --wait-for-store 15m") from error
            await progress.say(f"{error}; waiting for its end")
            entered = await stack.enter_async_context(opened(wait))
        yield entered
