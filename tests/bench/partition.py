"""What it takes to divide a list into shards: CPU time a line, and the peak of memory.

1,000,000 lines, or as many as are given; 1 in 100 has the same host, 19 in 100 have one of 5,000 hosts, the
others have a host each. One half of the URLs have a port, a query, or letters in upper case. The lines are
made as they are read. Beside it stands a plain loop over the same lines. What that takes, in time and memory,
is subtracted: an interpreter with the same modules has 30 MiB on one machine and 60 on another. Each is a
process of its own, because a peak can't be set back.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from trioscrape._records import Feed
from trioscrape.distributed.partition import partitioned

MEASURED = Path(__file__).parents[1] / "support" / "measured.py"
MOST_CPU = 15.0
"""Microseconds a line."""
MOST_MEMORY = 20
"""MiB more than the loop: 50 in all where the loop has 30."""
FORMS = (
    *("https://{host}/some/path/feed-{line}.xml",) * 5,
    "http://{host}:8080/some/path/feed-{line}.xml",
    "https://{host}:443/some/path/feed-{line}.xml",
    "https://{host}/some/path/?format=rss&id={line}",
    "https://{host}?feed=rss2&id={line}",
    "HTTPS://{mixed}/some/path/feed-{line}.xml",
)


def lines(number: int) -> Iterator[Feed]:
    rng = Random(1)
    for line in range(1, number + 1):
        chance = rng.random()
        host = f"www.host-number-{line}.example.test"
        if chance < 0.2:
            host = "giant.test" if chance < 0.01 else f"big{int(rng.paretovariate(1.1)) % 5000}.test"
        url = FORMS[line % len(FORMS)].format(host=host, mixed=host.title(), line=line)
        yield Feed(url, line=line)


def child(kind: str, number: int) -> None:
    """Do it, and print the microseconds of CPU time a line, and the number of shards."""
    began, shards = time.process_time(), 0
    if kind == "loop":
        for _ in lines(number):
            pass
    else:
        with tempfile.TemporaryDirectory() as folder:
            shards = sum(1 for _ in partitioned(lines(number), Path(folder), group=str))
    print((time.process_time() - began) / number * 1e6, shards)


def measured(kind: str, number: int) -> tuple[float, int, int]:
    """Microseconds a line, shards, and the peak in MiB."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report")
        command = [sys.executable, __file__, "--lines", str(number), "--child", kind]
        measuring = [sys.executable, str(MEASURED), str(report), *command]
        ended = subprocess.run(measuring, check=True, stdout=subprocess.PIPE, text=True)
        cpu, shards = ended.stdout.split()
        return float(cpu), int(shards), int(report.read_text().split()[1]) // 1024


def main() -> int:
    """Print the table; 1 when it takes too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child, given.lines)
        return 0
    loop, _, floor = measured("loop", given.lines)
    whole, shards, peak = measured("partition", given.lines)
    cpu, memory = whole - loop, peak - floor
    print("| | CPU µs a line | peak MiB |\n|---|---:|---:|")
    print(f"| loop over {given.lines:,} lines | {loop:.1f} | {floor} |")
    print(f"| partition, {shards:,} shards: besides | {cpu:.1f} | {memory} |")
    holds = cpu <= MOST_CPU and memory <= MOST_MEMORY
    print(f"{'holds' if holds else 'missed'}: at most {MOST_CPU:.0f} µs a line and {MOST_MEMORY} MiB besides")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
