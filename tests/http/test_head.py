"""The head of an answer before h11 reads it."""

from __future__ import annotations

import h11
import pytest

from trioscrape._errors import FeedFailed
from trioscrape._http._transport.head import BLOCK_LIMIT, HEAD_LIMIT, JUNK, Head

SOUND = b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 2\r\n\r\n"


def read(data: bytes, step: int = 10**6) -> tuple[bytes, bool]:
    """What h11 gets of `data` read in steps, and whether anything was tolerated."""
    head = Head()
    head.expect()
    for start in range(0, len(data), step):
        if ready := head.take(data[start : start + step]):
            return ready + data[start + step :], head.tolerated
    return b"", head.tolerated


def headers(*lines: bytes) -> list[tuple[bytes, bytes]]:
    """What h11 finds in an answer with these lines."""
    ready, tolerated = read(b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"", b""]))
    assert tolerated
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    connection.receive_data(ready)
    event = connection.next_event()
    assert isinstance(event, h11.Response)
    return list(event.headers)


@pytest.mark.parametrize("step", [1, 7, 10**6])
@pytest.mark.parametrize(
    "head",
    [
        SOUND,
        SOUND.replace(b"\r\n", b"\n"),
        SOUND.replace(b"Content-Length: 2", b"transfer-encoding:CHUNKED"),
        SOUND.replace(b"Content-Length: 2", b"X:"),
        b"HTTP/1.0 304\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: \xff\x01\t \r\n\r\n",
    ],
)
def test_a_sound_head_is_passed_on_as_it_came(head: bytes, step: int) -> None:
    assert read(head + b"no\r\n\r\n", step) == (head + b"no\r\n\r\n", False)


@pytest.mark.parametrize("step", [1, 7, 10**6])
@pytest.mark.parametrize("junk", [b"\r\n", b"\n", b"\r\n\r\n", b" ", b"\n\n\n\n", b"\xef\xbb\xbf"])
def test_a_little_before_the_status_line_is_skipped(junk: bytes, step: int) -> None:
    """As Chromium does."""
    ready, tolerated = read(junk + SOUND + b"no", step)

    assert ready.replace(b": ", b":") == (SOUND + b"no").replace(b": ", b":")
    assert tolerated


@pytest.mark.parametrize("junk", [b"\n" * 5, b"\r\n" * 1000, b"hello\r\n", b"\r\nabc", b"<p>\r\n"])
def test_more_is_not(junk: bytes) -> None:
    ready, _ = read(junk + SOUND)

    assert not ready.startswith(b"HTTP")
    assert ready


def test_interim_answers_are_left_out_after_junk() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"

    assert read(b"\r\n" + interim * 2 + SOUND) == (SOUND, True)


@pytest.mark.parametrize("step", [1, 7, 10**6])
def test_interim_answers_are_left_out(step: int) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nno header\r\n\r\n"

    assert read(interim * 3 + SOUND, step) == (SOUND, False)


@pytest.mark.parametrize("step", [1, 7, 10**6])
def test_a_repaired_head(step: int) -> None:
    junk = b"X Y: z\r\n: v\r\nA : b\r\nno\r\n no\r\nB: c\r\n\td\r\n"

    assert read(b"HTTP/1.1 200 OK\r\n" + junk + b"\r\nbody", step) == (
        b"HTTP/1.1 200 OK\r\nA: b\r\nB: c d\r\n\r\nbody",
        True,
    )


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([b"X Y: z"], []),
        ([b"Content-Length : 5"], [(b"content-length", b"5")]),
        ([b"Content-Length: 5, 5"], [(b"content-length", b"5")]),
        ([b"Content-Length:", b"Content-Length: 5"], [(b"content-length", b"5")]),
        ([b"Content-Length: 5", b"Content-Length: 5"], [(b"content-length", b"5")]),
        ([b"Transfer-Encoding: chunked, chunked"], [(b"transfer-encoding", b"chunked")]),
        ([b"Transfer-Encoding: chunked", b"Content-Length: x"], [(b"transfer-encoding", b"chunked")]),
        ([b"Transfer-Encoding:", b"Content-Length: 5"], [(b"content-length", b"5")]),
        ([b"Transfer-Encoding: identity"], []),
        ([b"Transfer-Encoding\r\n : chunked"], [(b"transfer-encoding", b"chunked")]),
        ([b"Transfer-Encoding: \v chunked"], [(b"transfer-encoding", b"chunked")]),
        (
            [b"Content-Encoding: br", b"Transfer-Encoding: x-gzip, chunked"],
            [
                (b"content-encoding", b"br"),
                (b"content-encoding", b"x-gzip"),
                (b"transfer-encoding", b"chunked"),
            ],
        ),
    ],
)
def test_how_long_a_body_is_is_said_once(lines: list[bytes], expected: list[tuple[bytes, bytes]]) -> None:
    assert headers(*lines) == expected


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nX: \0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: compress\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * BLOCK_LIMIT,
        b"HTTP/1.1 100 Continue\r\n\r\n" * (HEAD_LIMIT // 20),
    ],
)
@pytest.mark.parametrize("step", [1000, 10**6])
def test_what_no_repair_helps(head: bytes, step: int) -> None:
    with pytest.raises(FeedFailed) as caught:
        read(head, step)

    assert caught.value.reason == "protocol-error"


@pytest.mark.parametrize(
    "data", [b"\x15\x03\x01\0\x02", b"\n" * 5 + b"HTTP/1.1 200 OK\r\n\r\n", b"SSH-2.0-x\r\n\r\n"]
)
def test_what_is_no_http_is_left_to_h11(data: bytes) -> None:
    assert read(data)[0] == data.removeprefix(b"\n" * JUNK)


def test_one_repair_counts_for_all_answers_of_a_connection() -> None:
    head = Head()
    for answer in b"HTTP/1.1 304 x\r\nno header\r\n\r\n", SOUND:
        head.expect()
        head.take(answer)

    assert head.tolerated
