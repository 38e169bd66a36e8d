"""Lookups by the operating system: `socket.getaddrinfo` in threads of its own."""

from __future__ import annotations

import socket
from typing import cast

import trio

from .._threads import in_thread
from .caching import ResolvedAddresses


class SystemResolver:
    """`socket.getaddrinfo` in worker threads that nobody else uses.

    It respects what the machine's administrator has set up: hosts file, search list, mDNS, VPNs. It does not
    know the TTL of an answer, and can't be cancelled: `getaddrinfo` keeps its thread until the C library
    gives up (10 s with one dead name server, 28 s with three), even if nobody waits for it any more. So the
    lane limits the callers, and a second limiter the threads: `abandoned` more than there are callers. When
    all of those are stuck as well, further lookups wait, and their timeout does not run meanwhile. With one
    limiter for both, 2 % dead names made half of the healthy ones fail.

    Args:
      width: lookups at once.
      abandoned: further threads, for lookups that are stuck. They exist only while some are.
      timeout: seconds for one lookup, from the start of its thread.
    """

    def __init__(self, *, width: int, abandoned: int, timeout: float) -> None:
        self._threads = trio.CapacityLimiter(width + abandoned)
        self._timeout = timeout

    async def resolve(self, host: str) -> ResolvedAddresses:
        """See `Resolver.resolve`."""
        with trio.CancelScope() as scope:
            clocked = cast("trio.CapacityLimiter", _ClockedLimiter(self._threads, scope, self._timeout))
            return ResolvedAddresses(
                await in_thread(_getaddrinfo, host, limiter=clocked, abandon_on_cancel=True)
            )
        raise TimeoutError(f"no answer within {self._timeout:g} s")


class _ClockedLimiter:
    """Starts a lookup's clock when its thread does: waiting for the thread is not the name's fault.

    `in_thread` asks no more of a limiter than these three methods.
    """

    def __init__(self, threads: trio.CapacityLimiter, scope: trio.CancelScope, seconds: float) -> None:
        self._threads, self._scope, self._seconds = threads, scope, seconds

    def acquire_on_behalf_of_nowait(self, borrower: object) -> None:
        self._threads.acquire_on_behalf_of_nowait(borrower)
        self._scope.deadline = trio.current_time() + self._seconds

    async def acquire_on_behalf_of(self, borrower: object) -> None:
        await self._threads.acquire_on_behalf_of(borrower)
        self._scope.deadline = trio.current_time() + self._seconds

    def release_on_behalf_of(self, borrower: object) -> None:
        self._threads.release_on_behalf_of(borrower)


def _getaddrinfo(host: str) -> tuple[str, ...]:
    # Called by its module, in the thread: trio.socket.getaddrinfo first tries a numeric lookup on
    # the loop's thread, which stands still there if the process has a lock around getaddrinfo.
    try:
        answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label of more than 63 characters, say
        raise socket.gaierror(socket.EAI_NONAME, str(error)) from error
    # A link-local answer comes with its zone ("fe80::1%eth0"): there is no zone in a feed's URL.
    return tuple(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in answers if "%" not in str(sockaddr[0])))
