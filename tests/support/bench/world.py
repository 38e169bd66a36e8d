"""A world of feeds on loopback: documents like those of real feeds, and a process that serves them.

Hosts are called ``f000000.test`` and so on. `loopback.py` lets a program find them all on 127.0.0.1,
without root and without touching the machine's resolver.
"""

from __future__ import annotations

import html
import json
import math
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from email.utils import formatdate
from itertools import cycle
from pathlib import Path
from time import gmtime, strftime

WORDS = """
    harvest lantern railway treaty glacier novel senate sparrow copper orchard verdict budget ferry marble
    festival drought compass bridge pianist cellar quarry embassy thunder archive goalkeeper vaccine tariff
    meadow satellite the of and in on for with from after before under over against between
""".split()  # noqa: SIM905 - a line of words says the same
LEAST, MOST = 3_000, 3_000_000
"""Bytes of text in a document."""
SPREAD = 0.9
"""Sigma of the logarithm of sizes: half of all bytes are in a sixth of the documents."""
ENTRIES = (5, 10, 10, 15, 20, 20, 30, 50)
ATOM = 0.32
"""The share of Atom; the rest is RSS."""
NEWEST = 1_760_000_000
"""When the newest entry of each feed was published, in Unix time."""


@dataclass(frozen=True)
class Document:
    """A line of the list from which the server learns what it serves."""

    content_type: str
    size: int
    entries: int
    etag: str


@dataclass(frozen=True)
class World:
    """Documents in a folder, and how often each is served: under as many names as there are feeds."""

    folder: Path
    documents: Sequence[Document]

    @property
    def bytes(self) -> int:
        """Of all documents."""
        return sum(document.size for document in self.documents)

    def entries(self, feeds: int) -> int:
        """How many entries the first so many feeds have."""
        whole, rest = divmod(feeds, len(self.documents))
        counts = [document.entries for document in self.documents]
        return whole * sum(counts) + sum(counts[:rest])

    @contextmanager
    def serving(self, feeds: int, domain: str = "test") -> Iterator[Path]:
        """A process that serves it; the list of so many feeds, of which each has a host of its own.

        Programs that start processes of their own need the domain ``localhost``: `loopback.py` does not
        reach those. Beside it is ``known.txt`` with the ETag of the document after each URL.
        """
        command = [sys.executable, str(Path(__file__).with_name("server.py")), str(self.folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                port = int(process.stdout.readline())
                urls = [f"http://f{number:06}.{domain}:{port}/feed" for number in range(feeds)]
                (self.folder / "known.txt").write_text(
                    "".join(f"{url} {each.etag}\n" for url, each in zip(urls, cycle(self.documents)))
                )
                path = self.folder / "feeds.txt"
                path.write_text("\n".join(urls))
                yield path
            finally:
                process.kill()


def draw(folder: Path, documents: int, median: int, seed: int = 1) -> World:
    """A world with so many documents, whose sizes are spread around a median of so many bytes."""
    rng = random.Random(seed)
    phrases = [" ".join(rng.choices(WORDS, k=12)) for _ in range(500)]
    drawn = []
    with (folder / "documents").open("wb") as file:
        for number in range(documents):
            size = int(min(MOST, max(LEAST, rng.lognormvariate(math.log(median), SPREAD))))
            entries = rng.choice(ENTRIES)
            write, kind = (_atom, "atom") if rng.random() < ATOM else (_rss, "rss")
            body = write(rng, phrases, f"f{number:06}.test", max(80, size // entries), entries)
            file.write(body)
            drawn.append(Document(f"application/{kind}+xml", len(body), entries, f'"{number}-{len(body)}"'))
    (folder / "documents.json").write_text(json.dumps([asdict(document) for document in drawn]))
    return World(folder, drawn)


def _text(rng: random.Random, phrases: Sequence[str], size: int) -> str:
    """HTML of at least so many characters."""
    written: list[str] = []
    while size > 0:
        first, second, third, fourth = rng.choices(phrases, k=4)
        number = rng.randrange(10**6)
        written.append(
            f'<p>{first}, {second} <a href="https://elsewhere.test/{number}">{number}</a>'
            f" &amp; <em>{third}</em>, a café {fourth}.</p>"
        )
        size -= len(written[-1])
    return "".join(written)


def _rss(rng: random.Random, phrases: Sequence[str], host: str, size: int, entries: int) -> bytes:
    items = "".join(
        f"<item><title>{rng.choice(phrases)}</title><link>http://{host}/{number}</link>"
        f'<guid isPermaLink="false">{host}-{number}</guid>'
        f"<pubDate>{formatdate(NEWEST - 3600 * number, usegmt=True)}</pubDate>"
        f"<dc:creator>{rng.choice(WORDS)}</dc:creator><category>{rng.choice(WORDS)}</category>"
        f"<description>{rng.choice(phrases)} {number}</description>"
        f"<content:encoded><![CDATA[{_text(rng, phrases, size)}]]></content:encoded></item>"
        for number in range(entries)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
        f"<title>{host}</title><link>http://{host}/</link><description>-</description>{items}</channel></rss>"
    ).encode()


def _atom(rng: random.Random, phrases: Sequence[str], host: str, size: int, entries: int) -> bytes:
    written = "".join(
        f"<entry><id>tag:{host},2025:{number}</id><title>{rng.choice(phrases)}</title>"
        f'<link href="http://{host}/{number}"/>'
        f"<updated>{strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(NEWEST - 3600 * number))}</updated>"
        f"<author><name>{rng.choice(WORDS)}</name></author><summary>{rng.choice(phrases)} {number}</summary>"
        f'<content type="html">{html.escape(_text(rng, phrases, size))}</content></entry>'
        for number in range(entries)
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
        f"<title>{host}</title><id>http://{host}/</id><updated>2025-10-09T08:53:20Z</updated>"
        f'<link rel="self" href="http://{host}/feed"/>{written}</feed>'
    ).encode()
