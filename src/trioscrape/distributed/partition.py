"""A list of any length, divided into shards: the feeds that one worker gets at a time.

All feeds of a host (or domain) are in one shard, so one worker alone sees to it that the host gets one
request at a time. A host with more feeds than a quarter of a shard is a *chain*: it has shards of its own,
and each of them may only begin when the one before has ended. Chains come first, the longest before the
others, because they take longest whatever the size of the cluster.

Two passes. The first appends each feed to one of 512 bucket files, by a stable hash of its host. The second
takes one bucket after the other into memory, removes duplicates, and appends finished shards to one file,
from which they are read when they are sent. So ten million feeds need little more memory than ten thousand: a
bucket has 20,000 of them. One that a few hosts have made too large is divided once more, by feed.
"""

from __future__ import annotations

import json
import zlib
from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final

from .._records import DuplicateFeed, Feed
from .._run.feed_source import SHOWN_DUPLICATES, ListCounts
from .._run.shares import number_of, place

BUCKETS: Final = 512
AT_ONCE: Final = 20_000
"""Rows that are kept in memory until they are appended to their buckets, about 4 MB."""
LARGE: Final = 2**20
"""Bytes of a bucket that is not taken into memory as a whole if a few hosts fill it."""
PIECE: Final = 2**19
"""Bytes of the pieces of such a bucket, about."""
HUGE: Final = 10_000
"""Lines of a host whose feeds may be in several pieces."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Feeds that one worker gets at a time."""

    chain: str | None
    """The host or domain that has other shards too; None: all feeds of its hosts are in this one."""
    feeds: bytes
    """As `unpacked` reads them: 20 bytes or so for each feed."""
    count: int


def packed(feeds: Sequence[Feed], chain: str | None) -> Shard:
    """A shard with these feeds."""
    return _shard(chain, [_row(feed).encode() for feed in feeds])


def unpacked(shard: Shard) -> list[Feed]:
    """The feeds of a shard, in the order of their list."""
    return [_feed(*row) for row in json.loads(zlib.decompress(shard.feeds))]


def _shard(chain: str | None, rows: Sequence[bytes]) -> Shard:
    return Shard(chain, zlib.compress(b"[%b]" % b",".join(rows), 1), len(rows))


def _row(feed: Feed) -> str:
    """The arguments of `_feed` in JSON, in ASCII, without those at the end that are as usual."""
    line = "null" if feed.line is None else feed.line
    if feed.tags or feed.without_scheme:
        return json.dumps((feed.url, feed.line, feed.title, feed.tags, feed.without_scheme))
    if feed.title is not None:
        return f"[{json.dumps(feed.url)},{line},{json.dumps(feed.title)}]"
    return f"[{json.dumps(feed.url)},{line}]"


def _feed(
    url: str,
    line: int | None,
    title: str | None = None,
    tags: Sequence[str] = (),
    without_scheme: bool = False,  # noqa: FBT001, FBT002 - from JSON
) -> Feed:
    return Feed(url, title, line, tuple(tags), without_scheme)


@dataclass(frozen=True, slots=True)
class _Extent:
    """Where a shard is in the file."""

    chain: str | None
    start: int
    size: int
    count: int


class Partition:
    """The shards of a list, as long as the folder is there. They are read when they are asked for.

    Iterating gives all of them: the chains first, each from its beginning to its end, then the others.
    """

    def __init__(self, file: Path, counts: ListCounts, extents: Iterable[_Extent]) -> None:
        self._file = file
        self.counts = counts
        """Of the list, from its beginning to its end."""
        self._others = list[_Extent]()
        chains = dict[str, list[_Extent]]()
        for extent in extents:
            shards = self._others if extent.chain is None else chains.setdefault(extent.chain, [])
            shards.append(extent)
        self._chains = sorted(
            chains.items(), key=lambda each: (-sum(extent.count for extent in each[1]), each[0])
        )

    def __len__(self) -> int:
        return sum(1 for _ in self._extents())

    def __iter__(self) -> Iterator[Shard]:
        return self._read(self._extents())

    def chains(self) -> list[Iterator[Shard]]:
        """The shards of each chain, in their order; the longest chain first."""
        return [self._read(extents) for _, extents in self._chains]

    def others(self) -> Iterator[Shard]:
        """The shards that are independent of all others."""
        return self._read(self._others)

    def _extents(self) -> Iterator[_Extent]:
        return chain(chain.from_iterable(extents for _, extents in self._chains), self._others)

    def _read(self, extents: Iterable[_Extent]) -> Iterator[Shard]:
        for extent in extents:
            with self._file.open("rb") as file:  # a chain may take hours, and there may be thousands
                file.seek(extent.start)
                yield Shard(extent.chain, file.read(extent.size), extent.count)


