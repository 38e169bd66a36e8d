"""Content-Encoding undone within a limit."""

import gzip
import tracemalloc
import zlib

import pytest

from trioscrape._decode import Body
from trioscrape._errors import FeedFailed

TEXT = b"<rss>" + bytes(range(256)) * 2000


def decoded(encoding: str | None, data: bytes, *, step: int = 1000, limit: int = 10**6) -> bytes:
    body = Body(encoding, limit)
    for start in range(0, len(data), step):
        body.feed(data[start : start + step])
    return body.finish()


def reason(encoding: str | None, data: bytes, **limits: int) -> str:
    with pytest.raises(FeedFailed) as caught:
        decoded(encoding, data, **limits)
    return caught.value.reason


def bare_deflate(data: bytes) -> bytes:
    return zlib.compress(data)[2:-4]


@pytest.mark.parametrize("step", [7, 1000, 10**6])
@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        (None, TEXT),
        ("", TEXT),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT)),
        ("X-GZip", gzip.compress(TEXT)),
        ("gzip", gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:])),
        ("gzip", gzip.compress(TEXT) + b"\0\0\0"),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", bare_deflate(TEXT)),
        ("identity, gzip", gzip.compress(TEXT)),
    ],
)
def test_round_trip(encoding: str | None, data: bytes, step: int) -> None:
    assert decoded(encoding, data, step=step) == TEXT


@pytest.mark.parametrize("encoding", [None, "gzip", "deflate"])
def test_an_empty_body_is_empty_in_every_encoding(encoding: str | None) -> None:
    """Some servers say gzip and send nothing."""
    assert decoded(encoding, b"") == b""


@pytest.mark.parametrize(
    ("encoding", "data", "expected"),
    [
        ("br", TEXT, "bad-encoding"),
        ("gzip, gzip", gzip.compress(gzip.compress(TEXT)), "bad-encoding"),
        ("gzip", TEXT, "bad-encoding"),
        ("gzip", gzip.compress(TEXT)[:-9], "bad-encoding"),
        ("deflate", b"\xff" * 100, "bad-encoding"),
        (None, bytes(10**6 + 1), "too-large"),
        ("gzip", gzip.compress(bytes(10**6 + 1)), "too-large"),
    ],
)
def test_refusals(encoding: str, data: bytes, expected: str) -> None:
    assert reason(encoding, data) == expected


def test_exactly_the_limit_is_allowed() -> None:
    assert len(decoded("gzip", gzip.compress(bytes(10**6)))) == 10**6


def test_a_bomb_is_refused_before_it_takes_memory() -> None:
    bomb = gzip.compress(bytes(200_000_000))

    tracemalloc.start()
    assert reason("gzip", bomb, step=65_536) == "too-large"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 4_000_000
