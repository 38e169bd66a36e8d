"""What ``--warc`` has kept, taken through the lanes again: the store becomes the same."""

from __future__ import annotations

import gzip
import os
import re
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
import trio

from trioscrape import Config, Feed, ResourceError, open_scrape
from trioscrape._archive.writer import WarcWriter
from trioscrape.testing import (
    Answer,
    InlineParser,
    Internet,
    MemoryStore,
    Request,
    Site,
    World,
    run_in_virtual_time,
)

from support.archives import checked, largest_file, records
from support.replays import keep, replayed, same
from support.scenarios import Calendar, mixed, rss, urls


def test_every_way_in_which_a_feed_may_end(tmp_path: Path) -> None:
    """Documents, errors, redirects; and failures without any answer, which are as they were."""
    internet, clock, first = mixed(), Calendar(), MemoryStore()
    first._now = clock
    feeds = urls(internet)
    settings = {"warc": str(tmp_path), "body_limit": 50_000, "fetch_timeout": 20, "read_timeout": 10}
    results = run_in_virtual_time(lambda: keep(feeds, internet, first, clock, **settings))
    second = MemoryStore(now=clock)

    again, replay = trio.run(lambda: replayed(tmp_path, second, body_limit=50_000))

    assert replay.missing == 0
    assert {(each.feed.url, each.outcome, each.reason, each.detail) for each in again} == {
        (each.feed.url, each.outcome, each.reason, each.detail) for each in results
    }
    same(first, second)
    assert checked(tmp_path) == ""


def test_several_runs_with_their_clocks(tmp_path: Path) -> None:
    """Validators, back-offs and moves are those of then; a 304 confirms what was replayed before."""
    internet, clock, first = mixed(), Calendar(), MemoryStore()
    first._now = clock
    feeds = [Feed(url, f"Title {number}", tags=("News",)) for number, url in enumerate(urls(internet))]
    run = partial(keep, feeds, internet, first, clock, warc=str(tmp_path), interval=3600)
    for day in range(4):
        run_in_virtual_time(run)
        clock.forward(hours=20)
        internet.sites["slow.test"].body = rss("a", f"day {day}")
    second = MemoryStore(now=clock)

    _, replay = trio.run(lambda: replayed(tmp_path, second))

    assert replay.missing == 0
    same(first, second)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_world(tmp_path: Path, seed: int) -> None:
    """With hosts that limit rates or do not answer, whose feeds are put off."""
    first = MemoryStore()

    async def two_days() -> None:
        world = World(seed, feeds=60, trouble=0.3)
        first._now = world.now
        fakes = {"resolver": world, "connector": world.connect, "parser": InlineParser(), "now": world.now}
        config = Config(warc=str(tmp_path))
        for _ in range(3):
            async with open_scrape(world.urls, store=first, config=config, **fakes) as scrape:  # type: ignore[arg-type]
                async for _result in scrape:
                    pass
            await trio.sleep(40_000)

    run_in_virtual_time(two_days)
    second = MemoryStore()

    _, replay = trio.run(lambda: replayed(tmp_path, second))

    assert replay.missing == 0
    assert any(state.postponed for state in first.feeds.values())
    assert second.entries == first.entries
    assert second.feeds == first.feeds


def test_what_comes_compressed_in_chunks_and_with_cookies(tmp_path: Path) -> None:
    """It is kept as it came, but for the chunks, and read as it was."""
    body = gzip.compress(rss("x", "y"), mtime=0)
    headers = {"Content-Encoding": "gzip", "X-Odd": "a \xe4 b", "ETag": '"1"'}
    internet = Internet({"a.test": Site(body=body, headers=headers)})
    clock, first, second = Calendar(), MemoryStore(), MemoryStore()
    feeds = ["http://me:secret@a.test/feed"]
    run_in_virtual_time(lambda: keep(feeds, internet, first, clock, warc=str(tmp_path)))

    trio.run(lambda: replayed(tmp_path, second))

    assert second.entries == first.entries
    response, request = (each for each in records(tmp_path) if each.kind in ("response", "request"))
    assert response.payload == body
    assert b"X-Odd: a \xe4 b\r\n" in response.head
    assert request.block.startswith(b"GET /feed HTTP/1.1\r\nHost: a.test\r\n")
    assert all(b"Authorization" not in each.block for each in records(tmp_path))
    assert all(b"secret" not in each.block for each in records(tmp_path))


