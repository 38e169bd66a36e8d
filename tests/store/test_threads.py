"""The store's threads when there are no more threads to be had."""

import pytest

from trioscrape import StoreUnavailable
from trioscrape._store.threads import Threads


def fail(words: str) -> None:
    raise RuntimeError(words)


async def test_no_thread_for_now_is_an_outage() -> None:
    with pytest.raises(StoreUnavailable, match="no thread"):
        await Threads(1).run(fail, "can't start new thread")


async def test_so_it_is_where_a_place_is_held() -> None:
    with pytest.raises(StoreUnavailable, match="no thread"):
        async with Threads(1).held() as run:
            await run(fail, "can't start new thread")


async def test_other_bugs_are_no_outage() -> None:
    with pytest.raises(RuntimeError, match="another"):
        await Threads(1).run(fail, "another")
