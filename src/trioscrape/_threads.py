"""Blocking calls in worker threads, and what happens when no thread can be started."""

from __future__ import annotations

import errno
import math
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, Generic, TypeVar, TypeVarTuple, Unpack, cast

import trio

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class NoThread(OSError):
    """No thread can be started; its `errno` is `EAGAIN`."""


_DEAD: Final = "a thread ended before it could run its call"
_LOOKS: Final = 0.1
"""Seconds between two looks whether a long call has ended."""
STARTING: Final = 5.0
"""Seconds within which a thread begins with its call, however busy the machine is; it takes microseconds."""

_LATE: Final = 1.0
"""Extra seconds for a thread that has not begun by then: after a pause of the process or of the machine, all
threads are late."""


async def in_thread(
    call: Callable[[Unpack[Ts]], T],
    *args: *Ts,
    limiter: trio.CapacityLimiter,
    abandon_on_cancel: bool = False,
) -> T:
    """`trio.to_thread.run_sync`, always with a limiter, and always with errors that one is prepared for.

    Raises:
      NoThread: no thread can be started: a container may allow fewer than the lookups that are stuck would
        like to have. An `OSError`, as where no process can be started.
    """
    started = _Call(partial(call, *args))
    try:
        if _jumps():  # five seconds are over in no time
            return await trio.to_thread.run_sync(
                call, *args, limiter=limiter, abandon_on_cancel=abandon_on_cancel
            )
        if abandon_on_cancel:
            with trio.CancelScope() as scope:
                clocked = cast("trio.CapacityLimiter", _Clocked(limiter, scope))
                await trio.to_thread.run_sync(started, limiter=clocked, abandon_on_cancel=True)
            await _end_of(started)
            return started.result()
        async with limiter:
            with trio.move_on_after(STARTING, shield=True):
                own = trio.CapacityLimiter(1)
                await trio.to_thread.run_sync(started, limiter=own, abandon_on_cancel=True)
            with trio.CancelScope(shield=True):
                await _end_of(started)
        return started.result()
    except RuntimeError as error:
        if str(error) != "can't start new thread":
            raise
        raise NoThread(errno.EAGAIN, str(error)) from error


def _jumps() -> bool:
    """Whether time is virtual, and jumps ahead when all tasks wait, even for a thread: see `MockClock`."""
    return not math.isinf(getattr(trio.lowlevel.current_clock(), "autojump_threshold", math.inf))


class _Call(Generic[T]):
    """A call in a thread, and what has become of it."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._value: T | None = None
        self._error: BaseException | None = None
        self.begun = self.ended = self.given_up = False

    def __call__(self) -> None:
        self.begun = True
        try:
            if self.given_up:
                raise NoThread(errno.EAGAIN, _DEAD)  # noqa: TRY301
            self._value = self._call()
        except BaseException as error:  # noqa: ASYNC103, BLE001 - raised where it is waited for
            self._error = error
        self.ended = True

    def result(self) -> T:
        error, self._error = self._error, None
        try:
            if error is not None:
                raise error
            return cast("T", self._value)
        finally:
            del error  # its traceback refers to this frame


class _Clocked:
    """A limiter with which the time to start begins when there is a token: that may take as long as it likes.

    `trio.to_thread.run_sync` asks no more of a limiter than these two methods.
    """

    def __init__(self, limiter: trio.CapacityLimiter, scope: trio.CancelScope) -> None:
        self._limiter, self._scope = limiter, scope

    async def acquire_on_behalf_of(self, borrower: object) -> None:
        await self._limiter.acquire_on_behalf_of(borrower)
        self._scope.deadline = trio.current_time() + STARTING

    def release_on_behalf_of(self, borrower: object) -> None:
        self._limiter.release_on_behalf_of(borrower)


async def _end_of(call: _Call[T]) -> None:
    """Wait until the call has ended, should its thread still be at it.

    That is heard of by itself, unless memory runs out in the thread: then it may die before it begins, or
    before it can tell.
    """
    if not call.begun:
        await trio.sleep(_LATE)
    call.given_up = True
    if not call.begun:
        raise NoThread(errno.EAGAIN, _DEAD)
    while not call.ended:  # noqa: ASYNC110 - it can't tell anybody
        await trio.sleep(_LOOKS)


async def off_loop(call: Callable[[Unpack[Ts]], T], *args: *Ts, limiter: trio.CapacityLimiter) -> T:
    """What ``call(*args)`` returns or raises, made so that the event loop does not stand still for it.

    It is for calls that take some milliseconds or use a file, and it always makes them: in place where no
    thread can be started, and where the clock would jump over the work of a thread.

    Cancellation: before the call begins, gives up; then waits for its end.
    """
    if not _jumps():
        with suppress(NoThread):
            return await in_thread(call, *args, limiter=limiter)
    await trio.lowlevel.checkpoint()
    return call(*args)
