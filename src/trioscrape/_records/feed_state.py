"""What a store remembers of a feed between runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from .kinds import COUNT, FLAG, HOURS, MOMENT, WEEKDAYS, Several
from .table import Nested, Table
from .texts import DAYS, FEED_ID, LINK, NAME, NAMES, TITLE, URL, VALIDATOR

KEPT_DELAYS: Final = 20
"""Delays of a feed that are kept."""
DELAYS: Final = Several(COUNT, "numbers of seconds", most=KEPT_DELAYS)


@dataclass(frozen=True, slots=True)
class FeedTimers:
    """When not to fetch a feed again, according to its last document and the headers of its response."""

    max_age: Annotated[int, COUNT] = 0
    """Whole seconds, from Cache-Control or Expires (RFC 9111 §4.2.1), at most a week."""
    every: Annotated[int, COUNT] = 0
    """Whole seconds, from RSS ``ttl`` or ``sy:updatePeriod``, at most a week."""
    skip_hours: Annotated[tuple[int, ...], HOURS] = ()
    """Hours of the day, 0 to 23 in UTC, in which not to fetch it (RSS ``skipHours``)."""
    skip_days: Annotated[tuple[int, ...], WEEKDAYS] = ()
    """Days of the week, Monday is 0, in UTC (RSS ``skipDays``)."""


@dataclass(frozen=True, slots=True)
class FeedState:
    """What the store remembers of a feed between runs. No URL in it has credentials."""

    feed_id: Annotated[str, FEED_ID]
    """See `feed_id`: it stays the same when the feed's URL changes."""
    url: Annotated[str, URL]
    """Where the next fetch starts: the URL of the list, or where a permanent redirect has led for days."""
    listed_url: Annotated[str | None, URL] = None
    """Its URL in the list, by which it can always be found; None: only an older version has fetched it."""
    moved_from: Annotated[str | None, URL] = None
    """What `url` was before it became the target of a permanent redirect; None: it is that of the list."""
    moved_since: Annotated[datetime | None, MOMENT] = None
    """Since when `url` is another one than `moved_from`."""
    title: Annotated[str | None, TITLE] = None
    """That of the last document, else that of the list; plain text on one line."""
    listed_title: Annotated[str | None, TITLE] = None
    """The one in the user's list; None: there is none, or no fetch has succeeded since."""
    tags: Annotated[tuple[str, ...], NAMES] = ()
    """The folders that it is in, in the user's list (OPML), outermost first."""
    link: Annotated[str | None, LINK] = None
    """This field and those up to `cloud` are as in `ParsedFeed`, from the last document."""
    subtitle: Annotated[str | None, TITLE] = None
    language: Annotated[str | None, NAME] = None
    updated: Annotated[datetime | None, MOMENT] = None
    self_link: Annotated[str | None, LINK] = None
    hub: Annotated[str | None, LINK] = None
    cloud: Annotated[str | None, NAME] = None
    newest_entry: Annotated[datetime | None, MOMENT] = None
    """The latest date of an entry in the last document, none in the future; None: no entry has a date."""
    longest_silence: Annotated[int | None, COUNT] = None
    """Seconds of the longest time between two successive dates of its entries; None: there are no two."""
    distrusts_ids: Annotated[bool, FLAG] = False
    """Whether entries are identified by link instead of id. Once true, it stays so: keys would change."""
    shared_keys: Annotated[tuple[str, ...], NAMES] = ()
    """As in `ParsedFeed`, of all documents."""
    etag: Annotated[str | None, VALIDATOR] = None
    """Opaque, byte for byte as it came (RFC 9110 §8.8.3), decoded as latin-1."""
    last_modified: Annotated[str | None, VALIDATOR] = None
    """Opaque as well (RFC 9110 §8.8.2)."""
    validators_url: Annotated[str | None, URL] = None
    """Where these validators came from, after all redirects; they mean nothing to another URL."""
    body_hash: Annotated[str | None, NAME] = None
    """Hex digest of the last body, decoded; None: there has been none."""
    timers: Annotated[FeedTimers, Nested(FeedTimers, "an object")] = FeedTimers()
    next_fetch: Annotated[datetime | None, MOMENT] = None
    """When the feed is due; None: at any time."""
    next_unconditional: Annotated[datetime | None, MOMENT] = None
    """When to fetch it without validators, once. Of a feed without validators, until when none are kept,
    because its server breaks on conditional requests; else None."""
    failures: Annotated[int, COUNT] = 0
    """Fetches in a row that have failed."""
    failure: Annotated[str | None, NAME] = None
    """The reason of the last failure, until a fetch succeeds."""
    failure_detail: Annotated[str | None, NAME] = None
    """The same in words, as in `Result.detail`."""
    failing_since: Annotated[datetime | None, MOMENT] = None
    """When the first of the failures in a row came; None: the last fetch has succeeded, or is not known."""
    postponed: Annotated[datetime | None, MOMENT] = None
    """Since when the feed has been due and was put off because of its host, which has answered 429, or 503
    with Retry-After, or not at all; None: it was fetched when it was due."""
    postponed_by: Annotated[str | None, NAME] = None
    """The host because of which it was put off: its own, or one that it is redirected to."""
    last_turn: Annotated[datetime | None, MOMENT] = None
    """When it last had its turn at a host that limits what it allows; None: its host does not. When a feed
    was fetched at all is in `FeedHistory`."""
    gone: Annotated[datetime | None, MOMENT] = None
    """When the server first answered 410; None again when it answers otherwise."""
    moved_to: Annotated[str | None, URL] = None
    """Where the last fetch was redirected to by permanent redirects (301, 308) alone."""
    moved_days: Annotated[tuple[str, ...], DAYS] = ()
    """The days on which they led there, ``2026-02-28``, in UTC."""
    rhythm: Annotated[str | None, NAME] = None
    """When it publishes: its entries by hour of the week, in at most 400 characters; see `Rhythm`."""
    delays: Annotated[tuple[int, ...], DELAYS] = ()
    """Seconds from the publication of its last entries, by their own dates, to the polls that found them."""
    expected_delay: Annotated[int | None, COUNT] = None
    """The same as it is expected of its next entries, on average, by its rhythm and the moment for which a
    watch has planned its next poll; None: no watch has."""
    same_as: Annotated[str | None, URL] = None
    """URL of another feed of the list that was shown to be the same one, and has its entries: see
    `Config.merge_duplicates`."""


FEED_STATE: Final = Table(FeedState)
