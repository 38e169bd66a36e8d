"""The way of one feed through the four lanes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from ._admission import Candidate
from ._budget import ByteBudget
from ._config import Config
from ._errors import FeedFailed
from ._fetch import Fetched, Fetcher
from ._lane import Lane, Trip
from ._parse import Document, Parser
from ._store import Store
from ._types import EntryCounts, FeedState, FeedUpdate, LaneStatistics, Outcome, ParsedFeed, Result


class Lanes:
    """The four lanes of a scrape."""

    def __init__(self, config: Config, store: Store) -> None:
        self.dns = Lane("dns", config.dns_width, spare=config.dns_abandoned)
        self.http = Lane("http", config.http_width)
        self.parse = Lane("parse", config.parse_width)
        self.store = Lane("store", store.width)

    def statistics(self) -> dict[str, LaneStatistics]:
        """Each lane at this moment, by its name."""
        return {lane.name: lane.statistics() for lane in (self.dns, self.http, self.parse, self.store)}


@dataclass(frozen=True, slots=True)
class Passage:
    """What takes feeds through the lanes. It knows of no nursery and no other feed."""

    lanes: Lanes
    fetcher: Fetcher
    parser: Parser
    store: Store
    budget: ByteBudget

    async def outcome(self, candidate: Candidate) -> Result:
        """Whatever becomes of the feed, as a value.

        Raises:
          StoreError: the store is gone.

        Cancellation: see `Fetcher.fetch`, `Parser.parse` and `Store.save`.
        """
        trip = Trip()
        feed = candidate.feed
        try:
            return await self._through_the_lanes(candidate, trip)
        except FeedFailed as failed:
            outcome = _FAILURES.get(failed.reason, Outcome.FAILED)
            return Result(feed, outcome, failed.reason, failed.detail or None, lanes=trip.lanes)

    async def _through_the_lanes(self, candidate: Candidate, trip: Trip) -> Result:
        lanes, known = self.lanes, candidate.state
        with self.budget.hold() as held:
            # The dns lane and the http lane, a turn in each for every hop.
            fetched = await self.fetcher.fetch(candidate.feed, known, trip, held)
            body_hash = _body_hash(fetched, known)
            parsed = None
            if fetched.body is not None and (known is None or known.body_hash != body_hash):
                async with lanes.parse.slot(trip):
                    parsed = await self.parser.parse(
                        Document(fetched.body, fetched.url, fetched.content_type)
                    )
            update = _update(candidate, fetched, body_hash, parsed)
            if parsed is None and update.state == known:
                return Result(candidate.feed, Outcome.NOT_MODIFIED, lanes=trip.lanes)
            async with lanes.store.slot(trip):
                entries = await self.store.save(update)
        outcome = _stored_outcome(known, entries)
        return Result(candidate.feed, outcome, entries=entries, stored=True, lanes=trip.lanes)


_FAILURES: Final = {
    "http-410": Outcome.GONE,
    "not-a-url": Outcome.REFUSED,
    "blocked-address": Outcome.REFUSED,
}


def _body_hash(fetched: Fetched, known: FeedState | None) -> str | None:
    if fetched.body is None:
        return known.body_hash if known is not None else None
    return hashlib.blake2b(fetched.body, digest_size=16).hexdigest()


def _update(
    candidate: Candidate, fetched: Fetched, body_hash: str | None, parsed: ParsedFeed | None
) -> FeedUpdate:
    known = candidate.state
    title = parsed.title if parsed is not None else known.title if known is not None else None
    title = title or candidate.feed.title
    state = FeedState(
        feed_id=candidate.feed_id,
        url=candidate.feed.shown,
        title=title,
        etag=fetched.validators.etag,
        last_modified=fetched.validators.last_modified,
        body_hash=body_hash,
    )
    return FeedUpdate(state, parsed.entries if parsed is not None else ())


def _stored_outcome(known: FeedState | None, entries: EntryCounts) -> Outcome:
    if known is None:
        return Outcome.NEW
    return Outcome.UPDATED if entries.new or entries.changed else Outcome.NOT_MODIFIED
