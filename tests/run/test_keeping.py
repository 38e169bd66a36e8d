"""What is kept of real connections, and that it is read in a replay as it was then."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
import trustme

from trioscrape import Config, Result, open_scrape
from trioscrape._archive.reader import ArchiveReader
from trioscrape._run.replay import open_replay
from trioscrape.testing import InlineParser, MemoryStore

from support.archives import Record, checked, records
from support.fetching import Loopback
from support.servers import FEED, answer, open_https, open_raw


async def kept(url: str, folder: Path, **settings: object) -> tuple[Result, MemoryStore]:
    """The result of a feed that is kept, and its store."""
    store = MemoryStore()
    config = Config(warc=str(folder), **settings)  # type: ignore[arg-type]
    opened = open_scrape([url], store=store, config=config, resolver=Loopback(), parser=InlineParser())
    async with opened as scrape:
        (result,) = [result async for result in scrape]
    return result, store


@asynccontextmanager
async def same_again(
    folder: Path, result: Result, store: MemoryStore, **settings: object
) -> AsyncIterator[list[Record]]:
    """A replay of the only feed has the same result and the same store; gives the records of the archive."""
    again = MemoryStore()
    with closing(ArchiveReader(folder, Config().body_limit)) as archive:
        async with open_replay(iter(archive), again, Config(parse_width=1, **settings)) as replay:
            (other,) = [result async for result in replay]
    assert (other.outcome, other.reason, other.detail) == (result.outcome, result.reason, result.detail)
    assert other.final_url == result.final_url
    assert (again.feeds, again.entries) == (store.feeds, store.entries)
    assert checked(folder) == ""
    yield records(folder)


def responses(found: list[Record]) -> list[Record]:
    return [each for each in found if each.kind == "response"]


async def test_a_body_in_chunks_is_kept_without_them(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Case:  Kept \r\n\r\n"
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (FEED[:10], FEED[10:])) + b"0\r\n\r\n"
    async with open_raw(head + chunks) as server:
        result, store = await kept(f"http://a.test:{server.port}/feed", tmp_path)

    assert str(result.outcome) == "new"
    async with same_again(tmp_path, result, store) as found:
        (response,) = responses(found)
        assert response.head == head.replace(b"Transfer-", b"X-Archive-Orig-Transfer-")
        assert response.payload == FEED
        assert response.fields["WARC-IP-Address"] == "127.0.0.1"


@pytest.mark.parametrize("http2", [False, True])
async def test_https(tmp_path: Path, http2: bool) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    folder = tmp_path / "archive"
    async with open_https(authority, tmp_path, names=["a.test"], seen=[]) as port:
        url = f"https://a.test:{port}/feed"
        result, store = await kept(url, folder, http2=http2, ca_file=str(tmp_path / "ca.pem"))

    async with same_again(folder, result, store) as found:
        (response,) = responses(found)
        assert response.head.startswith(b"HTTP/1.1 200 ")
        assert b'etag: "1"\r\n' in response.head
        assert response.payload == FEED
        assert response.fields.get("WARC-Protocol") == ("h2" if http2 else None)


async def test_a_head_that_had_to_be_repaired(tmp_path: Path) -> None:
    """It is kept as it was repaired: others can read that."""
    odd = b"HTTP/1.1 200 OK\r\nno header at all\r\nContent-Length : %d\r\n\r\n" % len(FEED)
    async with open_raw(odd + FEED) as server:
        result, store = await kept(f"http://a.test:{server.port}/feed", tmp_path)

    async with same_again(tmp_path, result, store) as found:
        (response,) = responses(found)
        assert response.head == b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(FEED)


async def test_a_redirect_that_sets_a_cookie(tmp_path: Path) -> None:
    redirect = answer("302 Found", b"look there", "Location: /feed", "Set-Cookie: a=b")
    async with open_raw(redirect, answer("200 OK", FEED)) as server:
        result, store = await kept(f"http://a.test:{server.port}/feed", tmp_path)

    assert str(result.outcome) == "new"
    async with same_again(tmp_path, result, store) as found:
        first, second = responses(found)
        assert (first.payload, first.fields["WARC-Truncated"]) == (b"", "unspecified")
        assert (second.payload, second.fields.get("WARC-Truncated")) == (FEED, None)
        requests = [each for each in found if each.kind == "request"]
        assert [b"Cookie: a=b" in each.block for each in requests] == [False, True]


async def test_a_redirect_with_a_password(tmp_path: Path) -> None:
    """It is in no record, and the replay follows the redirect all the same."""
    async with open_raw(answer("200 OK", FEED)) as target:
        redirect = answer("302 Found", b"", f"Location: http://me:secret@a.test:{target.port}/feed")
        async with open_raw(redirect) as server:
            result, store = await kept(f"http://a.test:{server.port}/feed", tmp_path)

    assert str(result.outcome) == "new"
    async with same_again(tmp_path, result, store) as found:
        assert all(b"secret" not in each.block for each in found)


@pytest.mark.parametrize(
    ("said", "sent", "settings", "reason", "truncated"),
    [
        (1000, FEED, {}, "connection-lost", "disconnect"),
        (1000, FEED, {"read_timeout": 0.1}, "read-timeout", "time"),
        (1000, FEED * 10, {"body_limit": 300}, "too-large", "length"),
    ],
)
async def test_a_body_that_is_not_whole(
    tmp_path: Path, said: int, sent: bytes, settings: dict[str, float], reason: str, truncated: str
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % said
    async with open_raw(head + sent[:said], keep_open=reason == "read-timeout") as server:
        result, store = await kept(f"http://a.test:{server.port}/feed", tmp_path, **settings)

    assert result.reason == reason
    async with same_again(tmp_path, result, store, **settings) as found:
        (response,) = responses(found)
        assert sent.startswith(response.payload)
        assert response.payload
        assert response.fields["WARC-Truncated"] == truncated


async def test_nothing_is_kept_unless_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = MemoryStore()
    async with open_raw(answer("200 OK", FEED)) as server:
        url = f"http://a.test:{server.port}/feed"
        async with open_scrape([url], store=store, resolver=Loopback(), parser=InlineParser()) as scrape:
            async for _ in scrape:
                pass

    assert os.listdir(tmp_path) == []