def partitioned(
    feeds: Iterable[Feed], folder: Path, *, group: Callable[[str], str], size: int = 500
) -> Partition:
    """Divide a list into shards. Blocks for about 15 µs a line.

    Args:
      feeds: read once, to the end.
      folder: an empty one; it takes about 150 bytes a line at most, and is needed as long as the shards are.
      group: from a host to what must not be divided, see `grouping`.
      size: feeds in a shard, at most; most have three quarters of that at least.

    Raises:
      OSError: a file can't be written or read.
    """
    buckets = _Buckets(folder / "buckets", BUCKETS)
    for feed in feeds:
        at, key = place(feed, group)
        # A key that is like the beginning of the row is left out: it is half of the row.
        row = _row(feed)
        written = "" if row.startswith(f'["{key}"') else key
        buckets.add(number_of(at or feed.url, BUCKETS), f"{at}\t{written}\t{row}\n")
    shards = folder / "shards"
    with shards.open("wb") as file:
        cut = _Cut(file, size)
        for bucket in buckets.close():
            cut.take(bucket)
            bucket.unlink()
        cut.end()
    return Partition(shards, cut.counts, cut.extents)


class _Buckets:
    """Files to which rows are appended. They are open for moments only: a process may open few."""

    def __init__(self, folder: Path, number: int) -> None:
        folder.mkdir()
        self._paths = [folder / f"{name:03}" for name in range(number)]
        self._rows = [list[str]() for _ in range(number)]
        self._waiting = 0

    def __len__(self) -> int:
        return len(self._paths)

    def add(self, number: int, row: str) -> None:
        """Append a row, with its line end, to a bucket."""
        self._rows[number].append(row)
        self._waiting += 1
        if self._waiting >= AT_ONCE:
            self._write()

    def _write(self) -> None:
        for path, rows in zip(self._paths, self._rows, strict=True):
            if rows:
                with path.open("ab") as file:
                    file.write("".join(rows).encode())
                rows.clear()
        self._waiting = 0

    def close(self) -> list[Path]:
        """The buckets that are not empty, always in the same order."""
        self._write()
        return [path for path in self._paths if path.exists()]


class _Cut:
    """The second pass: rows of a bucket to shards in a file."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        self._most = max(size // 4, 1)
        self._few = list[bytes]()
        self.counts = ListCounts(whole=True)
        self.extents = list[_Extent]()

    def take(self, bucket: Path) -> None:
        """Take all rows of a bucket."""
        huge = self._huge(bucket) if bucket.stat().st_size > LARGE else frozenset()
        if not huge:
            self._take(bucket)
            return
        pieces = _Buckets(bucket.with_suffix(".pieces"), 2 + bucket.stat().st_size // PIECE)
        others = 0  # the piece of all hosts that are not huge
        with bucket.open(encoding="utf-8", newline="\n") as rows:
            for row in rows:
                group, key, _ = row.split("\t", 2)
                number = (
                    1 + number_of(key or row.split('"', 2)[1], len(pieces) - 1) if group in huge else others
                )
                pieces.add(number, row)
        for piece in pieces.close():
            self._take(piece, huge)
            piece.unlink()

    def _huge(self, bucket: Path) -> frozenset[str]:
        with bucket.open(encoding="utf-8", newline="\n") as rows:
            lines = Counter(row.partition("\t")[0] for row in rows)
        return frozenset(group for group, number in lines.items() if group and number > HUGE)

    def _take(self, bucket: Path, huge: frozenset[str] = frozenset()) -> None:
        found = dict[bytes, dict[bytes, bytes]]()
        with bucket.open("rb") as lines:
            for line in lines:
                group, key, row = line[:-1].split(b"\t", 2)
                if not group:
                    self._add([row])
                    continue
                feeds = found.get(group)
                if feeds is None:
                    feeds = found[group] = {}
                first = feeds.setdefault(key or row.split(b'"', 2)[1], row)
                if first is not row:
                    self._count_duplicate(row, first)
        for group, feeds in found.items():
            rows, name = list(feeds.values()), group.decode()
            if len(rows) <= self._most and name not in huge:
                self._add(rows)
                continue
            for start in range(0, len(rows), self._size):
                self._write(name, rows[start : start + self._size])

    def _add(self, rows: list[bytes]) -> None:
        """Add feeds that belong together to the shard that is being filled."""
        if len(self._few) + len(rows) > self._size:
            self.end()
        self._few += rows

    def end(self) -> None:
        """Write the shard that is being filled, if there is one."""
        if self._few:
            self._write(None, self._few)
            self._few = []

    def _write(self, chain: str | None, rows: Sequence[bytes]) -> None:
        shard = _shard(chain, rows)
        self.extents.append(_Extent(chain, self._file.tell(), len(shard.feeds), shard.count))
        self._file.write(shard.feeds)
        self.counts.feeds += shard.count

    def _count_duplicate(self, row: bytes, first: bytes) -> None:
        """Count a line whose feed is in an earlier one. The examples are those with the lowest lines."""
        self.counts.duplicates += 1
        duplicate, examples = DuplicateFeed(_feed(*json.loads(row)), json.loads(first)[1]), self.counts
        insort(examples.duplicate_examples, duplicate, key=lambda each: each.feed.line or 0)
        del examples.duplicate_examples[SHOWN_DUPLICATES:]
