"""Under which host a feed of the list queues."""

from __future__ import annotations

import pytest

from trioscrape import Feed
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
