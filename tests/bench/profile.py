"""CPU time of a feed by stage, in the main process and in the parsers, as a Markdown table.

Feeds of 8 KB and of 73 KB with 20 entries each go into a new store (*new*), and once more (*304*: all of them
are as before), into SQLite and into a MongoDB server. What it takes altogether comes from a run of its own,
how it is divided from another one whose stacks are sampled: see `support.sampler`. A sample counts for the
stage of its innermost frame that belongs to one; waking up for a socket is a matter of what waits for it, but
trio's own loop is *rest*. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from support import sampler
from support.mongod import find_mongod, running
from support.one_feed import PROGRAM, document, serving, write_list

SIZES: Final = {"8 KB": 8_000, "73 KB": 73_000}
STORES: Final = ("SQLite", "MongoDB")
WAYS: Final = ("new", "304")

TOTALS: Final = f"""
import atexit, json, resource, sys

def used(whom):
    numbers = resource.getrusage(whom)
    return numbers.ru_utime + numbers.ru_stime

def note(path=sys.argv.pop(1)):
    with open(path, "w") as file:
        json.dump({{"main": used(resource.RUSAGE_SELF), "worker": used(resource.RUSAGE_CHILDREN)}}, file)

atexit.register(note)
{PROGRAM}
"""
"""The program, which notes its CPU time in a file at its end; the workers' is there when they have gone."""

# fmt: off
STAGES: Final = (
    "start-up", "admission", "dns", "connect", "HTTP", "decode", "hash", "exchange", "parse", "sanitise",
    "identity", "encode", "write", "result", "output", "rest",
)
# fmt: on
RULES: Final = {
    r"<frozen importlib.*|.*:<module>": "start-up",
    r".*/trio/_core/_run\.py:unrolled_run": "rest",
    r".*/trioscrape/_run/pipeline\.py:_body_hash": "hash",
    r".*/trioscrape/_run/(admit|feed_source|candidates|scopes|run)\.py:.*": "admission",
    r".*/trioscrape/(_hosts/.*|_flow)\.py:.*": "admission",
    r".*/trioscrape/(_dns/.*|_http/routes)\.py:.*": "dns",
    r".*/trioscrape/_http/happy_eyeballs\.py:.*": "connect",
    r".*/trioscrape/_http/_transport/.*\.py:(connect_tcp|_open|_connect.*)": "connect",
    r".*/trioscrape/(_http/_decode/.*|_archive/gzip_header)\.py:.*": "decode",
    r".*/trioscrape/_http/.*": "HTTP",
    r".*/trioscrape/_parse/_pool/.*": "exchange",
    r".*/trioscrape/_parse/identity\.py:.*": "identity",
    r".*/trioscrape/_parse/(safe_)?html\.py:.*": "sanitise",
    r".*/trioscrape/_parse/.*": "parse",
    r".*/trioscrape/_store/(records|plan|_mongo/documents|_sqlite/schema)\.py:.*": "encode",
    r".*/(bson|pymongo)/.*:(_?encode.*|_do_batched.*|_op_msg.*|_dict_to_bson)": "encode",
    r".*/trioscrape/_store/open\.py:.*": "start-up",
    r".*/trioscrape/_store/.*": "write",
    r".*/trioscrape/_run/api\.py:__anext__": "result",
    r".*/trioscrape/_run/(api|wiring|open_files)\.py:.*": "start-up",
    r".*/trioscrape/(_run|_schedule)/.*": "result",
    r".*/trioscrape/_cli/(output|report|progress)\.py:.*": "output",
    r".*/trioscrape/_cli/session\.py:(_print|_write|_show)": "output",
    r".*/trioscrape/(_cli|_config)/.*": "start-up",
}
"""By file and function of a frame; the first one that fits. What none fits, such as the lanes, trio, or the
records, belongs to the stage of its caller."""
_FRAME: Final = re.compile(r'  File "(.*)", line \d+ in (.*)')


class Case(NamedTuple):
    """A column of the table."""

    size: str
    store: str
    what: str


def stage(frames: Sequence[str]) -> str:
    """The stage of a sample; its frames are ``file:function``, the innermost one first."""
    return next(filter(None, map(stage_of_frame, frames)), "rest")


@cache
def stage_of_frame(frame: str) -> str | None:
    return next((stage for rule, stage in RULES.items() if re.fullmatch(rule, frame)), None)


def samples(file: Path) -> Iterator[list[str]]:
    """The stacks that a thread has left."""
    stack: list[str] = []
    for line in file.read_text("utf-8", "replace").splitlines():
        if found := _FRAME.fullmatch(line):
            stack.append(":".join(found.groups()))
        elif stack:
            yield stack
            stack = []
    if stack:
        yield stack


