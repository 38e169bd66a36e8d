"""The way of one feed through the four lanes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import trio

from .._archive.archive import Archive
from .._archive.exchange import KeptFetch, KeptPoll
from .._config.config import Config
from .._errors import OUT_OF_MEMORY, FeedFailed, StoreRejected, is_out_of_memory
from .._flow import Flow
from .._hosts.retry_after import QueueAgain
from .._hosts.silence import Silence
from .._hosts.slots import HostSlot
from .._http import Clock, FetchContext, Fetched, Fetcher
from .._http.byte_budget import ByteBudget
from .._http.hops import Hop, listed_url
from .._lane import Lane, LaneTotals, Timings
from .._parse import FeedDocument, RecordParser
from .._records import (
    EntryCounts,
    Feed,
    FeedState,
    FeedUpdate,
    LaneStatistics,
    Outcome,
    ParsedFeed,
    Result,
)
from .._schedule.same_feed import kept_elsewhere
from .._store import Store
from .._store.lane import StoreLane
from .attempts import Attempt
from .candidates import Candidate
from .loop_lag import LoopLag
from .network import Network
from .next_state import BLOCKED, GONE_REASON, after_failure, after_success, had_entries, to_send
from .older_pages import OlderPages, has_older
from .open_files import OpenFiles
from .plans import Plan
from .poll_log import PollLog
from .polls import kept_poll, poll_of
from .same_feeds import SameFeeds


class Lanes:
    """The four lanes of a scrape."""

    def __init__(self, files: OpenFiles, parser: RecordParser, store: Store, flow: Flow) -> None:
        self.dns = Lane("dns", files.dns_width, spare=files.dns_abandoned, flow=flow)
        self.http = Lane("http", files.http_width)
        self.parse = Lane("parse", parser.width)
        self.store = Lane("store", store.width)
        self._store = store

    def totals(self) -> dict[str, LaneTotals]:
        """Each lane at this moment, by its name; see `Lane.totals`."""
        lanes = {lane.name: lane.totals() for lane in (self.dns, self.http, self.parse, self.store)}
        if (writers := self._store.writers) is not None:
            store = lanes["store"]
            lanes["store"] = replace(
                store,
                width=writers.width,
                busy=writers.busy,
                waiting=store.waiting + writers.waiting,
                peak_waiting=store.peak_waiting + writers.peak_waiting,
            )
        return lanes

    def statistics(self) -> dict[str, LaneStatistics]:
        """Each lane at this moment, by its name."""
        return {name: totals.statistics() for name, totals in self.totals().items()}


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Takes feeds through the lanes. It knows of no nursery and of no other feed."""

    lanes: Lanes
    fetcher: Fetcher
    silence: Silence
    network: Network
    lag: LoopLag
    parser: RecordParser
    store: StoreLane
    polls: PollLog
    """Of feeds that have not changed."""
    budget: ByteBudget
    same_feeds: SameFeeds
    now: Callable[[], datetime]
    plan: Plan
    """For the next fetch of each feed."""
    config: Config
    archive: Archive | None = None
    """Where it is kept which feeds were polled; its `fetcher` keeps what their servers have sent."""

    async def outcome(self, candidate: Candidate, slot: HostSlot, timings: Timings) -> Result:
        """Whatever becomes of the feed, as a value.

        Args:
          candidate: the feed, with what is known of it.
          slot: of its host.
          timings: what it spends in the lanes is added here.

        Raises:
          QueueAgain: its host has refused it, and will take it later in this run.
          StoreError: the store is gone for good, or accepts nothing at all.
          OutageInDoubt: see `StoreLane.save`.

        Cancellation: see `Fetcher.fetch`, `Parser.parse` and `StoreLane.save`.
        """
        timings.began = self.now()
        if candidate.put_off is not None:
            timings.begun = True
            put_off = await self._failed(candidate, candidate.put_off, timings)
            return await self._kept(candidate, timings, put_off)
        try:
            return await self._kept(candidate, timings, await self._unless_paused(candidate, slot, timings))
        except StoreRejected as error:
            rejected = FeedFailed("not-stored", str(error))
            failed = await self._failed(candidate, rejected, timings, rejected=True)
            return await self._kept(candidate, timings, failed)
        except FeedFailed as failed:
            # Its frames refer to the document, and this one would refer to them.
            failure = failed.with_traceback(None)
        except (MemoryError, ImportError) as error:  # some modules are imported when they are needed
            if not is_out_of_memory(error):
                raise
            # No fault of the feed, and so nothing to remember.
            feed, lanes = candidate.feed, timings.lanes
            return Result(feed, Outcome.FAILED, "out-of-memory", OUT_OF_MEMORY, lanes=lanes)
        timings.begun = True
        if slot.host is not None and failure.postponed_by is None:
            self.silence.failed(slot.host, failure)
        if await self.network.is_to_blame(candidate.host, candidate.state, failure):
            return _not_counted(candidate.feed, failure, timings)
        return await self._kept(candidate, timings, await self._failed(candidate, failure, timings))

    async def _kept(self, candidate: Candidate, timings: Timings, result: Result) -> Result:
        """Have it kept that the feed was polled or put off, and return its `result`."""
        if self.archive is not None:
            await self.archive.add_poll(self._kept_poll(candidate, timings, result))
        return result

    def _kept_poll(self, candidate: Candidate, timings: Timings, result: Result) -> KeptPoll:
        now = self.now()
        return kept_poll(candidate, timings, result, now, self.plan.after_failure(now))

    async def _unless_paused(self, candidate: Candidate, slot: HostSlot, timings: Timings) -> Result:
        """Once more if the process has stood still meanwhile: time went by in which no server was heard."""
        began = trio.current_time()
        try:
            return await self._through_the_lanes(candidate, slot, timings)
        except FeedFailed as failed:
            if failed.reason not in _MAY_BE_A_PAUSE or not self.lag.paused_since(began):
                raise
        self.fetcher.forget_failed_lookups()
        return await self._through_the_lanes(candidate, slot, timings)

    async def _through_the_lanes(self, candidate: Candidate, slot: HostSlot, timings: Timings) -> Result:
        """In one attempt; or in one more where the server breaks on validators, or has no https."""
        attempt, clock = Attempt(to_send(candidate.state, self.now())), Clock(self.config.fetch_timeout)
        while True:
            try:
                result, pages = await self._fetched_and_stored(candidate, attempt, slot, timings, clock)
            except FeedFailed as failed:
                following = attempt.after(failed.with_traceback(None))
                if following is None:
                    raise attempt.failure(failed) from None
                attempt = following
            else:
                return (
                    result
                    if pages is None
                    else await self._with_older(candidate, result, pages, slot, timings)
                )

    async def _fetched_and_stored(
        self, candidate: Candidate, attempt: Attempt, slot: HostSlot, timings: Timings, clock: Clock
    ) -> tuple[Result, OlderPages | None]:
        known = candidate.state
        with self.budget.reservation() as reservation:
            # The dns lane and the http lane, once for every hop.
            kept = None if self.archive is None else KeptFetch()
            context = FetchContext(
                candidate.feed, attempt.sent, timings, reservation, slot, clock, attempt.over_http, kept=kept
            )
            fetched = attempt.noted(await self.fetcher.fetch(context))
            body_hash = _body_hash(fetched, known)
            # The parse lane, unless the body is known.
            parsed = await self._parsed(fetched, body_hash, known, timings)
            timings.ended = now = self.now()
            state, rules = after_success(candidate, fetched, body_hash, parsed, now, self.plan)
            if slot.is_limited or (known is not None and known.postponed is not None):
                # The feeds of the host take turns.
                timings.took_turn = True
                state = replace(state, last_turn=now)
            same = await self.same_feeds.other(candidate, fetched.url, state, now)
            is_merged = same is not None and same.is_kept and self.config.merge_duplicates
            if same is not None and is_merged:
                state, rules = kept_elsewhere(state, rules, same.url, now)
            size = None if fetched.body is None else len(fetched.body)
            poll = poll_of(known, now, timings, rules, size=size)
            # The store lane, unless there is nothing new to remember but the poll.
            update, entries, may_close = FeedUpdate(state, (), poll), EntryCounts(), False
            if parsed is not None and not is_merged:
                # Only older pages may tell whether there is a gap before the poll.
                had = had_entries(known)
                may_close = had and has_older(parsed)
                update = FeedUpdate(state, parsed.entries, None if may_close else poll, had_entries=had)
            if stored := parsed is not None or state != candidate.stored:
                entries = await self.store.save(update, timings)
            else:
                await self.polls.add(candidate.feed_id, poll)
        reason, detail = self._remarks(fetched, parsed)
        result = Result(
            candidate.feed,
            _stored_outcome(known, entries) if stored and not is_merged else Outcome.NOT_MODIFIED,
            reason,
            detail,
            entries=entries,
            stored=stored,
            same_as=same.url if same is not None else None,
            status=fetched.status,
            size=size,
            final_url=fetched.url,
            next_fetch=state.next_fetch,
            gap=update.has_gap(entries),
            lanes=timings.lanes,
            before=known,
        )
        if parsed is None or not may_close:
            return result, None
        poll = replace(poll, new=entries.new, changed=entries.changed)
        if not result.gap:
            await self.polls.add(candidate.feed_id, poll)
            return result, None
        return result, OlderPages(known, state, fetched, parsed, poll)

    async def _with_older(
        self, candidate: Candidate, result: Result, pages: OlderPages, slot: HostSlot, timings: Timings
    ) -> Result:
        """The result of a feed whose document has a gap before it, with the older pages that there are.

        Whatever becomes of them, the document is stored, and so is its poll.
        """
        while (url := pages.next_url) is not None:
            slot.release()  # as every fetch, it waits until it is its turn at the host
            try:
                counts = await self._older_page(result.feed, url, pages, slot, timings)
            except (FeedFailed, QueueAgain, StoreRejected, MemoryError) as failure:
                pages.failed(url, failure)
            except BaseException:
                self.polls.note(pages.state.feed_id, replace(pages.poll, gap=True))
                timings.stored = replace(result, pages=pages.fetched, lanes=timings.lanes)
                if self.archive is not None:
                    self.archive.note_poll(self._kept_poll(candidate, timings, timings.stored))
                raise
            else:
                result = replace(result, entries=result.entries + counts)
        detail = "; ".join(filter(None, (result.detail, pages.remark))) or None
        gap, fetched = not pages.closed, pages.fetched
        await self.polls.add(pages.state.feed_id, replace(pages.poll, gap=gap))
        return replace(result, gap=gap, pages=fetched, detail=detail, lanes=timings.lanes)

    async def _older_page(
        self, feed: Feed, url: str, pages: OlderPages, slot: HostSlot, timings: Timings
    ) -> EntryCounts:
        """Fetch, parse and store one older page, through the same lanes as any document."""
        start, clock = Hop(listed_url(url), pages.from_public), Clock(self.config.fetch_timeout)
        with self.budget.reservation() as reservation:
            kept = None if self.archive is None else KeptFetch(of_older_page=True)
            context = FetchContext(feed, None, timings, reservation, slot, clock, start=start, kept=kept)
            fetched, known = await self.fetcher.fetch(context), pages.state
            parsed = await self._parsed(fetched, _body_hash(fetched, known), known, timings)
            if (update := pages.update(fetched, parsed)) is None:
                return EntryCounts()
            counts = await self.store.save(update, timings)
        pages.stored(counts)
        return counts

    async def _parsed(
        self, fetched: Fetched, body_hash: str | None, known: FeedState | None, timings: Timings
    ) -> ParsedFeed | None:
        """What the document says; None when there is none, or it is the one that is known."""
        if fetched.body is None or (known is not None and known.body_hash == body_hash):
            return None
        document = FeedDocument(
            fetched.body,
            fetched.url,
            fetched.content_type,
            distrusts_ids=known is not None and known.distrusts_ids,
            shared_keys=known.shared_keys if known is not None else (),
            entries_limit=self.config.entries_limit,
        )
        async with self.lanes.parse.slot(timings):
            return await self.parser.parse(document)

    def _remarks(self, fetched: Fetched, parsed: ParsedFeed | None) -> tuple[str | None, str | None]:
        """The reason and the detail of a feed that has not failed."""
        if parsed is None or not parsed.has_more:
            return None, fetched.remark
        cut = f"only its first {self.config.entries_limit:,} entries are taken"
        return "too-many-entries", "; ".join(filter(None, (cut, fetched.remark)))

    async def _failed(
        self, candidate: Candidate, failed: FeedFailed, timings: Timings, *, rejected: bool = False
    ) -> Result:
        """Remember a failure. After our own refusal the feed is due as before: other settings may allow it.

        The state after it has nothing of the document. So where the store has `rejected` a document, the feed
        keeps the validators of the last one that was stored, and its next fetch is put off.
        """
        outcome = _FAILURES.get(failed.reason, Outcome.FAILED)
        next_fetch = None
        timings.ended = now = self.now()
        state, rules = after_failure(candidate, failed, now, self.plan.after_failure(now))
        # A feed that was put off because of its host was not polled, unless it has got that answer itself.
        polled = failed.postponed_by is None or timings.status is not None
        poll = poll_of(candidate.state, now, timings, rules, failed=failed) if polled else None
        differs = state != candidate.stored
        remembered = rejected or failed.reason not in ("not-stored", "not-a-url")
        if remembered := remembered and (poll is not None or differs):
            try:
                await self.store.save(FeedUpdate(state, (), poll), timings)
                next_fetch = state.next_fetch
            except StoreRejected as error:
                if not rejected:
                    failed, outcome = FeedFailed("not-stored", str(error)), Outcome.FAILED
                remembered = False
            except FeedFailed as not_stored:
                failed, remembered, outcome = not_stored, False, Outcome.FAILED
        return Result(
            candidate.feed,
            outcome,
            failed.reason,
            failed.detail or None,
            stored=remembered and differs and not rejected,
            page_feeds=failed.feeds,
            next_fetch=next_fetch,
            lanes=timings.lanes,
            before=candidate.state,
        )


