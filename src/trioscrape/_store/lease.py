"""One run at a time on a store: two would fetch every feed twice, and send the hosts twice the requests.

Runs on different shares of a list (``--shard``) have no feed in common: each has a lease of its own.

A run that writes for a long time has a lease of its store, which is a record in the store itself (see
`Store.acquire_lease`). It is renewed while the run goes on, and deleted at its end. When a run is killed,
its lease ends by itself, because nobody renews it; on the same machine, and in the same container, it ends at
once, because everybody can see that there is no such process. Readers need no lease.

Clocks. A lease is over when it was not renewed for `EXPIRY` seconds by the clock of the store: of the server
for MongoDB, of the machine for an SQLite file. The store keeps the moment of the renewal and not that of
the end. One that lies further in the future than `EXPIRY` means that the clock was wrong once, and the lease
is over as well: so no clock can keep a store out of use for longer than twice that time. When a clock is set
while a run goes on, or its machine was suspended, another run may acquire its lease. What both write is
idempotent, so nothing is lost; the first one notices at its next renewal, and ends.

Outages. A renewal that fails ends nothing: what the run can't write will say that the store is gone. After
the outage the lease is acquired again, unless another run was faster.

Why no lock of the operating system on an SQLite file, which would end with its process by itself: with
``fcntl`` it is lost as soon as anything in the process closes the file, and such a close takes SQLite's own
locks with it; ``flock`` is the same as ``fcntl`` on some systems and on network file systems; and a file of
its own would have to be left behind.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Final

import trio

from .._errors import StoreError, StoreInUse, StoreUnavailable
from .._exception_groups import ungrouped
from .._records import Lease
from .protocol import Store

EXPIRY: Final = 60.0
"""Seconds without a renewal until a lease is over."""
RENEWAL: Final = 15.0
"""Seconds from one renewal to the next: three may fail, or come as late as this."""
LOOK: Final = 1.0
"""Seconds from one look to the next whether the other run has ended."""
LAST_MOMENT: Final = 5.0
"""Seconds that a release may wait for a thread of the store, also when the run has been cancelled."""


class OwnLease:
    """The lease of one run in this process."""

    def __init__(self, store: Store, lease: Lease) -> None:
        self._store, self._lease = store, lease
        self._may_be_ours = False

    async def acquire(self, wait: float) -> None:
        """Acquire it, or wait so many seconds for the end of the run that has it.

        A store that is unavailable at first can't say who uses it. That is no error here: `keep` acquires
        the lease when the store is back.

        Raises:
          StoreInUse: another run has it, and has not ended in time.
          StoreError: the store has failed for good.
        """
        deadline = trio.current_time() + wait
        other: Lease | None = None
        with suppress(StoreUnavailable):
            other = await self._attempt()
        while other is not None:
            left = deadline - trio.current_time()
            if left <= 0:
                waited = f"; it has not ended within {wait:g} s" if wait else ""
                raise StoreInUse(f"{self._store.redacted_url} is in use by {other}{waited}")
            await trio.sleep(min(LOOK, left))
            with suppress(StoreUnavailable):
                other = await self._attempt()

    async def keep(self) -> None:
        """Renew it again and again until cancelled.

        Raises:
          StoreInUse: another run has acquired it.
        """
        while True:
            await trio.sleep(RENEWAL)
            with suppress(StoreError):
                if (other := await self._attempt()) is not None:
                    break
        raise StoreInUse(
            f"{self._store.redacted_url} was taken over by {other}, while this run could not renew its lease"
        )

    async def release(self) -> None:
        """Let others have it at once. If that fails, it ends by itself."""
        if self._may_be_ours:
            with suppress(StoreError):
                await self._store.release_lease(self._lease)

    async def _attempt(self) -> Lease | None:
        """Acquire or renew it; the lease of another run where there is one."""
        self._may_be_ours = True  # or it is cancelled, and has it nevertheless
        other, ended = await self._store.acquire_lease(self._lease, EXPIRY), set[str]()
        while other is not None and other.id not in ended and self._has_ended(other):
            ended.add(other.id)  # there may be more of them, if a list was shared
            await self._store.release_lease(other)
            other = await self._store.acquire_lease(self._lease, EXPIRY)
        self._may_be_ours = other is None
        return other

    def _has_ended(self, other: Lease) -> bool:
        """Whether the process with that lease certainly exists no more."""
        if other.system is None or other.system != self._lease.system:
            return False
        try:
            os.kill(other.process, 0)
        except ProcessLookupError:
            return True
        except (OSError, OverflowError):  # it belongs to somebody else, or the record is not one of ours
            return False
        return False


@asynccontextmanager
async def leased(
    store: Store, wait: float, since: datetime | None = None, shard: tuple[int, int] | None = None
) -> AsyncIterator[OwnLease]:
    """Have the lease of `store` in the block. `OwnLease.keep` has to run meanwhile.

    Args:
      store: open.
      wait: seconds to wait for the end of another run.
      since: when the run began; None: now.
      shard: which share of its list the run has, and how many there are; None: all of it.

    Raises:
      StoreInUse: see `OwnLease.acquire`.

    Cancellation: while waiting, gives up. The lease is released on every way out, in a shielded scope.
    """
    lease = OwnLease(store, _new_lease(since or datetime.now(UTC), shard))
    try:
        await lease.acquire(wait)
        yield lease
    finally:
        with trio.move_on_after(LAST_MOMENT, shield=True):
            await lease.release()


@asynccontextmanager
async def reserved(store: Store, wait: float) -> AsyncIterator[None]:
    """Have the lease of `store` in the block, and renew it meanwhile.

    Raises:
      StoreInUse: see `leased`; also when another run has taken the store over, which cancels the block.
    """
    async with leased(store, wait) as lease:
        with ungrouped():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(lease.keep)
                yield
                nursery.cancel_scope.cancel(reason="the block has ended")


def _new_lease(since: datetime, shard: tuple[int, int] | None) -> Lease:
    number, shards = shard or (None, None)
    return Lease(secrets.token_hex(12), socket.gethostname(), os.getpid(), since, _system(), number, shards)


def _system() -> str | None:
    """See `Lease.system`; only Linux tells. A digest, because the ids themselves are nobody's business."""
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            boot = file.read()
        processes = os.readlink("/proc/self/ns/pid")
    except OSError:
        return None
    return hashlib.blake2b(boot + processes.encode(), digest_size=16).hexdigest()
