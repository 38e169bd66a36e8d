"""What it costs a whole scrape to have one writer: the demo's 500 feeds into MongoDB, four writers and one.

By turns, each time into an empty database; the median of the rounds counts. The store is not what a scrape
waits for: with one writer its writes have more feeds each, and that is all.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from support.mongod import find_mongod, running

ROUNDS = 5
WIDTHS = (4, 1)
MOST = 1.05


def scrape(url: str, width: int) -> float:
    """Seconds."""
    command = [
        sys.executable,
        "-m",
        "trioscrape",
        "--demo",
        "--json",
        "--store",
        url,
        "--store-width",
        str(width),
    ]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    run = json.loads(done.stdout.splitlines()[-1])
    assert run["type"] == "run", run
    seconds: float = run["seconds"]
    return seconds


def main() -> int:
    """Print the medians; 1 when one writer costs too much."""
    program = find_mongod()
    assert program is not None, "no mongod"
    with tempfile.TemporaryDirectory() as folder, running(program, Path(folder)) as server:
        rounds = [
            [scrape(f"{server.url}/width{width}round{number}", width) for width in WIDTHS]
            for number in range(ROUNDS)
        ]
    four, one = (statistics.median(seconds) for seconds in zip(*rounds, strict=True))
    print(f"four writers {four:.2f} s, one {one:.2f} s (medians of {ROUNDS})")
    print(f"{'holds' if one <= MOST * four else 'missed'}: {one / four:.2f} times, at most {MOST}")
    return 0 if one <= MOST * four else 1


if __name__ == "__main__":
    sys.exit(main())
