"""trioscrape beside the least that Python has to do, and beside what people write: one world, one run.

Two worlds of feeds on loopback, without root: 500 of 73 KB on average, of which half are above 40 KB, and
2,000 with a median of 8 KB. Each program gets the same list and an empty database of a real MongoDB server,
or a new SQLite file, and takes its turn in each round:

- *floor*: asyncio's streams, lxml, nh3, ``insert_many``, and nothing of what makes it right.
- *asyncio*: aiohttp, feedparser and PyMongo's asynchronous client. *threads*: 50 of them, with requests,
  feedparser and PyMongo. Both are slow enough for one round to show it; ``--all-rounds`` has them in each.
- *unchanged*: a bare loop that only sends the requests of a second run, through httpx; the answers are 304.
- *trioscrape* with either store, new, and a second time with ``--all``, when every answer is a 304.

Printed are medians: seconds, CPU of all processes of a program, both also as multiples of the floor's (of the
bare loop's where every answer is a 304), the peak of their memory, and the 99th percentile of how late
trioscrape's event loop was. Whoever has not stored every entry of the world is named, and the benchmark
fails: nobody is fast by leaving work out.

``--json FILE`` writes all rounds and the facts about the machine. Figures of a machine that has other work
compare only with others of the same run.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pymongo import MongoClient

from support.bench.machine import facts
from support.bench.measuring import Used, run
from support.bench.ours import OUTCOMES, scrape
from support.bench.world import World, draw
from support.mongod import find_mongod, running

PROGRAMS = Path(__file__).with_name("programs")
PACKAGES = (
    *("aiohttp", "feedparser", "h11", "httpcore", "httpx", "lxml"),
    *("nh3", "pymongo", "requests", "trio", "trioscrape"),
)


class Kind(NamedTuple):
    """A world to be drawn."""

    name: str
    documents: int
    median: int
    """Bytes."""


KINDS = (Kind("large", 500, 40_960), Kind("small", 2_000, 8_192))


@dataclass
class Figures:
    """Of one program in one world."""

    used: list[Used]
    lag: list[float]
    """Milliseconds, of trioscrape only."""

    def median(self, value: Callable[[Used], float]) -> float:
        return statistics.median(map(value, self.used))


class Programs:
    """Runs each program in one world, and looks at what it has stored.

    Args:
      mongod: the URL of the server.
    """

    def __init__(self, world: World, feeds: Path, count: int, mongod: str) -> None:
        self._feeds, self._count, self._mongod = feeds, count, mongod
        self._folder = world.folder
        self._entries = world.entries(count)
        self._number = 0
        self.figures: dict[str, Figures] = defaultdict(lambda: Figures([], []))

    def turn(self, *, slow: bool) -> None:
        """Each program once."""
        for name in ("floor", *(("asyncio_aiohttp", "threads_requests") if slow else ())):
            self._number += 1
            self._other(name, self._feeds, self._database())
            self._check(name, self._in_mongodb())
        self._other("unchanged", self._folder / "known.txt")
        self._number += 1
        self._ours("mongodb", self._database())
        self._ours("sqlite", f"sqlite:{self._folder}/{self._number}.db")

    def _database(self) -> str:
        return f"{self._mongod}/bench{self._number}"

    def _other(self, name: str, *arguments: object) -> None:
        used = run([str(PROGRAMS / f"{name}.py"), *map(str, arguments)], self._folder)
        self.figures[name.replace("_", " + ")].used.append(used)

    def _ours(self, kind: str, store: str) -> None:
        for what in OUTCOMES:
            used, report = scrape(self._feeds, self._count, store, what)
            figures = self.figures[f"trioscrape, {kind}, {what}"]
            figures.used.append(used)
            figures.lag.append(report["loop_lag"]["p99"] * 1000)
        stored = self._in_mongodb() if kind == "mongodb" else in_sqlite(store.partition(":")[2])
        self._check(f"trioscrape, {kind}", stored)

    def _in_mongodb(self) -> int:
        """How many entries there are; the database is dropped."""
        with MongoClient[Any](self._database()) as client:
            count = client.get_default_database().entries.count_documents({})
            client.drop_database(client.get_default_database())
        return count

    def _check(self, name: str, stored: int) -> None:
        if stored != self._entries:
            sys.exit(f"{name} has stored {stored} of {self._entries} entries")


def in_sqlite(path: str) -> int:
    """How many entries there are; the file is deleted."""
    with sqlite3.connect(path) as connection:
        (count,) = connection.execute("SELECT count(*) FROM entries").fetchone()
    connection.close()
    for file in Path(path).parent.glob(f"{Path(path).name}*"):
        file.unlink()
    return int(count)


def is_second(name: str) -> bool:
    """Whether it is a run in which everything is known."""
    return name == "unchanged" or name.endswith("304")


def table(figures: dict[str, Figures]) -> Iterator[str]:
    yield f"{'':28}{'wall s':>8}{'CPU s':>8}{'wall':>8}{'CPU':>8}{'MB':>7}{'lag p99 ms':>12}{'rounds':>8}"
    for name, each in sorted(figures.items(), key=lambda item: is_second(item[0])):
        least = figures["unchanged" if is_second(name) else "floor"]
        wall, cpu = each.median(lambda used: used.wall), each.median(lambda used: used.cpu)
        times = wall / least.median(lambda used: used.wall), cpu / least.median(lambda used: used.cpu)
        peak = each.median(lambda used: used.peak) / 1e6
        lag = f"{statistics.median(each.lag):12.1f}" if each.lag else " " * 12
        yield (
            f"{name:28}{wall:8.2f}{cpu:8.2f}{times[0]:7.2f}x{times[1]:7.2f}x{peak:7.0f}{lag}{len(each.used):8}"
        )


def as_json(figures: dict[str, Figures]) -> dict[str, object]:
    return {
        name: {
            "wall": [used.wall for used in each.used],
            "cpu": [used.cpu for used in each.used],
            "peak": [used.peak for used in each.used],
            "lag_p99_ms": each.lag,
        }
        for name, each in figures.items()
    }


def measure(kind: Kind, feeds: int, given: argparse.Namespace, mongod: str) -> dict[str, object]:
    """All programs in a world; what is written as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        world = draw(Path(folder), feeds, kind.median)
        print(f"\n{feeds} feeds, {world.bytes / 1e6:.1f} MB, {world.entries(feeds)} entries", flush=True)
        with world.serving(feeds) as path:
            programs = Programs(world, path, feeds, mongod)
            for turn in range(given.rounds):
                programs.turn(slow=given.all_rounds or not turn)
    print("\n".join(table(programs.figures)), flush=True)
    about = {"feeds": feeds, "bytes": world.bytes, "entries": world.entries(feeds)}
    return {**about, "figures": as_json(programs.figures)}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--feeds", type=int, help="in each world, instead of 500 and 2,000")
    parser.add_argument("--world", choices=[kind.name for kind in KINDS], help="only this one")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--all-rounds", action="store_true", help="the slow ones as well")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    program = find_mongod()
    if program is None:
        sys.exit("no mongod")
    machine = facts(PACKAGES)
    with tempfile.TemporaryDirectory() as folder, running(program, Path(folder)) as server:
        worlds = {
            kind.name: measure(kind, given.feeds or kind.documents, given, server.url)
            for kind in KINDS
            if given.world in (None, kind.name)
        }
    if given.json:
        given.json.write_text(json.dumps({"machine": machine, "worlds": worlds}, indent=1))


if __name__ == "__main__":
    main()
