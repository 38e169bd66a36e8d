"""One internet and one store over several runs, in between which the test sets the wall clock."""

from __future__ import annotations

from dataclasses import dataclass, field

from trioscrape import Config, Report, Result
from trioscrape.testing import Internet, MemoryStore, Site

from support.scenarios import Calendar, rss, run_virtual


@dataclass
class Days:
    """One internet and one store over many runs."""

    sites: dict[str, Site]
    feeds: list[str] = field(default_factory=lambda: ["http://a.test/feed"])
    now: Calendar = field(default_factory=Calendar)

    def __post_init__(self) -> None:
        self.internet = Internet(self.sites)
        self.store = MemoryStore()
        self.report: Report | None = None

    async def run(self, **settings: object) -> list[Result]:
        """The results of one run, in the order of the list."""
        config = Config(**settings)  # type: ignore[arg-type]
        self.internet.requests.clear()
        results, scrape = await run_virtual(
            self.feeds, self.internet, self.store, config=config, now=self.now
        )
        self.report = scrape.report()
        return sorted(results, key=lambda result: self.feeds.index(result.feed.url))

    async def one(self, **settings: object) -> Result:
        """The result of the only feed."""
        (result,) = await self.run(**settings)
        return result

    @property
    def requested(self) -> list[str]:
        """The hosts that the last run sent requests to."""
        return [host for host, _, _ in self.internet.requests]

    @property
    def state(self) -> object:
        """Of the only feed."""
        (state,) = self.store.feeds.values()
        return state


def alone(**site: object) -> Days:
    return Days({"a.test": Site(body=rss("x"), **site)})  # type: ignore[arg-type]
