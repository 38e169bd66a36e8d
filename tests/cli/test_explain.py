"""``trioscrape explain``: why a feed is fetched when it is, how its entries are known, what is near."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import trio

from trioscrape import Entry, FeedState, FeedTimers, FeedUpdate, Poll, Store, TimerRule, feed_id, open_store
from trioscrape._cli import show_explain
from trioscrape._cli.command import main
from trioscrape._store.lease import reserved

from support.command_line import Site, records, run
from support.transfers import SQLITE

Capture = pytest.CaptureFixture[str]

NOW = datetime(2026, 3, 5, 13, 25, tzinfo=UTC)
FETCHED = NOW - timedelta(minutes=5)
URL = "https://example.org/feed.xml"
RULES = (
    TimerRule("retry-after", FETCHED + timedelta(hours=1), "3600 s"),
    TimerRule("ttl", FETCHED + timedelta(minutes=30), "1800 s"),
)


def feed(url: str = URL, **changes: object) -> FeedState:
    values = {"body_hash": "b", "listed_url": url, "title": "The Example", "next_fetch": RULES[0].until}
    return FeedState(feed_id(url), url, **(values | changes))  # type: ignore[arg-type]


def entry(number: int, **changes: object) -> Entry:
    published = datetime(2026, 3, 5, 9, tzinfo=UTC) - timedelta(weeks=number)
    link = f"https://example.org/{number}"
    return Entry(**({"key": link, "hash": "h", "link": link, "published": published} | changes))  # type: ignore[arg-type]


def fill(*updates: FeedUpdate, store: str = SQLITE) -> None:
    async def save() -> None:
        async with open_store(store) as opened:
            for each in updates:
                await opened.save(each)

    trio.run(save)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, capfd: Capture):
    monkeypatch.setattr(show_explain, "utc_now", lambda: NOW)

    def read(*arguments: str, store: str = SQLITE) -> str:
        assert main(["explain", *arguments, "--store", store]) == 0
        return " ".join(capfd.readouterr().out.split())

    return read


class TestWhen:
    def test_all_rules_are_told_and_which_has_decided(self, page, store_url: str) -> None:
        fill(FeedUpdate(feed(), (), Poll(FETCHED, rules=RULES)), store=store_url)

        assert (
            "Next fetch 14:20, in 55 min because Retry-After 3600 s (until 14:20) beat"
            " ttl or updatePeriod 1800 s (until 13:50) Polls: 1"
        ) in page(URL, store=store_url)

    def test_hours_to_skip_come_last(self, page) -> None:
        timers = FeedTimers(skip_hours=(14, 15))
        fill(FeedUpdate(feed(timers=timers), (), Poll(FETCHED, rules=RULES)))

        found = page(URL)
        assert "Next fetch 16:00, in 2 h because Retry-After" in found
        assert "and then skipHours or skipDays (until 16:00)" in found

    def test_nothing_asks_to_wait(self, page) -> None:
        fill(FeedUpdate(feed(next_fetch=None), (), Poll(FETCHED)))

        assert "Next fetch in the next run because neither the server nor the document asks to wait" in page(
            URL
        )

    def test_what_an_older_version_has_decided(self, page) -> None:
        fill(FeedUpdate(feed(), ()))

        found = page(URL)
        assert "Next fetch 14:20, in 55 min why is not known: an older version has decided it" in found
        assert "No poll is recorded yet." in found

    def test_a_duplicate(self, page) -> None:
        rule = TimerRule("same-feed", RULES[0].until, "http://twin.test/")
        fill(FeedUpdate(feed(same_as="http://twin.test/"), (), Poll(FETCHED, rules=(rule,))))

        found = page(URL)
        assert "the same feed as http://twin.test/, under which its entries are stored" in found
        assert "the limit of one fetch a day for a duplicate of http://twin.test/ (until 14:20)" in found

    def test_a_poll_that_has_decided_something_else(self, page) -> None:
        """The feed was put off since: the rules of the poll before do not explain it."""
        pause = {"postponed": NOW, "postponed_by": "example.org", "failure": "rate-limited"}
        fill(FeedUpdate(feed(next_fetch=NOW + timedelta(hours=3), **pause), (), Poll(FETCHED, rules=RULES)))

        found = page(URL)
        assert "because the host example.org asked for a pause" in found
        assert "Retry-After" not in found

    def test_the_rhythm_of_a_watch(self, page) -> None:
        rule = TimerRule("rhythm", RULES[0].until, "1.0 entries a day expected")
        fill(FeedUpdate(feed(), (), Poll(FETCHED, rules=(rule, RULES[1]))))

        words = "because the rhythm of the feed, 1.0 entries a day expected (until 14:20) beat ttl or update"
        assert words in page(URL)


class TestPolls:
    def test_how_many_are_shown_is_said_where_there_were_more(self, page) -> None:
        fill(*(FeedUpdate(feed(), (), Poll(FETCHED - timedelta(hours=hour))) for hour in (3, 2)))
        assert "Polls: 2, 0 of them with new entries: when" in page(URL)

        fill(*(FeedUpdate(feed(), (), Poll(FETCHED + timedelta(hours=hour))) for hour in range(9)))
        assert "Polls: 11, 0 of them with new entries. The last 10: when" in page(URL)


class TestValidators:
    @pytest.mark.parametrize(
        ("known", "words"),
        [
            ({"etag": '"1"'}, 'Validators ETag "1"'),
            ({}, "Validators none: the server sends none"),
            ({"body_hash": None, "failure": "http-404"}, "Validators none yet: no document has been stored"),
        ],
    )
    def test_what_is_known(self, page, known: dict[str, str | None], words: str) -> None:
        fill(FeedUpdate(feed(**known), ()))
        assert words in page(URL)


class TestHubs:
    """They are recorded, and the page says that this is all."""

    def test_one_of_each(self, page, store_url: str) -> None:
        cloud = "http-post http://rpc.test/notify"
        fill(FeedUpdate(feed(hub="https://hub.test/", cloud=cloud), ()), store=store_url)
        assert f"Hubs WebSub https://hub.test/ (not used) rssCloud {cloud} (not used)" in page(
            URL, store=store_url
        )

    def test_none(self, page) -> None:
        fill(FeedUpdate(feed(), ()))
        assert "Hubs" not in page(URL)


class TestEntries:
    def test_how_they_are_known_and_their_rhythm(self, page) -> None:
        by_id = [entry(number, key=f"tag:{number}") for number in range(3)]
        by_text = entry(9, key="hash:1", link=None)
        fill(FeedUpdate(feed(), (*by_id, by_text, entry(4))))

        found = page(URL)
        assert "5 stored; known 3 by their ids (guid, id), " in found
        assert "1 by their links, as they have no id or one that is the link" in found
        assert "1 by title, date and text" in found
        assert "an entry every 10 days (median of 5 with a date)" in found
        assert "mostly Thu, 09:00 to 10:00" in found

    def test_ids_that_are_not_believed(self, page) -> None:
        fill(FeedUpdate(feed(distrusts_ids=True, shared_keys=("1", "2")), (entry(1),)))

        found = page(URL)
        assert "ids of this feed are not believed" in found
        assert "2 ids or links that several entries have had identify none" in found

    def test_as_json(self, page, capfd: Capture) -> None:
        known = feed(hub="https://hub.test/", cloud="soap http://rpc.test/ a")
        fill(FeedUpdate(known, (entry(1), entry(2)), Poll(FETCHED, status=200, rules=RULES)))
        assert main(["explain", URL, "--json", "--store", SQLITE]) == 0

        [found] = records(capfd.readouterr().out)
        assert (found["type"], found["state"], found["entries"]) == ("explain", "healthy", 2)
        assert [rule["name"] for rule in found["rules"]] == ["retry-after", "ttl"]
        assert found["known_by"] == {"link": 2}
        assert (found["hub"], found["cloud"]) == (known.hub, known.cloud)
        assert found["rhythm"]["median_seconds"] == 7 * 86400
        assert [poll["status"] for poll in found["recent"]] == [200]


class TestUnknown:
    @pytest.mark.parametrize(
        ("typed", "nearest"),
        [
            ("https://example.org/fead.xml", URL),
            ("http://example.org/a/quite/different/path", URL),
            ("exmaple.org/feed.xml", URL),
            ("the example", URL),
            ("org/fee", URL),
        ],
    )
    def test_the_nearest_are_shown(self, capfd: Capture, typed: str, nearest: str) -> None:
        fill(FeedUpdate(feed(), ()), FeedUpdate(feed("https://far.away.test/x", title="Far"), ()))

        assert main(["explain", typed, "--store", SQLITE]) == 2
        out, err = capfd.readouterr()
        assert out == ""
        assert err.splitlines()[0].endswith("; the nearest in the store:")
        assert [line.strip() for line in err.splitlines()[1:]] == [nearest]

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ("htp://example.org/feed.xml", "it does not begin with http:// or https://"),
            ("https://u:secret@example.org:port/feed.xml", "its port is not a number from 1 to 65535"),
            ("https://[example.org/feed.xml", "it has a malformed IPv6 address"),
        ],
    )
    def test_what_is_no_url_is_told_why(self, capfd: Capture, typed: str, said: str) -> None:
        """A line of a list that is none is in no store."""
        fill(FeedUpdate(feed(), ()))

        assert main(["explain", typed, "--store", SQLITE]) == 2
        shown = typed.replace("u:secret@", "")
        assert capfd.readouterr().err.splitlines() == [
            f"{shown} is not the URL of a feed, as {said}; the nearest in the store:",
            f"  {URL}",
        ]
        assert main(["explain", typed, "--json", "--store", SQLITE]) == 2
        [found] = records(capfd.readouterr().out)
        assert (found["type"], found["problem"], found["nearest"]) == ("unknown", said, [URL])

    def test_none_is_near(self, capfd: Capture) -> None:
        fill(FeedUpdate(feed(), ()))

        assert main(["explain", "http://u:secret@zzz.test/", "--store", SQLITE]) == 2
        assert capfd.readouterr().err == "trioscrape: no feed with the URL http://zzz.test/ is stored\n"


class TestNow:
    def test_it_is_fetched_once_and_no_run_is_recorded(self, site: Site, capfd: Capture) -> None:
        fill(FeedUpdate(feed(site.url("feed"), body_hash=None, listed_title="Mine", tags=("News",)), ()))

        assert main(["explain", site.url("feed"), "--now", "--store", SQLITE]) == 0
        out, err = capfd.readouterr()
        assert site.paths == ["/feed"]
        assert err.endswith("new\n")
        assert "Mine" in out
        assert "1 new" in out
        with closing(sqlite3.connect(Path("news.db"))) as db:
            assert db.execute("SELECT count(*) FROM runs").fetchone() == (0,)
            assert db.execute("SELECT tags FROM feeds").fetchone() == ('["News"]',)

    def test_beside_another_process_nothing_is_stored(self, site: Site, store_url: str) -> None:
        """It is fetched all the same, with what the store knows, and the page shows what has come."""
        known = feed(site.url("feed"), etag='"before"', validators_url=site.url("feed"))
        fill(FeedUpdate(known, (entry(1),), Poll(FETCHED, rules=RULES)), store=store_url)

        async def beside() -> CompletedProcess[str]:
            explain = partial(run, "explain", known.url, "--now", "--store", store_url)
            async with open_store(store_url) as opened, reserved(opened, 0):
                before = await everything(opened)
                done = await trio.to_thread.run_sync(explain)
                assert await everything(opened) == before
            return done

        async def everything(opened: Store) -> tuple[object, ...]:
            ids = [known.feed_id]
            return await opened.load(ids), await opened.read_history(ids), await opened.count_entries(ids)

        done = trio.run(beside)
        assert done.returncode == 0
        assert site.paths == ["/feed"]
        assert "nothing of this fetch will be stored: " in done.stderr
        assert "in use by process" in done.stderr
        assert "Polls: 2, 2 of them with new entries" in done.stdout
        assert "2 stored" in done.stdout
        assert "because Retry-After 3600 s (until " in " ".join(done.stdout.split()), "as it was planned"

    @pytest.mark.parametrize("whose", ["its own", "that of another feed"])
    def test_a_pause_of_the_host_is_kept(self, site: Site, capfd: Capture, whose: str) -> None:
        until = datetime.now(UTC) + timedelta(hours=1)
        rules = (TimerRule("retry-after", until, "3600 s"),) if whose == "its own" else ()
        other = feed(site.url("other"), next_fetch=until, postponed=until, postponed_by="127.0.0.1")
        updates = [FeedUpdate(feed(site.url("feed")), (), Poll(FETCHED, rules=rules))]
        fill(*updates, *([] if rules else [FeedUpdate(other, ())]))

        assert main(["explain", site.url("feed"), "--now", "--store", SQLITE]) == 0
        assert site.paths == []
        assert "not fetched: its host has asked for a pause until " in capfd.readouterr().err
