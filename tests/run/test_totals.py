"""The totals of the parts of a scrape, added: the report is that of the whole."""

from __future__ import annotations

import pickle
import random
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from trioscrape import Config, DuplicateFeed, EntryCounts, Feed, Outage, Outcome, Report, Result
from trioscrape._lane import Histogram, LaneTotals
from trioscrape._records import LANES
from trioscrape._run.feed_source import SHOWN_DUPLICATES, ListCounts
from trioscrape._run.tally import Tally
from trioscrape._run.totals import MOST_REMARKS, OFFLINE, Totals
from trioscrape.testing import Internet, MemoryStore, Site

from support.scenarios import healthy, open_virtual, run_virtual, urls

DURATIONS = st.floats(0, 4000, allow_nan=False)
REASONS = st.sampled_from(["not-stored", "tls", "http-404", "too-many-entries"])


@st.composite
def results(draw: st.DrawFn) -> Result:
    """Few hosts, so that several feeds compete for each example; some differ in their credentials alone."""
    name, user = draw(st.integers(0, 14)), draw(st.sampled_from(["", "me:s3cret@", "you:s3cret@"]))
    feed = Feed(f"http://{user}h{name}.test/")
    outcome = draw(st.sampled_from(Outcome))
    return Result(
        feed,
        outcome,
        draw(st.none() | REASONS),
        draw(st.none() | st.sampled_from(["why", "because"])),
        EntryCounts(*draw(st.tuples(*[st.integers(0, 9)] * 3))),
        stored=draw(st.booleans()),
        gap=draw(st.booleans()),
        same_as=draw(st.none() | st.just("http://other.test/")),
    )


@dataclass
class Part:
    """A scrape of a part of a list, with what it counts."""

    counts: ListCounts = field(default_factory=lambda: ListCounts(whole=True))
    tally: Tally = field(default_factory=Tally)
    lane: LaneTotals = field(default_factory=lambda: LaneTotals("http", width=500))
    delays: Histogram = field(default_factory=Histogram)

    def count(self, result: Result, waited: float, worked: float, line: int, *, duplicate: bool) -> None:
        self.counts.feeds += 1
        if duplicate:
            self.counts.duplicates += 1
            if len(self.counts.duplicate_examples) < SHOWN_DUPLICATES:
                self.counts.duplicate_examples.append(DuplicateFeed(Feed("http://d.test/", line=line), 1))
        self.tally.accepted += 1
        self.tally.count(result)
        self.lane = replace(self.lane, done=self.lane.done + 1)
        self.lane.waited.add(waited)
        self.lane.worked.add(worked)
        self.delays.add(waited)

    def totals(self) -> Totals:
        lanes = {"http": self.lane}
        return Totals(self.counts, self.tally, 1.0, lanes, self.lane.worked, self.delays, parts=1)


FEEDS = st.lists(st.tuples(results(), DURATIONS, DURATIONS, st.booleans(), st.integers(0, 4)), max_size=60)


@given(FEEDS)
def test_the_parts_of_any_division_give_the_report_of_the_whole(
    feeds: list[tuple[Result, float, float, bool, int]],
) -> None:
    whole, parts = Part(), [Part() for _ in range(5)]
    for line, (drawn, waited, worked, duplicate, number) in enumerate(feeds, 1):
        result = replace(drawn, feed=replace(drawn.feed, line=line))  # each line is in one part only
        for part in (whole, parts[number]):
            part.count(result, waited, worked, line, duplicate=duplicate)

    merged = sum((pickle.loads(pickle.dumps(part.totals())) for part in parts), Totals())

    assert _report(merged) == _report(whole.totals())
    assert merged.tally.gaps == whole.tally.gaps


def _report(totals: Totals) -> Report:
    return totals.as_one(seconds=1.0, run_id="1", processes=1).report()


def test_the_example_of_a_reason_does_not_depend_on_the_order() -> None:
    """Two lines may differ in nothing but their credentials, which no example has."""
    one, other = Tally(), Tally()
    for tally, user, detail in ((one, "me", "why"), (other, "you", "because")):
        tally.count(Result(Feed(f"http://{user}:s3cret@a.test/"), Outcome.FAILED, "http-401", detail))

    assert (one + other).examples == (other + one).examples


def test_adding_changes_neither_part() -> None:
    one, other = Part(), Part()
    for part, name in ((one, "a"), (other, "b")):
        failed = Result(Feed(f"http://{name}.test/"), Outcome.FAILED, "not-stored")
        part.count(failed, 1.0, 1.0, 1, duplicate=True)
    before = _report(one.totals()), _report(other.totals())

    both = one.totals() + other.totals()
    both.tally.count(Result(Feed("http://c.test/"), Outcome.FAILED, "tls"))
    both.loop_lag.add(5.0)
    both.counts.duplicate_examples.clear()

    assert (_report(one.totals()), _report(other.totals())) == before


