"""Documents made to break parsers, through a real worker: bounded memory, a defined result each.

``nox -s pathological`` runs this with the sizes in full: 200,000 levels, 50 MB in one text.
"""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trio

from trioscrape import Config, EntryCounts, Outcome, open_scrape, open_store
from trioscrape._errors import FeedFailed
from trioscrape._parse import FeedDocument, ProcessParser, open_process_parser
from trioscrape._parse._pool import workers
from trioscrape._records import ParsedFeed
from trioscrape._records.texts import SUMMARY

from support.fetching import Loopback
from support.servers import RawServer, answer, open_server, read_head

FULL = bool(os.environ.get("TRIOSCRAPE_TEST_LONG"))
LEVELS = 200_000
ELEMENTS = 200_000 if FULL else 20_000
"""Where each costs feedparser 40 µs, however deep."""
LONG = 50_000_000 if FULL else 12_000_000
"""More than the 10 MB of text that libxml2 takes by itself."""
LIMIT = 10_000
URL = "http://a.test/feed"
MEBIBYTE = 2**20
NEVER = 600.0
"""A timeout, in seconds, that is not meant to pass."""


@dataclass(frozen=True)
class Feed:
    """What is to be seen of a parsed feed."""

    entries: int = 1
    first: str | None = "one"
    """Title of the first entry."""
    text: str | int | None = None
    """Its summary or content; of a long one, its length."""
    title: str | None = "T"
    repaired: bool = False
    has_more: bool = False


Result = Feed | tuple[str, str]
MALFORMED = ("malformed", "nothing could be recovered of a broken feed")


def rss(inner: str, prolog: str = "<?xml version='1.0'?>", title: str = "T") -> bytes:
    text = f"{prolog}<rss version='2.0'><channel><title>{title}</title>{inner}</channel></rss>"
    return text.encode("utf-8", "surrogatepass")


def item(inner: str = "", title: str = "one") -> str:
    return f"<item><guid isPermaLink='false'>1</guid><title>{title}</title>{inner}</item>"


def described(text: str) -> str:
    return item(f"<description>{text}</description>")


def atom(inner: str, title: str = "T") -> bytes:
    return (
        f"<feed xmlns='http://www.w3.org/2005/Atom'><title>{title}</title><entry><id>1</id><title>one</title>"
        f"<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>{inner}</div></content></entry></feed>"
    ).encode()


def laughs() -> str:
    """Nine entities of ten of the one before."""
    steps = "".join(f"<!ENTITY {name} '{f'&{before};' * 10}'>" for before, name in pairwise("abcdefghij"))
    return f"<!DOCTYPE rss [<!ENTITY a 'lol'>{steps}]>"


def many(number: int, form: str = "<item><guid>{}</guid><title>one</title></item>") -> str:
    return "".join(form.format(index) for index in range(number))


SHALLOW = "<div>" * 256 + "y" + "</div>" * 256

DOCUMENTS: dict[str, tuple[Callable[[], bytes], Result]] = {
    # Entities are never expanded: feedparser takes the DOCTYPE away, and shows what refers to it.
    "billion laughs": (
        lambda: rss(described("&j;"), laughs()),
        Feed(text="&amp;j;", repaired=True),
    ),
    "quadratic blow-up": (
        lambda: rss(described("&a;" * 50_000), f"<!DOCTYPE rss [<!ENTITY a '{'x' * 100_000}'>]>"),
        Feed(text=350_000, repaired=True),
    ),
    "entities without end": (
        lambda: rss(item(), "<!DOCTYPE rss [" + "<!ENTITY " * 100_000),
        Feed(repaired=True),
    ),
    # Depth
    "deep XML": (
        lambda: rss(item("<x>" * ELEMENTS + "y" + "</x>" * ELEMENTS)),
        Feed(),
    ),
    "deep XML, not closed": (lambda: rss("<x>" * ELEMENTS + item()), Feed(repaired=True)),
    "deep channels": (lambda: b"<rss version='2.0'>" + b"<channel>" * ELEMENTS, MALFORMED),
    "deep items": (
        lambda: rss("".join(f"<item><guid>{index}</guid>" for index in range(LEVELS))),
        Feed(entries=LIMIT, first=None, repaired=True, has_more=True),
    ),
    "deep items, empty": (  # each was to be an end
        lambda: rss("<item>" * LEVELS),
        Feed(entries=1, first=None, repaired=True),
    ),
    "deep HTML, escaped": (lambda: rss(described("&lt;div>" * LEVELS + "y")), Feed(text=SHALLOW)),
    "deep HTML, CDATA": (
        lambda: rss(described(f"<![CDATA[{'<div>' * LEVELS}y]]>")),
        Feed(text=SHALLOW),
    ),
    "deep XHTML": (lambda: atom("<div>" * ELEMENTS + "y" + "</div>" * ELEMENTS), Feed(text=SHALLOW)),
    "deep XHTML, broken": (
        lambda: atom("<div>" * ELEMENTS + "y" + "</div>" * ELEMENTS, title="T & T"),
        Feed(text=SHALLOW, title="T & T", repaired=True),
    ),
    # Length
    "a long text": (lambda: rss(described("x" * LONG)), Feed(text=SUMMARY.limit)),
    "a long text, CDATA": (lambda: rss(described(f"<![CDATA[{'x' * LONG}]]>")), Feed(text=SUMMARY.limit)),
    "a long number": (lambda: rss(f"<ttl>{'9' * 5_000_000}</ttl>{item()}"), Feed()),
    "a long date": (lambda: rss(item(f"<pubDate>{'Mon, 1 ' * 100_000}</pubDate>")), Feed()),
    "white space": (lambda: rss(" " * 5_000_000 + item()), Feed()),
    # Characters
    "a lone surrogate": (lambda: rss(item(title="o&#xD83D;e")), Feed(first="o\ufffde", repaired=True)),
    "NULs": (lambda: rss(item(title="o\0e")), Feed(first="oe", repaired=True)),
    "a reference to NUL": (lambda: rss(item(title="o&#0;e")), Feed(first="o\ufffde", repaired=True)),
    # Size
    "a gzip file": (lambda: gzip.compress(rss(item())), Feed()),
    "a gzip bomb": (
        lambda: gzip.compress(rss(item(title="x" * 2 * LONG))),
        ("too-large", "more than 16777216 bytes in a gzip file"),
    ),
    # Number
    "100,000 entries": (lambda: rss(many(100_000)), Feed(entries=LIMIT, has_more=True)),
    "100,000 entries, broken": (
        lambda: rss(many(100_000), title="T & T"),
        Feed(entries=LIMIT, title="T & T", repaired=True, has_more=True),
    ),
    "100,000 entries, empty": (
        lambda: rss("<item/>" * 100_000),
        Feed(entries=1, first=None, has_more=True),
    ),
    "100,000 namespaces": (
        lambda: rss("<x " + many(100_000, "xmlns:a{0}='http://a{0}' ") + f"/>{item()}"),
        Feed(),
    ),
    "300,000 comments that are not closed": (
        lambda: rss("<!--" * 300_000 + item()),
        Feed(repaired=True),
    ),
    "300,000 declarations": (lambda: rss("<!" * 300_000 + item()), Feed(repaired=True)),
}


