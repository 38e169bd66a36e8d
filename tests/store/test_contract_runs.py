"""What every store says of runs and of its writes at this moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import trio

from trioscrape import Writers
from trioscrape._records import new_run_id

from support.run_pages import report
from support.stores import Opened


async def test_when_the_last_run_ended(opened: Opened) -> None:
    assert await opened.store.last_run() is None

    began = datetime.now(UTC)
    await opened.store.record_run(report(run_id=new_run_id()))

    last = await opened.store.last_run()
    assert last is not None
    assert began - timedelta(seconds=1) <= last <= datetime.now(UTC) + timedelta(seconds=1)


async def test_a_reader_of_the_store_knows_it_too(opened: Opened) -> None:
    await opened.store.record_run(report(run_id="69a2d6f5153125a73278f4b7"))
    await opened.store.record_run(report(run_id="69a2d6f6153125a73278f4b7"))

    last = await opened.store.last_run()
    assert last is not None
    assert last.utcoffset() == timedelta(0)


async def test_while_nothing_is_written_no_writer_is_busy(opened: Opened) -> None:
    writers = opened.store.writers

    await trio.lowlevel.checkpoint()
    if writers is not None:  # it merges saves
        assert (writers.busy, writers.waiting, writers.peak_waiting) == (0, 0, 0)
        assert writers.width in (1, 4)
        assert isinstance(writers, Writers)
