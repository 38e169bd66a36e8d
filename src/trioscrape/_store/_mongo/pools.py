"""Events of pymongo's connection pools, as something that trio tasks can wait for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import trio
from pymongo.monitoring import (
    ConnectionCheckedInEvent,
    ConnectionCheckedOutEvent,
    ConnectionCheckOutFailedEvent,
    ConnectionCheckOutStartedEvent,
    ConnectionClosedEvent,
    ConnectionCreatedEvent,
    ConnectionPoolListener,
    ConnectionReadyEvent,
    PoolClearedEvent,
    PoolClosedEvent,
    PoolCreatedEvent,
    PoolReadyEvent,
)

Address = tuple[str, int | None]


class Pools(ConnectionPoolListener):
    """Two events to wait for: a server has answered, and every pool is full.

    pymongo calls the methods in threads of its own. They hand a call to the trio thread and
    return, so all counting is done in one thread, and a task that waits here can be cancelled.
    """

    def __init__(self, width: int) -> None:
        self.answered = trio.Event()
        self.full = trio.Event()
        self._width = width
        self._ready: dict[Address, int] = {}
        self._token = trio.lowlevel.current_trio_token()

    def _in_trio_thread(self, call: Callable[[Address], None], address: Address) -> None:
        with suppress(trio.RunFinishedError):  # pymongo's monitor has outlived the run
            self._token.run_sync_soon(call, address)

    def _pool_is_ready(self, address: Address) -> None:
        self._ready.setdefault(address, 0)
        self.answered.set()

    def _connection_is_ready(self, address: Address) -> None:
        self._ready[address] = self._ready.get(address, 0) + 1
        if all(count >= self._width for count in self._ready.values()):
            self.full.set()

    def _connection_is_gone(self, address: Address) -> None:
        self._ready[address] = max(0, self._ready.get(address, 0) - 1)

    def pool_ready(self, event: PoolReadyEvent) -> None:
        """A server has answered its monitor: the pool may connect."""
        self._in_trio_thread(self._pool_is_ready, event.address)

    def connection_ready(self, event: ConnectionReadyEvent) -> None:
        """A connection is open and authenticated."""
        self._in_trio_thread(self._connection_is_ready, event.address)

    def connection_closed(self, event: ConnectionClosedEvent) -> None:
        """A connection is closed, or could not be made."""
        self._in_trio_thread(self._connection_is_gone, event.address)

    # pymongo's base class raises NotImplementedError for every event that is left out.
    def pool_created(self, event: PoolCreatedEvent) -> None: ...
    def pool_cleared(self, event: PoolClearedEvent) -> None: ...
    def pool_closed(self, event: PoolClosedEvent) -> None: ...
    def connection_created(self, event: ConnectionCreatedEvent) -> None: ...
    def connection_check_out_started(self, event: ConnectionCheckOutStartedEvent) -> None: ...
    def connection_check_out_failed(self, event: ConnectionCheckOutFailedEvent) -> None: ...
    def connection_checked_out(self, event: ConnectionCheckedOutEvent) -> None: ...
    def connection_checked_in(self, event: ConnectionCheckedInEvent) -> None: ...