def seen(feed: ParsedFeed) -> Feed:
    first = feed.entries[0] if feed.entries else None
    text = first and (first.content or first.summary)
    return Feed(
        entries=len(feed.entries),
        first=first.title if first else None,
        text=text if text is None or len(text) <= len(SHALLOW) else len(text),
        title=feed.title,
        repaired=feed.repaired,
        has_more=feed.has_more,
    )


async def result(parser: ProcessParser, body: bytes) -> Result:
    try:
        return seen(await parser.parse(FeedDocument(body, URL, "application/xml", entries_limit=LIMIT)))
    except FeedFailed as failed:
        return failed.reason, failed.detail


@pytest.fixture(name="parser")
async def _parser(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ProcessParser]:
    monkeypatch.setattr(workers, "_GROWN", sys.maxsize)  # so that the worker is still there to be looked at
    async with open_process_parser(1, NEVER) as parser:
        await parser.parse(FeedDocument(rss(item()), URL))
        yield parser


def peak(pid: int) -> int:
    """Bytes that a process has held at most."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_a_document_has_its_result_within_the_memory_for_its_size(
    name: str, parser: ProcessParser
) -> None:
    make, expected = DOCUMENTS[name]
    body = make()
    (worker,) = parser.processes

    assert await result(parser, body) == expected
    with suppress(FileNotFoundError):  # where there is no /proc
        assert peak(worker) < 256 * MEBIBYTE + 8 * len(body)


async def test_what_keeps_a_parser_busy_ends_at_the_timeout() -> None:
    """Tags that feedparser looks through for each new one: the next document is parsed all the same."""
    body = rss(item(many(200_000, "<category>{}</category>")), title="T & T")

    async with open_process_parser(1, 0.5) as parser:
        assert await result(parser, body) == ("parse-timeout", "after 0.5 s")
        assert await result(parser, rss(item())) == Feed()


def served() -> dict[str, tuple[bytes, tuple[Outcome, str | None]]]:
    """Some of them with what becomes of their feeds."""
    stored = (Outcome.NEW, None)
    return {
        "/laughs": (DOCUMENTS["billion laughs"][0](), stored),
        "/deep": (DOCUMENTS["deep HTML, CDATA"][0](), stored),
        "/long": (DOCUMENTS["a long text"][0](), stored),
        "/surrogate": (DOCUMENTS["a lone surrogate"][0](), stored),
        "/nul": (DOCUMENTS["NULs"][0](), stored),
        "/many": (DOCUMENTS["100,000 entries"][0](), (Outcome.NEW, "too-many-entries")),
        "/channels": (DOCUMENTS["deep channels"][0](), (Outcome.FAILED, "malformed")),
        "/text": (b"hello", (Outcome.FAILED, "not-a-feed")),
    }


async def test_through_the_lanes(tmp_path: Path) -> None:
    """Each ends as itself, whatever is beside it, and what is stored a real store can hold."""
    documents = served()

    async def handler(stream: trio.SocketStream, server: RawServer) -> None:
        target = (await read_head(stream)).split()[1].decode()
        await stream.send_all(answer("200 OK", documents[target][0], "Content-Type: application/xml"))

    async with open_server(handler) as server, open_store(f"sqlite:{tmp_path}/entries.db") as store:
        feeds = [f"http://a.test:{server.port}{path}" for path in documents]
        config = Config(body_limit=64 * MEBIBYTE, parse_timeout=NEVER, fetch_timeout=NEVER)
        async with open_scrape(feeds, store=store, config=config, resolver=Loopback()) as scrape:
            found = {urlsplit(result.feed.url).path: result async for result in scrape}

    assert {path: (result.outcome, result.reason) for path, result in found.items()} == {
        path: expected for path, (_, expected) in documents.items()
    }
    assert found["/many"].entries == EntryCounts(new=LIMIT)
    assert all(result.stored for result in found.values())
