"""The head of an answer as it is kept: what came, without passwords."""

from __future__ import annotations

import pytest

from trioscrape._archive.exchange import answer_head


@pytest.mark.parametrize(
    ("came", "kept"),
    [
        (b"Location: http://me:secret@a.test/x@y", b"Location: http://a.test/x@y"),
        (b"location:https://secret@a.test", b"location:https://a.test"),
        (b"LOCATION : HTTP://me:sec@ret@a.test?a@b", b"LOCATION : HTTP://a.test?a@b"),
        (b"Location: //me:secret@a.test/", b"Location: //a.test/"),
        (b"Location: \\\\me:secret@a.test/", b"Location: \\\\a.test/"),
        (b"Location: http:/me:secret@a.test/", b"Location: http:/a.test/"),
        (b"Location: http:\\/me:secret@a.test/", b"Location: http:\\/a.test/"),
        (b"Location:\r\n\thttp://me:secret@a.test/", b"Location:\r\n\thttp://a.test/"),
        (b"Location: ftp://me:secret@a.test/", b"Location: ftp://a.test/"),
        (b"Content-Location: http://me:secret@a.test/", b"Content-Location: http://a.test/"),
        (b"Refresh: 0; url=http://me:secret@a.test/", b"Refresh: 0; url=http://a.test/"),
        (
            b'Link: <http://me:secret@a.test/>; rel="self", <//you:secret@b.test/@c>',
            b'Link: <http://a.test/>; rel="self", <//b.test/@c>',
        ),
    ],
)
def test_urls_are_without_passwords(came: bytes, kept: bytes) -> None:
    assert answer_head(b"HTTP/1.1 302 Found\r\n%b\r\n\r\n" % came, 302, "Found", ()) == (
        b"HTTP/1.1 302 Found\r\n%b\r\n\r\n" % kept
    )


@pytest.mark.parametrize(
    "line",
    [
        b"Location: /a/@me/feed",
        b"Location: me@a.test",
        b"Location: mailto:me@a.test",
        b"Location: http://a.test/me:x@y",
        b"Location: /login?next=http://me:secret@a.test/",
        b'ETag: "//me@a.test"',
        b"X-Location: http://me@a.test/",
        b"Location: http://a.test/\r\nX-Address: me@a.test",
    ],
)
def test_whatever_else_has_an_at_sign_is_as_it_came(line: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\n%b\r\n\r\n" % line

    assert answer_head(head, 200, "OK", ()) == head


def test_the_same_of_http2() -> None:
    head = answer_head(b"", 302, "Found", [(b"location", b"https://me:secret@a.test/")])

    assert head == b"HTTP/1.1 302 Found\r\nlocation: https://a.test/\r\n\r\n"
