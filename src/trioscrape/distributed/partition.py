"""STUB."""
from __future__ import annotations
import json, zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from .._records import Feed

@dataclass(frozen=True, slots=True)
class Shard:
    chain: str | None
    feeds: bytes
    count: int

def packed(feeds: Sequence[Feed], chain: str | None = None) -> Shard:
    rows = [(f.url, f.title, f.line, f.tags, f.without_scheme) for f in feeds]
    return Shard(chain, zlib.compress(json.dumps(rows).encode(), 1), len(rows))

def unpacked(shard: Shard) -> list[Feed]:
    return [Feed(u, t, l, tuple(g), w) for u, t, l, g, w in json.loads(zlib.decompress(shard.feeds))]

def partitioned(feeds: Iterable[Feed], folder: Path, *, group: Callable[[str], str], size: int = 500) -> Iterator[Shard]:
    by: dict[str, list[Feed]] = {}
    for f in dict.fromkeys(feeds):
        by.setdefault(group(urlsplit(f.url).hostname or ""), []).append(f)
    small: list[Feed] = []
    for h, l in by.items():
        if len(l) > size // 4:
            for k in range(0, len(l), size):
                yield packed(l[k:k + size], h)
    for h, l in by.items():
        if len(l) <= size // 4:
            if small and len(small) + len(l) > size:
                yield packed(small); small = []
            small += l
    if small:
        yield packed(small)
