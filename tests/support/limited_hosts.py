"""Many runs that cron starts, over days, also of a host that allows so many requests a minute."""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
import trio

from trioscrape import Config, Outcome, Report
from trioscrape._run import loop_lag, wiring
from trioscrape.testing import Answer, Internet, MemoryStore, Request, Site

from support.scenarios import Calendar, rss, run_virtual


def make_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out of a run what would be most of the work in days of virtual time.

    The loop's lag is measured 50 times a second, and every run loads the certificates.
    """
    monkeypatch.setattr(loop_lag, "PERIOD", 86400.0)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    monkeypatch.setattr(wiring, "client_context", lambda _: context)


class Running(Calendar):
    """Goes as fast as trio's clock."""

    def __call__(self) -> datetime:
        return self.moment + timedelta(seconds=trio.current_time())


class Limited(Site):
    """Allows so many requests in each window, which begins with the first one; says 429 to the others."""

    def __init__(self, allowed: int, window: float = 60.0, *, says: bool = True) -> None:
        super().__init__(body=rss("x"), first_byte=0.1)
        self._allowed, self._window, self._says = allowed, window, says
        self._ends = 0.0
        self._left = 0
        self.refused = 0

    def answer(self, request: Request) -> Answer:
        """The pause is in whole seconds, rounded up as servers do it."""
        now = trio.current_time()
        if now >= self._ends:
            self._ends, self._left = now + self._window, self._allowed
        self._left -= 1
        if self._left >= 0:
            return super().answer(request)
        self.refused += 1
        headers = {"Retry-After": str(int(self._ends - now) + 1)} if self._says else {}
        return Answer(status=429, headers=headers, first_byte=self.first_byte)


class Cron:
    """Runs of one list into one store, one every so many seconds, or as soon as the one before has ended."""

    def __init__(self, site: Site, feeds: int, seconds: float = 900.0) -> None:
        self.internet = Internet({"reddit.test": site})
        self.store = MemoryStore()
        self.feeds = [f"http://reddit.test/{number}" for number in range(feeds)]
        self.fetched: Counter[str] = Counter(dict.fromkeys(self.feeds, 0))
        self.reports: list[Report] = []
        self._now, self._seconds = Running(), seconds

    async def run(self, **settings: object) -> Report:
        """One run."""
        config = Config(**settings)  # type: ignore[arg-type]
        how = {"config": config, "now": self._now}
        results, scrape = await run_virtual(self.feeds, self.internet, self.store, **how)
        good = {Outcome.NEW, Outcome.UPDATED, Outcome.NOT_MODIFIED}
        self.fetched.update(result.feed.url for result in results if result.outcome in good)
        self.internet.requests.clear()
        self.reports.append(scrape.report())
        return self.reports[-1]

    async def runs(self, count: int, *, late: Sequence[float] = (0.0,), **settings: object) -> None:
        """So many runs, of which cron starts each some seconds late."""
        began = trio.current_time()
        for number in range(count):
            await trio.sleep_until(began + number * self._seconds + late[number % len(late)])
            await self.run(**settings)

    @property
    def spread(self) -> float:
        """How many times as often the luckiest feed was fetched as the unluckiest."""
        counts = self.fetched.values()
        return max(counts) / min(counts) if min(counts) else float("inf")
