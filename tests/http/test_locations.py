"""Where a Location header leads."""

from __future__ import annotations

import httpx
import pytest

from trioscrape._http.locations import absolute, listed

BASE = httpx.URL("http://base.test:81/a/b;c?d=e")


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        # The WHATWG URL Standard's own cases for special schemes.
        ("http:///h.test/f", "http://h.test/f"),
        ("https:/h.test/f", "https://h.test/f"),
        ("https:h.test/f", "https://h.test/f"),
        ("https:f", "https://f"),
        ("http:f", "http://base.test:81/a/f"),
        ("http:/f", "http://base.test:81/f"),
        ("http:\\\\h.test\\f", "http://h.test/f"),
        ("http:////\\h.test/f", "http://h.test/f"),
        ("///h.test/f", "http://h.test/f"),
        ("/\\h.test/f", "http://h.test/f"),
        ("\\f\\g?a\\b#c\\d", "http://base.test:81/f/g?a\\b"),
        ("HTTPS://H.Test", "https://h.test"),
        (" \x01/f\x02 ", "http://base.test:81/f"),
        ("/a\tb\nc", "http://base.test:81/abc"),
        ("/a\x01\x7f", "http://base.test:81/a%01%7F"),
        ("?x", "http://base.test:81/a/b;c?x"),
        ("?", "http://base.test:81/a/b;c?"),
        ("#x", "http://base.test:81/a/b;c?d=e"),
        ("f:g", "f:g"),
        ("1:2", "http://base.test:81/a/1:2"),
        ("./f", "http://base.test:81/a/./f"),
        ("//user:p@ss@h.test:82/f", "http://h.test:82/f"),
        ("http://h.test:80/f", "http://h.test:80/f"),
        ("http://[::1]:82/f", "http://[::1]:82/f"),
        ("http://%62ücher.test/ü", "http://xn--bcher-kva.test/ü"),
        ("http://📮.ws/", "http://xn--ku8h.ws/"),
        ("http://xn--ls8h.test/", "http://xn--ls8h.test/"),
        ("http://xn--a/", "http://xn--a/"),
        # Not the standard's: what servers mean that have lost a slash.
        ("http:/h.test/f", "http://h.test/f"),
        ("http:/h:82/f", "http://h:82/f"),
        ("http:/localhost/f", "http://localhost/f"),
        ("http:/feed.xml", "http://base.test:81/feed.xml"),
    ],
)
def test_locations(location: str, expected: str) -> None:
    assert absolute(location.encode(), BASE) == expected


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        (b"/caf\xe9", "/caf%E9"),
        (b"/%e9\xe9?\xff", "/%e9%E9?%FF"),
        ("/\u30d5".encode("shift_jis"), "/%83t"),
    ],
)
def test_bytes_that_are_not_utf_8_stay_what_they_are(location: bytes, expected: str) -> None:
    assert absolute(location, BASE) == f"http://base.test:81{expected}"


@pytest.mark.parametrize(
    "location", ["http://a b/", "http://a%00b/", "http://a%2fb/", "http://a%ff/", "http://a<b/", "//\ufdd0/"]
)
def test_hosts_that_nobody_can_have(location: str) -> None:
    with pytest.raises(ValueError, match=r"host|decode|not allowed"):
        absolute(location.encode(), BASE)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://📮.ws/f", b"xn--ku8h.ws"),
        ("http://xn--ls8h.ws/f", b"xn--ls8h.ws"),
        ("http://xn--a/f", b"xn--a"),
        ("http://u:p@bücher.test:82/f", b"xn--bcher-kva.test"),
        ("http://a_b.test./f", b"a_b.test."),
    ],
)
def test_hosts_of_a_list(url: str, host: bytes) -> None:
    assert listed(url).raw_host == host
