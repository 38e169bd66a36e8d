"""Any bytes at all give a feed or a reason, and records that every store can hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trioscrape._parse import FeedDocument
from trioscrape._records import Entry, ParsedFeed

from support.blocking_parser import Parsing, open_blocking_parser
from support.mutations import FOUND, content_types, faulty, soups

URL = "http://a.test/dir/feed"
SCHEMES = {"ftp", "http", "https", "magnet", "mailto", "tel"}
FORBIDDEN = {"base", "embed", "form", "iframe", "link", "meta", "object", "script", "style", "svg"}


@pytest.fixture(name="parse", scope="module")
def _parse() -> Iterator[Parsing]:
    with open_blocking_parser() as parse:
        yield parse


bodies = st.binary(max_size=300) | soups | faulty()


@given(body=bodies, content_type=content_types, distrusts_ids=st.booleans())
def test_any_bytes(parse: Parsing, body: bytes, content_type: str | None, *, distrusts_ids: bool) -> None:
    document = FeedDocument(body, URL, content_type, distrusts_ids, entries_limit=50)
    answer = parse(document)

    if isinstance(answer, ParsedFeed):
        check(answer)
        assert len(answer.entries) <= 50
    else:
        assert answer.reason in {"not-a-feed", "malformed"}, answer.detail
        assert isinstance(answer.detail, str)
    again = parse(document)
    assert answer == again or answer.args == again.args


@pytest.mark.parametrize("name", sorted(path.name for path in FOUND.iterdir()))
def test_what_once_broke_something(parse: Parsing, name: str) -> None:
    """What `test_any_bytes` has found, each made small by hand: all are feeds with an entry."""
    feed = parse(FeedDocument((FOUND / name).read_bytes(), URL))

    assert isinstance(feed, ParsedFeed)
    assert (feed.title, [entry.title for entry in feed.entries]) == ("T", ["one"])
    check(feed)


def check(feed: ParsedFeed) -> None:
    """Fail where a record breaks what its documentation promises."""
    texts = list(strings(feed))
    assert not [text for text in texts if "\0" in text or not encodable(text)]
    keys = [entry.key for entry in feed.entries]
    assert len(set(keys)) == len(keys)
    assert all(keys)
    for line in (feed.title, feed.subtitle, *(entry.title for entry in feed.entries)):
        assert line is None or line == " ".join(line.split()) != ""
    for url in (feed.link, feed.self_link, feed.hub):
        assert url is None or urlsplit(url).scheme in SCHEMES
    for entry in feed.entries:
        check_entry(entry)


def check_entry(entry: Entry) -> None:
    assert re.fullmatch("[0-9a-f]{32}", entry.hash)
    assert entry.link is None or urlsplit(entry.link).scheme in SCHEMES
    for text, kind in ((entry.summary, entry.summary_type), (entry.content, entry.content_type)):
        assert (text is None) == (kind is None)
        if kind == "html":
            Safe().feed(str(text))
    for moment in (entry.published, entry.updated):
        assert moment is None or (isinstance(moment, datetime) and moment.tzinfo is UTC)
    for enclosure in entry.enclosures:
        assert urlsplit(enclosure.url).scheme in SCHEMES
        assert enclosure.length is None or 0 <= enclosure.length < 2**63


class Safe(HTMLParser):
    """Fails where a reader would run something, or where a link is not absolute."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in FORBIDDEN
        for name, value in attrs:
            assert not name.startswith("on")
            if name in {"href", "poster", "src"}:
                assert urlsplit(value or "").scheme in SCHEMES, value


def encodable(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


def strings(value: object) -> Iterator[str]:
    """All texts in a record."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from strings(each)
    elif is_dataclass(value):
        for field in fields(value):
            yield from strings(getattr(value, field.name))
