"""Leases of real stores that are locked, killed or frozen."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import trio

from trioscrape import StoreError, StoreUnavailable, open_store
from trioscrape._store._mongo import store as mongo_store
from trioscrape._store.lease import EXPIRY, reserved

from support.leases import lease
from support.mongod import Mongod

OURS, THEIRS = lease("ours"), lease("theirs")
LONG = 120.0
"""The timeout of a call; a test that waits for it has failed."""


class TestLockedFile:
    async def test_nothing_is_known_of_its_lease(self, tmp_path: Path) -> None:
        path = tmp_path / "x.db"
        async with open_store(f"sqlite:{path}", call_timeout=0.05) as store:
            with closing(sqlite3.connect(path, isolation_level=None)) as outside:
                outside.execute("BEGIN IMMEDIATE")
                with pytest.raises(StoreUnavailable, match="another process is writing to it"):
                    await store.acquire_lease(OURS, EXPIRY)
            assert await store.acquire_lease(THEIRS, EXPIRY) is None

    async def test_a_release_does_not_wait_for_long(self, tmp_path: Path) -> None:
        path = tmp_path / "x.db"
        with trio.fail_after(60):
            async with open_store(f"sqlite:{path}", call_timeout=LONG) as store:
                async with reserved(store, 0):
                    outside = sqlite3.connect(path, isolation_level=None)
                    outside.execute("BEGIN IMMEDIATE")
                outside.close()
                with pytest.raises(StoreUnavailable):
                    await _released_while_locked(store, path)
                # And other calls wait as long as before.
                assert await store.acquire_lease(OURS, EXPIRY) is not None


async def _released_while_locked(store: Any, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as outside:
        outside.execute("BEGIN IMMEDIATE")
        await store.release_lease(OURS)


class TestOwnServer:
    """A server of its own, which is killed or frozen."""

    @pytest.mark.parametrize(
        "how",
        [
            pytest.param({"closeConnection": True}, id="connection lost"),
            pytest.param({"errorCode": 10107}, id="no primary"),
        ],
    )
    async def test_errors_that_pass_are_got_over(
        self, own_mongod: Mongod, how: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # A second may be too short for two connections more on a busy machine.
        monkeypatch.setattr(mongo_store, "CLOSE_TIMEOUT", LONG)
        async with open_store(own_mongod.url, call_timeout=60) as store:
            own_mongod.fail("findAndModify", 2, **how)
            assert await store.acquire_lease(OURS, EXPIRY) is None
            own_mongod.fail("delete", 2, **how)
            await store.release_lease(OURS)
            assert await store.acquire_lease(THEIRS, EXPIRY) is None

    async def test_an_answer_that_was_lost(self, own_mongod: Mongod) -> None:
        """The server has carried it out."""
        async with open_store(own_mongod.url, call_timeout=0.3) as store:
            own_mongod.fail("findAndModify", 1, writeConcernError={"code": 64, "errmsg": "no majority"})
            with pytest.raises(StoreUnavailable):
                await store.acquire_lease(OURS, EXPIRY)
            assert await store.acquire_lease(THEIRS, EXPIRY) == OURS
            assert await store.acquire_lease(OURS, EXPIRY) is None

    async def test_who_may_not_is_told(self, own_mongod: Mongod) -> None:
        async with open_store(own_mongod.url) as store:
            own_mongod.fail("findAndModify", 1, errorCode=13)  # unauthorized
            with pytest.raises(StoreError, match="failCommand") as caught:
                await store.acquire_lease(OURS, EXPIRY)
            assert type(caught.value) is StoreError

    async def test_a_restart_keeps_it(self, own_mongod: Mongod) -> None:
        async with open_store(own_mongod.url, call_timeout=60) as store:
            await store.acquire_lease(OURS, EXPIRY)
            own_mongod.stop()
            await trio.to_thread.run_sync(own_mongod.start)
            assert await store.acquire_lease(THEIRS, EXPIRY) == OURS

    async def test_a_release_does_not_wait_for_a_frozen_server(self, own_mongod: Mongod) -> None:
        with trio.fail_after(60):
            async with open_store(own_mongod.url, call_timeout=LONG) as store, reserved(store, 0):
                own_mongod.freeze()
