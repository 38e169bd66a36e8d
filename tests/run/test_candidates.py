"""Under which host a feed of the list queues, and how long it has waited."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from trioscrape import Feed, FeedState
from trioscrape._run.candidates import Candidate


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://A.test/f", "a.test"),
        ("http://a.test./f", "a.test"),
        ("http://📮.ws/f", "xn--ku8h.ws"),
        ("http://xn--ls8h.ws/f", "xn--ls8h.ws"),
    ],
)
def test_as_it_goes_over_the_wire(url: str, host: str) -> None:
    assert Candidate.of(Feed(url)).host == host


def test_one_that_was_last_fetched_in_the_future_has_waited_since_now() -> None:
    """A clock was ahead. It does not have to wait until all others of its host were fetched for years."""
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    feed = Candidate.of(Feed("http://a.test/feed"))
    known = FeedState(feed.feed_id, "http://a.test/feed", body_hash="b", last_turn=now.replace(year=2031))

    assert feed.knowing(known, now, timedelta(0)).waits_since == now
