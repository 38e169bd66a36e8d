"""Saves that wait for a thread become one write, and each has its own outcome."""

import threading
from collections.abc import Callable, Sequence
from typing import cast

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trioscrape import EntryCounts, FeedState, FeedUpdate, StoreError, Writers
from trioscrape._store import batches
from trioscrape._store.batches import CALLERS, MERGED_CHARACTERS, MERGED_ENTRIES, MergedSaves
from trioscrape._store.threads import Threads

from support.stores import entry, state, update


class Slow:
    """Writes that end when they are told to; it remembers what was in each."""

    def __init__(self) -> None:
        self.writes: list[list[str]] = []
        self._go = threading.Semaphore(0)
        self.outcome: Callable[[FeedUpdate], EntryCounts | Exception] = lambda each: EntryCounts(
            len(each.entries)
        )

    def __call__(self, updates: Sequence[FeedUpdate]) -> list[EntryCounts | Exception]:
        self.writes.append([each.state.feed_id for each in updates])
        assert self._go.acquire(timeout=10)
        return [self.outcome(each) for each in updates]

    def go(self, times: int = 1) -> None:
        self._go.release(times)

    async def begun(self, writes: int) -> None:
        """Wait until so many have begun, and give whatever is too many a chance."""
        with trio.fail_after(30):
            while len(self.writes) < writes:
                await trio.lowlevel.checkpoint()
        await wait_all_tasks_blocked()


class Saves:
    """Tasks that save, and what they got."""

    def __init__(self, width: int = 1) -> None:
        self.slow = Slow()
        self.threads = Threads(width)
        self.merged = MergedSaves(self.threads, self.slow)
        self.got: dict[str, EntryCounts | str] = {}
        self.errors: list[StoreError] = []

    async def save(self, name: str, entries: int = 1, **how: object) -> None:
        try:
            all_entries = [entry(str(number), **how) for number in range(entries)]
            self.got[name] = await self.merged.save(update(*all_entries, feed_id=name))
        except trio.Cancelled:
            self.got[name] = "cancelled"
            raise
        except StoreError as error:
            self.errors.append(error)
            self.got[name] = str(error)


async def test_what_waits_is_one_write() -> None:
    saves = Saves()
    async with trio.open_nursery() as nursery:
        for name in "abcd":
            nursery.start_soon(saves.save, name)
            await wait_all_tasks_blocked()
        await saves.slow.begun(1)
        assert saves.slow.writes == [["a"]]
        saves.slow.go(2)

    assert saves.slow.writes == [["a"], ["b", "c", "d"]]
    assert saves.got == dict.fromkeys("abcd", EntryCounts(1))


@pytest.mark.usefixtures("patient")
async def test_writers_are_writes_and_not_saves() -> None:
    saves = Saves(width=4)
    async with trio.open_nursery() as nursery:
        for name in "abcd":
            nursery.start_soon(saves.save, name)
            await wait_all_tasks_blocked()
        await saves.slow.begun(1)
        assert saves.merged.writers == Writers(width=4, busy=1, waiting=3, peak_waiting=3)
        saves.slow.go()
        await saves.slow.begun(2)
        assert saves.merged.writers == Writers(width=4, busy=1, waiting=0, peak_waiting=3)
        saves.slow.go()

    assert saves.merged.writers == Writers(width=4, busy=0, waiting=0, peak_waiting=3)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each save that has to wait is late at once."""
    monkeypatch.setattr(batches, "LATE", 0.0)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No save is ever late."""
    monkeypatch.setattr(batches, "LATE", float("inf"))


@pytest.mark.usefixtures("patient")
async def test_one_thread_writes_what_waits_and_another_one_what_is_more() -> None:
    saves = Saves(width=2)
    names = [str(number) for number in range(2 * CALLERS)]
    async with trio.open_nursery() as nursery:
        for name in names[: CALLERS + 1]:
            nursery.start_soon(saves.save, name)
            await wait_all_tasks_blocked()
        await saves.slow.begun(1)
        assert saves.slow.writes == [names[:1]]
        for name in names[CALLERS + 1 :]:
            nursery.start_soon(saves.save, name)
            await wait_all_tasks_blocked()
        await saves.slow.begun(2)
        assert sorted(saves.slow.writes[1]) == sorted(names[1 : CALLERS + 2])
        saves.slow.go(3)

    assert sorted(saves.slow.writes[2]) == sorted(names[CALLERS + 2 :])


