"""Hosts that do not answer: after a few timeouts in a row their other feeds are left to the next run."""

from __future__ import annotations

from typing import Any, Final

from .._errors import FeedFailed
from .._records import FeedState
from .queue import HostQueue
from .record import NEVER, HostRecord, Limit, Unanswered

IN_A_ROW: Final = 3
"""Fetches without any answer after which a host counts as silent."""
SHOWN: Final = 10
"""Silent hosts that a report names."""

_UNANSWERED: Final = {
    "connect-timeout",
    "read-timeout",
    "fetch-timeout",
    "connection-refused",
    "unreachable",
}


class Silence:
    """Which hosts do not answer in this run.

    A thousand feeds of one would take hours: each waits for a timeout of its own. Where hosts are counted by
    domain, a host that is silent says nothing about the others of its domain.

    Args:
      queue: the hosts.
    """

    def __init__(self, queue: HostQueue[Any]) -> None:
        self._queue = queue
        self._shown: dict[str, Unanswered] = {}

    def remember(self, host: str, state: FeedState) -> None:
        """Note how a feed of `host` ended in an earlier run: then one fetch has to be tried, not three."""
        if state.failures and state.failure in _UNANSWERED and self._queue.knows(host):
            record = self._queue.record(host)
            if not record.answered:
                unanswered = record.unanswered.setdefault(host, Unanswered())
                unanswered.count = min(unanswered.count + 1, IN_A_ROW - 1)

    def adopt(self, record: HostRecord) -> None:
        """Name the hosts too that an earlier scrape has found to be silent: see `Pauses.adopt`."""
        for host, unanswered in record.unanswered.items():
            if unanswered.limit is not None:
                self._shown[host] = unanswered

    def failed(self, host: str, failure: FeedFailed) -> None:
        """Note how the fetch of a feed has ended that has a slot of `host`."""
        if failure.reason not in _UNANSWERED:
            return
        unanswered = self._queue.record(host).unanswered.setdefault(host, Unanswered())
        unanswered.count += 1
        if unanswered.count >= IN_A_ROW:
            detail = f"not fetched in this run: {host} does not answer ({failure.reason})"
            unanswered.limit = Limit(host, failure.reason, detail, NEVER)
            self._queue.limited(host)
            if len(self._shown) < SHOWN:
                self._shown[host] = unanswered

    def begin_round(self) -> None:
        """Try the hosts again that were silent: the queue has forgotten it, see `HostQueue.begin_round`."""
        self._shown.clear()

    def remarks(self) -> list[str]:
        """A line for each silent host that has more feeds."""
        return [
            f"{host} does not answer ({silent.limit.reason}); {silent.put_off:,} of its feeds"
            f" {'is' if silent.put_off == 1 else 'are'} left to the next run"
            for host, silent in self._shown.items()
            if silent.put_off and silent.limit is not None
        ]
