"""Whether there is a network at all: a machine that is offline is no fault of its feeds."""

from __future__ import annotations

from typing import Final

from .._errors import FeedFailed
from .._flow import Flow, State
from .._records import FeedState

FEW: Final = 3
"""Hosts that may all be down at once while the network is not."""

_NO_CONTACT: Final = {
    "name-not-found",
    "lookup-timeout",
    "lookup-failed",
    "connection-refused",
    "unreachable",
    "connect-timeout",
}
_CONTACT: Final = {"tls", "connection-lost", "protocol-error", "read-timeout"}
"""Without an answer, but not without a connection."""


class Network:
    """What a run knows of the network: whether any server was reached, and how many hosts were not.

    Args:
      flow: knows whether a server was reached.
      in_flight: how many feeds may be under way.
    """

    def __init__(self, flow: Flow, in_flight: int) -> None:
        self._flow, self._in_flight = flow, in_flight
        self._hosts: set[str] = set()

    @property
    def is_down(self) -> bool:
        """Whether more than a few hosts that were not down before were tried, and none reached so far."""
        return len(self._hosts) > FEW and not self._flow.now.reached

    def begin_round(self) -> None:
        """Know nothing, as at the beginning: the network may have gone, or come back."""
        self._hosts.clear()
        self._flow.note(reached=False)

    async def is_to_blame(self, host: str, state: FeedState | None, failure: FeedFailed) -> bool:
        """Whether a feed of `host`, with this state before, has failed because there is no network.

        As long as no server was reached, that can't be known. So the feed waits until one is, or until
        nothing else is under way that could tell.

        Cancellation: stops waiting.
        """
        if failure.reason in _CONTACT:
            self._flow.note(reached=True)
        if self._flow.now.reached or failure.reason not in _NO_CONTACT:
            return False
        # One that was down in earlier runs proves nothing: there may be runs in which no other is due.
        if len(self._hosts) <= FEW and (state is None or not state.failures):
            self._hosts.add(host)
        self._flow.add(doubtful=1)
        try:
            await self._flow.until(self._knows)
            return self.is_down
        finally:
            self._flow.add(doubtful=-1)

    def _knows(self, now: State) -> bool:
        nothing_comes = now.hungry or now.draining or now.in_flight >= self._in_flight
        return now.reached or (nothing_comes and now.doubtful >= now.in_flight)
