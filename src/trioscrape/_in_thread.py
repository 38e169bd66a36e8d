"""Blocking calls in threads, on a machine that may have none left."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple, Unpack

import trio

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


async def in_thread(
    call: Callable[[Unpack[Ts]], T],
    *args: *Ts,
    limiter: trio.CapacityLimiter,
    abandon_on_cancel: bool = False,
) -> T:
    """`trio.to_thread.run_sync`, always with a limiter, and always with errors that one is prepared for.

    Raises:
      OSError: with `errno.EAGAIN` when no thread can be started, as when no process can: a container may
        allow fewer than the lookups that are stuck would like to have.
    """
    try:
        return await trio.to_thread.run_sync(
            call, *args, limiter=limiter, abandon_on_cancel=abandon_on_cancel
        )
    except RuntimeError as error:
        if str(error) != "can't start new thread":
            raise
        raise OSError(errno.EAGAIN, str(error)) from error
