"""The worker threads of one store."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar, TypeVarTuple, Unpack

import trio

from .._errors import StoreUnavailable
from .._threads import NoThread, in_thread

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Run(Protocol):
    """How a blocking call is made in a thread."""

    async def __call__(self, call: Callable[[Unpack[Ts]], T], /, *args: *Ts) -> T:
        """What ``call(*args)`` returns or raises."""


class Threads:
    """Runs a store's blocking calls on a limiter that nothing else knows.

    Trio's default limiter is shared by everything in the process that looks up a name or waits
    for a file. 500 lookups of one second made an unrelated insert wait 12 seconds there, so no
    call of a store ever takes one of its tokens, not even to connect or to close.

    Cancellation: while waiting for a thread, gives up; once the call runs, waits for its end and
    returns what it returned. An abandoned write would still happen, and nobody would know.
    Whatever runs here must therefore bound itself.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.limiter = trio.CapacityLimiter(width)
        self._held = trio.CapacityLimiter(math.inf)  # for calls whose token is held already

    async def run(self, call: Callable[[Unpack[Ts]], T], *args: *Ts) -> T:
        """Call ``call(*args)`` in a thread of its own and return its result, or raise its error."""
        return await _made(call, *args, limiter=self.limiter)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[Run]:
        """Hold a thread's place for the block, which gets to run calls there without waiting.

        For who can say only then what there is to do.
        """

        async def run(call: Callable[[Unpack[Ts]], T], /, *args: *Ts) -> T:
            return await _made(call, *args, limiter=self._held)

        async with self.limiter:
            yield run


async def _made(call: Callable[[Unpack[Ts]], T], *args: *Ts, limiter: trio.CapacityLimiter) -> T:
    try:
        return await in_thread(call, *args, limiter=limiter)
    except NoThread as error:
        raise StoreUnavailable(f"the store has no thread: {error.strerror}") from error
