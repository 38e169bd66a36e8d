"""When a feed is asked again: whole scrapes over several days of a wall clock that the test turns."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
import trio

from trioscrape import Config, Outcome, Report, Result
from trioscrape._schedule.freshness import FIRST_BACK_OFF, LONGEST_BACK_OFF
from trioscrape.testing import Internet, MemoryStore, Site

from support.scenarios import Calendar, rss, run_virtual

pytestmark = pytest.mark.usefixtures("autojump_clock")
MOVED = {"Location": "http://b.test/feed"}


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
    def asked(self) -> list[str]:
        """The hosts that the last run has sent requests to."""
        return [host for host, _, _ in self.internet.requests]

    @property
    def state(self) -> object:
        """Of the only feed."""
        (state,) = self.store.feeds.values()
        return state


def alone(**site: object) -> Days:
    return Days({"a.test": Site(body=rss("x"), **site)})  # type: ignore[arg-type]


class TestFresh:
    async def test_without_timers_a_feed_is_asked_in_every_run(self) -> None:
        days = alone(headers={"ETag": '"1"'})
        await days.run()
        writes = days.store.writes
        for _ in range(5):
            assert (await days.one()).outcome is Outcome.NOT_MODIFIED
            assert days.asked == ["a.test"]
        assert days.store.writes == writes, "a run in which nothing has changed writes nothing"

    @pytest.mark.parametrize(
        ("headers", "minutes"),
        [
            ({"Cache-Control": "max-age=3600"}, 60),
            ({"Cache-Control": "max-age=3600", "Age": "600"}, 50),
            ({"Date": "Mon, 02 Mar 2026 12:00:00 GMT", "Expires": "Mon, 02 Mar 2026 14:00:00 GMT"}, 120),
            ({"Cache-Control": "max-age=99999999999999"}, 7 * 24 * 60),
        ],
    )
    async def test_a_fresh_feed_is_not_asked(self, headers: dict[str, str], minutes: int) -> None:
        days = alone(headers=headers)
        await days.run()
        until = days.now() + timedelta(minutes=minutes)

        days.now.forward(minutes=minutes, seconds=-1)
        result = await days.one()
        assert days.asked == []
        assert (result.outcome, result.reason, result.stored) == (Outcome.NOT_DUE, None, False)
        assert result.detail == f"fresh; due again at {until:%Y-%m-%d %H:%M} UTC"

        days.now.forward(seconds=1)
        await days.run()
        assert days.asked == ["a.test"]

    @pytest.mark.parametrize(
        ("timers", "minutes"),
        [
            ("<ttl>90</ttl>", 90),
            ("<ttl>99999999999999999999</ttl>", 7 * 24 * 60),
            ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>6</sy:updateFrequency>", 240),
            ("<skipHours><hour>11</hour><hour>12</hour><hour>13</hour></skipHours>", 120),
            ("<skipDays><day>Monday</day></skipDays>", 12 * 60),
        ],
    )
    async def test_what_the_document_asks_for_survives_a_304(self, timers: str, minutes: int) -> None:
        body = rss("x").replace(b"<channel>", f"<channel>{timers}".encode())
        body = body.replace(b"<rss ", b'<rss xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" ')
        days = Days({"a.test": Site(body=body, headers={"ETag": '"1"'})})
        for outcome in Outcome.NEW, Outcome.NOT_MODIFIED:
            assert (await days.one(ignore_schedule=True)).outcome is outcome
            assert days.asked == ["a.test"]

        days.now.forward(minutes=minutes, seconds=-1)
        await days.run()
        assert days.asked == []
        days.now.forward(seconds=1)
        await days.run()
        assert days.asked == ["a.test"]

    async def test_max_age_survives_a_304_that_is_silent(self) -> None:
        """And a 304 that is not silent counts."""
        site = Site(body=rss("x"), headers={"ETag": '"1"', "Cache-Control": "max-age=3600"})
        days = Days({"a.test": site})
        await days.run()
        site.headers = {"ETag": '"1"'}
        days.now.forward(hours=1)
        await days.run()
        assert days.state.next_fetch == days.now() + timedelta(hours=1)

        site.headers = {"ETag": '"1"', "Cache-Control": "no-cache"}
        days.now.forward(hours=1)
        await days.run()
        assert days.state.next_fetch is None

    async def test_the_users_interval(self) -> None:
        days = alone()
        await days.run(interval=3600)
        days.now.forward(minutes=59)
        await days.run()
        assert days.asked == []
        days.now.forward(minutes=1)
        await days.run()
        assert days.asked == ["a.test"]

    async def test_all_are_asked_when_the_user_says_so(self) -> None:
        days = alone(headers={"Cache-Control": "max-age=3600"})
        await days.run()
        await days.run(ignore_schedule=True)

        assert days.asked == ["a.test"]


class TestValidators:
    @pytest.mark.parametrize("header", [{"Expires": "0"}, {"Cache-Control": "no-store"}])
    async def test_dropped_when_the_server_wants_nothing_kept(self, header: dict[str, str]) -> None:
        days = alone(headers={"ETag": '"1"', "Last-Modified": "then", **header})
        await days.run()
        result = await days.one()

        assert "if-none-match" not in days.internet.requests[0][2]
        assert (result.outcome, result.stored) == (Outcome.NOT_MODIFIED, False)

    async def test_an_unconditional_fetch_every_week_or_two(self) -> None:
        """Of a server that says 304 for ever; from then on it is asked so every day."""
        site = Site(body=rss("x"), headers={"ETag": '"1"'})
        days = Days({"a.test": site})
        await days.run()
        site.body = rss("x", "y")
        outcomes = []
        for _ in range(20):
            days.now.forward(days=1)
            outcomes.append((await days.one()).outcome)
            conditional = "if-none-match" in days.internet.requests[0][2]
            assert conditional is (outcomes[-1] is Outcome.NOT_MODIFIED)
            if not conditional:
                break

        assert 7 <= len(outcomes) <= 14
        assert outcomes[-1] is Outcome.UPDATED
        site.body = rss("x", "y", "z")
        days.now.forward(days=1)
        assert (await days.one()).outcome is Outcome.UPDATED

    async def test_an_unconditional_fetch_that_finds_the_same(self) -> None:
        """Is not parsed, writes no entry, and the next one is weeks away again."""
        days = alone(headers={"ETag": '"1"'})
        await days.run()
        days.now.forward(days=14)
        result = await days.one()

        assert "if-none-match" not in days.internet.requests[0][2]
        assert (result.outcome, "parse" in result.lanes) == (Outcome.NOT_MODIFIED, False)
        days.now.forward(days=6)
        await days.run()
        assert "if-none-match" in days.internet.requests[0][2]

    async def test_feeds_that_began_together_do_not_stay_together(self) -> None:
        days = Days(
            {"a.test": Site(body=rss("x"), headers={"ETag": '"1"'})},
            [f"http://a.test/{number}" for number in range(20)],
        )
        await days.run()

        assert len({state.next_unconditional for state in days.store.feeds.values()}) == 20


class TestFailures:
    @pytest.mark.parametrize(
        ("site", "reason"),
        [
            (Site(status=404), "http-404"),
            (Site(status=500), "http-500"),
            (Site(exists=False), "name-not-found"),
            (Site(listens=False), "connection-refused"),
            (Site(body=b"<!doctype html><html>"), "not-a-feed"),
        ],
    )
    async def test_back_off(self, site: Site, reason: str) -> None:
        """Twice as long after every failure, up to a day; in between the reason stays the same."""
        days = Days({"a.test": site})
        whole = FIRST_BACK_OFF
        for failures in range(1, 9):
            result = await days.one()
            assert (result.outcome, result.reason) == (Outcome.FAILED, reason)
            assert days.state.failures == failures
            wait = days.state.next_fetch - days.now()
            assert whole / 2 <= wait <= whole
            whole = min(whole * 2, LONGEST_BACK_OFF)

            days.now.moment += wait / 2
            connects, writes = len(days.internet.lookups), days.store.writes
            result = await days.one()
            assert (result.outcome, result.reason, result.stored) == (Outcome.NOT_DUE, reason, False)
            assert result.detail.startswith("due again at 2026-03-")
            assert result.detail.endswith(f"; failures in a row: {failures}")
            assert (len(days.internet.lookups), days.store.writes) == (connects, writes)
            days.now.moment += wait / 2

    async def test_a_success_ends_it(self) -> None:
        """And what was stored before the failures is still known."""
        site = Site(body=rss("x"), headers={"ETag": '"1"'})
        days = Days({"a.test": site})
        await days.run()
        before = days.state
        site.listens = False
        await days.run()
        assert days.state.etag == '"1"'
        site.listens = True
        days.now.forward(hours=1)

        result = await days.one()

        assert (result.outcome, result.stored) == (Outcome.NOT_MODIFIED, True)
        assert days.state == before

    async def test_a_feed_that_has_only_failed_before_is_new(self) -> None:
        site = Site(body=rss("x"), status=500)
        days = Days({"a.test": site})
        await days.run()
        site.status = 200
        days.now.forward(hours=1)

        assert (await days.one()).outcome is Outcome.NEW

    async def test_our_own_refusal_is_not_remembered(self) -> None:
        """Under other settings it is another one."""
        inward = Site(status=302, headers={"Location": "http://127.0.0.1/"}, addresses=["93.184.215.14"])
        days = Days({"a.test": inward})

        assert (await days.one()).outcome is Outcome.REFUSED
        assert days.store.feeds == {}

    async def test_all_are_asked_when_the_user_says_so(self) -> None:
        days = Days({"a.test": Site(status=404)})
        await days.run()
        await days.run(ignore_schedule=True)

        assert days.asked == ["a.test"]
        assert days.state.failures == 2


class TestGone:
    async def test_asked_once_a_month(self) -> None:
        days = Days({"a.test": Site(status=410)})
        result = await days.one()
        assert (result.outcome, result.reason) == (Outcome.GONE, "http-410")
        for _ in range(3):
            days.now.forward(days=29)
            result = await days.one()
            assert days.asked == []
            assert (result.outcome, result.reason) == (Outcome.NOT_DUE, "http-410")
            assert result.detail.startswith("gone since 2026-03-02 12:00 UTC; due again at ")
            days.now.forward(days=1)
            assert (await days.one()).outcome is Outcome.GONE
            assert days.asked == ["a.test"]

    @pytest.mark.parametrize("how", ["wait", "all"])
    async def test_revived(self, how: str) -> None:
        site = Site(body=rss("x"), status=410)
        days = Days({"a.test": site})
        await days.run()
        site.status = 200
        if how == "wait":
            days.now.forward(days=30)

        result = await days.one(ignore_schedule=how == "all")

        assert (result.outcome, result.entries.new) == (Outcome.NEW, 1)
        assert (days.state.gone, days.state.failure, days.state.failures) == (None, None, 0)


class TestTotals:
    async def test_feeds_that_are_not_due_have_an_outcome_of_their_own(self) -> None:
        """Fresh, backing off, gone: none of them counts as unchanged, failed or gone in the second run."""
        sites = {
            "a.test": Site(body=rss("x"), headers={"Cache-Control": "max-age=3600"}),
            "b.test": Site(status=404),
            "c.test": Site(status=410),
        }
        days = Days(sites, [f"http://{host}/" for host in sites])
        await days.run()
        assert (days.report.outcomes[Outcome.NOT_DUE], days.report.errors) == (
            0,
            {"http-404": 1, "http-410": 1},
        )

        await days.run()

        assert {outcome: feeds for outcome, feeds in days.report.outcomes.items() if feeds} == {
            Outcome.NOT_DUE: 3
        }
        assert (days.report.errors, days.report.complete) == ({}, True)


class TestHosts:
    @pytest.mark.parametrize(
        ("status", "headers", "reason", "seconds"),
        [
            (429, {"Retry-After": "7200"}, "rate-limited", 7200),
            (503, {"Retry-After": "Mon, 02 Mar 2026 14:00:00 GMT"}, "http-503", 7200),
            (503, {"Retry-After": "31536000"}, "http-503", 7 * 86400),
            (429, {}, "rate-limited", 60),
        ],
    )
    async def test_a_host_that_wants_to_be_left_alone(
        self, status: int, headers: dict[str, str], reason: str, seconds: int
    ) -> None:
        """One request, and none for its other feeds, in this run and in the next ones. Others are asked."""
        site = Site(body=rss("x"), status=status, headers=headers)
        feeds = [*(f"http://a.test/{number}" for number in range(5)), "http://b.test/"]
        days = Days({"a.test": site, "b.test": Site(body=rss("x"))}, feeds)

        *held, other = await days.run()

        assert days.asked.count("a.test") == 1
        assert {(result.outcome, result.reason) for result in held} == {(Outcome.FAILED, reason)}
        told = "not fetched: a.test asked for a pause until "
        assert sorted(result.detail.startswith(told) for result in held) == [False, True, True, True, True]
        assert other.outcome is Outcome.NEW
        # Those that were not asked have not failed; they may be asked as soon as the host wants.
        states = [state for state in days.store.feeds.values() if state.failure is not None]
        assert sorted(state.failures for state in states) == [0, 0, 0, 0, 1]
        until = days.now() + timedelta(seconds=seconds)
        assert {state.next_fetch for state in states if not state.failures} == {until}

        days.now.forward(seconds=seconds - 1)
        *held, _ = await days.run()
        assert days.asked == ["b.test"]
        assert {result.reason for result in held} == {reason}

        site.status, site.headers = 200, {}
        days.now.forward(minutes=15)
        results = await days.run()
        assert [result.outcome for result in results] == [*[Outcome.NEW] * 5, Outcome.NOT_MODIFIED]

    async def test_absurd_values_are_cut_and_it_is_said(self) -> None:
        days = Days({"a.test": Site(status=503, headers={"Retry-After": "31536000"})})

        detail = (await days.one()).detail

        assert detail == (
            "a.test asked for a pause until 2026-03-09 12:00 UTC (it said '31536000', which is cut to 7 days)"
        )

    async def test_a_503_that_asks_for_nothing_is_the_feeds_own(self) -> None:
        days = Days({"a.test": Site(status=503)}, ["http://a.test/1", "http://a.test/2"])
        await days.run()

        assert days.asked == ["a.test", "a.test"]

    async def test_feeds_that_are_redirected_there_stop_before_it(self) -> None:
        sites = {f"f{number}.test": Site(status=302, headers=MOVED) for number in range(5)}
        sites["b.test"] = Site(status=429, first_byte=1)
        sites["late.test"] = Site(status=302, headers=MOVED, first_byte=5)
        days = Days(sites, ["http://f0.test/", "http://late.test/"])

        _, late = await days.run()

        assert days.asked.count("b.test") == 1
        assert late.detail.startswith("not fetched: b.test asked for a pause until ")

    async def test_a_short_pause_is_waited_for(self) -> None:
        """The host's other feeds start when it is over, and the feed that met it is asked in the next run."""
        site = Site(body=rss("x"), status=429, headers={"Retry-After": "20"})
        feeds = [f"http://a.test/{number}" for number in range(3)]
        days = Days({"a.test": site}, feeds, Running())
        began = days.now()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(recover, site)
            first, *others = await days.run()

        assert (first.outcome, first.reason) == (Outcome.FAILED, "rate-limited")
        assert [result.outcome for result in others] == [Outcome.NEW, Outcome.NEW]
        assert timedelta(seconds=20) < days.now() - began < timedelta(seconds=22)

    async def test_it_is_asked_again_in_the_same_run_when_the_time_has_come(self) -> None:
        """A long run: here the clock goes on by an hour with every look at it."""
        days = Days(
            {"a.test": Site(status=429, headers={"Retry-After": "60"})},
            ["http://a.test/1", "http://a.test/2"],
            Hasty(),
        )
        await days.run()

        assert days.asked == ["a.test", "a.test"]


