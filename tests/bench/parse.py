"""What parsing costs: CPU a feed over real feeds, by trioscrape and by feedparser as it comes.

By turns, in one process; the best round of each counts. On our side everything is in it that a worker does
with a document: charset, sanitised HTML, absolute links, keys and hashes. On feedparser's side are its own
two passes over HTML, its default. The aim is that feedparser takes twelve times as long; fails otherwise.

It is 11 times (7.2 ms and 79), mostly because of what is not ours: nh3 takes 3.0 ms of the 7.2 (376,000
tags in 100 feeds, 0.8 us each; 2.7 with no attributes allowed), libxml2 0.8, and one feed of 470 KB with
one control character in it, which only feedparser's loose parser reads as feedparser does, 1.0. With the 0.2
for hashing 11 MB of texts that alone would be 16 times. The rest is ours: 1.2 from tree to texts, 0.3 small
fields, 0.3 around nh3, 0.2 keys. Without the garbage collector it is the same, with expat in place of
libxml2 it is more.

Needs the real feeds, in ``$TRIOSCRAPE_CORPUS`` or beside the project.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import feedparser

from trioscrape._errors import FeedFailed
from trioscrape._parse import Document, parse_document

ROUNDS = 5
LEAST = 12.0
CORPUS = Path(os.environ.get("TRIOSCRAPE_CORPUS", Path(__file__).parents[3] / "shared" / "corpus" / "real"))


def ours(documents: list[Document]) -> None:
    for document in documents:
        with suppress(FeedFailed):
            parse_document(document)


def theirs(documents: list[Document]) -> None:
    for document in documents:
        feedparser.parse(BytesIO(document.body), response_headers={"content-location": document.url})


def seconds(parse: Callable[[list[Document]], None], documents: list[Document]) -> float:
    began = time.process_time()
    parse(documents)
    return time.process_time() - began


def parsers(documents: list[Document]) -> Counter[str]:
    """Which parser reads how many of them."""
    found = Counter[str]()
    for document in documents:
        try:
            found[parse_document(document).parser] += 1
        except FeedFailed as failed:
            found[failed.reason] += 1
    return found


def main() -> int:
    if not CORPUS.is_dir():
        print("no real feeds: TRIOSCRAPE_CORPUS is to be their folder")
        return 0
    bodies = (path.read_bytes() for path in sorted(CORPUS.iterdir()))
    documents = [Document(body, "http://feeds.test/feed.xml", entries_limit=10_000) for body in bodies]
    warnings.simplefilter("ignore")
    print(", ".join(f"{parser} {count}" for parser, count in parsers(documents).most_common()))
    rounds = [(seconds(ours, documents), seconds(theirs, documents)) for _ in range(ROUNDS)]
    mine, reference = (min(times) / len(documents) * 1000 for times in zip(*rounds, strict=True))
    ratio = reference / mine
    verdict = "holds" if ratio >= LEAST else f"missed: {LEAST:.0f} is the aim"
    print(
        f"CPU a feed: trioscrape {mine:.1f} ms, feedparser {reference:.1f} ms; ratio {ratio:.1f}, {verdict}"
    )
    return 0 if reference >= LEAST * mine else 1


if __name__ == "__main__":
    sys.exit(main())
