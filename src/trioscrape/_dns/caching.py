"""The dns lane with its cache: from a host name to its addresses.

A `Resolver` looks a name up. `Names` is what the rest of the program sees: it answers for IP literals and
``localhost`` without a lookup, has a cache, makes one lookup per host at a time, and has each lookup pass
the lane.
"""

from __future__ import annotations

import math
import socket
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Final, Protocol

import trio

from .._errors import FeedFailed
from .._exception_groups import ungrouped
from .._lane import Lane, Timings
from .adaptive_timeout import FLOOR, AdaptiveTimeout

KEEP_ANSWER: Final = 300.0
"""Seconds for which an answer is kept if the resolver does not know its TTL; browsers keep it as long."""
KEEP_AT_LEAST: Final = 5.0
"""Seconds. A name with a TTL of 0 is looked up once for all feeds of its host, not once for each."""
KEEP_AT_MOST: Final = 3600.0
"""Seconds. A long-lived process notices within an hour that a site has other addresses."""
KEEP_FAILURE: Final = 30.0
"""Seconds. The other feeds of a dead host share its failure; RFC 8767 §5 recommends the same."""
KEEP_STALE: Final = 3600.0
"""Seconds for which an expired answer may be used when no newer one can be had (RFC 8767)."""
CACHED_HOSTS: Final = 10_000
_PASSING: Final = {"lookup-timeout", "lookup-failed"}
"""Reasons that say nothing about the name itself."""

_NO_SUCH_NAME = {
    getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY") if hasattr(socket, name)
}


@dataclass(frozen=True, slots=True)
class ResolvedAddresses:
    """What a resolver has found."""

    addresses: Sequence[str]
    """IPv4 and IPv6, best first."""
    ttl: float = KEEP_ANSWER
    """Seconds for which they are valid. Less than 5 s counts as 5 s, and more than an hour as an hour."""


class Resolver(Protocol):
    """Turns a host name into addresses. `SystemResolver` and `NativeResolver` are such classes."""

    async def resolve(self, host: str) -> ResolvedAddresses:
        """The addresses of `host` (ASCII, IDNA-encoded; never a literal or ``localhost``).

        Raises:
          TimeoutError: there was no answer within the resolver's own timeout. The time spent waiting for a
            thread, or for another resource of its own, must not count.
          OSError: any other failure; `socket.gaierror` with ``EAI_NONAME`` when there is no such name.

        Cancellation: takes effect at once, even if the operating system is still busy with the lookup.
        """


@dataclass(frozen=True, slots=True)
class _Known:
    addresses: tuple[str, ...]
    expires: float
    """When to look it up again."""
    ended: float = -math.inf
    """When the answer itself expired: before `expires`, if it is a stale one."""
    reason: str = ""
    detail: str = ""


class Names:
    """Looks up host names and caches the addresses; tasks that need the same host share one lookup.

    Dead name servers do not stop the lane: a lookup that takes longer than those that get an answer
    is `Lane.overdue`, and goes on beside the lane until its own timeout.

    Args:
      resolver: looks names up.
      lane: the dns lane.
    """

    def __init__(self, resolver: Resolver, lane: Lane) -> None:
        self._resolver, self._lane = resolver, lane
        self._timeout = AdaptiveTimeout()
        self._answers: OrderedDict[str, _Known] = OrderedDict()
        self._pending: dict[str, trio.Event] = {}

    async def addresses(self, host: str, timings: Timings) -> tuple[str, ...]:
        """The addresses of `host`, at least one.

        When the lookup fails, other than because there is no such name, an answer that has expired less
        than an hour ago is used instead (RFC 8767).

        Raises:
          FeedFailed: ``name-not-found``, ``lookup-timeout`` or ``lookup-failed``.

        Cancellation: when a task is cancelled, another one that waits for its lookup of the same host
        makes the lookup itself.
        """
        host = host.lower().rstrip(".")
        if addresses := without_lookup(host):
            return addresses
        since = trio.current_time()
        while (known := self._remembered(host)) is None:
            if (pending := self._pending.get(host)) is not None:
                await pending.wait()
                timings.spent(self._lane.name, trio.current_time() - since, 0.0)
                since = trio.current_time()
            else:
                await self._look_up(host, timings)
        if not known.addresses:
            raise FeedFailed(known.reason, known.detail)
        return known.addresses

    def forget_failures(self) -> None:
        """Look up again what could not be looked up; names that do not exist stay so."""
        for host, known in list(self._answers.items()):
            if known.reason in _PASSING:
                del self._answers[host]

    def _remembered(self, host: str) -> _Known | None:
        known = self._answers.get(host)
        return known if known is not None and trio.current_time() < known.expires else None

    async def _look_up(self, host: str, timings: Timings) -> None:
        done = self._pending[host] = trio.Event()
        try:
            async with self._lane.slot(timings):
                self._remember(host, await self._resolve_beside_others(host))
        finally:
            del self._pending[host]
            done.set()

    def _remember(self, host: str, found: _Known) -> None:
        before = self._answers.get(host)
        failed = found.reason in _PASSING
        if failed and before is not None and trio.current_time() < before.ended + KEEP_STALE:
            found = replace(before, expires=found.expires)
        self._answers[host] = found
        self._answers.move_to_end(host)
        if len(self._answers) > CACHED_HOSTS:
            self._answers.popitem(last=False)

    async def _resolve_beside_others(self, host: str) -> _Known:
        with ungrouped():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._make_room_when_late, trio.current_time())
                found = await self._resolve(host)
                nursery.cancel_scope.cancel(reason="the lookup has ended")
        return found

    async def _make_room_when_late(self, began: float) -> None:
        """Call the lookup overdue when it is; what counts as late changes with the answers to others."""
        while (left := self._timeout.until(began) - trio.current_time()) > 0:  # noqa: ASYNC110 - it moves
            await trio.sleep(min(left, FLOOR))
        with self._lane.overdue():
            await trio.sleep_forever()

    async def _resolve(self, host: str) -> _Known:
        began = trio.current_time()
        try:
            answer = await self._resolver.resolve(host)
        except TimeoutError as error:
            return _failure("lookup-timeout", f"{host}: {error}")
        except OSError as error:
            if error.errno not in _NO_SUCH_NAME:
                return _failure("lookup-failed", f"{host}: {error.strerror or error}")
            self._timeout.answered(began, trio.current_time())
            return _failure("name-not-found", f"{host}: {error.strerror or error}")
        now = trio.current_time()
        self._timeout.answered(began, now)
        if not answer.addresses:
            return _failure("name-not-found", f"{host} has no address")
        expires = now + min(max(answer.ttl, KEEP_AT_LEAST), KEEP_AT_MOST)
        return _Known(tuple(answer.addresses), expires, expires)


def _failure(reason: str, detail: str) -> _Known:
    return _Known((), trio.current_time() + KEEP_FAILURE, reason=reason, detail=detail)


def without_lookup(host: str) -> tuple[str, ...]:
    """The addresses of an IP literal or a ``localhost`` name (RFC 6761 §6.3); else none."""
    if host == "localhost" or host.endswith(".localhost"):
        return ("127.0.0.1", "::1")
    try:
        return (str(ip_address(host)),)
    except ValueError:
        return ()
