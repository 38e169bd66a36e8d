"""The worker threads of one store."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar, TypeVarTuple, Unpack

import trio

from .._errors import OUT_OF_MEMORY, StoreUnavailable
from .._threads import NoThread, in_thread

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Run(Protocol):
    """Runs a blocking call in a thread."""

    async def __call__(self, call: Callable[[Unpack[Ts]], T], /, *args: *Ts) -> T:
        """Return what ``call(*args)`` returns, or raise what it raises."""


class Threads:
    """Runs a store's blocking calls, with a limiter that nothing else uses.

    Trio's default limiter is shared by everything in the process that looks up a name or waits
    for a file. 500 lookups of one second made an unrelated insert wait 12 seconds there, so no
    call of a store ever takes one of its tokens, not even to connect or to close.

    Cancellation: while a call waits for a thread, it is given up; once it runs, it is waited for and its
    result returned. An abandoned write would still happen, and nobody would know. So every call
    needs a timeout of its own.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.limiter = trio.CapacityLimiter(width)
        self._reserved = trio.CapacityLimiter(math.inf)  # for calls that have a token already

    async def run(self, call: Callable[[Unpack[Ts]], T], *args: *Ts) -> T:
        """Call ``call(*args)`` in a thread and return its result, or raise its error."""
        return await _run(call, *args, limiter=self.limiter)

    async def close(self, call: Callable[[], None]) -> None:
        """The same for what has to be done: in place where no thread can be started."""
        try:
            await in_thread(call, limiter=self.limiter)
        except NoThread:
            call()

    @asynccontextmanager
    async def reserved(self) -> AsyncIterator[Run]:
        """Wait for a thread, which is reserved for the calls of the block: they start at once.

        For a caller who decides what to do when it can be started.
        """

        async def run(call: Callable[[Unpack[Ts]], T], /, *args: *Ts) -> T:
            return await _run(call, *args, limiter=self._reserved)

        async with self.limiter:
            yield run


async def _run(call: Callable[[Unpack[Ts]], T], *args: *Ts, limiter: trio.CapacityLimiter) -> T:
    try:
        return await in_thread(call, *args, limiter=limiter)
    except NoThread as error:
        raise StoreUnavailable(f"no thread could be started for the store: {error.strerror}") from error
    except MemoryError as error:  # other feeds may leave some
        raise StoreUnavailable(OUT_OF_MEMORY) from error
