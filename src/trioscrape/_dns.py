"""The dns lane: from a host name to the addresses it may be reached at.

A `Resolver` asks; `Names` is what the rest of the program sees: literals and ``localhost`` without
asking, a cache, one lookup in flight per host, and the lane in front of the resolver.
"""

from __future__ import annotations

import socket
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Protocol, cast

import trio

from ._errors import FeedFailed
from ._lane import Lane, Trip

KEEP_ANSWER: Final = 300.0
"""Seconds. `getaddrinfo` does not tell how long an answer holds; five minutes is what browsers take."""
KEEP_FAILURE: Final = 30.0
"""Seconds. Long enough that the other feeds of a dead host do not ask again."""
CACHED_HOSTS: Final = 10_000

_NO_SUCH_NAME = {
    getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY") if hasattr(socket, name)
}


class Resolver(Protocol):
    """Turns a host name into addresses. A new one is a class like `SystemResolver`."""

    async def resolve(self, host: str) -> Sequence[str]:
        """The addresses of `host` (ASCII, IDNA-encoded; never a literal or ``localhost``), best first.

        Raises:
          TimeoutError: no answer within the resolver's own deadline. Time spent waiting for a
            thread or another resource of its own must not count.
          OSError: another failure; `socket.gaierror` with ``EAI_NONAME`` when there is no such name.

        Cancellation: returns at once, whatever the operating system still does.
        """


class SystemResolver:
    """`socket.getaddrinfo` in worker threads that nobody else uses.

    An abandoned `getaddrinfo` keeps its thread until the C library gives up (10 s with one dead
    name server, 28 with three). So the lane counts the callers, this limiter the threads: it has
    room for `abandoned` more of them. When all of those are stuck as well, lookups wait, but on
    nobody's clock: with one limiter for both, 2 % dead names made half of the healthy ones fail.

    Args:
      width: lookups at once.
      abandoned: further threads, for lookups that were given up on and still run.
      deadline: seconds for one lookup, from the start of its thread.
    """

    def __init__(self, *, width: int, abandoned: int, deadline: float) -> None:
        self._threads = trio.CapacityLimiter(width + abandoned)
        self._deadline = deadline

    async def resolve(self, host: str) -> Sequence[str]:
        """See `Resolver.resolve`."""
        with trio.CancelScope() as scope:
            clocked = cast("trio.CapacityLimiter", _ClockedLimiter(self._threads, scope, self._deadline))
            return await trio.to_thread.run_sync(_getaddrinfo, host, limiter=clocked, abandon_on_cancel=True)
        raise TimeoutError(f"no answer within {self._deadline:g} s")


class _ClockedLimiter:
    """Starts a lookup's clock when its thread does: waiting for the thread is not the name's fault.

    `trio.to_thread.run_sync` asks no more of a limiter than these two methods.
    """

    def __init__(self, threads: trio.CapacityLimiter, scope: trio.CancelScope, seconds: float) -> None:
        self._threads, self._scope, self._seconds = threads, scope, seconds

    async def acquire_on_behalf_of(self, borrower: object) -> None:
        await self._threads.acquire_on_behalf_of(borrower)
        self._scope.deadline = trio.current_time() + self._seconds

    def release_on_behalf_of(self, borrower: object) -> None:
        self._threads.release_on_behalf_of(borrower)


def _getaddrinfo(host: str) -> list[str]:
    # Called by its module, in the thread: trio.socket.getaddrinfo first tries a numeric lookup on
    # the loop's thread, which stands still there if the process has a lock around getaddrinfo.
    try:
        answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label of more than 63 characters, say
        raise socket.gaierror(socket.EAI_NONAME, str(error)) from error
    # A link-local answer comes with its zone ("fe80::1%eth0"): there is no zone in a feed's URL.
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in answers if "%" not in str(sockaddr[0])))


@dataclass(frozen=True, slots=True)
class _Answer:
    addresses: tuple[str, ...]
    expires: float
    reason: str = ""
    detail: str = ""


class Names:
    """Host names, looked up once.

    Args:
      resolver: who is asked.
      lane: the dns lane, in front of `resolver`.
    """

    def __init__(self, resolver: Resolver, lane: Lane) -> None:
        self._resolver, self._lane = resolver, lane
        self._answers: OrderedDict[str, _Answer] = OrderedDict()
        self._pending: dict[str, trio.Event] = {}

    async def addresses(self, host: str, trip: Trip) -> tuple[str, ...]:
        """Where `host` is; at least one address.

        Raises:
          FeedFailed: ``name-not-found``, ``lookup-timeout`` or ``lookup-failed``.

        Cancellation: a task that waits for another one's lookup of the same host takes it over
        when that one is cancelled.
        """
        host = host.lower().rstrip(".")
        if known := without_lookup(host):
            return known
        asked = trio.current_time()
        while (answer := self._remembered(host)) is None:
            if (pending := self._pending.get(host)) is not None:
                await pending.wait()
                trip.spent(self._lane.name, trio.current_time() - asked, 0.0)
                asked = trio.current_time()
            else:
                await self._look_up(host, trip)
        if not answer.addresses:
            raise FeedFailed(answer.reason, answer.detail)
        return answer.addresses

    def _remembered(self, host: str) -> _Answer | None:
        answer = self._answers.get(host)
        if answer is not None and answer.expires <= trio.current_time():
            del self._answers[host]
            return None
        return answer

    async def _look_up(self, host: str, trip: Trip) -> None:
        done = self._pending[host] = trio.Event()
        try:
            async with self._lane.slot(trip):
                self._answers[host] = await self._ask(host)
            if len(self._answers) > CACHED_HOSTS:
                self._answers.popitem(last=False)
        finally:
            del self._pending[host]
            done.set()

    async def _ask(self, host: str) -> _Answer:
        try:
            addresses = tuple(await self._resolver.resolve(host))
        except TimeoutError as error:
            return _failure("lookup-timeout", f"{host}: {error}")
        except OSError as error:
            reason = "name-not-found" if error.errno in _NO_SUCH_NAME else "lookup-failed"
            return _failure(reason, f"{host}: {error.strerror or error}")
        if not addresses:
            return _failure("name-not-found", f"{host} has no address")
        return _Answer(addresses, trio.current_time() + KEEP_ANSWER)


def _failure(reason: str, detail: str) -> _Answer:
    return _Answer((), trio.current_time() + KEEP_FAILURE, reason, detail)


def without_lookup(host: str) -> tuple[str, ...]:
    """The addresses of an IP literal or a ``localhost`` name (RFC 6761 §6.3); else none."""
    if host == "localhost" or host.endswith(".localhost"):
        return ("127.0.0.1", "::1")
    try:
        return (str(ip_address(host)),)
    except ValueError:
        return ()
