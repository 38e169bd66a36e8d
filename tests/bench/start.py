"""How long the program takes to start.

*version*: ``python -m trioscrape --version``, beside ``python -c "import trio"``. *first request*: from the
start of ``python -m trioscrape`` with one feed on this machine, and a new SQLite store, to the first byte
that its server receives.

``--against REVISION`` (anything that git knows) measures the code of that revision in the same run, turn by
turn. For wall times the machine has to be quiet; the CPU time of the main thread (on Linux), in which nearly
all of it goes by, says enough on a busy one. The ratios are medians of those of neighbours.
"""

from __future__ import annotations

import argparse
import math
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from support.bench.revisions import unpacked

ANSWER = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
TIMEOUT = 60.0


def started(arguments: Sequence[str], source: Path | None, folder: str) -> subprocess.Popen[bytes]:
    env = os.environ | {"PYTHONPATH": str(source or "")}
    command = [sys.executable, *arguments]
    return subprocess.Popen(
        command, env=env, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def whole(arguments: Sequence[str], source: Path | None, folder: str) -> float:
    """Seconds that a program takes."""
    began = time.perf_counter()
    process = started(arguments, source, folder)
    if process.wait(TIMEOUT):
        sys.exit(f"{arguments}: exit status {process.returncode}")
    return time.perf_counter() - began


def first_request(source: Path | None, folder: str) -> tuple[float, float]:
    """Seconds from the start of a scrape to its first request, and CPU time of its main thread until then."""
    with tempfile.TemporaryDirectory(dir=folder) as own, socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(TIMEOUT)
        Path(own, "feeds.txt").write_text(f"http://127.0.0.1:{listener.getsockname()[1]}/feed\n")
        began = time.perf_counter()
        process = started(["-m", "trioscrape", "feeds.txt"], source, own)
        try:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(TIMEOUT)
                connection.recv(1)
                seconds, used = time.perf_counter() - began, cpu(process.pid)
                connection.sendall(ANSWER)
            process.wait(TIMEOUT)
        finally:
            process.kill()
            process.wait()
    return seconds, used


def cpu(pid: int) -> float:
    """See proc_pid_schedstat(5)."""
    file = Path(f"/proc/{pid}/schedstat")
    return int(file.read_text().split()[0]) / 1e9 if file.exists() else math.nan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--against", metavar="REVISION")
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    times: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        codes: dict[str, Path | None] = {"this code": None}
        if given.against:
            codes[given.against] = unpacked(given.against, Path(folder))
        for turn in range(given.rounds):
            times["import trio"].append(whole(["-c", "import trio"], None, folder))
            for name, source in sorted(codes.items(), reverse=turn % 2 == 1):
                times[f"--version, {name}"].append(whole(["-m", "trioscrape", "--version"], source, folder))
                seconds, used = first_request(source, folder)
                times[f"first request, {name}"].append(seconds)
                times[f"CPU before it, {name}"].append(used)
    for what, values in times.items():
        print(f"{what:32} {statistics.median(values) * 1e3:6.0f} ms, at least {min(values) * 1e3:4.0f}")
    compare(times, "--version, this code", "import trio")
    if given.against:
        for what in "first request", "CPU before it":
            compare(times, f"{what}, this code", f"{what}, {given.against}")


def compare(times: dict[str, list[float]], one: str, other: str) -> None:
    ratio = statistics.median(a / b for a, b in zip(times[one], times[other], strict=True))
    print(f"{one} takes {ratio:.2f} times as long as {other}")


if __name__ == "__main__":
    main()
