"""Both readers against feedparser: on its own test documents, and on real feeds where they are at hand.

The well-formed and the real ones are also read with control characters in some texts.

    python tests/support/conformance.py [FOLDER OF FEEDPARSER'S TESTS]

The reference is plain ``feedparser.parse``. Each difference must be in the table of `deviations`, which
says by which rule our answer is right; the documents are counted. feedparser reads no JSON Feeds, so there
is no reference for those.

Exit status 0: every difference is in the table, and the first reader reads 95 of 100 real feeds.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin

from trioscrape._errors import FeedFailed
from trioscrape._parse import FeedDocument, parse_document
from trioscrape._parse.json_feed import looks_like_json
from trioscrape._records import Entry, ParsedFeed

from support.deviations import TABLE, Case, Deviation, Difference, explained
from support.feedparsers_answer import Answer, Fields, answer

CORPUS: Final = Path(
    os.environ.get("TRIOSCRAPE_CORPUS", Path(__file__).parents[3] / "shared" / "corpus" / "real")
)
URL: Final = "http://feeds.test/dir/feed.xml"
LEAST: Final = 0.95
"""The share of real feeds that the first reader has to read."""
OF_FEED: Final = ("title", "subtitle", "link", "language", "updated", "self_link", "hub")
OF_ENTRY: Final = tuple(
    "link title summary content authors published updated tags language".split()  # noqa: SIM905
)
_AFTER_TAG: Final = re.compile(rb"(?<=[\w\"'])>(?=[^<\s])")
_HEADER: Final = re.compile(rb"^Header:\s*(Content-Type|Content-Location)\s*:\s*([^\r\n]*)", re.I | re.M)
_EBCDIC: Final = b"Lo\xa7\x94\x93"
"""``<?xml``: no charset of the Encoding Standard."""


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
        body = sample.document.body
        if sample.group in {"wellformed", "real"} and b"\0" not in body and not looks_like_json(body):
            body = _AFTER_TAG.sub(b">\x02", body, count=3)
            yield Sample("controls", sample.path, replace(sample.document, body=body))


def _with_headers(body: bytes) -> FeedDocument:
    """A test document of feedparser's, with the response headers that it asks for in a comment."""
    found = dict(_HEADER.findall(body[:4000].replace(b"\0", b"")))
    headers = {name.lower(): value.strip().decode("latin-1") for name, value in found.items()}
    url = urljoin(URL, headers.get(b"content-location", ""))
    return FeedDocument(body, url, headers.get(b"content-type"))


def differences(ours: ParsedFeed, theirs: Answer) -> Iterator[Difference]:
    """The fields in which the answers differ."""
    of_feed = {f"feed {name}": getattr(ours, name) for name in OF_FEED}
    yield from _differing(of_feed, theirs.feed, -1)
    if len(ours.entries) != len(theirs.entries):
        yield Difference("entries", len(ours.entries), len(theirs.entries), {}, {})
        return
    for number, (entry, other) in enumerate(zip(ours.entries, theirs.entries, strict=True)):
        yield from _differing(_fields(entry), other, number)


def _fields(entry: Entry) -> Fields:
    fields = {name: getattr(entry, name) for name in OF_ENTRY}
    return fields | {"enclosures": tuple(enclosure.url for enclosure in entry.enclosures)}


def _differing(ours: Fields, theirs: Fields, number: int) -> Iterator[Difference]:
    for name, value in ours.items():
        if value != theirs[name]:
            yield Difference(name, value, theirs[name], ours, theirs, number)


class Comparison:
    """Which documents there are, which deviations, and every difference that may not be."""

    def __init__(self) -> None:
        self.documents: Counter[tuple[str, str]] = Counter()
        self.deviations: dict[Deviation, set[tuple[str, Path]]] = defaultdict(set)
        self.faults: list[str] = []

    def add(self, sample: Sample) -> None:
        """Read a document in both ways, and compare."""
        document, group = sample.document, sample.group
        self.documents["documents", group] += 1
        theirs = None
        if not looks_like_json(document.body):
            try:
                theirs = answer(document)
            except TypeError:
                self.documents["no reference", group] += 1
        try:
            ours = parse_document(document)
        except FeedFailed as failure:
            self.documents[failure.reason, group] += 1
            found = theirs is not None and (theirs.entries or (theirs.version and theirs.feed["feed title"]))
            if found and not document.body.startswith(_EBCDIC):
                self.faults.append(f"{sample.path}: {failure.reason}, and feedparser finds something")
            return
        self.documents[ours.parser, group] += 1
        if theirs is not None:
            self._compare(sample, ours, theirs)

    def _compare(self, sample: Sample, ours: ParsedFeed, theirs: Answer) -> None:
        case = Case(sample.document, theirs)
        for difference in differences(ours, theirs):
            if (row := explained(case, difference)) is not None:
                self.deviations[row].add((sample.group, sample.path))
            else:
                name, mine, other = difference[:3]
                self.faults.append(f"{sample.path} ({sample.group}): {name}: {mine!r:.200} is {other!r:.200}")

    def show(self) -> None:
        """The tables: which documents, and which deviations."""
        groups = list(dict.fromkeys(group for _, group in self.documents))
        print(f"{'':14}" + "".join(f"{group:>12}" for group in groups))
        for name in dict.fromkeys(name for name, _ in self.documents):
            print(f"{name:14}" + "".join(f"{self.documents[name, group] or '':>12}" for group in groups))
        print("\nrule  documents (real)  why feedparser's answer is wrong")
        for row in TABLE:
            found = self.deviations[row]
            real = sum(group == "real" for group, _ in found)
            print(f"{row.rule:4}{len(found):11} {f'({real})':>6}  {row.why}: {row.fields.replace(' ', ', ')}")


def main() -> int:
    """Compare everything that is there."""
    warnings.simplefilter("ignore")
    comparison = Comparison()
    for sample in with_controls(samples(Path(sys.argv[1]) if len(sys.argv) > 1 else None)):
        comparison.add(sample)
    comparison.show()
    count: Any = comparison.documents
    feeds = count["documents", "real"] - count["not-a-feed", "real"] - count["malformed", "real"]
    taken = count["first-pass", "real"] + count["jsonfeed", "real"]
    print(f"\nreal feeds that the first reader reads: {taken} of {feeds}")
    if taken < LEAST * feeds:
        comparison.faults.append(f"the first reader reads fewer than {LEAST:.0%} of the real feeds")
    print(*comparison.faults, sep="\n")
    return 1 if comparison.faults or not comparison.documents else 0


if __name__ == "__main__":
    sys.exit(main())
