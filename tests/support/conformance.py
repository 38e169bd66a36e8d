"""What trioscrape reads against what feedparser reads: in its own test documents, and in real feeds.

    python tests/support/conformance.py [FOLDER OF FEEDPARSER'S TESTS]

The reference is plain ``feedparser.parse``, through the record builder and nothing else of ours: its HTML
passes are switched off, because texts are sanitised as ours are. Where the two differ, a `Deviation` of the
table in `deviations` has to explain it: it says which rule of the formats feedparser breaks.

Exit status 0: every difference is explained, and nine in ten real feeds are read by the first reader.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from calendar import timegm
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin

import feedparser

from trioscrape._errors import FeedFailed
from trioscrape._parse import FeedDocument, RawEntry, RawFeed, RawText, parse_document
from trioscrape._parse.json_feed import looks_like_json
from trioscrape._parse.records import parsed_feed
from trioscrape._records import Enclosure, Entry, ParsedFeed

from support.deviations import explanation

CORPUS: Final = Path(
    os.environ.get("TRIOSCRAPE_CORPUS", Path(__file__).parents[3] / "shared" / "corpus" / "real")
)
URL: Final = "http://feeds.test/dir/feed.xml"
OF_FEED: Final = ("title", "link", "subtitle", "language", "updated", "self_link", "hub")
OF_ENTRY: Final = tuple(field.name for field in fields(Entry) if field.name != "hash")
_HEADER: Final = re.compile(rb"^Header:\s*(Content-Type|Content-Location)\s*:\s*([^\r\n]*)", re.I | re.M)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_get = dict.get


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


def _with_headers(body: bytes) -> FeedDocument:
    """A test document of feedparser's, with the response headers that it asks for in a comment."""
    found = dict(_HEADER.findall(body[:4000].replace(b"\0", b"")))
    headers = {name.lower(): value.strip().decode("latin-1") for name, value in found.items()}
    url = urljoin(URL, headers.get(b"content-location", ""))
    return FeedDocument(body, url, headers.get(b"content-type"))


