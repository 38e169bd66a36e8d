"""What is a feed URL, when two are one, what may be shown."""

import pytest

from trioscrape import Feed
from trioscrape._urls import feed_id, normalised, problem_with, without_credentials


@pytest.mark.parametrize(
    "url",
    ["http://a.test/", "https://a.test/feed?x=1", "HTTP://A.test", "http://[::1]:8080/f", "http://ü.test/ä"],
)
def test_no_problem(url: str) -> None:
    assert problem_with(url) is None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://a.test/feed", "http://"),
        ("file:///etc/passwd", "http://"),
        ("data:text/xml,<rss/>", "http://"),
        ("just words", "http://"),
        ("http://a.test/ b", "space"),
        ("", "http://"),
        ("http://", "no host"),
        ("http:///feed", "no host"),
        ("http://a.test:99999/", "range"),
        ("http://a.test:0/", "port 0"),
        ("http://[::1/", "IPv6"),
        ("http://a.test/\x00", "control"),
    ],
)
def test_problems_are_named(url: str, words: str) -> None:
    assert words in (problem_with(url) or "")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("HTTP://A.Test:80/feed", "http://a.test/feed"),
        ("https://a.test:443", "https://a.test/"),
        ("http://a.test/feed#top", "http://a.test/feed"),
        ("https://me:old@a.test/", "https://me:new@a.test/"),
        ("http://[::1]:80/", "http://[::1]/"),
    ],
)
def test_one_feed_in_two_spellings(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)
    assert feed_id(one) == feed_id(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://a.test/Feed", "http://a.test/feed"),
        ("http://a.test/", "https://a.test/"),
        ("http://a.test:81/", "http://a.test/"),
        ("http://a.test/?a=1", "http://a.test/?a=2"),
        ("https://me:x@a.test/", "https://you:x@a.test/"),
    ],
)
def test_two_feeds(one: str, other: str) -> None:
    assert feed_id(one) != feed_id(other)


def test_credentials_are_never_shown() -> None:
    feed = Feed("https://me:s3cret@a.test/feed?mail=x@y.test")

    assert feed.shown == "https://a.test/feed?mail=x@y.test"
    assert "s3cret" not in repr(feed)
    assert (
        without_credentials("from http://u:p@ss@b.test/ to ftp://t0ken@c.test")
        == "from http://b.test/ to ftp://c.test"
    )
