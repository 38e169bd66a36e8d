"""Both passes against feedparser: on its own test documents, and on real feeds where they are at hand.

The well-formed and the real ones are also read with control characters in some texts.

    python tests/support/conformance.py [FOLDER OF FEEDPARSER'S TESTS]

The reference is plain ``feedparser.parse``, through the record builder and nothing else of ours. Its own
HTML passes sort attributes, and leave some scripts in; so texts are compared with what is under these
passes, sanitised as ours are, and all other fields with what feedparser says by default.

Exit status 0: every document that the first pass takes agrees in every field, the second pass agrees in
every field but texts, no entry is missing or invented, and nine in ten real feeds are taken.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin

import feedparser

from trioscrape._errors import FeedFailed
from trioscrape._parse import FeedDocument, parse_document
from trioscrape._parse._fast import Unsupported, read_wellformed
from trioscrape._parse.draft import finished
from trioscrape._parse.feedparser_reader import draft_of, in_utf_8, read_anything
from trioscrape._parse.html import plain
from trioscrape._parse.records import parsed_feed
from trioscrape._records import ParsedFeed

CORPUS: Final = Path(
    os.environ.get("TRIOSCRAPE_CORPUS", Path(__file__).parents[3] / "shared" / "corpus" / "real")
)
URL: Final = "http://feeds.test/dir/feed.xml"
EXACT: Final = ("link", "title", "authors", "published", "updated", "tags", "enclosures", "language")
TEXTS: Final = ("summary", "summary_type", "content", "content_type")
OF_FEED: Final = tuple(field.name for field in fields(ParsedFeed) if field.name not in {"entries", "parser"})
MADE_TO_CONFUSE: Final = {
    "entry_title_crazy",
    "feed_subtitle_crazy",
    "feed_tagline_crazy",
    "feed_title_crazy",
    "xml_declaration_unexpected_character",
    "xml_malicious_comment",
}
"""Of feedparser's tests: titles in which its sanitiser sees other markup than nh3, whatever has read them.
Control characters do that to two more: these are all compared under feedparser's HTML passes."""
_AFTER_TAG: Final = re.compile(rb"(?<=[\w\"'])>(?=[^<\s])")
_HEADER: Final = re.compile(rb"^Header:\s*(Content-Type|Content-Location)\s*:\s*([^\r\n]*)", re.I | re.M)


@dataclass
class Sample:
    """A document to compare, and where it comes from."""

    group: str
    path: Path
    document: FeedDocument


def samples(tests: Path | None) -> Iterator[Sample]:
    """feedparser's own test documents, and the real ones."""
    for group in ("wellformed", "encoding", "illformed", "entities"):
        for path in sorted((tests / group).rglob("*.xml")) if tests else ():
            yield Sample(group, path, _with_headers(path.read_bytes()))
    for path in sorted(CORPUS.iterdir()) if CORPUS.is_dir() else ():
        yield Sample("real", path, FeedDocument(path.read_bytes(), URL))


def with_controls(samples: Iterator[Sample]) -> Iterator[Sample]:
    """Each of them, and the well-formed and real ones once more with a control character in three texts."""
    for sample in samples:
        yield sample
        if sample.group in {"wellformed", "real"} and not in_utf_8(sample.document):
            body = _AFTER_TAG.sub(b">\x02", sample.document.body, count=3)
            yield Sample("controls", sample.path, replace(sample.document, body=body))


def _with_headers(body: bytes) -> FeedDocument:
    """A test document of feedparser's, with the response headers that it asks for in a comment."""
    found = dict(_HEADER.findall(body[:4000].replace(b"\0", b"")))
    headers = {name.lower(): value.strip().decode("latin-1") for name, value in found.items()}
    url = urljoin(URL, headers.get(b"content-location", ""))
    return FeedDocument(body, url, headers.get(b"content-type"))


def reference(document: FeedDocument, **passes: bool) -> ParsedFeed:
    """What feedparser says by default, or without its own passes over HTML."""
    headers = {"content-location": document.url}
    if document.content_type is not None:
        headers["content-type"] = document.content_type
    parsed = feedparser.parse(BytesIO(document.body), response_headers=headers, **passes)
    return parsed_feed(finished(draft_of(parsed, document.body)), document)


def under_its_passes(document: FeedDocument) -> ParsedFeed:
    """The reference for texts, and for everything that the first pass says."""
    return reference(document, sanitize_html=False, resolve_relative_uris=False)


