"""All hostile servers at once, and a healthy scrape in their middle that does not notice them.

``TRIOSCRAPE_TEST_LONG=1`` is the long form: every server many times over.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme

from support.hostile_http2 import HTTP2, Http2, fine, http2_context
from support.hostile_servers import HOSTILE, LONG, Handler, sending
from support.servers import FEED, answer, open_server

pytestmark = pytest.mark.alone

MEBIBYTE = 2**20
COPIES = 10 if LONG else 1
"""Hosts with each of the hostile servers."""
HEALTHY = 50
CONFIG = {
    "read_timeout": 12 if LONG else 4,
    "fetch_timeout": 30 if LONG else 9,
    "minimum_rate": 0,  # has a test of its own; here a drip meets the deadline
    "http_width": 64,
    "bytes_in_flight": 16 * MEBIBYTE,
}
GROWTH = (100 if LONG else 50) * MEBIBYTE
"""What the bytes in flight may take with what zstd looks back on, and 64 fetches with what they read."""


@asynccontextmanager
async def ports(handlers: Mapping[str, Handler]) -> AsyncIterator[dict[str, int]]:
    """Serve all of them; the port of each."""
    async with AsyncExitStack() as stack:
        yield {
            name: (await stack.enter_async_context(open_server(handler))).port
            for name, handler in handlers.items()
        }


async def scrape(feeds: list[str], warm_up: list[str], **config: object) -> dict[str, Any]:
    task = {"feeds": feeds, "warm_up": warm_up, "config": CONFIG | config}
    done = await trio.run_process(
        [sys.executable, str(Path(__file__).parents[1] / "support" / "hostile_scrape.py")],
        stdin=json.dumps(task).encode(),
        capture_stdout=True,
    )
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def hosts(name: str, count: int, port: int, scheme: str = "http") -> list[str]:
    """Feeds of as many hosts at one port; the path is `name`."""
    return [f"{scheme}://{name}-{n}.hostile.test:{port}/{name}" for n in range(count)]


def unharmed(ends: Mapping[str, str], reasons: Mapping[str, str], count: int) -> None:
    """Each feed has ended as its path says: with its own reason, or stored.

    A hostile one may meet the deadline before: how far it gets by then is up to the machine, and that
    each has its own reason is shown where it is alone.
    """
    assert len(ends) == count
    wrong = []
    for url, end in ends.items():
        name = url.rpartition("/")[2]
        if end != reasons[name] and (name == "healthy" or end != "fetch-timeout"):
            wrong.append((name, end))
    assert not wrong


async def test_http_1() -> None:
    handlers = {name: handler for name, (handler, _) in HOSTILE.items()}
    reasons = {name: reason for name, (_, reason) in HOSTILE.items()} | {"healthy": "new"}
    async with ports(handlers | {"healthy": sending(answer("200 OK", FEED))}) as port:
        feeds = [url for name in HOSTILE for url in hosts(name, COPIES, port[name])]
        healthy = hosts("healthy", HEALTHY, port["healthy"])
        said = await scrape(healthy[::2] + feeds + healthy[1::2], healthy[:5])

    unharmed(said["ends"], reasons, len(feeds) + HEALTHY)
    assert said["growth"] <= GROWTH


async def test_http_2(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = http2_context(authority, "*.hostile.test")
    handlers = {name: Http2(context, script) for name, (script, _) in HTTP2.items()}
    reasons = {name: reason for name, (_, reason) in HTTP2.items()} | {"healthy": "new"}
    async with ports(handlers | {"healthy": Http2(context, fine)}) as port:
        feeds = [url for name in HTTP2 for url in hosts(name, COPIES, port[name], "https")]
        healthy = hosts("healthy", HEALTHY, port["healthy"], "https")
        config = {"http2": True, "ca_file": str(tmp_path / "ca.pem")}
        said = await scrape(healthy[::2] + feeds + healthy[1::2], healthy[:5], **config)

    unharmed(said["ends"], reasons, len(feeds) + HEALTHY)
    assert said["growth"] <= GROWTH
