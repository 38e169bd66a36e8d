"""Blocking calls in threads, on a machine that may have none left."""

from __future__ import annotations

import errno
from collections.abc import Callable
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