_MAY_BE_A_PAUSE: Final = {
    "lookup-timeout",
    "lookup-failed",
    "unreachable",
    "connect-timeout",
    "connection-lost",
    "read-timeout",
    "too-slow",
    "fetch-timeout",
    "parse-timeout",
}
"""Failures that a pause of this process, or of the machine, may be the reason of."""

_FAILURES: Final = {
    GONE_REASON: Outcome.GONE,
    "not-a-url": Outcome.REFUSED,
    BLOCKED: Outcome.REFUSED,
}


def _not_counted(feed: Feed, failed: FeedFailed, timings: Timings) -> Result:
    detail = "; ".join(filter(None, (failed.detail, "there is no network, so this is not counted")))
    return Result(feed, Outcome.FAILED, failed.reason, detail, lanes=timings.lanes)


def _body_hash(fetched: Fetched, known: FeedState | None) -> str | None:
    if fetched.body is None:
        return known.body_hash if known is not None else None
    return hashlib.blake2b(fetched.body, digest_size=16).hexdigest()


def _stored_outcome(known: FeedState | None, entries: EntryCounts) -> Outcome:
    if known is None or known.body_hash is None:
        return Outcome.NEW
    return Outcome.UPDATED if entries.new or entries.changed else Outcome.NOT_MODIFIED
