"""The lease of a store, held by a program that does not use trio; and the record of its run."""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from types import TracebackType
from typing import Self

import trio

from .._config.config import Config
from .._exception_groups import ungrouped
from .._records import Report
from .._run.api import opened_store
from .._store import Store
from .._store.lease import OwnLease, leased


class HeldStore:
    """Holds the lease of a store in the ``with`` block, in a trio loop in a thread of its own.

    Args:
      url: of the store, password included.
      config: its timeouts, and how long to wait for another run.

    Raises:
      StoreError, StoreInUse, UsageError: on entering the block; see `open_scrape`.
    """

    def __init__(self, url: str, config: Config) -> None:
        self._url, self._config = url, config
        self.lost: Future[Exception] = Future()
        """Why the lease is lost, once it is: another run has acquired it."""
        self._opened: Future[tuple[Store, trio.lowlevel.TrioToken]] = Future()
        self._scope = trio.CancelScope()
        self._token: Future[trio.lowlevel.TrioToken] = Future()
        self._thread = Thread(target=self._main, name="trioscrape-lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._opened.result()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()

    def record_run(self, report: Report) -> None:
        """Store the totals of a run; see `Store.record_run`."""
        store, token = self._opened.result()
        trio.from_thread.run(store.record_run, report, trio_token=token)

    def _end(self) -> None:
        with suppress(trio.RunFinishedError):
            self._token.result().run_sync_soon(self._scope.cancel)
        self._thread.join()

    def _main(self) -> None:
        try:
            trio.run(self._hold)
        except BaseException as error:  # noqa: BLE001, ASYNC103 - it is raised in the thread that waits
            self._opened.set_exception(error)

    async def _hold(self) -> None:
        token = trio.lowlevel.current_trio_token()
        self._token.set_result(token)
        config = self._config
        with self._scope, ungrouped():
            async with (
                opened_store(self._url, config) as store,
                leased(store, config.wait_for_store) as lease,
            ):
                self._opened.set_result((store, token))
                await self._keep(lease)

    async def _keep(self, lease: OwnLease) -> None:
        try:
            await lease.keep()
        except Exception as error:  # noqa: BLE001 - the scrape raises it when the workers have ended
            self.lost.set_result(error)
            await trio.sleep_forever()
