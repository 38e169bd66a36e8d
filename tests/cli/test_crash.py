"""The program is killed at random moments and run again: nothing that it has reported is lost.

``nox -s crash`` takes a hundred moments with each store, each followed by a whole run; the short form
kills one run three times.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trio
from pymongo import MongoClient

from support.survival import LONG, Sites, contents, lost, open_sites, running, undisturbed

FEEDS = 100
ROUNDS, KILLS = (100, 1) if LONG else (1, 3)
"""Fresh stores, and kills of runs into each before the one that is left alone."""
START = 0.5
"""Seconds within which a run begins; a kill that comes before the first record comes then."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for orphans in /proc")


@pytest.fixture
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[str]]:
    """The store of the undisturbed run, and one for each round."""
    if request.param == "sqlite":
        yield [f"sqlite:{tmp_path / f'{n}.db'}" for n in range(ROUNDS + 1)]
        return
    url: str = request.getfixturevalue("mongodb_url")
    urls = [f"{url}_{n}" for n in range(ROUNDS + 1)]
    yield urls
    with MongoClient[Any](url) as client:
        for name in urls:
            client.drop_database(urlsplit(name).path[1:])


async def killed(chance: random.Random, sites: Sites, store: str) -> None:
    """Start a run, kill it some time, and look for what it had said until then."""
    async with running(sites, store) as program:
        if records := chance.randrange(FEEDS):
            await program.until(lambda: len(program.records) >= records)
        await trio.sleep(chance.uniform(0, 0.02 if records else START))
        await program.kill()
    assert not lost(sites, program, store)


@pytest.mark.parametrize("stores", ["sqlite", "mongodb"], indirect=True)
async def test_killed_at_random_moments(stores: list[str], tmp_path: Path) -> None:
    chance = random.Random(20161117)
    async with open_sites(FEEDS, tmp_path) as sites:
        await undisturbed(sites, stores[0])
        expected = contents(stores[0])
        for store in stores[1:]:
            for _ in range(KILLS):
                await killed(chance, sites, store)
            await undisturbed(sites, store)
            assert contents(store) == expected
