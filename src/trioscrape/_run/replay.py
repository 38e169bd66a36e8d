"""Takes the polls of an archive through the lanes once more, without a network and at the original times."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import trio

from .._archive.exchange import KeptPoll
from .._config.config import Config
from .._exception_groups import ungrouped
from .._flow import Flow
from .._hosts.queue import HostQueue
from .._hosts.silence import Silence
from .._hosts.slots import HostSlot, HostSlots
from .._http.byte_budget import ByteBudget
from .._lane import Timings
from .._parse import RecordParser, open_process_parser
from .._records import (
    EntryCounts,
    FeedHistory,
    FeedState,
    FeedUpdate,
    Outcome,
    Poll,
    Quantiles,
    Report,
    Result,
)
from .._records.kinds import clean_moment
from .._store import Store
from .._store.lane import StoreLane
from .._threads import off_loop
from .candidates import Candidate
from .network import Network
from .open_files import OpenFiles
from .pipeline import Lanes, Pipeline
from .plans import ForTheNextRun
from .poll_log import PollLog
from .replayed import NotArchived, Replayed, ReplayedFetcher, ReplayedLag, archive_unreadable
from .same_feeds import SameFeeds
from .seen import Seen
from .stored_polls import Standing, StoredPolls
from .tally import Tally

AT_ONCE: Final = 4
"""Polls under way for each parser: one is parsed while the others are read, decoded and stored."""
SHOWN: Final = 10
_OUTDATED: Final = "the store has later polls of it"


class Replay:
    """A replay under way: an async iterator of results, in order of completion.

    Polls of one feed keep their order, and each sees the clock of then: so the schedule is that of then.
    Of several feeds at once only those differ that were in flight together.
    """

    def __init__(self, polls: Iterator[KeptPoll], store: Store, parser: RecordParser, config: Config) -> None:
        self._polls, self._config, self._parser = polls, config, parser
        self._reading, self._limiter = trio.Lock(), trio.CapacityLimiter(1)
        self._flow = Flow()
        self._flow.note(reached=True)  # the network of then is no matter of today's
        files = OpenFiles(limit=1, http_width=2**16, parked=0, dns_width=1, dns_abandoned=0)
        self._lanes = Lanes(files, parser, store, self._flow)
        self._store = StoreLane(store, self._lanes.store, config.outage_timeout)
        self._queue = HostQueue[Candidate](1)
        self._log, self._budget = _PollsInOrder(self._store), ByteBudget(config.bytes_in_flight)
        self._stored_polls = StoredPolls(self._store)
        self._arrivals = Seen[str]()
        self._same_feeds = SameFeeds(self._store, self._arrivals, merge=config.merge_duplicates)
        self._before: dict[str, trio.Event] = {}
        """By feed id, an event that is set when the latest poll of the feed under way has ended."""
        self._send, self._received = trio.open_memory_channel[Result](0)
        self._began = trio.current_time()
        self.tally = Tally()
        self.left_out: list[str] = []
        """The first `SHOWN` polls that could not be replayed, and why."""
        self.missing = 0
        """How many polls could not be replayed."""

    @property
    def already_stored(self) -> int:
        """How many polls the store already had. They were not replayed."""
        return self._stored_polls.found

    def __aiter__(self) -> AsyncIterator[Result]:
        return self

    async def __anext__(self) -> Result:
        try:
            return await self._received.receive()
        except trio.EndOfChannel:
            raise StopAsyncIteration from None

    def report(self) -> Report:
        """The totals so far; polls are counted where a scrape counts feeds."""
        tally = self.tally
        return Report(
            feeds=tally.accepted,
            not_started=0,
            duplicates=0,
            duplicate_examples=(),
            outcomes={outcome: tally.outcomes[outcome] for outcome in Outcome},
            entries=tally.entries,
            errors=dict(tally.errors.most_common()),
            examples=dict(tally.examples),
            seconds=trio.current_time() - self._began,
            lanes=self._lanes.statistics(),
            loop_lag=Quantiles(),
            stored=tally.stored,
            not_stored_examples=tuple(tally.not_stored_examples),
            outage=self._store.outage,
        )

    async def run(self) -> None:
        """Replay all polls. The results end with it."""
        with self._send:
            try:
                async with trio.open_nursery() as nursery:
                    for _ in range(AT_ONCE * self._parser.width):
                        nursery.start_soon(self._work)
                await self._log.write()
                for earlier in self._stored_polls.outdated():
                    self._leave_out(earlier.url, earlier.first, _OUTDATED)
                    self.missing += earlier.count - 1
            finally:
                await self._log.close()  # noqa: ASYNC102 - is shielded inside

    async def aclose(self) -> None:
        """Forget which feeds have arrived where."""
        await self._arrivals.aclose()

    async def _work(self) -> None:
        while (turn := await self._next()) is not None:
            poll, before, done = turn
            try:
                await before.wait()
                result = await self._result(poll)
            finally:
                done.set()
                if self._before.get(poll.feed_id) is done:
                    del self._before[poll.feed_id]
            if result is not None:
                self.tally.accepted += 1
                self.tally.count(result)
                await self._send.send(result)

    async def _next(self) -> tuple[KeptPoll, trio.Event, trio.Event] | None:
        """The next poll, an event to wait for before it and one to set after it; None: no poll is left."""
        async with self._reading:
            try:
                poll = await off_loop(next, self._polls, None, limiter=self._limiter)
            except OSError as error:
                raise archive_unreadable(error) from error
            if poll is None:
                return None
            done = trio.Event()
            before = self._before.get(poll.feed_id)
            if before is None:
                before = trio.Event()
                before.set()
            self._before[poll.feed_id] = done
            return poll, before, done

    async def _result(self, poll: KeptPoll) -> Result | None:
        """The result of replaying a poll; None: it can't be replayed."""
        await self._log.write_before(None if self._config.merge_duplicates else poll.feed_id)
        states = await self._store.load([poll.feed_id])
        if poll.feed_id in states and (standing := await self._stored_polls.standing(poll)) != Standing.NEXT:
            if standing is Standing.OUTDATED:
                self._leave_out(poll.feed.redacted_url, poll.began, _OUTDATED)
            return None
        candidate = Candidate(poll.feed, poll.feed_id, "", put_off=poll.put_off).knowing(
            states.get(poll.feed_id), poll.began, timedelta(seconds=self._config.interval)
        )
        slot, timings = _NoSlot(self._queue, self._flow, is_limited=poll.took_turn), Timings()
        try:
            return await self._pipeline(poll).outcome(candidate, slot, timings)
        except NotArchived as missing:
            if timings.stored is not None:  # what is not there is an older page
                return timings.stored
            self._leave_out(poll.feed.redacted_url, poll.began, str(missing))
        return None

    def _leave_out(self, url: str, began: datetime, why: str) -> None:
        self.missing += 1
        if len(self.left_out) < SHOWN:
            self.left_out.append(f"{url} at {began:%Y-%m-%d %H:%M:%S}: {why}")

    def _pipeline(self, poll: KeptPoll) -> Pipeline:
        """A pipeline whose network and clock are those of the original poll."""
        replayed, config = Replayed(poll), self._config
        return Pipeline(
            self._lanes,
            ReplayedFetcher(replayed, self._lanes.http, config),
            Silence(self._queue),
            Network(self._flow, 1),
            ReplayedLag(replayed),
            self._parser,
            _StoreOfThen(self._store, replayed),
            self._log,
            self._budget,
            self._same_feeds,
            replayed.now,
            ForTheNextRun(poll.next_run),
            config,
        )


