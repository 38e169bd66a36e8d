"""Runs over a made-up world, and everything that must be true of them whatever the world is."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import trio

from trioscrape import Config, EntryCounts, Outcome, Report, Result, Scrape, open_scrape
from trioscrape._run.feed_source import READ_AHEAD
from trioscrape._urls import feed_id
from trioscrape.testing import WorldFeed

from support.watched import WatchedParser, WatchedStore, WatchedWorld, lanes_watched

NARROW: Final[Mapping[str, Any]] = {
    "dns_width": 8,
    "dns_abandoned": 8,
    "http_width": 20,
    "parse_width": 2,
    "in_flight": 60,
    "look_ahead": 300,
}
"""Every lane is full now and then."""
HOUR: Final = 3600.0
FROZEN: Final = 7 * HOUR
STARTS: Final = (0, 0.5 * HOUR, FROZEN, FROZEN + 24 * HOUR)
"""When a run begins. A host in maintenance is so until the third one at most."""
PUT_OFF: Final = {"rate-limited", "http-503"}
"""How feeds may end that a host on their way leaves no time for."""


@dataclass
class Story:
    """Several runs over one world, and what was not as it must be."""

    seed: int
    feeds: int
    settings: Mapping[str, Any] = field(default_factory=lambda: NARROW)
    starts: tuple[float, ...] = STARTS
    trouble: float = 0.3
    forgets: bool = False
    """Whether a run was cancelled."""
    broken: list[str] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.config = Config(**self.settings)
        self.world = WatchedWorld(self.seed, self.feeds, trouble=self.trouble).watch(self.config)
        self.store, self.parser = WatchedStore(self.world), WatchedParser(self.config)
        self.by_url = {feed.url: feed for feed in self.world.feeds}
        self._events = hashlib.sha256()

    async def play(self) -> Story:
        """The runs; nothing is published from the one at `FROZEN` on."""
        for start in self.starts:
            await trio.sleep_until(start)
            if start == FROZEN:
                self.world.freeze()
            await self.run()
        self._check_that_news_were_sent_once()
        self.check_what_is_stored()
        for feed in self.world.feeds:
            if self.world.reason(feed) is None and feed.kind != "missing":
                self._expect(bool(feed.served), f"{self._words(feed)} was never fetched")
        return self

    async def run(self, cancel_after: float | None = None) -> list[Result]:
        """One run, cancelled at some moment, and what is to be said of it alone."""
        results: list[Result] = []
        before = {feed.url: dict(feed.served) for feed in self.world.feeds}
        self._began = self.world.clock.seconds
        self.forgets = self.forgets or cancel_after is not None
        with lanes_watched(self.broken):
            async with (
                open_scrape(
                    self.world.urls,
                    store=self.store,
                    config=self.config,
                    resolver=self.world,
                    connector=self.world.connect,
                    parser=self.parser,
                    now=self.world.now,
                ) as scrape,
                trio.open_nursery() as nursery,
            ):
                if cancel_after is not None:
                    nursery.start_soon(_cancel, scrape, cancel_after)
                async for result in scrape:
                    results.append(result)
                    self._look_at(result, scrape, cancelled=cancel_after is not None)
                nursery.cancel_scope.cancel()
        await scrape.count_not_started()
        self._check_run(results, scrape.report(), cancelled=cancel_after is not None)
        if cancel_after is None:
            self._check_counts(before, scrape.report().entries)
        return results

    @property
    def fingerprint(self) -> str:
        """Of all that has happened, in its order."""
        reports = [replace(report, run_id="") for report in self.reports]
        whole = f"{self._events.hexdigest()} {self.world.polls} {reports}"
        return hashlib.sha256(whole.encode()).hexdigest()

    def _look_at(self, result: Result, scrape: Scrape, *, cancelled: bool) -> None:
        feed = self.by_url[result.feed.url]
        moment = trio.current_time()
        self._events.update(f"{moment} {result}".encode())
        state = self.store.feeds.get(feed_id(feed.url))
        self._expect(not result.stored or state is not None, f"{self._words(feed)} is not stored as it says")
        now = scrape.statistics().in_flight
        self._expect(now <= self.config.in_flight + self.config.look_ahead, f"{now} feeds are in flight")
        if result.outcome is Outcome.NOT_DUE or (cancelled and result.reason == "cancelled"):
            return
        expected = {self.world.reason(feed)} | (PUT_OFF if self._is_limited(feed) else set())
        self._expect(
            result.reason in expected, f"{self._words(feed)} ended with {result.reason}: {result.detail}"
        )

    def _is_limited(self, feed: WorldFeed) -> bool:
        hosts = map(self.world.host_of, self.world.route(feed))
        return any(host.kind in ("limited", "maintenance") for host in hosts)

    def _check_run(self, results: list[Result], report: Report, *, cancelled: bool) -> None:
        self.reports.append(report)
        counts = Counter(result.feed.url for result in results)
        self._expect(max(counts.values(), default=0) <= 1, "a feed has two results")
        self._expect(len(results) + report.not_started == self.feeds, f"{len(results)} results")
        self._expect(cancelled or report.not_started == 0, f"{report.not_started} feeds were not started")
        self._expect(sum(report.outcomes.values()) == len(results), "the report counts other results")
        self._expect(self.world.open == 0, f"{self.world.open} connections are open")
        world = self.world
        for gauge in world.looking_up, world.requesting, self.parser.parsing, self.store.calls:
            self._expect(gauge.most <= gauge.allowed, f"{gauge.most} {gauge.name} at once")
            self._expect(gauge.now == 0, f"{gauge.now} {gauge.name} are left")
        for host in world.hosts.values():
            self._expect(host.most_at_once <= 1, f"{host.name}: {host.most_at_once} requests at once")
            # A run that is cancelled forgets the pauses that it waits for itself, and of a long list the
            # first feeds are fetched before what is known of the others is read.
            forgets = self.forgets or self.feeds > READ_AHEAD
            early = [each for each in host.early if not forgets or each[1] >= self._began]
            self._expect(not early, f"{host.name} ({host.kind}) was not waited for: {early}")

    def _check_counts(self, before: Mapping[str, Mapping[str, str]], counts: EntryCounts) -> None:
        new = changed = 0
        for feed in self.world.feeds:
            known = before[feed.url]
            new += len(feed.served.keys() - known.keys())
            changed += sum(feed.served[link] != title for link, title in known.items())
        self._expect(counts.new == new, f"{counts.new} new entries, {new} were served")
        self._expect(counts.changed == changed, f"{counts.changed} changed entries, {changed} were served")

    def check_what_is_stored(self) -> None:
        """The entries of each feed are those that it has served."""
        for feed in self.world.feeds:
            stored = self.store.entries.get(feed_id(feed.url), {}).values()
            titles = {entry.link: entry.title for entry in stored}
            self._expect(len(titles) == len(stored), f"{self._words(feed)} has entries twice")
            self._expect(titles == feed.served, f"{self._words(feed)}: {titles} is not {feed.served}")

    def check_what_has_moved(self) -> None:
        """Feeds that have been moved for good are fetched where they are, after some days."""
        for feed in self.world.feeds:
            if feed.kind == "moved" and feed.served:
                url = self.store.feeds[feed_id(feed.url)].url
                self._expect(
                    url == self.world.route(feed)[-1].url, f"{self._words(feed)} is fetched at {url}"
                )

    def _check_that_news_were_sent_once(self) -> None:
        """What had not changed was answered with 304, where a server can say so."""
        sent = Counter(
            poll.feed for poll in self.world.polls if poll.seconds >= FROZEN and poll.status == 200
        )
        for url, count in sent.items():
            feed = self.world.route(self.by_url[url])[-1]
            if feed.validators and self.world.reason(feed) is None and feed.kind != "renamed":
                self._expect(count == 1, f"{self._words(feed)} was sent {count} times, but has not changed")

    def _words(self, feed: WorldFeed) -> str:
        return f"{feed.url} ({feed.kind} at a host that is {self.world.host_of(feed).kind})"

    def _expect(self, holds: bool, words: str) -> None:
        if not holds:
            self.broken.append(f"{trio.current_time():.2f} s: {words}")


async def _cancel(scrape: Scrape, seconds: float) -> None:
    await trio.sleep(seconds)
    scrape.cancel()
