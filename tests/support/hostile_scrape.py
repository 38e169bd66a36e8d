"""A program: scrapes the feeds that it is told of, and says what came of them and what memory it took.

It is one of its own so that its peak is that of the scraper alone: the servers are elsewhere.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import trio

from trioscrape import Config, open_scrape
from trioscrape.testing import InlineParser, MemoryStore

from support.fetching import Loopback


async def scraped(feeds: list[str], config: Config, awaited: Sequence[str]) -> dict[str, str]:
    """How each ends: its reason, or its outcome. It is cancelled when all that are `awaited` have ended."""
    ends: dict[str, str] = {}
    left = set(awaited)
    scrape = open_scrape(
        feeds, store=MemoryStore(), config=config, resolver=Loopback(), parser=InlineParser()
    )
    async with scrape as results:
        async for result in results:
            ends[result.feed.url] = result.reason or result.outcome
            left.discard(result.feed.url)
            if not left:
                results.cancel()
    return ends


def peak() -> int:
    """Bytes of resident memory, at most, since the program began.

    getrusage() would count what the parent had when it forked.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)[1]) * 1024  # type: ignore[index]


async def main() -> None:
    task = json.load(sys.stdin)
    config = Config(**task["config"])
    await scraped(task["warm_up"], config, task["warm_up"])
    before = peak()
    ends = await scraped(task["feeds"], config, task["awaited"])
    json.dump({"ends": ends, "growth": peak() - before}, sys.stdout)


if __name__ == "__main__":
    trio.run(main)
