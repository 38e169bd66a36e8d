"""What ``--warc`` costs: CPU time of a run that keeps all that servers send, by that of the same run without.

1,000 feeds, each on a host of its own, go into a new SQLite store (*new*), and once more (*304*: all of them
are as before); documents of 8 KB and of 73 KB in the median, which is that of real feeds. CPU time is that of
the program and of its parsers together, starting included. The two take turns, and what counts is the last
column: the median of the ratios of neighbours. *MB* is what the archive takes after the first run.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from support.bench.ours import OUTCOMES, scrape
from support.bench.world import draw

MOST = 1.10
"""How much more CPU time an archive may take."""
MEDIANS = {"8 KB": 8_192, "73 KB": 74_752}


def measured(median: int, feeds: int, rounds: int) -> tuple[dict[tuple[bool, str], list[float]], float]:
    """ms of CPU time a feed, with and without an archive, new and 304; and the bytes of the archive."""
    used, size = defaultdict[tuple[bool, str], list[float]](list), 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with draw(folder, feeds, median).serving(feeds) as path:
            for turn in range(rounds):
                for keeps in (False, True) if turn % 2 else (True, False):
                    store, archive = folder / f"{turn}-{keeps}.db", folder / f"{turn}"
                    for what in OUTCOMES:
                        more = ("--warc", str(archive)) if keeps else ()
                        took, _ = scrape(path, feeds, f"sqlite:{store}", what, more=more)
                        used[keeps, what].append(took.cpu / feeds * 1000)
                        if keeps and what == "new":
                            size = sum(file.stat().st_size for file in archive.glob("*.warc.gz"))
                    store.unlink()
    return used, size


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--feeds", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--median", choices=MEDIANS, action="append")
    given = parser.parse_args()
    holds = True
    print(f"{'ms CPU a feed, medians':24}{'without':>10}{'--warc':>10}{'times as much':>16}{'MB':>8}")
    for name in given.median or MEDIANS:
        used, size = measured(MEDIANS[name], given.feeds, given.rounds)
        for what in OUTCOMES:
            without, kept = used[False, what], used[True, what]
            ratio = statistics.median(one / other for one, other in zip(kept, without, strict=True))
            holds = holds and ratio <= MOST
            medians = f"{statistics.median(without):10.2f}{statistics.median(kept):10.2f}"
            print(f"{name + ', ' + what:24}{medians}{ratio:16.3f}{size / 1e6:8.1f}", flush=True)
    print(f"{'holds' if holds else 'missed'}: at most {MOST:.2f} times as much")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
