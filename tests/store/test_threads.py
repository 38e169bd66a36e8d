"""The threads of a store when no more threads can be started."""

import pytest

from trioscrape import StoreUnavailable
from trioscrape._store.threads import Threads


def fail(words: str) -> None:
    raise RuntimeError(words)


async def test_no_thread_for_now_is_an_outage() -> None:
    with pytest.raises(
        StoreUnavailable, match="no thread could be started for the store: can't start new thread"
    ):
        await Threads(1).run(fail, "can't start new thread")


async def test_so_it_is_where_a_thread_is_reserved() -> None:
    with pytest.raises(
        StoreUnavailable, match="no thread could be started for the store: can't start new thread"
    ):
        async with Threads(1).reserved() as run:
            await run(fail, "can't start new thread")


async def test_other_bugs_are_no_outage() -> None:
    with pytest.raises(RuntimeError, match="another"):
        await Threads(1).run(fail, "another")
