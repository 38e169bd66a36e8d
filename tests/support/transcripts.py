"""The README's transcripts, and how each is made: by running its command.

``PYTHONPATH=tests python tests/support/transcripts.py`` writes those into the README that are not what the
commands print now. What is another one in each run, such as seconds, does not make one stale.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple
from unittest.mock import patch

import trio

import trioscrape
from trioscrape import Config, Entry, Feed, FeedState, FeedTimers, FeedUpdate, Poll, TimerRule, feed_id
from trioscrape._cli import discover, show_explain, show_status
from trioscrape._cli.command import main
from trioscrape.testing import Answer, InlineParser, Internet, Request, Site

from support.command_line import command, running, serving
from support.scenarios import rss

ROOT: Final = Path(__file__).parents[2]
README: Final = ROOT / "README.md"
_BLOCK: Final = re.compile(r"(?<=^```console\n)(\$ .*?)(?=^```$)", re.MULTILINE | re.DOTALL)
_PROGRESS: Final = re.compile(r"^\d[\d,]* of \d[\d,]* feeds, .*\n", re.MULTILINE)
"""What a slow machine prints besides."""


class Transcript(NamedTuple):
    """A command and what it printed."""

    line: str
    """As it was typed."""
    printed: str

    def __str__(self) -> str:
        return f"$ {self.line}\n{self.printed}"


def of_the_readme() -> list[Transcript]:
    """All of them, in order."""
    found = []
    for block in _BLOCK.findall(README.read_text("utf-8")):
        line, _, printed = block.removeprefix("$ ").partition("\n")
        found.append(Transcript(line, printed))
    return found


def comparable(printed: str) -> str:
    """Without what is another one in each run: durations, and so the columns that they are in."""
    return re.sub(r"\b\d+(\.\d+)? (ms|s)\b", "N s", printed)


def without_figures(printed: str) -> str:
    """Without any numbers, and so without columns; a delay may be unknown."""
    figures = re.sub(r"\d[\d,.:T+-]*", "N", printed)
    return re.sub(r" +", " ", re.sub(r"(expected|measured) (N \w+|unknown)", r"\1 N", figures))


# How each is made.


def demo(runs: int) -> list[str]:
    """What so many demos print in an empty folder, one after the other."""
    return [_printed("--demo") for _ in range(runs)]


def _printed(*arguments: str) -> str:
    """By the program itself, on standard output and standard error."""
    environment = {name: value for name, value in os.environ.items() if name != "TRIOSCRAPE_STORE"}
    done = subprocess.run(
        command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
        timeout=60,
        env=environment | {"COLUMNS": "80"},
    )
    return _PROGRESS.sub("", done.stdout)


def help_page() -> str:
    """The overview of the commands."""
    return _printed("--help")


def status() -> str:
    """Of 500 feeds, 40 of which have broken in ten ways, ten minutes after the last of some runs."""
    trio.run(_fetch_now_and_then)
    return _page(show_status, RUNS[-1] + timedelta(minutes=10), "status")


BEGIN: Final = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)
RUNS: Final = tuple(BEGIN + timedelta(hours=hours) for hours in (0, 24, 71, 71.5, 72, 72.5))


class _Cut(Site):
    """Breaks the connection in the middle of the document."""

    def answer(self, request: Request) -> Answer:
        return Answer(body=self.body, breaks_after=20)


NEWS: Final = rss("a", title="News")
WELL: Final = [Site(body=NEWS, headers={"Cache-Control": f"max-age={60 * each}"}) for each in range(15, 61)]
ILL: Final = {
    "lost": Site(status=404),
    "closed": Site(status=410),
    "broken": Site(status=500),
    "nameless": Site(exists=False),
    "down": Site(listens=False),
    "circling": Site(status=302, headers={"Location": "/feed"}),
    "page": Site(body=b"<!doctype html><title>Hello</title>"),
    "cut": _Cut(body=NEWS),
    "limited": Site(status=429, headers={"Retry-After": "7200"}),
    "denied": Site(body=NEWS, addresses=["127.9.0.1"]),
}
"""The first five have been so since the second run, the others since the third."""


async def _fetch_now_and_then() -> None:
    names = [f"{way}-{number}" for way in ILL for number in range(1, 5)]
    names += [f"sound-{number}" for number in range(1, 461)]
    feeds = [Feed(f"http://{name}.test/feed", title=f"The {name} feed") for name in names]
    for run, moment in enumerate(RUNS):
        ill = list(ILL)[: 5 * run]
        sites = {
            f"{name}.test": ILL[way] if (way := name.partition("-")[0]) in ill else WELL[number % len(WELL)]
            for number, name in enumerate(names)
        }
        internet = Internet(sites)
        await trioscrape.scrape(
            feeds,
            store="sqlite:trioscrape.db",
            config=Config(deny_networks=("127.9.0.0/16",)),
            resolver=internet,
            connector=internet.connect,
            parser=InlineParser(),
            now=partial(_always, moment),
        )


def _always(moment: datetime) -> datetime:
    return moment


def explain() -> str:
    """Of a feed that was fetched five minutes ago."""
    url, now = "https://example.org/feed.xml", datetime(2026, 3, 5, 13, 25, tzinfo=UTC)
    trio.run(_store_an_example, url, now - timedelta(minutes=5))
    return _page(show_explain, now, "explain", url)


async def _store_an_example(url: str, fetched: datetime) -> None:
    rules = (
        TimerRule("ttl", fetched + timedelta(hours=1), "3600 s"),
        TimerRule("max-age", fetched + timedelta(minutes=30), "1800 s"),
    )
    state = FeedState(
        feed_id(url),
        url,
        listed_url=url,
        title="The Example",
        body_hash="b",
        newest_entry=fetched - timedelta(hours=4),
        timers=FeedTimers(max_age=1800, every=3600),
        next_fetch=rules[0].until,
    )
    entry = Entry("1", "h", title="One", published=fetched - timedelta(hours=4))
    async with trioscrape.open_store("sqlite:trioscrape.db") as store:
        await store.save(FeedUpdate(state, (entry,), Poll(fetched - timedelta(hours=4), status=200)))
        await store.save(FeedUpdate(state, (), Poll(fetched, status=200, rules=rules)))


def _page(module: object, now: datetime, *arguments: str) -> str:
    """What a command prints at that moment."""
    with (
        patch.object(module, "utc_now", lambda: now),
        patch.dict(os.environ, {"COLUMNS": "80"}),
        tempfile.TemporaryFile("w+") as file,
        patch.object(sys, "stdout", file),
    ):
        assert main([*arguments]) == 0
        file.seek(0)
        return file.read()


SITES: Final = """\
http://example.org/
http://example.org/feed.xml  News of examples
http://www.example.org/feed.xml
http://nothing.example/
"""


class _Example(Site):
    """A page that names a feed, and the feed."""

    def answer(self, request: Request) -> Answer:
        page = b'<!doctype html><title>Hello</title><link rel="alternate" href="/feed.xml"%s>'
        return Answer(body=NEWS if request.target == "/feed.xml" else page % b' type="application/rss+xml"')


def discovered() -> str:
    """Of a list with a page that names a feed, the feed, another URL of it, and a page without one."""
    empty = Site(body=b"<!doctype html><title>Hello</title>")
    internet = Internet({"example.org": _Example(), "www.example.org": _Example(), "nothing.example": empty})
    fakes: dict[str, Any] = {"resolver": internet, "connector": internet.connect, "parser": InlineParser()}
    arguments = ("discover", "sites.txt", "-o", "feeds.txt")
    Path("sites.txt").write_text(SITES)
    with (
        patch.object(discover, "open_scrape", partial(trioscrape.open_scrape, **fakes)),
        tempfile.TemporaryFile("w+") as file,
        patch.object(sys, "stderr", file),
    ):
        assert main([*arguments]) == 0
        file.seek(0)
        said = file.read()
    feeds = Path("feeds.txt").read_text("utf-8")
    return "".join(
        (SITES, str(Transcript(f"trioscrape {' '.join(arguments)}", said)), "$ cat feeds.txt\n", feeds)
    )


def watch() -> str:
    """The log of a watch from its beginning to Ctrl-C."""
    with serving() as site:
        Path("feeds.txt").write_text("".join(f"{site.url(str(number))}\n" for number in range(3)))
        with running("watch", "feeds.txt", "--every", "5m", "--json") as process:
            assert process.stdout is not None
            for _ in range(3):
                process.stdout.readline()
            process.send_signal(signal.SIGINT)
            return process.communicate(timeout=30)[1]


def hobbled(mongodb_url: str, feeds: int) -> str:
    """The story of the lock around lookups."""
    arguments = [sys.executable, str(ROOT / "examples/hobbled_resolver.py"), "--feeds", str(feeds)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "tests")}
    return subprocess.run(
        [*arguments, "--mongodb", mongodb_url],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env=environment,
    ).stdout


MAKERS: Final[dict[str, Callable[[], list[str]]]] = {
    "python -m trioscrape --demo": partial(demo, 2),
    "trioscrape --help": lambda: [help_page()],
    "cat sites.txt": lambda: [discovered()],
    "trioscrape status": lambda: [status()],
    "trioscrape explain https://example.org/feed.xml": lambda: [explain()],
}
"""By what is typed: those whose print the README has. An ellipsis at the end of it stands for more."""


def made(line: str) -> Iterator[Transcript]:
    """What the command prints now, as often as the README shows it."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        yield from (Transcript(line, printed) for printed in MAKERS[line]())


def shortened(printed: str, like: str) -> str:
    """As many lines of it as the README has, if that leaves some out."""
    if not like.endswith("…\n"):
        return printed
    return "".join(printed.splitlines(keepends=True)[: like.count("\n") - 1]) + "…\n"


def rewrite() -> None:
    """Write what is stale into the README."""
    text = README.read_text("utf-8")
    for line in MAKERS:
        shown = [each for each in of_the_readme() if each.line == line]
        for old, new in zip(shown, made(line), strict=True):
            printed = shortened(new.printed, old.printed)
            if comparable(old.printed) != comparable(printed):
                text = text.replace(str(old), str(Transcript(line, printed)), 1)
    README.write_text(text, "utf-8")


if __name__ == "__main__":
    rewrite()
