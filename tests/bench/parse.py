"""CPU time of parsing real feeds: as trioscrape does it, and as feedparser does by default.

Both include sanitising and absolute links; ours also keys and hashes. Each reads all documents, several
times and by turns, and each document's best time counts: what disturbs a machine only ever adds time.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from statistics import median
from typing import Final

import feedparser
from conformance import CORPUS, URL

from trioscrape._errors import FeedFailed
from trioscrape._parse import Document, parse_document
from trioscrape._parse._first_pass import NotTaken, read_wellformed

ROUNDS: Final = 5
WANTED: Final = 12


def theirs(document: Document) -> None:
    """feedparser as it comes: its own sanitiser, its own relative links."""
    feedparser.parse(BytesIO(document.body), response_headers={"content-location": document.url})


def ours(document: Document) -> None:
    """The whole of what a worker does."""
    with suppress(FeedFailed):
        parse_document(document)


def seconds(parse: Callable[[Document], None], document: Document) -> float:
    """CPU time of one document."""
    began = time.process_time()
    parse(document)
    return time.process_time() - began


def is_taken(document: Document) -> bool:
    """Whether the first pass reads it."""
    with suppress(NotTaken):
        read_wellformed(document)
        return True
    return False


def main() -> int:
    """Measure, and say whether it is fast enough."""
    if not CORPUS.is_dir():
        print("no corpus: set TRIOSCRAPE_CORPUS")
        return 0
    warnings.simplefilter("ignore")
    documents = [Document(path.read_bytes(), URL) for path in sorted(CORPUS.iterdir())]
    before = after = [float("inf")] * len(documents)
    for _ in range(ROUNDS):
        before = list(map(min, before, (seconds(theirs, document) for document in documents)))
        after = list(map(min, after, (seconds(ours, document) for document in documents)))
    taken = [is_taken(document) for document in documents]
    print(f"{'CPU ms a feed':18}{'feeds':>8}{'feedparser':>12}{'trioscrape':>12}{'ratio':>8}{'median':>8}")
    ratio = 0.0
    for name, wanted in (("first pass", {True}), ("second pass", {False}), ("all", {True, False})):
        rows = [
            row
            for row, is_taken in zip(zip(before, after, strict=True), taken, strict=True)
            if is_taken in wanted
        ]
        old, new = (1000 * sum(column) / len(rows) for column in zip(*rows, strict=True))
        ratio = old / new
        middle = median(one / other for one, other in rows)
        print(f"{name:18}{len(rows):>8}{old:>12.2f}{new:>12.2f}{ratio:>8.1f}{middle:>8.1f}")
    print(f"wanted: {WANTED} for all")
    return 0 if ratio >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
