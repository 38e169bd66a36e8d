"""The memory of a whole run is bounded by the configuration: 100,000 feeds need that of 10,000.

The program scrapes a list of 10,000 feeds, and one of ten times as many, each on a host of its own, into a
new SQLite file, and once more with a 304 for each. The peak is that of all its processes together, see
`support.bench.measuring.Used`. Printed with it are CPU time a feed and how late the event loop was.

Fails when the peak of the longer list is above 250 MB, or more than a tenth above that of the shorter one, or
when the 99th percentile of the lag is 20 ms or more in any of the runs; on a machine that has other work, the
lag says nothing about us. ``--feeds 10000`` takes a tenth of the time.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from support.bench.measuring import Used
from support.bench.ours import OUTCOMES, scrape
from support.bench.world import draw

MOST = 250e6
"""Bytes."""
MOST_ABOVE = 1.10
LATEST = 0.020
"""Seconds."""
DOCUMENTS, MEDIAN = 500, 3_000


def measure(feeds: int) -> tuple[dict[str, Used], float]:
    """What each of the two runs has used, and the lag of the worse one."""
    used, lags = {}, []
    with (
        tempfile.TemporaryDirectory() as folder,
        draw(Path(folder), DOCUMENTS, MEDIAN).serving(feeds) as path,
    ):
        for what in OUTCOMES:
            used[what], report = scrape(path, feeds, f"sqlite:{folder}/memory.db", what)
            lags.append(report["loop_lag"]["p99"])
            row = f"{used[what].peak / 1e6:8.1f}{used[what].cpu / feeds * 1e3:14.2f}{lags[-1] * 1e3:12.1f}"
            print(f"{feeds:8}  {what:4}{row}", flush=True)
    return used, max(lags)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--feeds", type=int, default=100_000)
    most = parser.parse_args().feeds
    print(f"{'feeds':>8}  {'':4}{'peak MB':>8}{'ms CPU a feed':>14}{'lag p99 ms':>12}")
    (few, early), (many, late) = measure(most // 10), measure(most)
    problems = [
        *(f"{what}: more than {MOST / 1e6:.0f} MB" for what in OUTCOMES if many[what].peak > MOST),
        *(
            f"{what}: {many[what].peak / few[what].peak:.2f} times as much as a tenth of the feeds"
            for what in OUTCOMES
            if many[what].peak > MOST_ABOVE * few[what].peak
        ),
        *(["the event loop was late"] if max(early, late) >= LATEST else ()),
    ]
    print("\n".join(problems) or "holds")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
