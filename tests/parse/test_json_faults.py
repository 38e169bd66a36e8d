"""JSON Feeds with one fault: their items keep their keys and texts, and only the damaged text differs."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trioscrape._parse import FeedDocument, parse_document
from trioscrape._records import ParsedFeed

ITEMS: list[dict[str, Any]] = [
    {"id": "1", "url": "http://a.test/1", "title": "Käfer, {one}", "content_html": '<p>a, ]b\n"c"</p>'},
    {"id": "2", "content_text": "zwei // kein Kommentar /* auch nicht */", "tags": ["x", "y,"]},
    {"id": "3", "title": "größer", "attachments": [{"url": "/3.mp3", "mime_type": "audio/mpeg"}]},
    {"id": "4", "title": "four", "authors": [{"name": "Ann"}], "date_published": "2026-03-10T10:00:00Z"},
]
WHOLE = json.dumps(
    {"version": "https://jsonfeed.org/version/1.1", "title": "Größe", "items": ITEMS}, ensure_ascii=False
)
INSIDE = re.compile(r'"(?:title|content_\w+)": "')


def parse(document: bytes) -> ParsedFeed:
    return parse_document(FeedDocument(document, "http://a.test/feed.json"))


BEFORE = parse(WHOLE.encode())


def inside_a_text(random: Random, inserted: bytes) -> bytes:
    end = random.choice(list(INSIDE.finditer(WHOLE))).end()
    return WHOLE[:end].encode() + inserted + WHOLE[end:].encode()


def between_tokens(random: Random, pattern: str, inserted: str) -> bytes:
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', lambda found: "_" * len(found[0]), WHOLE)
    at = random.choice(list(re.finditer(pattern, bare))).start()
    return (WHOLE[:at] + inserted + WHOLE[at:]).encode()


@pytest.mark.parametrize(
    "inserted", [b"\t", b"\n", b"\x01", b"\xff", b"\xe2\x80", b"\\'", b"\\x41", b"\\u12"]
)
@given(seed=st.integers(0, 2**32))
def test_a_fault_in_a_text_damages_that_text(inserted: bytes, seed: int) -> None:
    after = parse(inside_a_text(Random(seed), inserted))

    assert after.repaired
    assert [entry.key for entry in after.entries] == [entry.key for entry in BEFORE.entries]
    same = sum(one == other for one, other in zip(BEFORE.entries, after.entries, strict=True))
    assert same + (after.title == BEFORE.title) >= len(BEFORE.entries)


@pytest.mark.parametrize(
    ("pattern", "inserted"),
    [(r"[\]}]", ", "), (",", ","), (r"[\[{,:\]]", '// c, "d\n'), (r"[\[{,]", "/* } */")],
)
@given(seed=st.integers(0, 2**32))
def test_a_fault_between_texts_damages_nothing(pattern: str, inserted: str, seed: int) -> None:
    after = parse(between_tokens(Random(seed), pattern, inserted))

    assert after.repaired
    assert (after.title, after.entries) == (BEFORE.title, BEFORE.entries)


@given(st.integers(0, len(WHOLE)))
def test_a_cut_end_costs_what_is_missing(cut: int) -> None:
    ends = [
        WHOLE.index(json.dumps(item, ensure_ascii=False)) + len(json.dumps(item, ensure_ascii=False))
        for item in ITEMS
    ]
    whole = sum(end <= cut for end in ends)
    if whole:
        assert parse(WHOLE[:cut].encode()).entries == BEFORE.entries[:whole]
