"""What `nox -s peers` finds fault with; the documents are not here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trioscrape._parse import FeedDocument

from support.feeds import rss
from support.peer_differences import FEWER, ROWS
from support.peer_documents import SUITES, URL, PeerDocument, documents
from support.peers import Comparison

ITEM = "<title>A</title><guid>http://a.test/1</guid><pubDate>Tue, 10 Mar 2026 10:00:00 GMT</pubDate>"
EXPECTED: dict[str, Any] = {
    "id": "http://a.test/1",
    "title": {"content": " A", "content_type": "text/plain"},
    "links": [{"href": "http://a.test/1", "rel": None}],
    "authors": [],
    "published": "2026-03-10T10:00:00Z",
    "updated": None,
}


def compared(
    body: str, *expected: dict[str, Any], name: str = "x.xml", peers: int = 0, kind: str = "RSS2"
) -> Comparison:
    comparison = Comparison()
    feed = {"feed_type": kind, "authors": [], "entries": expected} if expected else None
    document = PeerDocument("feed-rs", name, FeedDocument(body.encode(), URL), feed)
    comparison.add(document, {"feedparser": 0, "fastfeedparser": peers})
    return comparison


def test_what_is_the_same_is_no_difference() -> None:
    found = compared(rss("", ITEM), EXPECTED)

    assert found.faults == []
    assert (found.compared["entries"], found.compared["differences"]) == (1, 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", None),
        ("title", {"content": "<b>A</b>", "content_type": "text/plain"}),
        ("links", [{"href": "http://a.test/2", "rel": "alternate"}]),
        ("links", [{"href": "http://a.test/1", "rel": "related"}]),
        ("authors", [{"name": "Ann", "email": None}]),
        ("published", "2026-03-10T10:00:01Z"),
        ("updated", "2026-03-11T10:00:00Z"),
    ],
)
def test_a_difference_without_a_row_is_a_fault(field: str, value: Any) -> None:
    expected = EXPECTED | {"id": "other", field: value}

    (fault,) = compared(rss("", ITEM), expected).faults

    assert fault.startswith(f"x.xml: {'link' if field == 'links' else field}: ")


def test_a_difference_with_a_row_is_counted() -> None:
    found = compared(rss("", ITEM), EXPECTED | {"links": [], "updated": EXPECTED["published"]})

    assert found.faults == []
    assert sorted((row.rule, row.field) for row in found.rows) == [(2, "updated"), (6, "link")]


def test_fewer_entries_than_a_peer_are_a_fault() -> None:
    assert compared(rss("", ITEM), peers=1).faults == []
    assert compared(rss("", ITEM), peers=2).faults == ["x.xml: 1 entries, fastfeedparser finds 2"]
    assert compared(rss("", ITEM), EXPECTED, EXPECTED).faults == ["x.xml: 1 entries, feed-rs finds 2"]
    assert compared("no feed", peers=1).faults == ["x.xml: 0 entries, fastfeedparser finds 1"]
    two = rss("", ITEM, "<guid>2</guid>")
    assert compared(two, EXPECTED).faults == ["x.xml: 2 entries, feed-rs expects 1"]


def test_fewer_entries_are_explained_by_name_and_number() -> None:
    name = f"clone/{FEWER[0].name}"

    assert compared(rss("", ITEM), name=name, peers=10).faults == []
    assert compared(rss("", ITEM), name=name, peers=11).faults == [
        f"{name}: 1 entries, fastfeedparser finds 11"
    ]


def test_a_crash_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trioscrape._parse.document.looks_like_json", lambda _: 1 / 0)

    assert compared("x").faults == ["x.xml: ZeroDivisionError: division by zero"]


def test_what_explains_nothing_is_a_fault() -> None:
    found = compared(rss("", ITEM), name=FEWER[0].name, peers=10)

    found.finish()

    idle = [fault for fault in found.faults if fault.startswith("a row that explains nothing")]
    assert len(idle) == len(FEWER) - 1 + len(ROWS)
    missing = [fault for fault in found.faults if fault.startswith("no documents of")]
    assert len(missing) == len(SUITES) - 1


def test_documents_are_not_what_is_expected_of_them(tmp_path: Path) -> None:
    suite = next(suite for suite in SUITES if suite.name == "feed-rs")
    folder = tmp_path / suite.name / suite.folder / "rss2"
    folder.mkdir(parents=True)
    for name in ("a.xml", "b.json", "b_expected.json", "c.rss", "d.xml", "d.json", "README.md"):
        (folder / name).write_text("x")
    (folder / "a.serde.json").write_text(json.dumps({"entries": []}))

    found = list(documents(tmp_path, suite))

    assert [Path(each.name).name for each in found] == ["a.xml", "b.json", "c.rss", "d.xml"]
    assert [each.expected for each in found] == [{"entries": []}, None, None, None]
