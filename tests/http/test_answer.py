"""Headers that come twice, and answers that say they are a part."""

from __future__ import annotations

import pytest

from trioscrape import FeedState
from trioscrape._errors import FeedFailed
from trioscrape._http.answer import Fields, check_is_whole

from support.fetching import failure, fetch
from support.servers import FEED, answer, open_raw


@pytest.mark.parametrize("name", ["Location", "Last-Modified", "Retry-After", "ETag", "Content-Type", "Date"])
@pytest.mark.parametrize(
    ("values", "expected"),
    [(["x", "x"], "x"), (["", "x"], "x"), (["x", ""], "x"), (["x", "y"], "x"), (["", ""], "")],
)
def test_a_header_with_one_value_has_one(name: str, values: list[str], expected: str) -> None:
    fields = Fields([(name.encode(), value.encode()) for value in values])

    assert fields[name.lower()] == expected
    assert fields.repeated


def test_a_list_is_a_list() -> None:
    fields = Fields([(b"Cache-Control", b"public"), (b"cache-control", b"max-age=9"), (b"ETag", b"\xe4")])

    assert dict(fields) == {"cache-control": "public, max-age=9", "etag": "\xe4"}
    assert not fields.repeated


def test_cookies_are_neither() -> None:
    fields = Fields([(b"Set-Cookie", b"a=b; expires=Sun, 01 Mar"), (b"set-cookie", b"c")])

    assert fields.cookies == ["a=b; expires=Sun, 01 Mar", "c"]
    assert "set-cookie" not in fields


@pytest.mark.parametrize(
    ("range_", "whole"),
    [
        (None, True),
        ("bytes 0-9/10", True),
        ("bytes 0-9/*", True),
        ("Bytes=0-9/10", True),
        ("bytes 0-8/10", False),
        ("bytes 1-9/10", False),
        ("bytes 1-9/*", False),
        ("bytes 0-9/9", True),
        ("bytes */10", True),
        ("nonsense", True),
    ],
)
def test_a_range(range_: str | None, whole: bool) -> None:
    fields = Fields([(b"Content-Range", range_.encode())] if range_ else [])
    if whole:
        check_is_whole(fields)
    else:
        with pytest.raises(FeedFailed):
            check_is_whole(fields)


async def test_validators_that_come_twice_go_back_once() -> None:
    twice = ("Last-Modified: yesterday", "Last-Modified: yesterday", 'ETag: "1"', 'ETag: "2"')
    async with open_raw(answer("200 OK", FEED, *twice), b"HTTP/1.1 304 x\r\n\r\n") as server:
        url = f"http://a.test:{server.port}/"
        known = (await fetch(url)).validators
        state = FeedState("0" * 32, url, etag=known.etag, last_modified=known.last_modified)
        assert (await fetch(url, state)).body is None

    assert b'\r\nIf-None-Match: "1"\r\nIf-Modified-Since: yesterday\r\n' in server.heads[1]


async def test_a_retry_after_that_comes_twice() -> None:
    async with open_raw(
        answer("503 x", b"", "Retry-After:", "Retry-After: 3600", "Retry-After: 3600")
    ) as server:
        failed = await failure(f"http://a.test:{server.port}/")

    assert failed.not_before is not None
    assert "asked for a pause until" in failed.detail
