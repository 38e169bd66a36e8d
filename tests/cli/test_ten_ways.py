"""As a new user would: 500 feeds, 40 of them broken in ten ways. What is wrong, since when, what to do?

Nothing but ``status`` and ``explain`` may be needed to tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import trio

from trioscrape._cli import show_explain, show_status
from trioscrape._cli.command import main
from trioscrape._schedule.advice import advice

from support.broken_feeds import BEGIN, DAYS, EACH, FEEDS, WAYS, filled, names
from support.command_line import records

NOW = BEGIN + timedelta(days=DAYS[-1], hours=1)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, int]:
    """The store's URL, and the port of the feeds."""
    url = f"sqlite:{tmp_path_factory.mktemp('ten_ways') / 'news.db'}"
    return url, trio.run(filled, url)


@pytest.fixture(autouse=True)
def an_hour_later(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in show_status, show_explain:
        monkeypatch.setattr(module, "utc_now", lambda: NOW)


def printed(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main([*arguments]) == 0
    return capfd.readouterr().out


def flat(text: str) -> str:
    return " ".join(text.split())


def since(way: str) -> datetime:
    return BEGIN + timedelta(days=WAYS[way][1])


def each_broken() -> Iterator[tuple[str, str]]:
    return ((way, name) for way in WAYS for name in names(way))


def test_the_overview_counts_them(store: tuple[str, int], capfd: pytest.CaptureFixture[str]) -> None:
    page = printed(capfd, "status", "--store", store[0])

    assert flat(page).startswith(f"{FEEDS} feeds in {store[0]} at {NOW:%Y-%m-%d %H:%M} UTC ")
    counts = dict(re.findall(r"^  (\w+) +(\d+)  \S", page, re.MULTILINE))
    assert int(counts["healthy"]) == FEEDS - EACH * len(WAYS)
    assert sum(map(int, counts.values())) == FEEDS
    for way, (reason, _) in WAYS.items():
        ages = re.search(rf"^  {reason} +(\d+)  (.*)$", page, re.MULTILINE)
        assert ages is not None, way
        assert int(ages[1]) == EACH
    assert "(of 40: trioscrape status failing)" in page


def test_the_list_tells_of_each_what_is_wrong_since_when_and_what_to_do(
    store: tuple[str, int], capfd: pytest.CaptureFixture[str]
) -> None:
    page = printed(capfd, "status", "failing", "--store", store[0])

    blocks = [flat(block) for block in page.split("\n\n")]
    assert blocks.pop(0) == "Broken feeds: 40 (all times are UTC)"
    for way, name in each_broken():
        [block] = [block for block in blocks if f"http://{name}:" in block]
        reason = WAYS[way][0]
        assert f" {reason}: " in block
        assert f"; since {since(way):%Y-%m-%d %H:%M} (" in block
        assert block.endswith(f"To do: {advice(reason)}")
    assert len(blocks) == 40


@pytest.mark.parametrize("way", WAYS)
def test_explain_tells_the_same_of_one(
    store: tuple[str, int], capfd: pytest.CaptureFixture[str], way: str
) -> None:
    url = f"http://{way}-0.test:{store[1]}/feed"
    page = flat(printed(capfd, "explain", url, "--store", store[0]))

    reason = WAYS[way][0]
    assert url in page
    assert f" since {since(way):%Y-%m-%d %H:%M} (" in page
    assert f"{reason}: " in page
    assert f"To do {advice(reason)}" in page
    assert "Next fetch " in page
    assert f"last success {BEGIN + timedelta(days=0 if WAYS[way][1] == 1 else 1):%Y-%m-%d %H:%M} " in page


def test_explain_says_which_rule_has_decided(
    store: tuple[str, int], capfd: pytest.CaptureFixture[str]
) -> None:
    def next_fetch(name: str) -> str:
        page = flat(printed(capfd, "explain", f"http://{name}:{store[1]}/feed", "--store", store[0]))
        return page.partition("Next fetch ")[2].partition(" Polls: ")[0]

    assert next_fetch("limited-1.test") == (
        "08:30, in 60 min because the pause of limited-1.test (until 08:30)"
    )
    assert next_fetch("sound-9.test") == (
        "in the next run, due since 2026-03-05 07:00 (30 min)"
        " because Cache-Control max-age (or Expires) 1800 s (until 07:00)"
    )
    assert re.fullmatch(
        r"in the next run, due since .* because the back-off after 2 failures \(until .*\)",
        next_fetch("lost-2.test"),
    )


def test_the_numbers_are_the_same_as_json(store: tuple[str, int], capfd: pytest.CaptureFixture[str]) -> None:
    [found] = records(printed(capfd, "status", "--json", "--store", store[0]))
    assert found["feeds"] == FEEDS
    assert {reason: sum(ages.values()) for reason, ages in found["broken"].items()} == {
        reason: EACH for reason, _ in WAYS.values()
    }

    listed = records(printed(capfd, "status", "failing", "--json", "--store", store[0]))
    assert {feed["title"] for feed in listed} == {name for _, name in each_broken()}
    assert all(feed["what_to_do"] and feed["since"] for feed in listed)


def test_filters(store: tuple[str, int], capfd: pytest.CaptureFixture[str]) -> None:
    def titles(*options: str) -> set[str]:
        listed = records(printed(capfd, "status", "failing", "--json", "--store", store[0], *options))
        return {feed["title"] for feed in listed}

    assert titles("--host", "lost-0.test") == {"lost-0.test"}
    assert titles("--match", "LOST-") == set(names("lost"))
    assert titles("--match", "*/lost-?.test*") == set(names("lost"))
    assert titles("--folder", "news", "--match", "page-0") == {"page-0.test"}
    assert titles("--folder", "Sports") == set()


def test_nothing_was_written(store: tuple[str, int], capfd: pytest.CaptureFixture[str]) -> None:
    """Both commands only read, so they work beside a run and in a folder that is read-only."""
    path = Path(store[0].removeprefix("sqlite:"))
    before = path.read_bytes()
    printed(capfd, "status", "--store", store[0])

    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]
