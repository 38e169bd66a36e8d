"""What is written as a list is read again as the same list."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trioscrape import Feed, FeedState, Outcome, Result, feed_id
from trioscrape._cli.discover import _opml, _text
from trioscrape._cli.discovery import Look
from trioscrape._cli.feed_list import open_feed_list
from trioscrape._cli.formats import Opml
from trioscrape._cli.typed_urls import typed_url, written_url
from trioscrape._urls import problem_with

SITES = [
    "http://a.test/",
    "https://b.test:8080/?q=",
    "https://bücher.example/",
    "http://[::1]/",
    "https://c.test/#",
]
TITLES = [
    "My Blog | RSS",
    "News, Feed",
    "x; link",
    "url\tlink",
    "see http://a.example/ now",
    "# no",
    '"feed",url',
]
texts = st.one_of(
    st.text(max_size=12), st.sampled_from(TITLES), st.sampled_from(["ü", "\xa0", "\u3000", "世", "%20"])
)
urls = st.builds(str.__add__, st.sampled_from(SITES), texts).filter(
    lambda url: problem_with(url) is None and typed_url(url) == url
)
bare = st.builds(
    str.__add__, st.sampled_from(["localhost:1/f", "a.example/"]), st.sampled_from(["", "ü", "x?y=1"])
)


def looks(listed: Sequence[tuple[str, str]]) -> list[Look]:
    found = []
    for url, title in listed:
        feed = Feed(url)
        state = FeedState(feed_id(feed.url), feed.url, title=title)
        found.append(Look(feed, Result(feed, Outcome.NEW), state))
    return found


def read(data: bytes) -> list[str]:
    """The URLs of a list, as they go over the wire."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list"
        path.write_bytes(data)
        with open_feed_list(str(path)) as feeds:
            return [wire(feed.url) for feed in feeds]


def wire(url: str) -> str:
    return written_url(Feed(url).url, "ascii")


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1", "utf-16"])
@given(listed=st.lists(st.tuples(st.one_of(urls, bare), texts), min_size=1, max_size=4))
def test_text(encoding: str, listed: list[tuple[str, str]]) -> None:
    """In any encoding that standard output may have."""
    data = _text(looks(listed), encoding).encode(encoding, "backslashreplace")

    assert read(data) == [wire(url) for url, _ in listed]


@given(listed=st.lists(st.tuples(st.one_of(urls, bare), texts), min_size=1, max_size=4))
def test_opml(listed: list[tuple[str, str]]) -> None:
    assert sorted(read(_opml(looks(listed)))) == sorted(wire(url) for url, _ in listed)


@given(listed=st.lists(st.tuples(urls, texts), min_size=1, max_size=4))
def test_exported_opml(listed: list[tuple[str, str]]) -> None:
    document = Opml()
    begin = document.begin()
    for look in looks(listed):
        assert look.state is not None
        document.add(replace(look.state, tags=("News",)))

    assert sorted(read(begin + document.end())) == sorted(wire(url) for url, _ in listed)


@pytest.mark.parametrize("title", TITLES)
@pytest.mark.parametrize("url", ["http://a.test/f", "a.test/f"])
def test_the_title_of_the_first_line_is_no_header(url: str, title: str) -> None:
    assert read(_text(looks([(url, title), ("http://b.test/", "b")])).encode()) == [
        wire(url),
        "http://b.test/",
    ]


def test_a_url_that_can_be_read_again_stays() -> None:
    """A feed is known by it."""
    assert written_url("http://bücher.example/ü") == "http://bücher.example/ü"
    assert (
        written_url("http://bücher.example:1/ü%20[x]", "ascii")
        == "http://xn--bcher-kva.example:1/%C3%BC%20[x]"
    )
    assert written_url("http://a.test/a\xa0b") == "http://a.test/a%C2%A0b"
