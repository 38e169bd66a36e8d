"""Cookies between the redirects of one fetch: to whom they go back, and to nobody else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from trioscrape._http.cookies import COUNT, HEADER, Cookies, Place

from support.fetching import fetch
from support.servers import FEED, answer, open_raw

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HERE = Place("https", "www.a.test", "/x/feed")


def sent(place: Place, *headers: str, setter: Place = HERE) -> str:
    cookies = Cookies()
    cookies.take(setter, headers, NOW)
    return cookies.header(place)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("a=b", "a=b"),
        ("a=b; Secure; HttpOnly; SameSite=None", "a=b"),
        (' a = "b c" ', 'a = "b c"'),
        ("a=", "a="),
        ("a=b; Path=/", "a=b"),
        ("a=b; Path=/x/", "a=b"),
        ("a=b; Path=/y", ""),
        ("a=b; Path=/x/f", ""),
        ("a=b; Max-Age=9", "a=b"),
        ("a=b; Max-Age=0", ""),
        ("a=b; Max-Age=-1", ""),
        ("a=b; Expires=Sun, 01 Mar 2026 00:30:00 GMT", "a=b"),
        ("a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT", ""),
        ("a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=9", "a=b"),
        ("a=b; Expires=soon", "a=b"),
        ("a", ""),
        ("=b", ""),
        ("", ""),
        ("a=\x01", ""),
        ("a=" + "b" * 5000, ""),
        ("a=\xe9", "a=\xe9"),
    ],
)
def test_what_is_sent_back(header: str, expected: str) -> None:
    assert sent(HERE, header) == expected


@pytest.mark.parametrize(
    ("attribute", "place", "expected"),
    [
        ("", Place("https", "www.a.test", "/x/y"), True),
        ("", Place("https", "www.a.test", "/xy"), False),
        ("", Place("https", "a.test", "/x/y"), False),
        ("; Domain=a.test", Place("https", "a.test", "/x/y"), True),
        ("; Domain=.A.test", Place("https", "a.test", "/x/y"), True),
        ("; Domain=www.a.test", Place("https", "b.www.a.test", "/x/y"), False),
        ("; Domain=a.test", Place("https", "login.a.test", "/x/y"), False),
        ("; Domain=a.test", Place("https", "b.test", "/x/y"), False),
        ("; Domain=b.test", Place("https", "b.test", "/x/y"), False),
        ("; Domain=test", Place("https", "b.test", "/x/y"), False),
        ("", Place("http", "www.a.test", "/x/y"), False),
    ],
)
def test_to_whom(attribute: str, place: Place, expected: bool) -> None:
    assert sent(place, f"a=b{attribute}") == ("a=b" if expected else "")


def test_from_http_to_https_but_nothing_secure_from_http() -> None:
    setter = Place("http", "a.test", "/")

    assert sent(Place("https", "a.test", "/"), "a=b", "c=d; Secure", setter=setter) == "a=b"


def test_replaced_deleted_and_sorted() -> None:
    cookies = Cookies()
    cookies.take(HERE, ["a=1; path=/", "b=2; path=/x", "c=3; path=/"], NOW)
    cookies.take(HERE, ["a=9; path=/", "c=; path=/; max-age=0"], NOW)

    assert cookies.header(HERE) == "b=2; a=9"


def test_there_is_an_end_to_them() -> None:
    many = [f"n{number}={'x' * 1000}" for number in range(COUNT * 2)]
    cookies = Cookies()
    cookies.take(HERE, many, NOW)

    assert 0 < len(cookies.header(HERE)) <= HEADER
    assert len(cookies._cookies) == COUNT


async def test_another_site_gets_none() -> None:
    """Nor does the next fetch."""
    async with open_raw(answer("200 OK", FEED)) as other:
        there = f"Location: http://b.test:{other.port}/"
        async with open_raw(answer("302 x", b"", there, "Set-Cookie: a=b; Domain=b.test")) as server:
            for _ in range(2):
                await fetch(f"http://a.test:{server.port}/")

    assert all(b"Cookie" not in head for head in [*server.heads, *other.heads])