def pairs(ours: ParsedFeed, default: ParsedFeed, under: ParsedFeed) -> Iterator[tuple[str, Any, Any]]:
    """Each field with what it should be: what feedparser says, and for texts what is under its passes."""
    yield "entries", len(ours.entries), len(default.entries)
    for name in OF_FEED:
        yield f"feed {name}", getattr(ours, name), getattr(default, name)
    for entry, other, text in zip(ours.entries, default.entries, under.entries, strict=False):
        # A key without an id is a hash of texts.
        yield "key", entry.key, (text if entry.key.startswith("hash:") else other).key
        for name in EXACT:
            yield name, getattr(entry, name), getattr(other, name)
        for name in TEXTS:
            yield name, getattr(entry, name), getattr(text, name)


def as_read(ours: ParsedFeed, default: ParsedFeed) -> Iterator[tuple[str, str, str]]:
    """Texts without markup against feedparser's own sanitising: to look at, not to be the same."""
    for entry, other in zip(ours.entries, default.entries, strict=False):
        for name in ("summary", "content"):
            mine, theirs = (plain(getattr(of, name) or "") for of in (entry, other))
            yield f"{name} as read", mine, theirs


class Comparison:
    """Agreement by field, pass and group; and every difference that may not be."""

    def __init__(self) -> None:
        self.compared: Counter[tuple[str, str]] = Counter()
        self.agreed: Counter[tuple[str, str]] = Counter()
        self.documents: Counter[tuple[str, str]] = Counter()
        self.faults: list[str] = []

    def add(self, sample: Sample) -> None:
        """Read a document in every way there is, and compare."""
        document = sample.document
        self.documents["documents", sample.group] += 1
        try:
            under = under_its_passes(document)
        except TypeError:
            if sample.group != "controls":
                raise
            # A control character among the numbers of a place (GML) ends feedparser itself.
            self.documents["no reference", sample.group] += 1
            return
        confusing = sample.group == "controls" or sample.path.stem in MADE_TO_CONFUSE
        default = under if confusing else reference(document)
        try:
            parse_document(document)
        except FeedFailed as failure:
            self.documents[failure.reason, sample.group] += 1
            if default.entries:
                self.faults.append(f"{sample.path}: {failure.reason}, and feedparser finds entries")
            return
        self._compare(
            sample, "second", parsed_feed(finished(read_anything(document)), document), default, under
        )
        with suppress(Unsupported):
            first = parsed_feed(finished(read_wellformed(document)), document)
            self.documents["first pass", sample.group] += 1
            self._compare(sample, "first", first, default, under)

    def _compare(
        self, sample: Sample, number: str, ours: ParsedFeed, default: ParsedFeed, under: ParsedFeed
    ) -> None:
        column = f"{number}, {'real' if sample.group == 'real' else 'tests'}"
        for name, mine, theirs in pairs(ours, default, under):
            self._count(column, name, equal=mine == theirs)
            if mine != theirs:
                self.faults.append(f"{sample.path}: {number}: {name}: {mine!r:.200} is {theirs!r:.200}")
        for name, mine, theirs in as_read(ours, default):
            self._count(column, name, equal=mine == theirs)

    def _count(self, column: str, name: str, *, equal: bool) -> None:
        self.compared[name, column] += 1
        self.agreed[name, column] += equal

    def show(self) -> None:
        """The tables: which documents, and which fields."""
        for rows in (self.documents, self.compared):
            columns = list(dict.fromkeys(column for _, column in rows))
            print(f"\n{'':18}" + "".join(f"{column:>16}" for column in columns))
            for name in dict.fromkeys(name for name, _ in rows):
                cells = (self._cell(rows, name, column) for column in columns)
                print(f"{name:18}" + "".join(f"{cell:>16}" for cell in cells))

    def _cell(self, rows: Counter[tuple[str, str]], name: str, column: str) -> str:
        if rows is self.documents or not rows[name, column]:
            return str(rows[name, column] or "")
        agreed, compared = self.agreed[name, column], rows[name, column]
        return f"{compared} 100 %" if agreed == compared else f"{agreed}/{compared} {agreed / compared:.1%}"


def main() -> int:
    """Compare everything that is there."""
    warnings.simplefilter("ignore")
    comparison = Comparison()
    for sample in with_controls(samples(Path(sys.argv[1]) if len(sys.argv) > 1 else None)):
        comparison.add(sample)
    comparison.show()
    count = comparison.documents
    feeds = count["documents", "real"] - count["not-a-feed", "real"] - count["malformed", "real"]
    taken = count["first pass", "real"]
    print(f"\nreal feeds that the first pass takes: {taken} of {feeds}")
    if taken < 0.9 * feeds:
        comparison.faults.append("the first pass takes fewer than 90 % of the real feeds")
    print(*comparison.faults, sep="\n")
    return 1 if comparison.faults or not comparison.documents else 0


if __name__ == "__main__":
    sys.exit(main())
