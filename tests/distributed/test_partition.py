"""A list divided into shards: every feed once, no host in two places, little memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import trio

from trioscrape import Feed
from trioscrape._run.candidates import Candidate
from trioscrape._run.feed_source import counted
from trioscrape._run.shares import place
from trioscrape.distributed import partition
from trioscrape.distributed.partition import Shard, packed, partitioned, unpacked

HOSTS = ["a.test", "b.test", "A.test", "b.test:8080", "me:s3cret@a.test", "a.test.", "bücher.test"]
PATHS = ["", "/", "/#top", "/feed?a=1", "/ä", '/"', "/\\"]
NO_URLS = ["no url", "", "ftp://a.test/", "http://", "tab\tand\nline", "\udcff"]
TITLES = [None, None, "A title", "Täglich\t\n", '"\\', "\udcff"]
LIMIT = 20 * 1024
"""KiB more than an empty list takes: 50 MiB in all where the interpreter and the modules take 30."""


def listed(seed: int) -> list[Feed]:
    """A few hosts with many feeds, many with few, all spellings, lines that are no URL, and duplicates."""
    rng = Random(seed)
    return [_feed(rng, line) for line in range(1, rng.randrange(300))]


def _feed(rng: Random, line: int) -> Feed:
    host = rng.choice(HOSTS) if rng.random() < 0.6 else f"h{rng.randrange(60)}.test"
    path = rng.choice(PATHS) if rng.random() < 0.3 else f"/{rng.randrange(40)}"
    url = f"{rng.choice(['http://', 'http://', 'HTTP://', 'https://', ''])}{host}{path}"
    if rng.random() < 0.05:
        url = rng.choice(NO_URLS)
    return Feed(url, rng.choice(TITLES), line, tuple(rng.choices("xyz", k=rng.choice([0, 0, 2]))))


@pytest.mark.parametrize(
    "limits", [{}, {"BUCKETS": 3, "LARGE": 1, "PIECE": 300, "HUGE": 30, "AT_ONCE": 7}], ids=str
)
def test_every_feed_is_in_one_shard_with_the_others_of_its_host(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limits: dict[str, int]
) -> None:
    """Also of hosts with so many feeds that they are divided into pieces on the way."""
    for name, value in limits.items():
        monkeypatch.setattr(partition, name, value)
    for seed in range(60):
        folder = tmp_path / str(seed)
        folder.mkdir()
        feeds, size = listed(seed), Random(seed).randrange(1, 130)

        _check(partitioned(iter(feeds), folder, group=str, size=size), feeds, size)


def _check(found: partition.Partition, feeds: list[Feed], size: int) -> None:
    shards = list(found)
    contents = [unpacked(shard) for shard in shards]
    expected = trio.run(counted, feeds)

    assert found.counts == expected
    assert len(found) == len(shards)
    assert Counter(feed for each in contents for feed in each) == Counter(_without_duplicates(feeds))
    assert [len(each) for each in contents] == [shard.count for shard in shards]
    assert all(0 < shard.count <= size for shard in shards)
    places = defaultdict[str, set[object]](set)
    for number, (shard, each) in enumerate(zip(shards, contents, strict=True)):
        for feed in each:
            if group := place(feed, str).group:
                places[group].add(number if shard.chain is None else shard.chain)
    assert all(len(each) == 1 for each in places.values())
    _check_chains(found, shards, size)


def _check_chains(found: partition.Partition, shards: list[Shard], size: int) -> None:
    """They come first, the longest first, and each has a host to itself; no host without one is so long."""
    most = max(size // 4, 1)
    numbers = Counter[str]()
    for shard in shards:
        groups = Counter(place(feed, str).group for feed in unpacked(shard))
        if shard.chain is None:
            del groups[""]
            assert max(groups.values(), default=0) <= most
        else:
            assert list(groups) == [shard.chain]
            numbers.update(groups)
    names = [shard.chain for shard in shards]
    in_order = [name for name, _ in sorted(numbers.items(), key=lambda each: (-each[1], each[0]))]
    assert list(dict.fromkeys(names)) == [*in_order, *([None] if None in names else [])]
    chains = [list(each) for each in found.chains()]
    assert [shard for each in chains for shard in each] + list(found.others()) == shards
    assert [each[0].chain for each in chains] == in_order


def _without_duplicates(feeds: list[Feed]) -> Iterator[Feed]:
    seen = set[str]()
    for feed in feeds:
        candidate = Candidate.of(feed)
        if candidate.problem or candidate.feed_id not in seen:
            seen.add(candidate.feed_id)
            yield feed


@pytest.mark.parametrize("at_once", [1000, 30])
def test_only_the_shards_stay_in_the_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, at_once: int
) -> None:
    """What did not fit into memory on the way is gone, and the shards are read when they are asked for."""
    monkeypatch.setattr(partition, "AT_ONCE", at_once)
    feeds = [Feed(f"http://h{number}.test:81/") for number in range(100)]

    found = partitioned(feeds, tmp_path, group=str)

    assert [path.name for path in tmp_path.iterdir()] == ["shards"]
    assert Counter(feed for shard in found for feed in unpacked(shard)) == Counter(feeds)


def test_shards_are_full(tmp_path: Path) -> None:
    """Also those of a list that has fewer feeds than there are buckets."""
    feeds = [Feed(f"http://h{number}.test/") for number in range(250)]

    found = partitioned(feeds, tmp_path, group=str, size=100)

    assert [(shard.chain, shard.count) for shard in found] == [(None, 100), (None, 100), (None, 50)]


def test_a_giant_is_a_chain_of_full_shards(tmp_path: Path) -> None:
    feeds = [Feed(f"http://giant.test/{number}") for number in range(250)]
    feeds += [Feed(f"http://small.test/{number}") for number in range(25)]

    found = partitioned(feeds, tmp_path, group=str, size=100)

    sizes = [(shard.chain, shard.count) for shard in found]
    assert sizes == [("giant.test", 100), ("giant.test", 100), ("giant.test", 50), (None, 25)]
    assert [feed for shard in found for feed in unpacked(shard)] == feeds


def test_a_million_lines_that_are_no_urls_are_no_chain(tmp_path: Path) -> None:
    found = partitioned([Feed(f"no url {n % 3}") for n in range(1000)], tmp_path, group=str, size=100)

    assert {shard.chain for shard in found} == {None}
    assert (found.counts.feeds, found.counts.duplicates) == (1000, 0)


def test_a_domain_is_one_place(tmp_path: Path) -> None:
    feeds = [Feed(f"http://blog{number}.example.test/") for number in range(30)]

    found = partitioned(feeds, tmp_path, group=lambda host: host.partition(".")[2], size=100)

    assert [(shard.chain, shard.count) for shard in found] == [("example.test", 30)]


def test_a_shard_can_be_made_of_feeds() -> None:
    feeds = [
        Feed("example.org/feed", "Täglich\n", 7, ("News", "de")),
        Feed("http://a.test/", "T"),
        Feed("no url"),
    ]

    shard = packed(feeds, "a.test")

    assert (shard.chain, shard.count) == ("a.test", 3)
    assert unpacked(shard) == feeds
    assert [feed.without_scheme for feed in unpacked(shard)] == [True, False, False]


PROGRAM = """
import sys, tempfile
from pathlib import Path
from hashlib import blake2b
from trioscrape._records import Feed
from trioscrape.distributed.partition import partitioned, unpacked

