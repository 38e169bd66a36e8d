"""What is in the store beside the feeds of a run costs the run nothing: the short form of ``nox -s scale``.

Not in seconds here, but in what a server counts: commands, and the documents and keys it has to look at.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from support import scale
from support.mongod import Mongod


def work(server: Mongod) -> dict[str, int]:
    """What the server has done so far."""
    with MongoClient[Any](server.url) as client:
        metrics = client.admin.command("serverStatus")["metrics"]
    commands = {name: metrics["commands"][name]["total"] for name in ("find", "getMore", "insert", "update")}
    looked_at = metrics["queryExecutor"]
    return {**commands, "documents": looked_at["scannedObjects"], "keys": looked_at["scanned"]}


def difference(after: dict[str, int], before: dict[str, int]) -> Iterator[tuple[str, int]]:
    return ((name, after[name] - before[name]) for name in after)


@pytest.mark.parametrize("feeds", [40, 1000])
async def test_a_run_that_finds_nothing_new(own_mongod: Mongod, feeds: int) -> None:
    url = f"{own_mongod.url}/news"
    await scale.fill(url, feeds, 20)
    before = work(own_mongod)
    await scale.ask_again(url, 40, edition=2)
    did = dict(difference(work(own_mongod), before))

    # The version of the schema and the 40 states at first; of the four feeds that have sent a document,
    # their states twice, to compare and to write, and 20 entries each. The lease is acquired and released.
    assert did["documents"] == 1 + 40 + 4 + 4 + 4 * 20 + 2
    assert did["keys"] <= 2 * did["documents"]  # where the next one wanted is not the next one there
    assert (did["insert"], did["getMore"]) == (0, 0)
    assert did["find"] <= 1 + 1 + 4 + 4
    assert (
        did["update"] <= 4 + 4 + 1 + 1
    )  # states, what is remembered of their polls, all other polls, the lease