@pytest.mark.usefixtures("impatient")
async def test_a_save_that_is_late_gets_a_thread_of_its_own() -> None:
    saves = Saves(width=2)
    async with trio.open_nursery() as nursery:
        for name in "abcd":
            nursery.start_soon(saves.save, name)
            await wait_all_tasks_blocked()
        await saves.slow.begun(2)
        assert sorted(saves.slow.writes) == [["a"], ["b"]]
        saves.slow.go()
        await saves.slow.begun(3)
        saves.slow.go(2)

    assert saves.slow.writes[2:] == [["c", "d"]]


async def test_two_saves_of_one_feed_are_two_writes() -> None:
    saves = Saves()
    async with trio.open_nursery() as nursery:
        for name in "abbc":
            nursery.start_soon(saves.save, name)
            await wait_all_tasks_blocked()
        saves.slow.go(3)

    assert saves.slow.writes == [["a"], ["b", "c"], ["b"]]


@pytest.mark.parametrize(
    ("entries", "how"),
    [(MERGED_ENTRIES // 2, {}), (2, {"content": "x" * (MERGED_CHARACTERS // 5)})],
    ids=["entries", "characters"],
)
async def test_a_write_is_bounded(entries: int, how: dict[str, object]) -> None:
    """Two of them fit and three do not, but a save that is larger alone is made all the same."""
    saves = Saves()
    async with trio.open_nursery() as nursery:
        for name, times in (("a", 1), ("b", 1), ("c", 1), ("d", 1), ("e", 9)):
            nursery.start_soon(lambda name=name, times=times: saves.save(name, entries * times, **how))
            await wait_all_tasks_blocked()
        saves.slow.go(4)

    assert saves.slow.writes == [["a"], ["b", "c"], ["d"], ["e"]]


async def test_one_that_fails_fails_alone() -> None:
    saves = Saves()
    saves.slow.outcome = lambda each: (
        StoreError("bad") if each.state.feed_id == "c" else EntryCounts(len(each.entries))
    )
    async with trio.open_nursery() as nursery:
        for name in "abcd":
            nursery.start_soon(saves.save, name)
            await wait_all_tasks_blocked()
        saves.slow.go(2)

    assert saves.got == {"a": EntryCounts(1), "b": EntryCounts(1), "c": "bad", "d": EntryCounts(1)}


async def test_a_write_that_fails_fails_for_all_in_it_and_for_no_other() -> None:
    saves = Saves()

    def gone(each: FeedUpdate) -> EntryCounts:
        if each.state.feed_id in "bc":
            raise StoreError("gone")
        return EntryCounts()

    saves.slow.outcome = gone
    async with trio.open_nursery() as nursery:
        for name in "abc":
            nursery.start_soon(saves.save, name)
            await wait_all_tasks_blocked()
        saves.slow.go(2)
    saves.slow.go()
    await saves.save("d")

    assert saves.got == {"a": EntryCounts(), "b": "gone", "c": "gone", "d": EntryCounts()}
    assert saves.errors[0] is not saves.errors[1], "each is raised with a traceback of its own"


class Watched:
    """An update that notes whether Ctrl-C could interrupt the task which looks at it."""

    entries = ()

    def __init__(self) -> None:
        self.protected: list[bool] = []

    @property
    def state(self) -> FeedState:
        if trio.lowlevel.in_trio_run():
            self.protected.append(trio.lowlevel.currently_ki_protected())
        return state("a")


async def test_ctrl_c_does_not_come_between() -> None:
    """Other saves that are in the same write would wait for ever."""
    saves = Saves()
    saves.slow.go()
    watched = Watched()
    await saves.merged.save(cast("FeedUpdate", watched))

    assert watched.protected
    assert all(watched.protected)


class TestCancellation:
    async def test_who_waits_leaves_and_is_not_written(self) -> None:
        saves = Saves()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(saves.save, "a")
            await wait_all_tasks_blocked()
            async with trio.open_nursery() as cancelled:
                cancelled.start_soon(saves.save, "b")
                await wait_all_tasks_blocked()
                cancelled.cancel_scope.cancel()
            assert saves.got == {"b": "cancelled"}
            nursery.start_soon(saves.save, "c")
            await wait_all_tasks_blocked()
            saves.slow.go(2)

        assert saves.slow.writes == [["a"], ["c"]]

    @pytest.mark.parametrize("name", ["b", "c"], ids=["the one that leads", "one that is taken along"])
    async def test_who_is_being_written_hears_the_outcome(self, name: str) -> None:
        saves = Saves()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(saves.save, "a")
            await wait_all_tasks_blocked()
            scopes = {}
            for each in "bcd":
                scopes[each] = trio.CancelScope()

                async def save(each: str = each) -> None:
                    with scopes[each]:
                        await saves.save(each)

                nursery.start_soon(save)
                await wait_all_tasks_blocked()
            saves.slow.go()
            await saves.slow.begun(2)
            scopes[name].cancel()
            await wait_all_tasks_blocked()
            assert name not in saves.got
            saves.slow.go()

        assert saves.slow.writes == [["a"], ["b", "c", "d"]]
        assert saves.got == dict.fromkeys("abcd", EntryCounts(1))

    async def test_a_leader_whose_thread_is_elsewhere_hands_on(self) -> None:
        """The thread may be busy with something that is no save."""
        saves = Saves()
        elsewhere = threading.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(saves.threads.run, elsewhere.wait, 30)
            await wait_all_tasks_blocked()
            async with trio.open_nursery() as cancelled:
                cancelled.start_soon(saves.save, "a")
                await wait_all_tasks_blocked()
                nursery.start_soon(saves.save, "b")
                await wait_all_tasks_blocked()
                cancelled.cancel_scope.cancel()
            elsewhere.set()
            saves.slow.go()

        assert saves.slow.writes == [["b"]]
        assert saves.got == {"a": "cancelled", "b": EntryCounts(1)}
        saves.slow.go()
        await saves.save("c")
        assert saves.slow.writes == [["b"], ["c"]]

    async def test_a_leader_that_is_cancelled_as_it_gets_its_thread(self) -> None:
        """It has taken others along, who count on it."""
        saves = Saves()
        scope = trio.CancelScope()

        async def leader() -> None:
            with scope:
                await saves.save("a")

        await saves.threads.limiter.acquire()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(leader)
            await wait_all_tasks_blocked()
            nursery.start_soon(saves.save, "b")
            await wait_all_tasks_blocked()
            saves.threads.limiter.release()
            scope.cancel()
            saves.slow.go(2)

        assert saves.slow.writes == [["a", "b"]]
        assert saves.got == {"a": EntryCounts(1), "b": EntryCounts(1)}

    @pytest.mark.usefixtures("impatient")
    async def test_another_leaders_own_save_stays_his(self) -> None:
        """Two lead, one thread is elsewhere: the second one's save waits for the second thread."""
        saves = Saves(width=2)
        elsewhere = threading.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(saves.threads.run, elsewhere.wait, 30)
            await wait_all_tasks_blocked()
            for name in "abc":
                nursery.start_soon(saves.save, name)
                await wait_all_tasks_blocked()
            await saves.slow.begun(1)
            assert saves.slow.writes == [["a"]]
            elsewhere.set()
            await saves.slow.begun(2)
            saves.slow.go(2)

        assert saves.slow.writes == [["a"], ["b", "c"]]

    @pytest.mark.usefixtures("impatient")
    async def test_at_any_moment_none_is_lost_and_none_hangs(self) -> None:
        """A hundred saves by two threads, cancelled after any number of steps; then all goes on."""
        for steps in range(40):
            saves = Saves(width=2)
            saves.slow.go(1000)
            names = [str(number) for number in range(100)]
            async with trio.open_nursery() as nursery:
                for name in names:
                    nursery.start_soon(saves.save, name)
                for _ in range(steps):
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()
            written = {name for write in saves.slow.writes for name in write}
            assert {name for name, got in saves.got.items() if got == EntryCounts(1)} == written

            with trio.fail_after(30):
                await saves.save("after")
            assert saves.got["after"] == EntryCounts(1)


async def test_a_later_save_of_a_feed_does_not_overtake_one_that_was_too_large() -> None:
    saves = Saves()
    async with trio.open_nursery() as nursery:
        for name, entries in (("a", 1), ("b", MERGED_ENTRIES), ("c", MERGED_ENTRIES), ("c", 1)):
            nursery.start_soon(saves.save, name, entries)
            await wait_all_tasks_blocked()
        await saves.slow.begun(1)
        saves.slow.go(4)

    assert saves.slow.writes == [["a"], ["b"], ["c"], ["c"]]
    assert saves.got["c"] == EntryCounts(1)