giant, small = int(sys.argv[1]), int(sys.argv[2])

def feeds():
    for number in range(giant):
        yield Feed(f"http://giant.test/some/path/feed-{number}.xml", line=number + 1)
        yield Feed(f"http://giant.test/some/path/feed-{number // 2}.xml", line=number + 1)
    for number in range(small):
        yield Feed(f"https://www.host-{number}.example.test/some/path/feed.xml", line=giant + number + 1)

digest = blake2b(digest_size=8)
with tempfile.TemporaryDirectory() as folder:
    found = partitioned(feeds(), Path(folder), group=str)
    for shard in found:
        digest.update(repr((shard.chain, unpacked(shard))).encode())
print(found.counts.feeds, found.counts.duplicates, digest.hexdigest())
"""
MEASURED = Path(__file__).parents[1] / "support" / "measured.py"


def run(giant: int, small: int, seed: str = "0") -> list[str]:
    command = [sys.executable, "-c", PROGRAM, str(giant), str(small)]
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    return subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True, timeout=300
    ).stdout.split()


def test_the_order_is_the_same_in_each_process() -> None:
    """So a run that is repeated gives each worker the same work."""
    assert run(700, 2_000, "1") == run(700, 2_000, "2")


@pytest.mark.heavy
@pytest.mark.parametrize(("giant", "small"), [(0, 1_000_000), (500_000, 0)])
def test_a_million_lines_take_little_memory(tmp_path: Path, giant: int, small: int) -> None:
    (feeds, duplicates), peak = _measured(tmp_path, giant, small)
    _, floor = _measured(tmp_path, 0, 0)

    assert (feeds, duplicates) == (giant + small, giant)
    assert peak - floor < LIMIT, f"{(peak - floor) // 1024} MiB"


def _measured(folder: Path, giant: int, small: int) -> tuple[tuple[int, int], int]:
    """Feeds and duplicates that `PROGRAM` has found, and its peak in KiB."""
    report = folder / "report"
    command = [sys.executable, "-c", PROGRAM, str(giant), str(small)]
    measuring = [sys.executable, str(MEASURED), str(report), *command]
    ended = subprocess.run(measuring, check=True, capture_output=True, text=True, timeout=500)
    feeds, duplicates, _ = ended.stdout.split()
    status, peak = map(int, report.read_text().split())
    assert status == 0
    return (int(feeds), int(duplicates)), peak
