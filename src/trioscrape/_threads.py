"""Blocking calls in worker threads, and what happens when no thread can be started."""

from __future__ import annotations

import errno
import math
import mmap
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Generic, TypeVar, TypeVarTuple, Unpack, cast

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

_ROOM: Final = 16 * 2**20
"""Bytes of memory without which no thread is begun: 8 MiB are its stack. CPython may hang or abort over one
that finds no memory for its first steps."""


# An interrupt in the middle would lose a token.
@trio.lowlevel.enable_ki_protection
async def in_thread(
    call: Callable[[Unpack[Ts]], T],
    *args: *Ts,
    limiter: trio.CapacityLimiter,
    abandon_on_cancel: bool = False,
) -> T:
    """What ``call(*args)`` returns or raises in a worker thread of trio's.

    It is `trio.to_thread.run_sync` with a limiter in any case and errors that one is prepared for, and
    without what nothing here needs: context variables, `trio.from_thread`, a name for the thread, and a
    checkpoint where there is a token. That takes half of its CPU time: 0.12 ms for 0.23.

    Raises:
      NoThread: no thread can be started: a container may allow fewer than the lookups that are stuck would
        like to have. An `OSError`, as where no process can be started.

    Cancellation: while waiting for a token, gives up; then waits for the end of the call. With
    `abandon_on_cancel` it returns at once, and the token is back when the call has ended.
    """
    await trio.lowlevel.checkpoint_if_cancelled()
    started = _Call(call, args, limiter if abandon_on_cancel else None)
    try:
        limiter.acquire_on_behalf_of_nowait(started)
    except trio.WouldBlock:
        await limiter.acquire_on_behalf_of(started)
    try:
        started.begin()
        # Five seconds are over in no time where the clock jumps.
        deadline = math.inf if _jumps() else trio.current_time() + STARTING
        with trio.CancelScope(deadline=deadline, shield=not abandon_on_cancel):
            await started.told()
        if not started.ended:
            with trio.CancelScope(shield=not abandon_on_cancel):
                await _end_of(started)
        return started.result()
    except RuntimeError as error:  # of this thread, or of one that the call has wanted to start
        if str(error) != "can't start new thread":
            raise
        raise NoThread(errno.EAGAIN, str(error)) from error
    finally:
        if not abandon_on_cancel:
            limiter.release_on_behalf_of(started)


def _jumps() -> bool:
    """Whether time is virtual, and jumps ahead when all tasks wait, even for a thread: see `MockClock`."""
    return not math.isinf(getattr(trio.lowlevel.current_clock(), "autojump_threshold", math.inf))


def _check_room() -> None:
    try:
        mmap.mmap(-1, _ROOM, flags=mmap.MAP_PRIVATE).close()
    except (OSError, MemoryError) as error:
        raise NoThread(errno.EAGAIN, f"no memory for one more thread: {error}") from error


class _Call(Generic[T]):
    """A call in a thread, and what has become of it.

    Args:
      call: blocks.
      args: of the call.
      limiter: gets its token back when the thread has told that the call has ended; None: no limiter.
    """

    def __init__(
        self, call: Callable[..., T], args: tuple[Any, ...], limiter: trio.CapacityLimiter | None
    ) -> None:
        self._call, self._args, self._limiter = call, args, limiter
        self._value: T | None = None
        self._error: BaseException | None = None
        self._waiting: trio.lowlevel.Task | None = None
        self._token = trio.lowlevel.current_trio_token()
        self.begun = self.ended = self.given_up = False

    def begin(self) -> None:
        """Start the thread."""
        try:
            _check_room()
            trio.lowlevel.start_thread_soon(self._work, self._tell)
        except BaseException:
            if self._limiter is not None:
                self._limiter.release_on_behalf_of(self)
            raise

    async def told(self) -> None:
        """Wait until the thread has told that the call has ended; may be called once."""

        def abort(_: object) -> trio.lowlevel.Abort:
            self._waiting = None
            return trio.lowlevel.Abort.SUCCEEDED

        self._waiting = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(abort)

    def _work(self) -> None:
        self.begun = True
        try:
            if self.given_up:
                raise NoThread(errno.EAGAIN, _DEAD)  # noqa: TRY301
            self._value = self._call(*self._args)
        except BaseException as error:  # noqa: ASYNC103, BLE001 - raised where it is waited for
            self._error = error
        self.ended = True

    def _tell(self, _: object) -> None:
        # Without memory it can't tell; `_end_of` sees then that the call has ended.
        with suppress(trio.RunFinishedError, MemoryError):
            self._token.run_sync_soon(self._heard)

    def _heard(self) -> None:
        if self._limiter is not None:
            self._limiter.release_on_behalf_of(self)
        if self._waiting is not None:
            trio.lowlevel.reschedule(self._waiting)

    def result(self) -> T:
        error, self._error = self._error, None
        try:
            if error is not None:
                raise error
            return cast("T", self._value)
        finally:
            del error  # its traceback refers to this frame


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
