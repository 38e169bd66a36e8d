"""What is written into a document is what is read from it, in every format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trioscrape._parse import FeedDocument
from trioscrape._parse.identity import identified
from trioscrape._records import ParsedFeed

from support.blocking_parser import Parsing, open_blocking_parser
from support.feed_writer import FORMATS


@pytest.fixture(name="parse", scope="module")
def _parse() -> Iterator[Parsing]:
    with open_blocking_parser() as parse:
        yield parse


@pytest.mark.heavy
@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=settings().max_examples // 2)
@given(data=st.data())
def test_what_is_written_is_read(parse: Parsing, name: str, data: Any) -> None:
    write, documents = FORMATS[name]
    pairs = data.draw(documents)

    feed = parse(FeedDocument(write(pairs), "http://a.test/dir/feed"))

    expected = identified(pairs)
    assert isinstance(feed, ParsedFeed)
    assert (feed.title, feed.repaired) == ("T", False)
    assert feed.entries == expected.entries
    assert (feed.distrusts_ids, feed.shared_keys) == (expected.distrusts_ids, expected.shared)
