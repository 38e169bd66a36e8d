"""What is a feed URL, when two are one, what may be shown."""

import pytest

from trioscrape import Feed
from trioscrape._urls import ascii_host, feed_id, normalised, problem_with, without_secrets


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
        ("http://a.test:99999/", "65535"),
        ("http://a.test:0/", "65535"),
        ("http://[::1/", "IPv6"),
        ("http://a.test/\x00", "control"),
        ("http://a.test/\ud800", "control"),
        ("http://[fe80::1%25eth0]/", "zone"),
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


@pytest.mark.parametrize(
    ("host", "encoded"),
    [
        ("Feeds.Example", "feeds.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("faß.de", "xn--fa-hia.de"),  # not fass.de, which is somebody else's
        ("日本語。jp", "xn--wgv71a119e.jp"),  # an ideographic full stop is a dot (UTS 46 §2.3)
        ("ｆｅｅｄｓ.example", "feeds.example"),
        ("📮.ws", "xn--ku8h.ws"),
        ("xn--ku8h.ws", "xn--ku8h.ws"),
        ("_dmarc.bücher.example", "_dmarc.xn--bcher-kva.example"),
    ],
)
def test_names_in_unicode(host: str, encoded: str) -> None:
    assert ascii_host(host) == encoded


@pytest.mark.parametrize(
    "host", ["\ufdd0.example", "\u0301.example", f"{'ü' * 64}.example", "\u200d.example", "a" * 64]
)
def test_names_that_nobody_can_have(host: str) -> None:
    with pytest.raises(ValueError, match=r"63 characters|not allowed|illegal|too long"):
        ascii_host(host)


def test_credentials_are_never_shown() -> None:
    feed = Feed("https://me:s3cret@a.test/feed?mail=x@y.test")

    assert feed.redacted_url == "https://a.test/feed?mail=x@y.test"
    assert "s3cret" not in repr(feed)


@pytest.mark.parametrize(
    "url",
    [
        "http://alice:s3/cr3t@127.0.0.1/auth",
        "http://alice:s3#cr3t@127.0.0.1/auth",
        "http://alice:s3?cr3t@127.0.0.1/auth",
        "http://alice:s3cr3t @127.0.0.1/auth",
        "http://alice:s3@cr3t@127.0.0.1/auth",
        "http:///alice:s3cr3t@127.0.0.1/x",
        "//alice:s3cr3t@127.0.0.1/x",
        "http:alice:s3cr3t@127.0.0.1/x",
        "alice:s3cr3t@127.0.0.1/feed",
        "ftp://alice:s3cr3t@127.0.0.1/feed",
    ],
)
def test_passwords_that_nobody_has_escaped(url: str) -> None:
    shown = Feed(url).redacted_url + (problem_with(url) or "") + repr(Feed(url))

    for part in "s3", "cr3t", "alice":
        assert part not in shown
    assert "127.0.0.1" in shown


def test_an_at_sign_in_a_path_is_no_password() -> None:
    assert Feed("https://a.test/feed/@author?x=@").redacted_url == "https://a.test/feed/@author?x=@"


def test_messages() -> None:
    said = without_secrets("unknown: --http://u:p/w@b.test/ and ftp://t0ken@c.test or me@home")

    assert said == "unknown: --http://b.test/ and ftp://c.test or me@home"
