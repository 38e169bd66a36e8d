"""``--shard``: the share of a list that one of several machines fetches."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from .._errors import UsageError
from .._records import Feed
from .._run.shares import number_of, place
from .parser import OptionSection

_SHARD: Final = re.compile(r"(\d{1,9})/(\d{1,9})", re.ASCII)


def add_shard_option(section: OptionSection) -> None:
    """``--shard``."""
    section.add(
        "--shard",
        metavar="K/N",
        text="fetch only the Kth of N shares of the list, such as 3/16; all feeds of a host are in the same"
        " one, and runs on different shares may use a store at once",
    )


def shard(given: argparse.Namespace) -> tuple[int, int] | None:
    """Which share of the list to fetch, and how many there are; None: all of it.

    Raises:
      UsageError: the value of the option is not one.
    """
    if given.shard is None:
        return None
    match = _SHARD.fullmatch(given.shard)
    number, shards = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= number <= shards:
        raise UsageError(f"--shard must be K/N with K from 1 to N, such as 3/16, not {given.shard!r}")
    return number, shards


class Share:
    """A share of a list: the feeds whose hosts are in it. Each iteration reads the list again.

    Args:
      feeds: the whole list, which may be iterated over again and again.
      shard: which share, from 1, and how many there are.
      group: see `grouping`.
    """

    def __init__(self, feeds: Iterable[Feed], shard: tuple[int, int], group: Callable[[str], str]) -> None:
        self._feeds, self._group = feeds, group
        self._number, self._shards = shard
        self.count = sum(1 for _ in self)
        """Lines of this share; a feed that is listed twice counts twice."""

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Feed]:
        for feed in self._feeds:
            group = place(feed, self._group).group or feed.url
            if number_of(group, self._shards) == self._number - 1:
                yield feed
