"""A list of any length, divided into shards: groups of feeds that a worker is given together.

All feeds of a host (or domain) are in one shard, so one worker alone sees to it that the host gets one
request at a time. A host with more feeds than a quarter of a shard is a *chain*: it has shards of its own,
and each of them may only begin when the one before has ended. Chains come first, the longest before the
others, because they take longest whatever the size of the cluster.

Two passes. The first puts each feed into one of 512 buckets, by a stable hash of its host. The second takes
one bucket after the other, removes duplicates, and appends finished shards to one file, from which they are
read when they are sent. Buckets are in memory up to 20,000 feeds, and beyond that in a temporary file. So ten
million feeds need little more memory than twenty thousand: a bucket has 20,000 of them. One that a few hosts
have made too large is divided once more, by feed.
"""

from __future__ import annotations

import json
import zlib
from array import array
from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Final

from .._records import DuplicateFeed, Feed
from .._run.feed_source import SHOWN_DUPLICATES, ListCounts
from .._run.shares import number_of, place

BUCKETS: Final = 512
AT_ONCE: Final = 20_000
"""Rows that are kept in memory until they are written, about 4 MB."""
LARGE: Final = 2**20
"""Bytes of a bucket that is not taken into memory as a whole if a few hosts fill it."""
PIECE: Final = 2**19
"""Bytes of the pieces of such a bucket, about."""
HUGE: Final = 10_000
"""Lines of a host whose feeds may be in several pieces."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Feeds that a worker is given together."""

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
    """The place of a shard in the file."""

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
        """The counts of the whole list."""
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
      folder: an empty one; it takes about 150 bytes a line, and is needed as long as the shards are.
      group: gives the group of a host; feeds of one group stay together, see `grouping`.
      size: feeds in a shard, at most; most have three quarters of that at least.

    Raises:
      OSError: a file can't be written or read.
    """
    shards = folder / "shards"
    with TemporaryFile(dir=folder) as rows, shards.open("wb") as file:
        buckets = _Buckets(rows, BUCKETS)
        for feed in feeds:
            at, key = place(feed, group)
            row = _row(feed)
            # A key that is like the beginning of the row is left out: it is half of the row.
            written = "" if row.startswith(f'["{key}"') else key
            buckets.add(number_of(at or feed.url, BUCKETS), f"{at}\t{written}\t{row}".encode())
        cut = _Cut(file, folder, size)
        for bucket in buckets:
            cut.take(bucket)
        cut.end()
    return Partition(shards, cut.counts, cut.extents)


class _Buckets:
    """Rows, sorted into buckets; a file has those that are too many for memory.

    All buckets share one file. Whatever is in memory is appended to it, again and again, bucket by bucket.
    With a file for each, opening 512 of them was most of the work for a list of a few thousand feeds.
    """

    def __init__(self, file: BinaryIO, number: int) -> None:
        self._file = file
        self._rows = [list[bytes]() for _ in range(number)]
        self._waiting = 0
        self._bounds: list[array[int]] = []
        """For each time: where the rows of each bucket begin in the file, and where the last ones end."""

    def __iter__(self) -> Iterator[_Bucket]:
        """All buckets, always in the same order."""
        for number, rows in enumerate(self._rows):
            yield _Bucket(self._file, [(each[number], each[number + 1]) for each in self._bounds], rows)

    def add(self, number: int, row: bytes) -> None:
        """Add a row, which has no line end in it, to a bucket."""
        self._rows[number].append(row)
        self._waiting += 1
        if self._waiting >= AT_ONCE:
            self._write()

    def _write(self) -> None:
        bounds = array("Q", [self._bounds[-1][-1] if self._bounds else 0])
        for rows in self._rows:
            bounds.append(bounds[-1] + self._file.write(b"\n".join(rows)))
            rows.clear()
        self._bounds.append(bounds)
        self._waiting = 0


class _Bucket:
    """The rows of a bucket, from the first that was added to the last.

    Args:
      file: has the earlier ones.
      extents: from where to where in the file.
      rows: the others.
    """

    def __init__(self, file: BinaryIO, extents: Sequence[tuple[int, int]], rows: Sequence[bytes]) -> None:
        self._file, self._extents, self._rows = file, extents, rows
        self.size = sum(end - start for start, end in extents) + sum(map(len, rows))
        """The size in bytes."""

    def __iter__(self) -> Iterator[bytes]:
        for start, end in self._extents:
            if start < end:
                self._file.seek(start)
                yield from self._file.read(end - start).split(b"\n")
        yield from self._rows


class _Cut:
    """The second pass: rows of a bucket to shards in a file."""

    def __init__(self, file: BinaryIO, folder: Path, size: int) -> None:
        self._file, self._folder, self._size = file, folder, size
        self._most = max(size // 4, 1)
        self._few = list[bytes]()
        self.counts = ListCounts(whole=True)
        self.extents = list[_Extent]()

    def take(self, bucket: _Bucket) -> None:
        """Take all rows of a bucket."""
        huge = self._huge(bucket) if bucket.size > LARGE else frozenset()
        if not huge:
            self._take(bucket)
            return
        with TemporaryFile(dir=self._folder) as file:
            pieces = _Buckets(file, number := 2 + bucket.size // PIECE)
            for row in bucket:
                group, key, feed = row.split(b"\t", 2)
                if group in huge:
                    url = (key or feed.split(b'"', 2)[1]).decode()
                    pieces.add(1 + number_of(url, number - 1), row)
                else:
                    pieces.add(0, row)  # the piece of all hosts that are not huge
            for piece in pieces:
                self._take(piece, huge)

    def _huge(self, bucket: _Bucket) -> frozenset[bytes]:
        lines = Counter(row.partition(b"\t")[0] for row in bucket)
        return frozenset(group for group, number in lines.items() if group and number > HUGE)

    def _take(self, bucket: _Bucket, huge: frozenset[bytes] = frozenset()) -> None:
        found = dict[bytes, dict[bytes, bytes]]()
        for line in bucket:
            group, key, row = line.split(b"\t", 2)
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
            rows = list(feeds.values())
            if len(rows) <= self._most and group not in huge:
                self._add(rows)
                continue
            for start in range(0, len(rows), self._size):
                self._write(group.decode(), rows[start : start + self._size])

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
