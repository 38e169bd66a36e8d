"""The documents of other readers' test suites, from clones of their repositories; nothing of theirs is here.

feed-rs has beside most of its documents what it expects of them: ``*.serde.json``, with which its own suite
compares every field.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from trioscrape._parse import FeedDocument

URL: Final = "http://feeds.test/dir/feed.xml"


class Suite(NamedTuple):
    """A peer's test suite."""

    name: str
    """Of the clone's folder."""
    repository: str
    """On github.com."""
    folder: str
    """Pattern of the folders inside of it that have its documents."""


SUITES: Final = (
    Suite("feedjira", "feedjira/feedjira", "spec/sample_feeds"),
    Suite("feed-rs", "feed-rs/feed-rs", "feed-rs/fixture"),
    Suite("gofeed", "mmcdole/gofeed", "testdata"),
    Suite("NetNewsWire", "Ranchero-Software/NetNewsWire", "Modules/RSParser/Tests"),
    Suite("rome", "rometools/rome", "*/src/test"),
)
_KINDS: Final = frozenset((".atom", ".html", ".json", ".opml", ".rdf", ".rss", ".xml"))
_EXPECTED: Final = (".serde.json", "_expected.json")


class PeerDocument(NamedTuple):
    """One document, and what its suite expects of it."""

    suite: str
    name: str
    """Its path, from the clone on."""
    document: FeedDocument
    expected: Mapping[str, Any] | None
    """feed-rs's; None where there is nothing."""


def documents(clones: Path, suite: Suite) -> Iterator[PeerDocument]:
    """The documents of a suite, by name."""
    clone = clones / suite.name
    for path in sorted(path for folder in clone.glob(suite.folder) for path in folder.rglob("*")):
        if path.suffix in _KINDS and not _is_expected(path):
            yield PeerDocument(
                suite.name,
                path.relative_to(clone).as_posix(),
                FeedDocument(path.read_bytes(), URL),
                _expected(path.with_suffix(".serde.json")),
            )


def _is_expected(path: Path) -> bool:
    """Whether it is no document, but what is expected of one: gofeed's have its name."""
    return path.name.endswith(_EXPECTED) or (path.suffix == ".json" and path.with_suffix(".xml").exists())


def _expected(path: Path) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = json.loads(path.read_bytes()) if path.exists() else None
    return found
