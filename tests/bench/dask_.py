"""A Dask cluster on this machine beside plain processes: the same feeds into MongoDB, turn by turn.

- *one process*: ``trioscrape FEEDS``.
- *two processes*: two of them at once, each with one half of the list, one parser, and a database of its
  own. That is what the operating system makes of two cores, when the processes share nothing.
- *local:2*: ``trioscrape FEEDS --dask local:2``, whose workers have one parser each.
- *bare Dask*: two workers fetch the same documents with httpx, and neither parse nor store them.

All feeds are new (*new*), then all are fetched once more (*304*). *feeds/s* is by the seconds in the record
of the run, starting excluded; *whole s* is from the start of the program to its end. CPU time is that of all
processes of a program, starting included; that of mongod and of the web servers is not in it. Printed are
medians; what counts is the median of the ratios of neighbours. The entries that are stored have to be the
same in all three ways.

Then a scheduler, two workers and a client are processes of their own, see `programs/dask_client.py`: the CPU
time that scheduler and client take for each shard of 500.

The list is divided into shards of 500: with fewer than 2,000 feeds, workers wait for each other at the end.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from support.bench.machine import facts
from support.bench.measuring import Used, run
from support.bench.ours import OUTCOMES, scrape
from support.bench.world import draw
from support.cluster import scheduler_and_workers
from support.mongod import find_mongod, running

PROGRAMS = Path(__file__).with_name("programs")
MOST = 1.05
"""How much longer Dask may take than two plain processes."""
MOST_CPU = 5.0
"""Milliseconds of scheduler and client for a shard of 500."""
MEDIAN = 8_192
"""Bytes of a document."""
PACKAGES = ("distributed", "httpx", "pymongo", "trio", "trioscrape")
PARSER = ("--parse-width", "1")

Entries = dict[tuple[str, str], str]
"""The hash of each entry by feed and key."""


@dataclass(frozen=True)
class Figures:
    """Of one run; of several at once, their sums."""

    rate: float
    """Feeds a second."""
    wall: float
    """Seconds."""
    cpu: float
    """Milliseconds a feed."""
    peak: float
    """MB."""


@dataclass
class Bench:
    """One world and one server."""

    feeds: Path
    count: int
    mongod: str
    figures: dict[tuple[str, str], list[Figures]] = field(default_factory=lambda: defaultdict(list))
    number: int = 0

    def turn(self, number: int) -> None:
        """Each once, in another order than in the turn before; what they have stored is compared."""
        ways: dict[str, Callable[[], Entries]] = {
            "one process": lambda: self._program("one process"),
            "two processes": self._halves,
            "local:2": lambda: self._program("local:2", "--dask", "local:2"),
        }
        names = [*ways][number % 3 :] + [*ways][: number % 3]
        stored = {name: ways[name]() for name in (names if number % 2 else reversed(names))}
        for name, entries in stored.items():
            if entries != stored["one process"]:
                wrong = len(entries.items() ^ stored["one process"].items())
                sys.exit(
                    f"{name} has stored other entries than one process: {wrong} of {len(entries)} differ"
                )
        self._bare()

    def _program(self, name: str, *more: str) -> Entries:
        store = self._database()
        for what in OUTCOMES:
            self._note(name, what, [scrape(self.feeds, self.count, store, what, more=more)])
        return self._taken([store])

    def _halves(self) -> Entries:
        urls = self.feeds.read_text().split()
        lists = [self.feeds.parent / f"half{number}" / "feeds.txt" for number in range(2)]
        for number, path in enumerate(lists):
            path.parent.mkdir(exist_ok=True)
            path.write_text("\n".join(urls[number::2]))  # each has a host of its own
        stores = [self._database() for _ in lists]
        with ThreadPoolExecutor(len(lists)) as threads:
            for what in OUTCOMES:
                started = [
                    threads.submit(scrape, path, len(urls[number::2]), stores[number], what, more=PARSER)
                    for number, path in enumerate(lists)
                ]
                self._note("two processes", what, [future.result() for future in started])
        return self._taken(stores)

    def _bare(self) -> None:
        used = run([str(PROGRAMS / "dask_map.py"), str(self.feeds)], self.feeds.parent)
        self._note("bare Dask", "new", [(used, json.loads(used.output))])

    def _note(self, name: str, what: str, runs: list[tuple[Used, dict[str, Any]]]) -> None:
        figures = Figures(
            rate=self.count / max(report["seconds"] for _, report in runs),
            wall=max(used.wall for used, _ in runs),
            cpu=sum(used.cpu for used, _ in runs) / self.count * 1e3,
            peak=sum(used.peak for used, _ in runs) / 1e6,
        )
        self.figures[name, what].append(figures)
        print(
            f"{name}, {what}: {figures.rate:.0f} feeds/s, {figures.cpu:.2f} ms", file=sys.stderr, flush=True
        )

    def _database(self) -> str:
        self.number += 1
        return f"{self.mongod}/dask{self.number}"

    def _taken(self, stores: list[str]) -> Entries:
        """What there is; it is deleted."""
        found: Entries = {}
        for store in stores:
            with MongoClient[Any](store) as client:
                database = client.get_default_database()
                for entry in database.entries.find({}, {"feed": 1, "key": 1, "hash": 1}):
                    found[entry["feed"], entry["key"]] = entry["hash"]
                client.drop_database(database)
        return found


def ratio(bench: Bench, what: str, value: Callable[[Figures], float]) -> float:
    """Dask's by that of two plain processes: the median of neighbours."""
    pairs = zip(bench.figures["local:2", what], bench.figures["two processes", what], strict=True)
    return statistics.median(value(dask) / value(plain) for dask, plain in pairs)