class Profile:
    """What one case has taken."""

    def __init__(self) -> None:
        self.samples: Counter[tuple[str, str]] = Counter()
        """By process, ``main`` or ``worker``, and stage."""
        self.seconds: Counter[str] = Counter()
        """CPU time by process."""
        self.feeds = 0

    def add(self, feeds: int, seconds: Mapping[str, float]) -> None:
        """Add a run and its CPU time."""
        self.feeds += feeds
        self.seconds.update(seconds)

    def add_samples(self, folder: Path) -> None:
        """Add where a run has spent its time."""
        for file in folder.iterdir():
            process = file.name.partition("-")[0]
            self.samples.update((process, stage(stack)) for stack in samples(file))

    def milliseconds(self, process: str, stage: str) -> float:
        """CPU time a feed."""
        of_process = sum(number for (which, _), number in self.samples.items() if which == process)
        return self.whole(process) * self.samples[process, stage] / max(of_process, 1)

    def whole(self, process: str) -> float:
        """The same over all stages."""
        return self.seconds[process] / self.feeds * 1e3


def table(profiles: Mapping[Case, Profile]) -> Iterator[str]:
    """A row for each stage, first of the main process and then of the parsers."""
    yield f"| ms CPU a feed | {' | '.join(' '.join(case) for case in profiles)} |"
    yield f"|---|{'---:|' * len(profiles)}"
    for process, title in (("main", "main process"), ("worker", "parsers")):
        for name in STAGES:
            numbers = [profile.milliseconds(process, name) for profile in profiles.values()]
            if any(numbers):
                yield f"| {title}: {name} | {' | '.join(f'{number:.2f}' for number in numbers)} |"
        numbers = [profile.whole(process) for profile in profiles.values()]
        yield f"| **{title}** | {' | '.join(f'**{number:.2f}**' for number in numbers)} |"
    counts = [sum(profile.samples.values()) for profile in profiles.values()]
    yield f"| samples | {' | '.join(f'{number:,}' for number in counts)} |"


def run(program: Path, options: Sequence[str], folder: Path, *, sampled: bool) -> dict[str, float]:
    """Run the program; its CPU time in seconds."""
    folder.mkdir()
    totals = folder.with_suffix(".json")
    before = [sampler.__file__, str(folder)] if sampled else []
    command = [sys.executable, *before, str(program), str(totals), *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds: dict[str, float] = json.loads(totals.read_text())
    return seconds


def run_in_both_ways(
    program: Path, options: Sequence[str], store: str, folder: Path, *, sampled: bool
) -> Iterator[tuple[Path, dict[str, float]]]:
    """Where the samples of either way are, and its CPU time.

    A signal handler may see a frame that is half made, once in some ten thousand times, and the program dies.
    Both are repeated then, with another store.
    """
    for attempt in itertools.count():
        into = (*options, "--store", f"{store}_{attempt}")
        folders = [folder.with_name(f"{folder.name}_{attempt}_{what}") for what in WAYS]
        try:
            used = [run(program, into, each, sampled=sampled) for each in folders]
        except subprocess.CalledProcessError as error:
            if not sampled or error.returncode != -signal.SIGSEGV:
                raise
        else:
            yield from zip(folders, used, strict=True)
            return


def add_round(profiles: Mapping[Case, Profile], number: int, feeds: int, folder: Path, mongodb: str) -> None:
    """Add a round of all cases, each once as it is and once sampled."""
    program = folder / "program.py"
    program.write_text(TOTALS)
    for size, length in SIZES.items():
        with serving(document(length)) as port:
            urls = write_list(folder / "feeds.txt", feeds, port)
            options = (str(urls), "--all", "--quiet", "--address-policy", "any")
            for store, sampled in itertools.product(STORES, (False, True)):
                name = f"{store}_{length}_{number}_{sampled:d}"
                url = f"{mongodb}/{name}" if store == "MongoDB" else f"sqlite:{folder}/{name}.db"
                both = run_in_both_ways(program, options, url, folder / name, sampled=sampled)
                for what, (stacks, seconds) in zip(WAYS, both, strict=True):
                    profile = profiles[Case(size, store, what)]
                    profile.add_samples(stacks) if sampled else profile.add(feeds, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--feeds", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    mongod = find_mongod()
    if mongod is None:
        sys.exit("no mongod: it comes with the test dependencies")
    profiles = {Case(*case): Profile() for case in itertools.product(SIZES, STORES, WAYS)}
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        data = Path(name, "mongod")
        data.mkdir()
        server = stack.enter_context(running(mongod, data))
        for number in range(given.rounds):
            add_round(profiles, number, given.feeds, Path(name), server.url)
    print("\n".join(table(profiles)))


if __name__ == "__main__":
    main()