def reference(document: FeedDocument) -> ParsedFeed:
    """What feedparser says, in our records. Raises what feedparser raises."""
    headers = {"content-location": document.url}
    if document.content_type is not None:
        headers["content-type"] = document.content_type
    parsed = feedparser.parse(
        BytesIO(document.body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )
    feed = parsed["feed"]
    raw = RawFeed(
        title=_text(feed, "title"),
        subtitle=_text(feed, "subtitle"),
        link=_get(feed, "link"),
        language=_get(feed, "language"),
        updated=_moment(feed, "updated") or _moment(feed, "published"),
        self_link=_related(feed, "self"),
        hub=_related(feed, "hub"),
        entries=[_entry(entry) for entry in parsed["entries"]],
    )
    return parsed_feed(raw, document)


def _entry(entry: Any) -> RawEntry:
    contents = [RawText(*_value(detail)) for detail in _get(entry, "content", ()) if _get(detail, "value")]
    content = next((text for text in contents if text.type == "html"), contents[0] if contents else None)
    summary = _text(entry, "summary")
    people = [one.get("name") or one.get("email") for one in _get(entry, "authors", ())]
    return RawEntry(
        id=_get(entry, "id"),
        link=_get(entry, "link"),
        title=_text(entry, "title"),
        summary=None if content and summary and content.value == summary.value else summary,
        content=content,
        authors=[name for name in people if name],
        published=_moment(entry, "published"),
        updated=_moment(entry, "updated"),
        categories=[tag["term"] for tag in _get(entry, "tags", ()) if tag.get("term")],
        enclosures=[
            Enclosure(link["href"], link.get("type"), _length(link.get("length")))
            for link in _get(entry, "links", ())
            if link.get("rel") == "enclosure" and link.get("href")
        ],
        language=_get(entry, "language"),
    )


def _value(detail: Any) -> tuple[str, Any, str | None, str | None]:
    html = _get(detail, "type") in {"text/html", "application/xhtml+xml"}
    return detail["value"], "html" if html else "text", _get(detail, "base"), _get(detail, "language")


def _text(of: Any, name: str) -> RawText | None:
    detail = _get(of, f"{name}_detail")
    return RawText(*_value(detail)) if isinstance(detail, dict) and _get(detail, "value") else None


def _moment(of: Any, name: str) -> datetime | None:
    parsed = _get(of, f"{name}_parsed")
    try:
        return _EPOCH + timedelta(seconds=timegm(parsed)) if parsed else None
    except (OverflowError, ValueError):
        return None


def _related(feed: Any, relation: str) -> str | None:
    links = _get(feed, "links", ())
    return next((link.get("href") for link in links if link.get("rel") == relation), None)


def _length(claimed: str | None) -> int | None:
    return int(claimed) if claimed and claimed.isascii() and claimed.isdigit() and len(claimed) < 20 else None


@dataclass(frozen=True)
class Difference:
    """One field that is not what feedparser says."""

    path: Path
    field: str
    ours: Any
    theirs: Any
    rule: str | None
    """What explains it; None: nothing in the table."""


class Comparison:
    """How many values were compared, and which differ."""

    def __init__(self) -> None:
        self.documents: Counter[tuple[str, str]] = Counter()
        self.compared: Counter[str] = Counter()
        self.differences: list[Difference] = []

    def add(self, sample: Sample) -> None:
        """Read a document in both ways, and compare."""
        document, group = sample.document, sample.group
        self.documents["documents", group] += 1
        if looks_like_json(document.body):
            self.documents["JSON, which feedparser can't read", group] += 1
            return
        try:
            theirs = reference(document)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            self.documents["feedparser fails", group] += 1
            return
        try:
            ours = parse_document(document)
        except FeedFailed as failure:
            self.documents[failure.reason, group] += 1
            self._compare(sample, "entries", 0, len(theirs.entries))
            return
        self.documents[ours.parser, group] += 1
        for name in OF_FEED:
            self._compare(sample, f"feed {name}", getattr(ours, name), getattr(theirs, name))
        self._compare(sample, "entries", len(ours.entries), len(theirs.entries))
        for mine, other in self._pairs(ours, theirs):
            for name in OF_ENTRY:
                self._compare(sample, name, getattr(mine, name), getattr(other, name))

    def _pairs(self, ours: ParsedFeed, theirs: ParsedFeed) -> Iterator[tuple[Entry, Entry]]:
        """Entries of the same key; in the document's order where the same number has been found."""
        if len(ours.entries) == len(theirs.entries):
            return zip(ours.entries, theirs.entries, strict=True)
        by_key = {entry.key: entry for entry in theirs.entries}
        return ((entry, by_key[entry.key]) for entry in ours.entries if entry.key in by_key)

    def _compare(self, sample: Sample, field: str, ours: Any, theirs: Any) -> None:
        self.compared[field] += 1
        if ours != theirs:
            rule = explanation(field, ours, theirs, sample.document)
            self.differences.append(Difference(sample.path, field, ours, theirs, rule))

    @property
    def unexplained(self) -> list[Difference]:
        """Those that no rule explains."""
        return [each for each in self.differences if each.rule is None]

    def show(self) -> None:
        """Which documents, and for each field and rule how many values in how many documents differ."""
        for (name, group), number in sorted(self.documents.items()):
            print(f"{group:12} {name:36} {number:6}")
        print(f"\n{'field':16} {'compared':>9} {'differ':>7} {'documents':>9}  rule")
        for field, compared in self.compared.items():
            found = [each for each in self.differences if each.field == field]
            print(f"{field:16} {compared:9} {len(found):7} {len({each.path for each in found}):9}")
            for rule, number in Counter(each.rule or "NOT EXPLAINED" for each in found).most_common():
                paths = {each.path for each in found if (each.rule or "NOT EXPLAINED") == rule}
                print(f"{'':26} {number:7} {len(paths):9}  {rule}")


def main() -> int:
    """Compare everything that is there."""
    warnings.simplefilter("ignore")
    comparison = Comparison()
    for sample in samples(Path(sys.argv[1]) if len(sys.argv) > 1 else None):
        comparison.add(sample)
    comparison.show()
    count = comparison.documents
    feeds = count["first-pass", "real"] + count["feedparser", "real"]
    taken = count["first-pass", "real"]
    print(f"\nreal feeds that the first reader takes: {taken} of {feeds}")
    for each in comparison.unexplained:
        print(f"{each.path}: {each.field}: {each.ours!r:.200} is {each.theirs!r:.200} to feedparser")
    return 1 if comparison.unexplained or not count or taken < 0.9 * feeds else 0


if __name__ == "__main__":
    sys.exit(main())
