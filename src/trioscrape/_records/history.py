"""What has become of a feed: its last polls, and a few totals over all of them.

It is kept apart from `FeedState`, which is what the next fetch needs. A state changes only when there is
something to remember; the history has a little more after each poll.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from .kinds import COUNT, FLAG, MOMENT, SIZE, Several
from .table import Sparse, Table
from .texts import FEED_ID, NAME, NAMES

KEPT_POLLS: Final = 10
"""Polls of a feed that are kept. Half a kilobyte each at most, mostly less than half of that."""


@dataclass(frozen=True, slots=True)
class TimerRule:
    """One rule for when to fetch a feed again, as it was considered after a poll."""

    name: Annotated[str, NAME]
    """One of those in `trioscrape._schedule.rules`."""
    until: Annotated[datetime, MOMENT]
    """Before this moment the rule wants no fetch."""
    value: Annotated[str | None, NAME] = None
    """What it is made of, for people: ``3600 s``."""


@dataclass(frozen=True, slots=True)
class PollTimes:
    """Where the time of a poll went, in milliseconds."""

    dns_waited: Annotated[int, COUNT] = 0
    """In the queue of the lane, over all hops; so are the following up to ``parse_worked``."""
    dns_worked: Annotated[int, COUNT] = 0
    http_waited: Annotated[int, COUNT] = 0
    http_worked: Annotated[int, COUNT] = 0
    """All of the requests. The four phases are those of the last one."""
    parse_waited: Annotated[int, COUNT] = 0
    parse_worked: Annotated[int, COUNT] = 0
    connect: Annotated[int, COUNT] = 0
    """TCP; 0 where a connection was used again."""
    tls: Annotated[int, COUNT] = 0
    """Its handshake; 0 as well without TLS."""
    first_byte: Annotated[int, COUNT] = 0
    """From the request to the end of the headers of its answer."""
    body: Annotated[int, COUNT] = 0


@dataclass(frozen=True, slots=True)
class Poll:
    """One poll of a feed: what came, how long it took, and what it means for the next one."""

    at: Annotated[datetime, MOMENT]
    """When it began."""
    due: Annotated[datetime | None, MOMENT] = None
    """When it was due; None: at any time."""
    reason: Annotated[str | None, NAME] = None
    """Why it has failed, one of `REASONS`; None: it has succeeded."""
    detail: Annotated[str | None, NAME] = None
    """The reason in words."""
    status: Annotated[int | None, COUNT] = None
    """HTTP status of the last answer; None: there was none."""
    size: Annotated[int | None, SIZE] = None
    """Bytes of the document after decoding; None: there was none."""
    new: Annotated[int, COUNT] = 0
    """Entries that were stored for the first time. The store counts them."""
    changed: Annotated[int, COUNT] = 0
    """Entries that were stored before, and had changed."""
    gap: Annotated[bool, FLAG] = False
    """Whether all entries were new although the document before had some: others may have been missed."""
    redirects: Annotated[tuple[str, ...], NAMES] = ()
    """Status and target of each redirect that was followed: ``301 https://example.org/feed``."""
    times: Annotated[PollTimes, Sparse(PollTimes, "an object")] = PollTimes()
    rules: Annotated[tuple[TimerRule, ...], Several(Sparse(TimerRule, "an object"), "objects")] = ()
    """What the next fetch waits for. The first rule has decided: the next fetch is due when it ends."""


@dataclass(frozen=True, slots=True)
class FeedHistory:
    """The polls of a feed so far."""

    feed_id: Annotated[str, FEED_ID]
    polls: Annotated[int, COUNT] = 0
    polls_with_news: Annotated[int, COUNT] = 0
    """Of them, those that have brought new entries."""
    last_fetch: Annotated[datetime | None, MOMENT] = None
    """When the last poll began."""
    last_success: Annotated[datetime | None, MOMENT] = None
    """When the last one began that has succeeded."""
    last_news: Annotated[datetime | None, MOMENT] = None
    """When the last one began that has brought new entries."""
    last_lateness: Annotated[int | None, COUNT] = None
    """Seconds from when the last poll was due to when it began; None: it could come at any time."""
    gaps: Annotated[int, COUNT] = 0
    """Polls of which `Poll.gap` is true."""
    last_gap: Annotated[datetime | None, MOMENT] = None
    """When the last poll with a gap began."""
    recent: Annotated[tuple[Poll, ...], Several(Sparse(Poll, "a poll"), "polls", most=KEPT_POLLS)] = ()
    """The last polls, the latest at the end."""


HISTORY: Final = Table(FeedHistory)
POLL: Final = Sparse(Poll, "a poll")
