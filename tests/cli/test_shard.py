"""``--shard K/N``: the shares of a list, one after the other or at once, make the store of one run."""

from __future__ import annotations

import re
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from trioscrape import Feed
from trioscrape._cli.command import main
from trioscrape._cli.shard import Share
from trioscrape._run.candidates import Candidate

from support.command_line import Site, records, running
from support.leases import has_lease, neighbour_of

Write = Callable[..., str]
Capture = pytest.CaptureFixture[str]
SHARDS = 4


@pytest.fixture
def listed(site: Site, feeds: Write, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """40 feeds of 20 hosts; the site is their proxy, and answers when it is told to."""
    monkeypatch.setenv("http_proxy", site.url("").rstrip("/"))
    urls = [f"http://h{number % 20}.test/stall/{number}" for number in range(40)]
    feeds(*urls, urls[7], "no url", urls[0].upper().replace("/STALL", "/stall"))
    return urls


def contents(url: str) -> list[list[tuple[Any, ...]]]:
    """What is stored of feeds and entries, without the moments."""
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:"))) as db:
            found = [db.execute("SELECT feed_id, url, title, body_hash FROM feeds ORDER BY 1").fetchall()]
            return [*found, db.execute("SELECT feed, key, title, hash FROM entries ORDER BY 1, 2").fetchall()]
    with MongoClient[Any](url) as client:
        database = client.get_default_database()
        feeds, entries = ("_id", "url", "title", "body_hash"), ("feed", "key", "title", "hash")
        return [
            sorted(tuple(each.get(name) for name in names) for each in collection.find())
            for collection, names in ((database.feeds, feeds), (database.entries, entries))
        ]


def runs(url: str) -> list[str | None]:
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:"))) as db:
            return sorted(shard for (shard,) in db.execute("SELECT shard FROM runs"))
    with MongoClient[Any](url) as client:
        return sorted(each["shard"] for each in client.get_default_database().runs.find())


def arguments(url: str, number: int) -> list[str]:
    return ["feeds.txt", "--store", url, "--json", "--shard", f"{number}/{SHARDS}"]


def whole_run(url: str, capfd: Capture) -> dict[str, Any]:
    assert main(["feeds.txt", "--store", url, "--json"]) == 0
    *_, total = records(capfd.readouterr().out)
    assert total["shard"] is None
    return total


def check_totals(totals: list[dict[str, Any]], whole: dict[str, Any]) -> None:
    """Counts of the shares add up to those of the whole, duplicates and lines that are no URL included."""
    assert sorted(total["shard"] for total in totals) == [f"{n}/{SHARDS}" for n in range(1, SHARDS + 1)]
    for name in ("feeds", "duplicates", "stored", "not_started"):
        assert sum(total[name] for total in totals) == whole[name], name
    assert sum(total["outcomes"]["new"] for total in totals) == whole["outcomes"]["new"] == 40
    assert sum(total["errors"].get("not-a-url", 0) for total in totals) == 1
    assert whole["duplicates"] == 2


def test_one_after_the_other(site: Site, listed: list[str], store_url: str, capfd: Capture) -> None:
    site.go_on.set()
    totals = []
    for number in range(1, SHARDS + 1):
        assert main(arguments(store_url, number)) == 0
        out, err = capfd.readouterr()
        totals.append(records(out)[-1])
        assert f"of 43 feeds (shard {number}/{SHARDS}) into {store_url}\n" in err
    assert len(site.paths) == 40

    with neighbour_of(store_url) as neighbour:
        check_totals(totals, whole_run(neighbour, capfd))
        assert contents(store_url) == contents(neighbour)
    assert runs(store_url) == [f"{number}/{SHARDS}" for number in range(1, SHARDS + 1)]


def fetching(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return next(line for line in process.stderr if line.startswith("Fetching"))


def test_at_the_same_time(site: Site, listed: list[str], store_url: str, capfd: Capture) -> None:
    """Real processes; a share that is at work, another number of shares and a whole run are refused."""
    numbers = range(1, SHARDS + 1)
    with ExitStack() as stack:
        processes = [stack.enter_context(running(*arguments(store_url, number))) for number in numbers]
        said = [fetching(process) for process in processes]
        refused = []
        for other in (["--shard", f"2/{SHARDS}"], ["--shard", f"2/{SHARDS + 1}"], []):
            assert main(["feeds.txt", "--store", store_url, *other]) == 1
            refused.append(capfd.readouterr().err)
        site.go_on.set()
        ended = [process.communicate() for process in processes]

    assert [process.returncode for process in processes] == [0] * SHARDS
    counts = [int(re.match(r"Fetching (\d+) of 43 feeds", line)[1]) for line in said]  # type: ignore[index]
    assert sum(counts) == 43
    assert rf"(shard 2/{SHARDS}, since " in refused[0]
    assert all("is in use by process" in message for message in refused)
    assert not has_lease(store_url)
    with neighbour_of(store_url) as neighbour:
        whole = whole_run(neighbour, capfd)
        check_totals([records(out)[-1] for out, _ in ended], whole)
        assert contents(store_url) == contents(neighbour)


def test_a_share_without_feeds_is_complete(site: Site, feeds: Write, capfd: Capture) -> None:
    path = feeds(site.url("1"))
    found = []
    for number in (1, 2, 3):
        assert main([path, "--store", "sqlite:x.db", "--shard", f"{number}/3"]) == 0
        found.append(re.search(r"Fetching (\d) of 1 feed \(shard", capfd.readouterr().err)[1])  # type: ignore[index]

    assert sorted(found) == ["0", "0", "1"]


@pytest.mark.parametrize("value", ["5/3", "0/3", "1/0", "3", "3/", "x/3", "-1/3", "1/3/4", "", "²/3"])
def test_what_is_no_share(feeds: Write, capfd: Capture, value: str) -> None:
    assert main([feeds("http://a.test/"), f"--shard={value}"]) == 2
    said = f"trioscrape: --shard must be K/N with K from 1 to N, such as 3/16, not {value!r}\n"
    assert capfd.readouterr() == ("", said)


def test_by_address_there_are_no_shares(feeds: Write, capfd: Capture) -> None:
    assert main([feeds("http://a.test/"), "--shard", "1/2", "--group-hosts-by", "address"]) == 2
    assert "trioscrape: --shard divides the list by host or by domain" in capfd.readouterr().err
    assert not Path("trioscrape.db").exists()


@pytest.mark.parametrize("group", [str, lambda host: host.partition(".")[2]], ids=["host", "domain"])
@pytest.mark.parametrize("shards", [1, 2, 7, 40])
def test_every_line_is_in_one_share_with_the_others_of_its_host(
    group: Callable[[str], str], shards: int
) -> None:
    feeds = [Feed(f"http://h{n % 9}.d{n % 5}.test/{n}") for n in range(200)] + [Feed("no url"), Feed("a/ b")]
    shares = [Share(feeds, (number, shards), group) for number in range(1, shards + 1)]

    assert sorted(feed.url for share in shares for feed in share) == sorted(feed.url for feed in feeds)
    assert [len(share) for share in shares] == [len(list(share)) for share in shares]
    hosts = [{group(Candidate.of(feed).host) for feed in share} - {""} for share in shares]
    assert sum(map(len, hosts)) == len(set[str]().union(*hosts))