class _PollsInOrder(PollLog):
    """Polls that changed nothing. Each is written before the next one of its feed."""

    def __init__(self, store: StoreLane) -> None:
        super().__init__(store)
        self._feeds: set[str] = set()
        self._writing = trio.Lock()

    def note(self, feed_id: str, poll: Poll) -> None:
        """See `PollLog.note`."""
        self._feeds.add(feed_id)
        super().note(feed_id, poll)

    async def write(self) -> None:
        """See `PollLog.write`."""
        async with self._writing:
            self._feeds.clear()
            await super().write()

    async def write_before(self, feed_id: str | None) -> None:
        """Have the polls of a feed written; None: those of all feeds."""
        async with self._writing:
            is_needed = bool(self._feeds) if feed_id is None else feed_id in self._feeds
        if is_needed:
            await self.write()


class _StoreOfThen(StoreLane):
    """A store lane whose entries are as old as their poll."""

    def __init__(self, lane: StoreLane, replayed: Replayed) -> None:
        self._of_today, self._replayed = lane, replayed

    async def load(self, feed_ids: Sequence[str]) -> dict[str, FeedState]:
        """See `StoreLane.load`."""
        return await self._of_today.load(feed_ids)

    async def read_history(self, feed_ids: Sequence[str], *, polls: bool = False) -> dict[str, FeedHistory]:
        """See `StoreLane.read_history`."""
        return await self._of_today.read_history(feed_ids, polls=polls)

    async def save(self, update: FeedUpdate, timings: Timings) -> EntryCounts:
        """See `StoreLane.save`."""
        return await self._of_today.save(replace(update, at=clean_moment(self._replayed.now())), timings)


class _NoSlot(HostSlot):
    """A slot that never makes a feed wait for its host."""

    def __init__(self, queue: HostQueue[Candidate], flow: Flow, *, is_limited: bool) -> None:
        super().__init__(HostSlots(queue, flow), None)
        self._is_limited = is_limited

    @property
    def is_limited(self) -> bool:
        """See `HostSlot.is_limited`."""
        return self._is_limited

    async def switch(self, host: str) -> None:
        """Nothing to do."""


@asynccontextmanager
async def open_replay(polls: Iterator[KeptPoll], store: Store, config: Config) -> AsyncIterator[Replay]:
    """Replay the polls into `store`, and hand out the results as they come.

    Args:
      polls: read in a thread.
      store: open; its lease is the caller's business.
      config: limits and timeouts.

    Raises:
      StoreError: the store has failed for good.
      ResourceError: the archive can't be read, or no parser process can be started.

    Cancellation: see `open_scrape`.
    """
    opened = open_process_parser(width=config.parse_width, parse_timeout=config.parse_timeout)
    async with opened as parser:
        replay = Replay(polls, store, parser, config)
        try:
            with ungrouped():
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(replay.run)
                    yield replay
                    nursery.cancel_scope.cancel(reason="the block has ended")
        finally:
            await replay.aclose()  # noqa: ASYNC102 - is shielded inside