async def recover(site: Site) -> None:
    await trio.sleep(10)
    site.status = 200


class Running(Calendar):
    """Goes as fast as trio's clock."""

    def __call__(self) -> datetime:
        return self.moment + timedelta(seconds=trio.current_time())


class Hasty(Calendar):
    def __call__(self) -> datetime:
        self.forward(hours=1)
        return self.moment


class TestMoves:
    def days(self, *statuses: int, target: Site | None = None) -> Days:
        """a.test redirects to b.test, over as many hops as there are statuses."""
        hops = [Site(status=status) for status in statuses]
        names = ["a.test", *(f"hop{number}.test" for number in range(1, len(hops))), "b.test"]
        for hop, name in zip(hops, names[1:], strict=True):
            hop.headers = {"Location": f"http://{name}/feed"}
            hop.addresses = ["93.184.215.14"]
        target = target or Site(body=rss("x"), addresses=["93.184.215.15"])
        for number, hop in enumerate(hops):
            hop.addresses = [f"93.184.216.{number + 1}"]
        return Days(dict(zip(names, [*hops, target], strict=True)))

    @pytest.mark.parametrize("statuses", [(301,), (308,), (301, 308)])
    async def test_after_three_days_of_permanent_redirects(self, statuses: tuple[int, ...]) -> None:
        """The URL changes; the feed's id, and so its entries, stay."""
        days = self.days(*statuses)
        days.now.forward(hours=-12)
        for found in 1, 1, 2, 2:  # twice a day counts once
            await days.run()
            assert days.asked[0] == "a.test"
            assert (days.state.url, days.state.moved_to) == ("http://a.test/feed", "http://b.test/feed")
            assert len(days.state.moved_days) == found
            days.now.forward(hours=12)
        (feed_id,) = days.store.feeds
        await days.run()

        assert list(days.store.feeds) == [feed_id]
        assert (days.state.url, days.state.moved_to) == ("http://b.test/feed", None)

    async def test_from_then_on_the_old_url_is_left_alone(self) -> None:
        days = self.days(301)
        for _ in range(3):
            await days.run()
            days.now.forward(days=1)
        days.sites["b.test"].body = rss("x", "y")

        result = await days.one()

        assert days.asked == ["b.test"]
        assert (result.outcome, result.entries.new, result.entries.unchanged) == (Outcome.UPDATED, 1, 1)
        assert result.feed.url == "http://a.test/feed"
        writes = days.store.writes
        await days.run()
        assert days.store.writes == writes

    @pytest.mark.parametrize("statuses", [(302,), (307,), (301, 302), (302, 301), (303,)])
    async def test_no_other_redirect_moves_a_feed(self, statuses: tuple[int, ...]) -> None:
        days = self.days(*statuses)
        for _ in range(5):
            await days.run()
            days.now.forward(days=1)

        assert (days.state.url, days.state.moved_to) == ("http://a.test/feed", None)

    async def test_a_day_with_another_answer_begins_it_anew(self) -> None:
        days = self.days(301)
        for status in 301, 301, 302, 301, 301:
            days.sites["a.test"].status = status
            await days.run()
            days.now.forward(days=1)
        assert days.state.url == "http://a.test/feed"
        await days.run()
        assert days.state.url == "http://b.test/feed"

    async def test_not_while_it_leads_to_another_place_every_day(self) -> None:
        days = self.days(301)
        for day in range(8):
            days.sites["a.test"].headers = {"Location": f"http://b.test/feed?session={day % 2}"}
            await days.run()
            days.now.forward(days=1)

        assert days.state.url == "http://a.test/feed"

    async def test_not_to_a_private_address(self) -> None:
        """Redirects between private servers are followed every time, and never believed."""
        days = self.days(301, target=Site(body=rss("x"), addresses=["10.0.0.2"]))
        days.sites["a.test"].addresses = ["10.0.0.1"]
        for _ in range(5):
            assert (await days.one()).outcome is not Outcome.REFUSED
            days.now.forward(days=1)

        assert days.state.url == "http://a.test/feed"

    async def test_where_it_has_moved_to_is_trusted_no_more_than_a_redirect(self) -> None:
        """A name that leads to a private address once nobody looks at the redirect any more."""
        days = self.days(301)
        for _ in range(3):
            await days.run()
            days.now.forward(days=1)
        days.sites["b.test"].addresses = ["127.0.0.1"]
        connects = len(days.internet.connects)

        result = await days.one()

        assert (result.outcome, result.reason) == (Outcome.REFUSED, "blocked-address")
        assert len(days.internet.connects) == connects

    async def test_a_new_place_that_fails_is_left_for_the_old_one(self) -> None:
        days = self.days(301)
        for _ in range(3):
            await days.run()
            days.now.forward(days=1)
        days.sites["b.test"].status = 404
        days.sites["a.test"].headers = {"Location": "http://c.test/feed"}
        days.sites["c.test"] = Site(body=rss("x", "y"), addresses=["93.184.215.16"])
        asked = []
        for _ in range(4):
            await days.run()
            asked.append(days.asked)
            days.now.forward(days=2)

        assert asked == [["b.test"]] * 3 + [["a.test", "c.test"]]
        assert days.state.url == "http://a.test/feed"

    async def test_credentials_stay_with_the_server_of_the_list(self) -> None:
        days = self.days(301)
        days.feeds = ["http://me:secret@a.test/feed"]
        for _ in range(4):
            await days.run()
            days.now.forward(days=1)

        assert days.asked == ["b.test"]
        assert all("authorization" not in headers for _, _, headers in days.internet.requests)

    async def test_the_slot_is_that_of_the_host_which_is_asked(self) -> None:
        """Feeds of many hosts that have moved to one are asked one after the other."""
        sites = {f"f{n}.test": Site(status=301, headers={"Location": f"http://b.test/{n}"}) for n in range(5)}
        sites["b.test"] = Site(body=rss("x"), first_byte=1)
        for number, site in enumerate(sites.values()):
            site.addresses = [f"93.184.216.{number + 1}"]
        days = Days(sites, [f"http://f{n}.test/" for n in range(5)])
        for _ in range(3):
            await days.run()
            days.now.forward(days=1)
        await days.run()

        assert days.asked == ["b.test"] * 5
        assert days.report.seconds >= 5


class TestTwins:
    async def test_two_feeds_that_arrive_at_one_url(self) -> None:
        """Both keep their results; the second one says whose twin it is."""
        days = Days(
            {"a.test": Site(status=302, headers=MOVED, first_byte=1), "b.test": Site(body=rss("x"))},
            ["http://a.test/feed", "http://b.test/feed", "http://b.test/other"],
        )

        moved, direct, other = await days.run()

        assert {moved.outcome, direct.outcome, other.outcome} == {Outcome.NEW}
        assert (moved.same_as, direct.same_as, other.same_as) == ("http://b.test/feed", None, None)
        assert (days.report.twins, days.report.twin_examples) == (1, (moved,))
        assert len(days.store.feeds) == 3
