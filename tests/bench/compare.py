"""This code beside that of another revision: CPU time of a feed on its whole way, where nothing goes wrong.

1,000 feeds with a median of 8 KB, each on a host of its own, go into a new store (*new*), and once more
(*304*: all of them are as before); with SQLite, and with MongoDB where there is a mongod. CPU time is that of
the program and of its parsers together, starting included.

Argument: the other revision, anything that git knows: ``nox -s bench -- compare v0.1.0``. Its code is
unpacked into a temporary folder and runs with the same packages. The two take turns, and what counts is the
last column: the median of the ratios of neighbours, which other work on the machine disturbs less than the
medians themselves.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from support.bench.ours import OUTCOMES, scrape
from support.bench.revisions import unpacked
from support.bench.world import draw
from support.mongod import find_mongod, running

MEDIAN = 8_192
Name = tuple[str, str]
"""The store's kind; new or 304."""


class Code:
    """Of one revision: what a feed took, in milliseconds of CPU time, by turn."""

    def __init__(self, source: Path | None) -> None:
        self._source = source
        self.used: dict[Name, list[float]] = defaultdict(list)

    def turn(self, feeds: Path, count: int, stores: dict[str, str]) -> None:
        """Scrape the list twice into each store."""
        for kind, store in stores.items():
            for what in OUTCOMES:
                used, _ = scrape(feeds, count, store, what, self._source)
                self.used[kind, what].append(used.cpu / count * 1000)


def table(ours: Code, theirs: Code, revision: str) -> Iterator[str]:
    yield f"{'ms CPU a feed, medians':24}{'this code':>12}{revision[:12]:>14}{'times as much':>16}"
    for name, values in ours.used.items():
        others = theirs.used[name]
        ratio = statistics.median(one / other for one, other in zip(values, others, strict=True))
        medians = f"{statistics.median(values):12.2f}{statistics.median(others):14.2f}"
        yield f"{', '.join(name):24}{medians}{ratio:16.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("revision")
    parser.add_argument("--feeds", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with ExitStack() as stack:
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(3)]
        program = find_mongod()
        server = stack.enter_context(running(program, folders[2])) if program else None
        codes = Code(None), Code(unpacked(given.revision, folders[1]))
        feeds = stack.enter_context(draw(folders[0], given.feeds, MEDIAN).serving(given.feeds))
        for turn in range(given.rounds):
            for number, code in list(enumerate(codes))[:: -1 if turn % 2 else 1]:
                stores = {"sqlite": f"sqlite:{folders[0]}/{turn}-{number}.db"}
                if server:
                    stores["mongodb"] = f"{server.url}/compare{turn}_{number}"
                code.turn(feeds, given.feeds, stores)
    print("\n".join(table(*codes, given.revision)))


if __name__ == "__main__":
    main()
