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
        *(
            ":80",
            ":443",
            ":8080",
            ":60000",
            ":65536",
            ":0",
            ":080",
            ":",
            ":x",
            "me:pw@",
            "%41",
            "%",
            "feed",
            "~",
            ";",
            '"',
            "\\",
            "[",
            "]",
            "|",
        ),
        *(" ", "\t", "\n", "\x7f", "ä", "\u3002", "?q=1", "&", "+", "'", "^", "`", "{"),
    ]
)
URLS = st.builds("".join, st.lists(PARTS, max_size=8)) | st.builds(
    "{}{}{}".format, st.sampled_from(["http://", "https://"]), PARTS, st.builds("".join, st.lists(PARTS))
)
SCHEMES = st.sampled_from(["http://", "https://", "HTTP://", "Https://"])
HOSTS = st.sampled_from(
    ["a.test", "A.b-c.Test", "a_b.test", "127.0.0.1", "a.test.", "a..test", "[::1]", "\u212a.test"]
)
PORTS = st.sampled_from(
    ["", ":80", ":443", ":8080", ":1", ":59999", ":65535", ":65536", ":0", ":0443", ":", ":٨"]
)
TEXTS = st.text(max_size=5) | st.text('aZ/?#%"\\\x20\x7f\x85\u2028\ud800', max_size=5)
USUAL = st.builds(
    "".join,
    st.tuples(
        SCHEMES,
        HOSTS,
        PORTS,
        TEXTS.map("/{}".format) | st.just(""),
        TEXTS.map("?{}".format) | st.just(""),
        TEXTS.map("#{}".format) | st.just(""),
    ),
)


@given(URLS | USUAL)
@example("http://a.test")
@example("http://a.test?")
@example("http://a.test/?")
@example("http://a.test/?#")
@example("http://a.test./b")
@example("https://a.test//b??c")
@example("https://a_b.test/b;c")
@example(f"http://{'a' * 70}.test/")
@example("HTTPS://A.test:443?q=Ä#top")
@example("http://a.test:443/")
@example("http://a.test:65536/")
def test_a_usual_url_is_placed_like_any_other(url: str) -> None:
    """Most are not split by `urlsplit`: what the short way finds is what the long one would."""
    feed = Feed(url)
    candidate, found = Candidate.of(feed), place(feed, str)

    if problem_with(feed.url):
        assert found == ("", "")
    else:
        assert found == (candidate.host, normalised(feed.url))
        assert identity(found.key) == candidate.feed_id


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://a.test", "http://a.test/"),
        ("HTTP://A.test:8080/Feed?Q=1", "http://a.test:8080/Feed?Q=1"),
        ("Https://a.test:443?q=Ä#top", "https://a.test/?q=Ä"),
        ("http://a.test:80/ä/", "http://a.test/ä/"),
    ],
)
def test_usual_urls_are_not_split(monkeypatch: pytest.MonkeyPatch, url: str, key: str) -> None:
    """Splitting takes ten times as long as all the rest."""
    monkeypatch.delattr("trioscrape._run.shares.normalised")

    assert place(Feed(url), str) == ("a.test", key)


@pytest.mark.parametrize("character", ["\0", " ", "\x7f", "\ud800"], ids=ascii)
@pytest.mark.parametrize("before", ["/", "?", "#"])
def test_a_character_that_no_url_has_is_found_anywhere(before: str, character: str) -> None:
    assert place(Feed(f"http://a.test{before}{character}b"), str) == ("", "")


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
