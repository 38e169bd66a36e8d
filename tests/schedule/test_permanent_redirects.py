"""Permanent redirects: what is remembered of them, without a scrape."""

import pytest

from trioscrape import Feed, FeedState
from trioscrape._http.redirect_chain import RedirectChain
from trioscrape._schedule.permanent_redirects import start_url

THERE = "https://b.test/feed"
HERE = Feed("http://me:secret@A.test:80/feed#top")


@pytest.mark.parametrize(
    ("redirects", "public", "believed", "noted"),
    [
        ([], True, False, False),
        ([(301, "http", "http")], True, True, False),
        ([(308, "http", "https")], True, True, False),
        ([(301, "http", "https"), (308, "https", "https")], True, True, False),
        ([(301, "http", "https"), (302, "https", "https")], True, False, False),
        ([(307, "http", "https"), (301, "https", "https")], True, False, False),
        ([(301, "http", "http")], False, False, False),
        ([(301, "https", "http")], True, False, True),
        ([(301, "https", "http"), (301, "http", "https")], True, False, True),
        ([(302, "https", "http")], True, False, True),
    ],
)
def test_the_way_of_a_fetch(
    redirects: list[tuple[int, str, str]], public: bool, believed: bool, noted: bool
) -> None:
    way = RedirectChain()
    for status, source, target in redirects:
        way.add(status, source, target)

    assert way.moved_to(THERE, public=public) == (THERE if believed else None)
    assert way.remark == ("a redirect led from https to http" if noted else None)


@pytest.mark.parametrize(
    ("state", "start"),
    [
        (None, HERE.url),
        (FeedState("", "http://a.test/feed"), HERE.url),
        (FeedState("", THERE), THERE),
        (FeedState("", THERE, failures=2), THERE),
        (FeedState("", THERE, failures=3), HERE.url),
        (FeedState("", "http://a.test/feed", moved_to=THERE, moved_days=("2026-01-01",)), HERE.url),
    ],
)
def test_where_a_fetch_starts(state: FeedState | None, start: str) -> None:
    """Two spellings of one URL are no move; where the list says, credentials are used."""
    assert start_url(HERE, state) == start
