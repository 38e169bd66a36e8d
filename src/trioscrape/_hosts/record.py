"""What a host has done in this run: how much it allows, and whether it answers at all. Times are trio's."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from .._errors import FeedFailed

NEVER: Final = -1.0
"""The patience with a host that nothing more is fetched from in this run."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What a host allows from now on, and what becomes of the feeds that it leaves no time for."""

    host: str
    reason: str
    """One of `REASONS`."""
    detail: str
    patience: float
    """Seconds that its feeds may wait for it; those that would have to wait longer are put off."""
    spacing: float = 0.0
    """Seconds from one start to the next; 0: unknown."""
    until: datetime | None = None
    """When the feeds that are put off are due again; None: in the next run."""

    def room(self, wait: float) -> float:
        """How many feeds can start within the patience, if the next one can start in `wait` seconds."""
        left = self.patience - max(wait, 0)
        if left < 0:
            return 0
        return left // self.spacing + 1 if self.spacing else math.inf

    def failure(self) -> FeedFailed:
        """How a feed ends that is put off: a new exception each time, as it collects frames."""
        return FeedFailed(self.reason, self.detail, not_before=self.until, postponed_by=self.host)


@dataclass(slots=True)
class Unanswered:
    """A host that does not answer; a part of a domain, where hosts are counted by domain."""

    count: int = 0
    """Fetches in a row that it did not answer at all."""
    limit: Limit | None = None
    """What becomes of its other feeds, when it counts as silent."""
    put_off: int = 0
    """Those of them that were left to the next run."""


@dataclass(slots=True)
class HostRecord:
    """One host in this run, or all hosts that count as one."""

    feeds: int = 0
    """That have queued for it."""
    put_off: int = 0
    """Those of them that it leaves no time for."""
    limit: Limit | None = None
    """That of all its hosts."""
    takes_turns: bool = False
    """Whether feeds were put off because of it in earlier runs."""
    paused_until: float = -math.inf
    """The end of the pause that it asked for."""
    refusals: int = 0
    """In a row: 429, or 503 with Retry-After."""
    unanswered: dict[str, Unanswered] = field(default_factory=dict)
    """By host."""
    began: float | None = None
    """When the first fetch began that is counted: the host's request rate is computed from then on."""
    answered: int = 0
    """Requests since then that it has not refused."""

    def started(self, now: float) -> None:
        """A fetch begins."""
        if self.began is None:
            self.began = now

    @property
    def in_turns(self) -> bool:
        """Whether its own feeds take turns with those that are redirected to it."""
        return self.takes_turns or self.limit is not None

    def limit_of(self, host: str) -> Limit | None:
        """The limit for the feeds of `host`."""
        unanswered = self.unanswered.get(host)
        return self.limit if unanswered is None or unanswered.limit is None else unanswered.limit

    def heard(self, host: str) -> None:
        """One of its hosts has answered, whatever it said."""
        if (unanswered := self.unanswered.get(host)) is not None:
            unanswered.count = 0

    def answer(self) -> None:
        """It has answered a request, and not with a refusal."""
        self.answered += 1
        self.refusals = 0

    def refuse(self, now: float, until: float) -> float:
        """It has refused a request and asked for a pause; the seconds from one request to the next.

        A window with so many requests, or a request every so many seconds: whichever of the two a server
        counts by, the requests that it has let through since it last refused one, and the end of its
        pause, tell how many it allows in a time. Where it has let none through, the time goes on.

        Returns: 0 if nothing is known.
        """
        if now >= self.paused_until:  # else the request was under way when the pause began
            self.refusals += 1
        self.paused_until = max(self.paused_until, until)
        if not self.answered or self.began is None:
            return self.limit.spacing if self.limit is not None else 0.0
        spacing = (self.paused_until - self.began) / self.answered
        self.began, self.answered = None, 0
        return spacing