def test_what_parts_that_overlap_or_follow_each_other_have_in_common() -> None:
    one = Totals(
        ListCounts(10, whole=True),
        seconds=3.0,
        lanes={"http": LaneTotals("http", width=500, busy=2, waiting=3, peak_waiting=40, done=7, overdue=1)},
        outage=Outage(1.0, "away"),
        run_id="one",
        remarks=("slow", "a"),
        parts=1,
    )
    other = Totals(
        ListCounts(5),
        seconds=2.0,
        lanes={"http": LaneTotals("http", width=300, busy=1, waiting=1, peak_waiting=50, done=1, overdue=2)},
        outage=Outage(9.0, "gone"),
        run_id="other",
        remarks=("a", "b"),
        parts=1,
    )

    report = (one + other).report()
    lane = report.lanes["http"]

    assert (lane.width, lane.busy, lane.waiting, lane.peak_waiting) == (500, 3, 4, 50)
    assert (lane.done, lane.overdue) == (8, 3)
    assert (report.seconds, report.run_id, report.outage) == (3.0, "one", Outage(9.0, "gone"))
    assert report.remarks == ("slow", "a", "b")
    assert (report.feeds, report.not_started, report.counted) == (15, 15, False)
    as_one = (one + other).as_one(seconds=5.0, run_id="all", processes=4).report()
    assert (as_one.seconds, as_one.run_id, as_one.lanes["http"].width) == (5.0, "all", 2000)


def test_remarks_are_bounded() -> None:
    many = [Totals(remarks=(f"host {number} is slow",), parts=1) for number in range(100)]

    assert len(sum(many, Totals()).remarks) == MOST_REMARKS


@pytest.mark.parametrize(
    ("offline", "remarks"),
    [
        ((False, False), ()),
        ((True, True), (OFFLINE,)),
        ((True, False), ("no network for 1 of 2 parts of the list, see their feeds",)),
    ],
)
def test_a_scrape_is_offline_when_all_of_its_parts_are(
    offline: tuple[bool, bool], remarks: tuple[str, ...]
) -> None:
    report = sum((Totals(parts=1, offline_parts=int(each)) for each in offline), Totals()).report()

    assert report.offline == all(offline)
    assert report.remarks == remarks


def test_nothing_at_all_has_a_report() -> None:
    report = Totals().report()

    assert (report.feeds, report.complete, report.offline) == (0, True, False)
    assert list(report.lanes) == list(LANES)


def test_a_pickle_is_a_few_kilobytes() -> None:
    """The durations of 500 feeds in each lane, as they spread in practice: over six orders of magnitude."""
    rng, part, lanes = random.Random(1), Part(), {}
    for number in range(500):
        outcome, reason = rng.choice([(Outcome.NEW, None)] * 9 + [(Outcome.FAILED, "http-404")])
        result = Result(Feed(f"http://www.host{number}.test/feed.xml"), outcome, reason)
        part.count(result, rng.lognormvariate(-3, 2), rng.lognormvariate(-3, 2), number, duplicate=False)
    for name in LANES:
        lanes[name] = LaneTotals(name, width=500, done=500)
        for _ in range(500):
            lanes[name].waited.add(rng.lognormvariate(-3, 2))
            lanes[name].worked.add(rng.lognormvariate(-3, 2))

    assert len(pickle.dumps(replace(part.totals(), lanes=lanes))) < 10_000


async def test_two_scrapes_of_half_a_list_are_one_of_the_whole(autojump_clock: MockClock) -> None:
    internet = Internet({**healthy(20).sites, **{f"x{n}.test": Site(status=404) for n in range(6)}})
    feeds, config = urls(internet), Config(http_width=4)
    _, whole = await run_virtual(feeds, internet, MemoryStore(), config=config)
    scrapes = []
    for half in (feeds[:13], feeds[13:]):
        _, scrape = await run_virtual(half, internet, MemoryStore(), config=config)
        scrapes.append(scrape)

    one, two = whole.report(), sum((scrape.totals() for scrape in scrapes), Totals()).report()

    for name in ("feeds", "not_started", "counted", "outcomes", "entries", "errors", "examples", "stored"):
        assert getattr(two, name) == getattr(one, name), name
    assert two.lanes["http"].done == one.lanes["http"].done == 26
    assert two.run_id == scrapes[0].report().run_id


async def test_totals_are_those_of_one_moment(autojump_clock: MockClock) -> None:
    internet = healthy(10)
    async with open_virtual(urls(internet), internet, config=Config(http_width=1)) as scrape:
        await anext(scrape)
        early = scrape.totals()
        before = early.report()
        async for _ in scrape:
            pass

    assert early.report() == before
    assert before.lanes["http"].done < scrape.report().lanes["http"].done
