"""``trioscrape status``: its lists, and what its pages look like where they are printed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import trio

from trioscrape import FeedHistory, FeedState, feed_id, open_store
from trioscrape._cli import show_status
from trioscrape._cli.command import main

from support.command_line import records

Capture = pytest.CaptureFixture[str]
Show = Callable[..., str]

NOW = datetime(2026, 3, 5, 13, 25, tzinfo=UTC)
DAY = timedelta(days=1)


def feed(name: str, **changes: object) -> FeedState:
    url = f"https://{name}.test/feed.xml"
    values = {"url": url, "body_hash": "b", "listed_url": url, "title": name, "newest_entry": NOW - DAY}
    return FeedState(feed_id(url), **(values | changes))  # type: ignore[arg-type]


FEEDS = [
    feed("fine"),
    feed("late", next_fetch=NOW - 2 * DAY),
    feed("later", next_fetch=NOW - 9 * DAY),
    feed("silent", newest_entry=NOW - 70 * DAY, longest_silence=20 * 86400),
    feed("dated", moved_to="https://new.test/", moved_days=("2026-03-04", "2026-03-05")),
    feed(
        "old",
        url="https://young.test/feed.xml",
        moved_from="https://old.test/feed.xml",
        moved_since=NOW - 3 * DAY,
    ),
    feed("ill", title="\x1b[31mred\u202e", failure="tls", failures=1, failing_since=NOW - DAY),
    feed("busy", delays=(60, 240, 300), expected_delay=600),
]


@pytest.fixture
def show(store_url: str, monkeypatch: pytest.MonkeyPatch, capfd: Capture) -> Show:
    async def fill() -> None:
        async with open_store(store_url) as store:
            await store.restore_feeds(FEEDS)
            history = FeedHistory(FEEDS[1].feed_id, polls=3, last_fetch=NOW - 3 * DAY, last_lateness=3600)
            busy = FeedHistory(FEEDS[-1].feed_id, polls=40, gaps=2, last_gap=NOW - DAY, last_news=NOW - DAY)
            await store.restore_history([history, busy])

    trio.run(fill)
    monkeypatch.setattr(show_status, "utc_now", lambda: NOW)

    def shown(*arguments: str) -> str:
        assert main(["status", *arguments, "--store", store_url]) == 0
        return capfd.readouterr().out

    return shown


def test_late(show: Show) -> None:
    assert show("late").splitlines() == [
        "Late feeds: 2 (all times are UTC)",
        "",
        "  https://later.test/feed.xml  later",
        "    due since 2026-02-24 13:25 (9 days); last fetched never",
        "    To do: No run fetches it: put it into your list, or delete it with",
        "           'trioscrape forget --unlisted'.",
        "",
        "  https://late.test/feed.xml  late",
        "    due since 2026-03-03 13:25 (2 days); last fetched 2026-03-02 13:25",
    ]


def test_gaps(show: Show) -> None:
    assert show("gaps").splitlines() == [
        "Feeds of which entries may have been missed: 1 (all times are UTC)",
        "",
        "  https://busy.test/feed.xml  busy",
        "    2 gaps in 40 polls, the last one at 2026-03-04 13:25 (24 h ago): all entries",
        "    were new then, so others may have come and gone since the poll before",
        "    To do: Poll it more often: run trioscrape more often, or give its watch a",
        "           smaller --every.",
    ]
    assert "  1 feed of which entries may have been missed: trioscrape status gaps\n" in show()


def test_delay(show: Show) -> None:
    assert "  from publication to storage: median 4 min measured, mean 10 min expected\n" in show()
    [found] = records(show("--json"))
    assert (found["delay_seconds"], found["expected_delay_seconds"]) == ({"p50": 240, "p95": 300}, 600)


def test_quiet(show: Show) -> None:
    assert show("quiet").splitlines() == [
        "Quiet feeds: 1 (all times are UTC)",
        "",
        "  https://silent.test/feed.xml  silent",
        "    no new entry since 2025-12-25 13:25 (70 days), before that never for more",
        "    than 20 days",
        "    To do: Look at its site: it may have been given up, or have another feed",
        "           now.",
    ]


def test_moved(show: Show) -> None:
    page = " ".join(show("moved").split())
    assert "redirects permanently to https://new.test/, seen on 2 days so far" in page
    assert "To do: Put its new URL into your list: https://new.test/" in page
    assert "moved to https://young.test/feed.xml on 2026-03-02 13:25, and is fetched from there" in page
    assert {feed["title"] for feed in records(show("moved", "--json"))} == {"dated", "old"}


def test_the_page_counts_each_feed_once(show: Show) -> None:
    [found] = records(show("--json"))

    assert (found["feeds"], sum(found["states"].values())) == (8, 8)
    assert {name: number for name, number in found["states"].items() if number} == {
        "healthy": 6,
        "quiet": 1,
        "failing": 1,
    }
    assert (found["moved"], found["late"], found["lateness_seconds"]["p50"]) == (2, 2, 3600)
    assert [feed["reason"] for feed in found["worst"]] == ["tls"]


@pytest.mark.parametrize("columns", [40, 80, 300])
def test_lines_fit_the_terminal(show: Show, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    long = [line for line in show().splitlines() if len(line) > min(columns, 100)]
    # A table, a command to type or a URL may be wider.
    assert all("trioscrape" in line or "  <" in line or "://" in line for line in long)


def test_no_stranger_colours_the_page(show: Show) -> None:
    page = show("failing")
    assert "red" in page
    assert page.replace("\n", "").isprintable()


def test_lists_are_bounded(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show_status, "LISTED", 1)
    assert show("late").splitlines()[-1] == "and 1 more feed (--json lists them all)"
    assert len(records(show("late", "--json"))) == 2


def test_a_list_that_does_not_exist(capfd: Capture) -> None:
    assert main(["status", "quite"]) == 2
    assert "did you mean quiet?" in capfd.readouterr().err
