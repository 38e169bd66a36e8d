"""What a made-up world is like."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
import trio

from trioscrape._dns.address_policy import is_public
from trioscrape.testing import MemoryStore, World, run_in_virtual_time
from trioscrape.testing._history import DAY, WEEK, History
from trioscrape.testing._world_clock import EPOCH
from trioscrape.testing._world_feed import KINDS
from trioscrape.testing._world_host import HOST_KINDS

README = Path(__file__).parents[2] / "README.md"


def described(world: World) -> list[tuple[str, str, str | None, float]]:
    return [(feed.url, feed.kind, feed.location, feed.history.rate) for feed in world.feeds]


def test_the_same_seed_is_the_same_world() -> None:
    assert described(World(3, 200)) == described(World(3, 200))
    assert described(World(3, 200)) != described(World(4, 200))


def test_all_kinds_of_trouble_are_there() -> None:
    world = World(1, 2000, trouble=0.3)

    assert {feed.kind for feed in world.feeds} == set(KINDS)
    assert {host.kind for host in world.hosts.values()} == set(HOST_KINDS)
    assert len(world.feeds) == len(set(world.urls)) == 2000


def test_without_trouble_there_is_none() -> None:
    world = World(1, 200, trouble=0.0)

    assert {feed.kind for feed in world.feeds} == {"healthy"}
    assert {host.kind for host in world.hosts.values()} == {"ok"}


def test_few_hosts_have_many_feeds() -> None:
    sizes = sorted(Counter(url.split("/")[2] for url in World(1, 2000).urls).values())

    assert sizes[-1] == 100, "a twentieth"
    assert sizes[len(sizes) // 2] == 1
    assert len({address for host in World(1, 2000).hosts.values() for address in host.all_addresses}) < len(
        sizes
    )


def test_nobody_is_at_its_addresses_but_they_count_as_public() -> None:
    for host in World(1, 300).hosts.values():
        assert all(address.startswith("3ffe::") and is_public(address) for address in host.all_addresses)


def test_a_history_is_the_same_however_it_is_looked_at() -> None:
    one, other = (History("x", Random(5)) for _ in range(2))
    moments = [hour * 3600.0 for hour in range(24 * 60)]
    versions = [one.version(moment) for moment in moments]

    assert other.version(moments[-1]) == versions[-1]
    assert [other.version(moment) for moment in moments] == versions
    assert versions == sorted(versions)


def test_a_history_has_the_rate_that_it_says() -> None:
    """A third less where less is published at weekends."""
    said = found = 0.0
    for number in range(100):
        history = History(f"{number}", Random(number))
        begin, end = (history.version(moment).published for moment in (0, 8 * WEEK))
        said, found = said + history.rate, found + (end - begin) / (8 * WEEK / DAY)

    assert 0.7 * said < found < said


def test_news_follow_the_clock_until_it_is_frozen() -> None:
    async def main() -> None:
        world = World(2, 100, trouble=0.0, start=DAY)
        before = [feed.entries() for feed in world.feeds]
        await trio.sleep(WEEK)
        assert world.now() == EPOCH + timedelta(days=8)
        later = [feed.entries() for feed in world.feeds]
        assert later != before
        world.freeze()
        await trio.sleep(WEEK)
        assert [feed.entries() for feed in world.feeds] == later

    run_in_virtual_time(main)


async def test_a_store_in_memory_takes_its_moments_from_the_world() -> None:
    world = World(1, 1)

    assert MemoryStore(now=world.now)._now() == pytest.approx(world.now(), abs=timedelta(seconds=1))


def test_the_example_in_the_readme() -> None:
    (block,) = (
        each
        for each in re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
        if "World(" in each
    )

    exec(block, {})
