"""Which shard comes next."""

from __future__ import annotations

from pathlib import Path

from trioscrape import Feed
from trioscrape.distributed.partition import partitioned, unpacked
from trioscrape.distributed.window import Turn, Window


def window(folder: Path, giant: int, small: int) -> Window:
    """Of a giant, and of small hosts; in shards of eight feeds."""
    urls = [f"http://giant.test/{n}" for n in range(giant)] + [f"http://f{n}.test/" for n in range(small)]
    return Window(partitioned(map(Feed, urls), folder, group=str, size=8))


def urls(turn: Turn | None) -> list[str]:
    assert turn is not None
    return [feed.url for feed in unpacked(turn.shard)]


def test_a_chain_comes_first_and_one_at_a_time(tmp_path: Path) -> None:
    shards = window(tmp_path, 20, 12)
    first = shards.take()
    assert first is not None
    assert first.shard.chain == "giant.test"
    others = [shards.take(), shards.take()]
    assert [each and each.shard.chain for each in others] == [None, None]
    assert shards.take() is None

    shards.ended(first)
    second = shards.take()
    assert second is not None
    assert shards.take() is None
    shards.ended(second)
    third = shards.take()
    assert third is not None
    shards.ended(third)

    assert sorted(urls(first) + urls(second) + urls(third)) == sorted(
        f"http://giant.test/{n}" for n in range(20)
    )
    assert shards.take() is None


def test_the_pieces_of_a_shard_come_one_at_a_time(tmp_path: Path) -> None:
    """They may have a host in common."""
    shards = window(tmp_path, 0, 8)
    whole = shards.take()
    assert whole is not None
    shards.split(whole)
    found = []
    while (piece := shards.take()) is not None:
        assert shards.take() is None
        found += urls(piece)
        shards.ended(piece)
    assert found == urls(whole)


def test_pieces_of_a_chain_stay_in_it_and_go_first(tmp_path: Path) -> None:
    shards = window(tmp_path, 20, 0)
    first = shards.take()
    assert first is not None
    shards.split(first)
    found = []
    while (piece := shards.take()) is not None:
        assert shards.take() is None
        assert piece.shard.chain == "giant.test"
        found += urls(piece)
        shards.ended(piece)
    assert found[:8] == urls(first)
    assert len(found) == len(set(found)) == 20
