"""Exchanges and polls as a scrape keeps them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from trioscrape import Feed, feed_id
from trioscrape._archive.exchange import Exchange, KeptFetch, KeptPoll
from trioscrape._errors import FeedFailed

URL = "http://a.test/feed"
BEGAN = datetime(2026, 2, 28, 12, 0, 0, 123456, UTC)


def exchange(body: bytes = b"<rss/>", url: str = URL, status: int = 200, **more: Any) -> Exchange:
    """A whole one."""
    head = b"HTTP/1.1 %d OK\r\nServer:  a  \r\nContent-Length: %d\r\n\r\n" % (status, len(body))
    request = b"GET /feed HTTP/1.1\r\nHost: a.test\r\n\r\n"
    values: dict[str, Any] = {"address": "198.51.100.7", "truncated": None, "body": [body] if body else []}
    values["id"] = f"<urn:uuid:{uuid4()}>"
    return Exchange(url, request, BEGAN, **({"head": head} | values | more))


def poll(*fetches: KeptFetch, url: str = URL, **more: Any) -> KeptPoll:
    values: dict[str, Any] = {
        "feed": Feed(url, "My A", tags=("News", "Tech")),
        "feed_id": feed_id(url),
        "began": BEGAN,
        "ended": BEGAN + timedelta(seconds=2),
        "next_run": BEGAN + timedelta(hours=1),
        "fetches": fetches,
        "outcome": "new",
    }
    return KeptPoll(**(values | more))


def fetch(*exchanges: Exchange, failed: FeedFailed | None = None, again: bool = False) -> KeptFetch:
    return KeptFetch(list(exchanges), failed, again)
