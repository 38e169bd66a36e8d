"""trioscrape on the documents of other readers' test suites: no crash, and as many entries as any of them.

    python tests/support/peers.py FOLDER

The folder has clones of the repositories in `peer_documents`. feedparser and fastfeedparser read each
document as well; what feed-rs finds in its own is beside them. Fewer entries than any of the three, and each
title, date, link or author that is another than feed-rs expects, must be in a table of `peer_differences`.

Exit status 0: all of it is, and each row of the tables explains something.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Final

import feedparser

from trioscrape._errors import FeedFailed
from trioscrape._parse import parse_document
from trioscrape._records import ParsedFeed

from support.peer_differences import FEWER, ROWS, Fewer, Row, differences, explained
from support.peer_documents import SUITES, PeerDocument, documents

_REFUSES: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What the others raise for what they can't read."""


def counts(document: PeerDocument) -> dict[str, int]:
    """How many entries the other readers find; 0 where one ends with an exception."""
    import fastfeedparser  # installed for this script only

    body, found = document.document.body, {"feedparser": 0, "fastfeedparser": 0}
    with suppress(*_REFUSES):
        found["feedparser"] = len(feedparser.parse(BytesIO(body))["entries"])
    with suppress(*_REFUSES):
        found["fastfeedparser"] = len(fastfeedparser.parse(body).entries)
    return found


class Comparison:
    """Which documents there are, which differences, and all that may not be."""

    def __init__(self) -> None:
        self.documents: Counter[tuple[str, str]] = Counter()
        self.fewer: Counter[Fewer] = Counter()
        self.rows: Counter[Row] = Counter()
        self.compared: Counter[str] = Counter()
        """Fields, by their names."""
        self.faults: list[str] = []

    def add(self, document: PeerDocument, counts: Mapping[str, int]) -> None:
        """Read a document, and compare.

        Args:
          document: with what feed-rs expects, where it is feed-rs's.
          counts: entries, by the names of those who have found them.
        """
        self.documents["documents", document.suite] += 1
        try:
            ours = parse_document(document.document)
        except FeedFailed as failure:
            self.documents[failure.reason, document.suite] += 1
            if failure.reason == "parse-crash":
                self.faults.append(f"{document.name}: {failure.detail}")
            self._count(document, 0, counts)
            return
        self.documents[ours.parser, document.suite] += 1
        self.documents["entries", document.suite] += len(ours.entries)
        if self._count(document, len(ours.entries), counts) and document.expected:
            self._compare(document, ours)

    def _count(self, document: PeerDocument, ours: int, counts: Mapping[str, int]) -> bool:
        """Whether feed-rs expects as many entries as we have found, or nothing at all."""
        expected = ours if document.expected is None else len(document.expected["entries"])
        most, peer = max((number, name) for name, number in (*counts.items(), ("feed-rs", expected)))
        if ours < most:
            row = next((row for row in FEWER if document.name.endswith(row.name)), None)
            if row is not None and (row.ours, row.theirs) == (ours, most):
                self.fewer[row] += 1
            else:
                self.faults.append(f"{document.name}: {ours} entries, {peer} finds {most}")
        elif ours > expected:
            self.faults.append(f"{document.name}: {ours} entries, feed-rs expects {expected}")
        return ours == expected

    def _compare(self, document: PeerDocument, ours: ParsedFeed) -> None:
        self.compared.update({"documents": 1, "entries": len(ours.entries)})
        for difference in differences(ours, document):
            self.compared["differences"] += 1
            if (row := explained(difference)) is not None:
                self.rows[row] += 1
            else:
                name, mine, other = difference[:3]
                self.faults.append(f"{document.name}: {name}: {mine!r:.200} is {other!r:.200}")

    def finish(self) -> None:
        """Rows that explain nothing are faults, and so are suites without documents."""
        for suite in SUITES:
            if not self.documents["documents", suite.name]:
                self.faults.append(
                    f"no documents of github.com/{suite.repository} in {suite.name}/{suite.folder}"
                )
        idle = [fewer.name for fewer in FEWER if not self.fewer[fewer]]
        idle += [f"{row.field}: {row.why}" for row in ROWS if not self.rows[row]]
        self.faults += [f"a row that explains nothing: {name}" for name in idle]

    def show(self) -> None:
        """The tables: which documents, and which differences."""
        print(f"{'':14}" + "".join(f"{suite.name:>12}" for suite in SUITES) + f"{'all':>8}")
        for name in dict.fromkeys(name for name, _ in self.documents):
            numbers = [self.documents[name, suite.name] for suite in SUITES]
            print(f"{name:14}" + "".join(f"{number or '':>12}" for number in numbers) + f"{sum(numbers):8}")
        print("\nrule  fewer entries, and why")
        for fewer in self.fewer:
            print(f"{fewer.rule:4}  {fewer.ours} of {fewer.theirs}: {fewer.why}: {fewer.name}")
        compared = self.compared
        print(
            f"\n{compared['differences']} differences from feed-rs in {compared['entries']} entries"
            f" of {compared['documents']} documents\nrule  entries  why feed-rs's answer is wrong"
        )
        for row in ROWS:
            print(f"{row.rule:4}{self.rows[row]:9}  {row.field}: {row.why}")


def main() -> int:
    """Compare everything that is there."""
    warnings.simplefilter("ignore")
    comparison, clones = Comparison(), Path(sys.argv[1])
    for suite in SUITES:
        for document in documents(clones, suite):
            comparison.add(document, counts(document))
    comparison.finish()
    comparison.show()
    print(*comparison.faults, sep="\n")
    return 1 if comparison.faults else 0


if __name__ == "__main__":
    sys.exit(main())