def test_an_archive_that_begins_in_the_middle(tmp_path: Path) -> None:
    """A 304 to a document that is not in it can't be replayed, and changes nothing."""
    internet = Internet({"a.test": Site(body=rss("x"), headers={"ETag": '"1"'})})
    clock, first, second = Calendar(), MemoryStore(), MemoryStore()
    run_in_virtual_time(lambda: keep(urls(internet), internet, first, clock))
    run_in_virtual_time(lambda: keep(urls(internet), internet, first, clock, warc=str(tmp_path)))

    results, replay = trio.run(lambda: replayed(tmp_path, second))

    assert (results, second.feeds) == ([], {})
    assert replay.missing == 1
    assert replay.left_out == [
        "http://a.test/feed at 2026-03-02 12:00:00: the server answered 304 Not Modified,"
        " and the document from before is not archived"
    ]


def test_a_server_that_breaks_on_validators_has_two_attempts(tmp_path: Path) -> None:
    class Broken(Site):
        def answer(self, request: Request) -> Answer:
            answer = super().answer(request)
            if "if-none-match" in request.headers:
                answer.status = 412
            return answer

    internet = Internet({"a.test": Broken(body=rss("x"), headers={"ETag": '"1"'})})
    clock, first, second = Calendar(), MemoryStore(), MemoryStore()
    for _ in range(2):
        run_in_virtual_time(lambda: keep(urls(internet), internet, first, clock, warc=str(tmp_path)))
        clock.forward(seconds=1)

    results, replay = trio.run(lambda: replayed(tmp_path, second))

    assert replay.missing == 0
    assert [str(result.outcome) for result in results] == ["new", "not_modified"]
    assert second.feeds == first.feeds


def test_a_host_that_refuses_at_first(tmp_path: Path) -> None:
    """What it has refused is in the archive, and is not refused once more: nobody waits in a replay."""

    class Busy(Site):
        refused = 0

        def answer(self, request: Request) -> Answer:
            answer = super().answer(request)
            self.refused += 1
            if self.refused < 3:
                answer.status, answer.headers = 429, {"Retry-After": "5"}
            return answer

    internet, clock = Internet({"a.test": Busy(body=rss("x"))}), Calendar()
    first, second = MemoryStore(now=clock), MemoryStore()
    feeds = [f"http://a.test/{number}" for number in range(4)]
    run_in_virtual_time(lambda: keep(feeds, internet, first, clock, warc=str(tmp_path)))

    results, replay = trio.run(lambda: replayed(tmp_path, second))

    assert len(internet.requests) == 6
    assert (len(results), replay.missing) == (4, 0)
    assert any(state.last_turn for state in first.feeds.values())
    same(first, second)


def test_a_full_disk_ends_the_run_with_one_line(tmp_path: Path) -> None:
    """Nobody believes that something is kept which is not."""
    internet = Internet({f"{number}.test": Site(body=rss(os.urandom(50_000).hex())) for number in range(20)})
    with largest_file(200_000), pytest.raises(ResourceError) as caught:
        run_in_virtual_time(
            lambda: keep(urls(internet), internet, MemoryStore(), Calendar(), warc=str(tmp_path / "a"))
        )

    said, _, lost = str(caught.value).partition("; ")
    assert said == f"can't write to the archive {tmp_path / 'a'}: File too large"
    assert re.fullmatch("|the last poll is not in it|the last [0-9]+ polls are not in it", lost)


def test_a_folder_that_is_in_use(tmp_path: Path) -> None:
    with (
        closing(WarcWriter(tmp_path)),
        pytest.raises(ResourceError, match="another process is writing to it"),
    ):
        run_in_virtual_time(lambda: keep([], Internet({}), MemoryStore(), Calendar(), warc=str(tmp_path)))
