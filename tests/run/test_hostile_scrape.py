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

import trio
import trustme

from support.hostile_http2 import HTTP2, Http2, fine, http2_context
from support.hostile_servers import BOMBS, HOSTILE, LONG, Handler, sending
from support.servers import FEED, answer, open_server

MEBIBYTE = 2**20
COPIES = 10 if LONG else 1
"""Hosts with each of the hostile servers."""
HEALTHY = 50
MUST_END = {"healthy", *BOMBS}
CONFIG = {
    # A healthy answer comes in a moment, so its verdict does not depend on these; they free what the long
    # form's slow servers hold of the bytes in flight.
    "read_timeout": 30,
    "fetch_timeout": 60,
    "body_limit": MEBIBYTE,
    "minimum_rate": 0,
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
    awaited = [url for url in feeds if path(url) in MUST_END]
    config = CONFIG | config | {"http_width": len(feeds)}
    task = {"feeds": feeds, "warm_up": warm_up, "awaited": awaited, "config": config}
    done = await trio.run_process(
        [sys.executable, "-m", "support.hostile_scrape"],
        cwd=Path(__file__).parents[1],
        stdin=json.dumps(task).encode(),
        capture_stdout=True,
    )
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def hosts(name: str, count: int, port: int, scheme: str = "http") -> list[str]:
    """Feeds of as many hosts at one port; the path is `name`."""
    return [f"{scheme}://{name}-{n}.hostile.test:{port}/{name}" for n in range(count)]


def path(url: str) -> str:
    return url.rpartition("/")[2]


def expected(servers: Mapping[str, tuple[object, str]]) -> dict[str, str]:
    return {name: reason for name, (_, reason) in servers.items()} | {"healthy": "new"}


def unharmed(ends: Mapping[str, str], reasons: Mapping[str, str], count: int) -> None:
    """The healthy feeds are stored, the bombs found out; each other has its own reason or is cut short.

    How soon a hostile server meets its limit depends on the machine. That each has its own reason is shown
    where it is alone, in ``test_hostile.py`` and ``test_hostile_http2.py``.
    """
    assert len(ends) == count
    wrong = {path(url): end for url, end in ends.items() if end != reasons[path(url)]}
    assert not MUST_END & set(wrong)
    assert set(wrong.values()) <= {"cancelled"}


async def test_http_1() -> None:
    handlers = {name: handler for name, (handler, _) in HOSTILE.items()}
    reasons = expected(HOSTILE)
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
    reasons = expected(HTTP2)
    async with ports(handlers | {"healthy": Http2(context, fine)}) as port:
        feeds = [url for name in HTTP2 for url in hosts(name, COPIES, port[name], "https")]
        healthy = hosts("healthy", HEALTHY, port["healthy"], "https")
        config = {"http2": True, "ca_file": str(tmp_path / "ca.pem")}
        said = await scrape(healthy[::2] + feeds + healthy[1::2], healthy[:5], **config)

    unharmed(said["ends"], reasons, len(feeds) + HEALTHY)
    assert said["growth"] <= GROWTH
