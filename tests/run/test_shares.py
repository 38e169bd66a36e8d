"""Where a feed belongs when a list is divided: by host or domain, however its URL is written."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trioscrape import Feed, HostGrouping, UsageError
from trioscrape._config.public_suffixes import registrable_domains
from trioscrape._run.candidates import Candidate
from trioscrape._run.shares import grouping, number_of, place
from trioscrape._urls import identity, normalised, problem_with

PARTS = st.sampled_from(
    [
        *("http://", "https://", "HTTP://", "ftp://", "//", "/", "?", "#", "@", ":", ".", "..", "-", "_"),
        *("a.test", "A.test", "bücher.test", "xn--bcher-kva.test", "127.0.0.1", "[::1]", "localhost"),
        *(":80", ":443", ":8080", ":x", "me:pw@", "%41", "%", "feed", "~", ";", '"', "\\", "[", "]", "|"),
        *(" ", "\t", "\n", "\x7f", "ä", "\u3002", "?q=1", "&", "+", "'", "^", "`", "{"),
    ]
)
URLS = st.builds("".join, st.lists(PARTS, max_size=8)) | st.builds(
    "{}{}{}".format, st.sampled_from(["http://", "https://"]), PARTS, st.builds("".join, st.lists(PARTS))
)


@given(URLS)
@example("http://a.test")
@example("http://a.test?")
@example("http://a.test/?")
@example("http://a.test/?#")
@example("http://a.test./b")
@example("https://a.test//b??c")
@example("https://a_b.test/b;c")
@example(f"http://{'a' * 70}.test/")
def test_a_url_that_is_normalised_already_is_placed_like_any_other(url: str) -> None:
    """Most are not taken apart: what the short way finds is what the long one would."""
    feed = Feed(url)
    candidate, found = Candidate.of(feed), place(feed, str)

    if problem_with(feed.url):
        assert found == ("", "")
    else:
        assert found == (candidate.host, normalised(feed.url))
        assert identity(found.key) == candidate.feed_id


@pytest.mark.parametrize(
    "url",
    [
        "http://bücher.test/a",
        "https://BÜCHER.test./b",
        "http://xn--bcher-kva.test:8080/c",
        "http://me:s3cret@xn--bcher-kva.test/d",
        "bücher.test/e",
    ],
)
def test_all_spellings_of_a_host_belong_together(url: str) -> None:
    assert place(Feed(url), str).group == "xn--bcher-kva.test"


def test_hosts_of_a_domain_belong_together() -> None:
    group = grouping(HostGrouping.DOMAIN, "--shard")

    assert {place(Feed(url), group).group for url in ("http://a.b.co.uk/", "http://C.b.co.uk:81/")} == {
        "b.co.uk"
    }
    assert group("a.b.co.uk") == registrable_domains()("a.b.co.uk")


def test_addresses_are_not_known_yet() -> None:
    with pytest.raises(UsageError, match=r"^--shard divides the list by host or by domain, and can't be "):
        grouping(HostGrouping.ADDRESS, "--shard")


def test_the_numbers_are_the_same_in_every_version() -> None:
    """Machines of a cluster may have different ones, and a run may be repeated with the next."""
    assert [number_of(f"host{number}.test", 16) for number in range(8)] == [13, 1, 8, 7, 12, 4, 11, 4]
    assert number_of("\udcff", 1) == 0
