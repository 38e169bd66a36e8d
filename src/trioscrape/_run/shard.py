"""A scrape of one part of a list, in a process that scrapes many of them one after the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import trio

from .._config.config import Config
from .._hosts.record import HostRecord
from .._records import Feed
from .api import Scrape
from .wiring import Seams, open_run


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned from earlier parts of the list. It can be pickled."""

    reached: bool = False
    """Whether any server was reached: then there is a network."""
    host: HostRecord | None = None
    """What is known of the one host of this part, if the host has other parts. Times are those of the wall
    clock, in seconds since 1970."""
    waited: float = 0.0
    """Seconds of `Config.host_patience` that its other parts have used up."""


class ShardScrape:
    """A scrape of one part, under way.

    Args:
      scrape: it.
      chain: the name under which its only host is counted, if that has other parts; None: it has many hosts,
        and each of them wholly.
      learned: what is known before.
    """

    def __init__(self, scrape: Scrape, chain: str | None, learned: Learned) -> None:
        self.scrape = scrape
        self._run, self._chain, self._before = scrape._run, chain, learned
        if chain is not None and learned.host is not None:
            record = _shifted(learned.host, trio.current_time() - self._run.pipeline.now().timestamp())
            self._run.pauses.adopt(chain, record)
            self._run.pipeline.silence.adopt(record)
        if learned.reached:
            self._run.admission.flow.note(reached=True)

    def is_at_its_tail(self, few: int) -> bool:
        """Whether nothing more can be started now, and no more than a few feeds are in flight."""
        now = self._run.admission.flow.now
        return now.read and now.in_flight <= few

    def learned(self) -> Learned:
        """What the next part should know."""
        reached = self._run.admission.flow.now.reached
        if self._chain is None:
            return Learned(reached)
        record = self._run.pauses.record(self._chain)
        waited = self._before.waited + (self._run.seconds if record.limit is not None else 0.0)
        return Learned(
            reached, _shifted(record, self._run.pipeline.now().timestamp() - trio.current_time()), waited
        )


@asynccontextmanager
async def open_shard(
    feeds: Sequence[Feed], config: Config, seams: Seams, chain: str | None, learned: Learned
) -> AsyncIterator[ShardScrape]:
    """Scrape one part of a list with an open store and open lanes. The caller keeps the lease of the store.

    The iteration of the scrape raises what `open_scrape` raises; leaving the block raises nothing.
    """
    left = max(0.0, config.host_patience - learned.waited)
    if learned.host is not None and learned.host.limit is not None:
        limit = learned.host.limit
        limit = replace(limit, patience=min(limit.patience, left))
        learned = replace(learned, host=replace(learned.host, limit=limit))
    async with open_run(feeds, replace(config, host_patience=left), seams, None) as run:
        yield ShardScrape(Scrape._create(run, feeds), chain, learned)


def _shifted(record: HostRecord, seconds: float) -> HostRecord:
    """The same by a clock that is ahead by so many seconds."""
    began = None if record.began is None else record.began + seconds
    return replace(record, began=began, paused_until=record.paused_until + seconds)