def table(bench: Bench) -> Iterator[str]:
    yield f"| {bench.count} feeds | feeds/s | whole s | CPU ms a feed | peak MB |\n|---|---:|---:|---:|---:|"
    for (name, what), figures in sorted(
        bench.figures.items(), key=lambda each: [*OUTCOMES].index(each[0][1])
    ):
        rows = (vars(each).values() for each in figures)
        rate, wall, cpu, peak = map(statistics.median, zip(*rows, strict=True))
        yield f"| {name}, {what} | {rate:.0f} | {wall:.1f} | {cpu:.2f} | {peak:.0f} |"


def verdicts(bench: Bench) -> Iterator[tuple[bool, str]]:
    for what in OUTCOMES:
        time, cpu = ratio(bench, what, lambda each: 1 / each.rate), ratio(bench, what, lambda each: each.cpu)
        text = f"{what}: Dask takes {time:.3f} times as long as two plain processes, at most {MOST}"
        yield time <= MOST, f"{text}; {cpu:.3f} times the CPU time"


def overhead(bench: Bench, folder: Path) -> Iterator[tuple[bool, str]]:
    """What scheduler and client take for a shard."""
    with scheduler_and_workers(folder) as programs:
        scheduler = [programs.address, str(programs.scheduler.pid)]
        arguments = [str(bench.feeds), *scheduler, f"{bench.mongod}/overhead"]
        found = json.loads(run([str(PROGRAMS / "dask_client.py"), *arguments], folder).output)
    scheduler, client, reading = (found[name] * 1e3 for name in ("scheduler", "client", "reading"))
    both = scheduler + client
    text = (
        f"a shard of 500 takes {both:.1f} ms of scheduler ({scheduler:.1f}) and client ({client:.1f}),"
        f" at most {MOST_CPU:g}; besides, the client takes {reading:.1f} to read the results; the scheduler"
        f" takes {found['idle']:.1%} of a core when idle, {found['busy']:.1%} in a run of two workers;"
        f" {found['shards']} shards"
    )
    yield both <= MOST_CPU, text


def main() -> int:
    """Print the tables; 1 when a figure is missed, or when entries differ."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--feeds", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    program = find_mongod()
    if program is None:
        sys.exit("no mongod")
    print(json.dumps(facts(PACKAGES)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "mongod").mkdir()
        world = draw(folder, min(given.feeds, 500), MEDIAN)
        with (
            running(program, folder / "mongod") as server,
            world.serving(given.feeds, "localhost") as feeds,
        ):
            bench = Bench(feeds, given.feeds, server.url)
            for number in range(given.rounds):
                bench.turn(number)
            results = [*verdicts(bench), *overhead(bench, folder)]
    print("\n".join(table(bench)))
    for holds, text in results:
        print(f"{'holds' if holds else 'missed'}: {text}")
    return 0 if all(holds for holds, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main())
