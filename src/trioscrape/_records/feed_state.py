"""What is remembered of a feed between runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class FeedTimers:
    """For how long a feed wants to be left alone, as its last document and its headers say."""

    max_age: int = 0
    """Whole seconds, from Cache-Control or Expires (RFC 9111 §4.2.1), at most a week."""
    every: int = 0
    """Whole seconds, from RSS ``ttl`` or ``sy:updatePeriod``, at most a week."""
    skip_hours: tuple[int, ...] = ()
    """Hours of the day, 0 to 23 in UTC, in which not to ask (RSS ``skipHours``)."""
    skip_days: tuple[int, ...] = ()
    """Days of the week, Monday is 0, in UTC (RSS ``skipDays``)."""


@dataclass(frozen=True, slots=True)
class FeedState:
    """What the store remembers of a feed between runs. No URL in it has credentials."""

    feed_id: str
    url: str
    """Where the next fetch starts: what the list says, until the feed has moved for good."""
    title: str | None = None
    """What the document last seen calls it, or else the list; plain text on one line."""
    link: str | None = None
    """This and the following: as in `ParsedFeed`, of the document last seen."""
    subtitle: str | None = None
    language: str | None = None
    updated: datetime | None = None
    self_link: str | None = None
    hub: str | None = None
    distrusts_ids: bool = False
    """Once found so, for ever: its entries would change their keys with each change of mind."""
    etag: str | None = None
    """Opaque, byte for byte as it came (RFC 9110 §8.8.3), decoded as latin-1."""
    last_modified: str | None = None
    """Opaque as well (RFC 9110 §8.8.2)."""
    validators_url: str | None = None
    """Where these validators came from, after all redirects: to another URL they mean nothing."""
    body_hash: str | None = None
    """Hex digest of the decoded body; None: there has never been one."""
    timers: FeedTimers = FeedTimers()
    next_fetch: datetime | None = None
    """Not to be asked before; None: whenever somebody wants to know."""
    next_unconditional: datetime | None = None
    """From when on to ask without validators, once; None when there are no validators."""
    failures: int = 0
    """How many times in a row it was asked in vain."""
    failure: str | None = None
    """The reason of the last failure, until a fetch succeeds."""
    gone: datetime | None = None
    """When the server first said 410, until it says something else."""
    moved_to: str | None = None
    """Where the last fetch was sent by permanent redirects alone (301, 308)."""
    moved_days: tuple[str, ...] = ()
    """The days on which that was so, ``2026-02-28``, in UTC."""
