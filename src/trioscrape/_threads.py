"""Blocking calls in worker threads, and what happens when no thread can be started."""

from __future__ import annotations

import errno
import math
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar, TypeVarTuple, Unpack

import trio

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class NoThread(OSError):
    """No thread can be started; its `errno` is `EAGAIN`."""


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
    try:
        return await trio.to_thread.run_sync(
            call, *args, limiter=limiter, abandon_on_cancel=abandon_on_cancel
        )
    except RuntimeError as error:
        if str(error) != "can't start new thread":
            raise
        raise NoThread(errno.EAGAIN, str(error)) from error


async def off_loop(call: Callable[[Unpack[Ts]], T], *args: *Ts, limiter: trio.CapacityLimiter) -> T:
    """What ``call(*args)`` returns or raises, made so that the event loop does not stand still for it.

    It is for calls that take some milliseconds or use a file, and it always makes them: in place where no
    thread can be started, and where the clock is a test's that jumps ahead when all tasks wait (`MockClock`
    of ``trio.testing`` with an ``autojump_threshold``): it would jump over the work of a thread.

    Cancellation: before the call begins, gives up; then waits for its end.
    """
    if math.isinf(getattr(trio.lowlevel.current_clock(), "autojump_threshold", math.inf)):
        with suppress(NoThread):
            return await in_thread(call, *args, limiter=limiter)
    await trio.lowlevel.checkpoint()
    return call(*args)
