"""What the main process does for a feed, counted: calls, steps of tasks, threads. No clock, no other machine.

Feeds of 8 KB go into a new SQLite store (*new*), and once more (*304*), in two lists, one twice as long as
the other. What the longer one needs more is that of its additional feeds; so starting is not counted.
``--against REVISION`` counts the code of that revision beside. All calls are those of the main thread.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from support.bench.revisions import unpacked
from support.one_feed import PROGRAM, document, serving, write_list

FEEDS: Final = 200
COUNTING: Final = f"""
import atexit, cProfile, functools, json, sys
import trio

class Steps(trio.abc.Instrument):
    count = tasks = waits = threads = 0
    def before_task_step(self, task):
        self.count += 1
    def task_spawned(self, task):
        self.tasks += 1
    def before_io_wait(self, timeout):
        self.waits += 1

def note(path=sys.argv.pop(1)):
    calls.disable()
    calls.create_stats()
    functions = [(f"{{file}}:{{name}}", n) for (file, _, name), (_, n, *_) in calls.stats.items()]
    with open(path, "w") as file:
        json.dump([steps.count, steps.tasks, steps.waits, steps.threads, functions], file)

def start(cache, *args, begin=type(trio._core._thread_cache.THREAD_CACHE).start_thread_soon):
    steps.threads += 1
    begin(cache, *args)

type(trio._core._thread_cache.THREAD_CACHE).start_thread_soon = start
steps, calls = Steps(), cProfile.Profile()
trio.run = functools.partial(trio.run, instruments=[steps])
atexit.register(note)
calls.enable()
{PROGRAM}
"""
CALLS: Final = {
    "calls of functions": "",
    "generators as context managers": "contextlib.py:__enter__|contextlib.py:__aenter__",
    "cancel scopes": "trio/_core/_run.py:__enter__",
    "dataclasses.replace": "dataclasses.py:replace",
    "SQLite statements": "of 'sqlite3.Connection' objects>|of 'sqlite3.Cursor' objects>",
    "httpx.URL": "httpx/_urls.py:__init__",
    "urllib.parse.urlsplit": "urllib/parse.py:urlsplit",
    "send and recv": "'send' of '_socket.socket'|'recv' of '_socket.socket'",
    "changes of Flow": "trioscrape/_flow.py:_set",
}
"""What is counted, by parts of the names of functions."""


def counts(code: Path | None, urls: Path, store: str) -> dict[str, int]:
    """What a run does."""
    env = os.environ | {"PYTHONPATH": str(code or "")}
    noted = urls.with_suffix(".json")
    options = (str(noted), str(urls), "--store", store, "--all", "--json", "--address-policy", "any")
    command = [sys.executable, "-c", COUNTING, *options]
    subprocess.run(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    steps, tasks, waits, threads, functions = json.loads(noted.read_text())
    found = {
        what: sum(n for name, n in functions if any(part in name for part in parts.split("|")))
        for what, parts in CALLS.items()
    }
    of_trio = {
        "steps of tasks": steps,
        "tasks": tasks,
        "waits for events": waits,
        "calls in threads": threads,
    }
    return found | of_trio


def counts_of_a_feed(code: Path | None, port: int, folder: Path, name: str) -> Iterator[Mapping[str, float]]:
    """First of new feeds, then of the same once more."""
    found = []
    for feeds in FEEDS, 2 * FEEDS:
        urls = write_list(folder / "feeds.txt", feeds, port)
        store = f"sqlite:{folder}/{name}-{feeds}.db"
        found.append([counts(code, urls, store), counts(code, urls, store)])
    for few, many in zip(*found, strict=True):
        yield {what: (many[what] - few[what]) / FEEDS for what in many}


def table(columns: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    yield f"| a feed | {' | '.join(columns)} |"
    yield f"|---|{'---:|' * len(columns)}"
    for what in next(iter(columns.values())):
        yield f"| {what} | {' | '.join(f'{column[what]:,.1f}' for column in columns.values())} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--against", metavar="REVISION")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, serving(document(8_000)) as port:
        folder = Path(name)
        codes = {given.against: unpacked(given.against, folder)} if given.against else {}
        columns = {
            f"{what}, {code}": column
            for code, source in {**codes, "this code": None}.items()
            for what, column in zip(
                ("new", "304"), counts_of_a_feed(source, port, folder, str(code)), strict=True
            )
        }
    print("\n".join(table(columns)))


if __name__ == "__main__":
    main()
