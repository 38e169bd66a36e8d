"""What a store is. A new one is a file beside this one and a line in ``tests/test_store_contract.py``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .._types import EntryCounts, FeedState, FeedUpdate, Report


class Store(Protocol):
    """Where entries go. Open while it is in your hands; `open_store` gives one and closes it.

    The store lane calls it from at most `width` tasks at once. A store that blocks does so in
    worker threads of a limiter of its own, never of trio's default one.

    Every method raises `StoreError` when the store is gone for good or refuses the work, and
    `StoreUnavailable` where another attempt may help, with a text that holds no password.

    Cancellation: a method that has begun to write finishes the write and returns, so that the
    caller knows what is stored; it is bounded by the store's own deadline.
    """

    @property
    def width(self) -> int:
        """How many calls it serves at once."""

    @property
    def shown(self) -> str:
        """Its URL without credentials, for people."""

    async def load(self, feed_ids: Sequence[str]) -> dict[str, FeedState]:
        """What it remembers of these feeds, by feed id; unknown ones are missing."""

    async def save(self, update: FeedUpdate) -> EntryCounts:
        """Store the entries, then the state; return when both are acknowledged.

        Idempotent: an entry is one by feed id and key. An entry that is stored with the same hash
        is not written again, a state that is stored as it is neither. When the call fails, the
        state is never stored without the entries.
        """

    async def record_run(self, report: Report) -> None:
        """Store a run's totals and lane statistics, one document or row a run."""

    async def aclose(self) -> None:
        """Give up connections and threads. Closing twice does nothing."""
