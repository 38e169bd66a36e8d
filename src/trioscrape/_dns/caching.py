"""The dns lane: from a host name to the addresses it may be reached at.

A `Resolver` asks; `Names` is what the rest of the program sees: literals and ``localhost`` without
asking, a cache, one lookup in flight per host, and the lane in front of the resolver.
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
from .._groups import ungrouped
from .._lane import Lane, Timings
from .adaptive_timeout import FLOOR, AdaptiveTimeout

KEEP_ANSWER: Final = 300.0
"""Seconds, where nobody tells how long an answer holds; five minutes is what browsers take."""
KEEP_AT_LEAST: Final = 5.0
"""Seconds. A name with a TTL of 0 is one lookup for all feeds of its host, not one for each."""
KEEP_AT_MOST: Final = 3600.0
"""Seconds. A long-lived process notices within an hour that a site has moved."""
KEEP_FAILURE: Final = 30.0
"""Seconds. Long enough that the other feeds of a dead host do not ask again (RFC 8767 §5 as well)."""
KEEP_STALE: Final = 3600.0
"""Seconds for which an answer that no longer holds may stand in for one that does not come."""
CACHED_HOSTS: Final = 10_000

_NO_SUCH_NAME = {
    getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY") if hasattr(socket, name)
}


@dataclass(frozen=True, slots=True)
class ResolvedAddresses:
    """What a resolver has found out."""

    addresses: Sequence[str]
    """IPv4 and IPv6, best first."""
    ttl: float = KEEP_ANSWER
    """Seconds for which they hold; never taken for less than 5 s or more than an hour."""


class Resolver(Protocol):
    """Turns a host name into addresses. `SystemResolver` and `NativeResolver` are such classes."""

    async def resolve(self, host: str) -> ResolvedAddresses:
        """The addresses of `host` (ASCII, IDNA-encoded; never a literal or ``localhost``).

        Raises:
          TimeoutError: no answer within the resolver's own timeout. Time spent waiting for a
            thread or another resource of its own must not count.
          OSError: another failure; `socket.gaierror` with ``EAI_NONAME`` when there is no such name.

        Cancellation: returns at once, whatever the operating system still does.
        """


@dataclass(frozen=True, slots=True)
class _Known:
    addresses: tuple[str, ...]
    expires: float
    """When to ask again."""
    ended: float = -math.inf
    """When the answer itself ceased to hold: before `expires` if it is a stale one."""
    reason: str = ""
    detail: str = ""


class Names:
    """Host names, looked up once.

    Dead name servers do not stop the lane: a lookup that takes longer than those that get an answer
    is `Lane.overdue`, and goes on beside the lane until its own timeout.

    Args:
      resolver: who is asked.
      lane: the dns lane, in front of `resolver`.
    """

    def __init__(self, resolver: Resolver, lane: Lane) -> None:
        self._resolver, self._lane = resolver, lane
        self._timeout = AdaptiveTimeout()
        self._answers: OrderedDict[str, _Known] = OrderedDict()
        self._pending: dict[str, trio.Event] = {}

    async def addresses(self, host: str, timings: Timings) -> tuple[str, ...]:
        """Where `host` is; at least one address.

        When the lookup fails, and not for want of such a name, an answer that has not been out of
        date for more than an hour is taken instead (RFC 8767).

        Raises:
          FeedFailed: ``name-not-found``, ``lookup-timeout`` or ``lookup-failed``.

        Cancellation: a task that waits for another one's lookup of the same host takes it over
        when that one is cancelled.
        """
        host = host.lower().rstrip(".")
        if addresses := without_lookup(host):
            return addresses
        asked = trio.current_time()
        while (known := self._remembered(host)) is None:
            if (pending := self._pending.get(host)) is not None:
                await pending.wait()
                timings.spent(self._lane.name, trio.current_time() - asked, 0.0)
                asked = trio.current_time()
            else:
                await self._look_up(host, timings)
        if not known.addresses:
            raise FeedFailed(known.reason, known.detail)
        return known.addresses

    def _remembered(self, host: str) -> _Known | None:
        known = self._answers.get(host)
        return known if known is not None and trio.current_time() < known.expires else None

    async def _look_up(self, host: str, timings: Timings) -> None:
        done = self._pending[host] = trio.Event()
        try:
            async with self._lane.slot(timings):
                self._remember(host, await self._ask_patiently(host))
        finally:
            del self._pending[host]
            done.set()

    def _remember(self, host: str, found: _Known) -> None:
        before = self._answers.get(host)
        failed = found.reason in {"lookup-timeout", "lookup-failed"}
        if failed and before is not None and trio.current_time() < before.ended + KEEP_STALE:
            found = replace(before, expires=found.expires)
        self._answers[host] = found
        self._answers.move_to_end(host)
        if len(self._answers) > CACHED_HOSTS:
            self._answers.popitem(last=False)

    async def _ask_patiently(self, host: str) -> _Known:
        with ungrouped():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._give_way_when_late, trio.current_time())
                found = await self._ask(host)
                nursery.cancel_scope.cancel(reason="the lookup has ended")
        return found

    async def _give_way_when_late(self, began: float) -> None:
        """Call the lookup overdue when it is; meanwhile others may teach what that means."""
        while (left := self._timeout.until(began) - trio.current_time()) > 0:  # noqa: ASYNC110 - it moves
            await trio.sleep(min(left, FLOOR))
        with self._lane.overdue():
            await trio.sleep_forever()

    async def _ask(self, host: str) -> _Known:
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
