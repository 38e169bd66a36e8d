"""Content-Encoding undone within a limit."""

import gzip
import subprocess
import sys
import tracemalloc
import zlib

import brotli
import pytest

from trioscrape._errors import FeedFailed
from trioscrape._http._decode import ACCEPT_ENCODING, Body
from trioscrape._http._decode.codings import zstd
from trioscrape._http._decode.decoder import PIECE
from trioscrape._http._decode.inflate import MEMBERS

TEXT = b"<rss>" + bytes(range(256)) * 2000
EMPTY_GZIP = gzip.compress(b"")
EMPTY_ZSTD = zstd.compress(b"")
SKIPPED_ZSTD = b"\x50\x2a\x4d\x18\x03\0\0\0abc"  # a skippable frame, RFC 8878 §3.1.2


def decoded(encoding: str | None, data: bytes, *, step: int = 1000, limit: int = 10**6) -> bytes:
    body = Body(encoding, limit)
    for start in range(0, len(data), step):
        for size in body.feed(data[start : start + step]):
            assert size <= max(step, 2 * PIECE) + body.windows
    return body.finish()


def reason(encoding: str | None, data: bytes, **limits: int) -> str:
    with pytest.raises(FeedFailed) as caught:
        decoded(encoding, data, **limits)
    return caught.value.reason


def bare_deflate(data: bytes) -> bytes:
    return zlib.compress(data)[2:-4]


def small_brotli(data: bytes) -> bytes:
    return brotli.compress(data, quality=5)


def encoded(encoding: str, data: bytes) -> bytes:
    """`data` with the codings applied in the order that the header names them."""
    how = {"gzip": gzip.compress, "deflate": zlib.compress, "br": small_brotli, "zstd": zstd.compress}
    for coding in encoding.split(", "):
        data = how[coding](data)
    return data


def test_what_is_asked_for_is_what_there_is() -> None:
    assert ACCEPT_ENCODING == "gzip, deflate, br, zstd"


@pytest.mark.parametrize("missing", ["brotli, backports.zstd", "an old brotli"])
def test_nothing_is_asked_for_that_is_missing(missing: str) -> None:
    """Neither a library that is not installed, nor a brotli that can't be told to stop."""
    hide = {
        "brotli, backports.zstd": "sys.modules['brotli'] = sys.modules['backports.zstd'] = None",
        "an old brotli": "import types; old = sys.modules['brotli'] = types.ModuleType('brotli');"
        "old.Decompressor = type('D', (), {'process': lambda self, data: b''})",
    }
    program = (
        f"import sys; {hide[missing]}\nfrom trioscrape._http._decode import ACCEPT_ENCODING\n"
        "print(ACCEPT_ENCODING)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert (
        done.stdout.strip()
        == {
            "brotli, backports.zstd": "gzip, deflate",
            "an old brotli": "gzip, deflate, zstd",
        }[missing]
    )


@pytest.mark.parametrize("step", [1, 7, 1000, 10**6])
@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        (None, TEXT),
        ("", TEXT),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT)),
        ("X-GZip", gzip.compress(TEXT)),
        ("gzip", gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:])),
        ("gzip", gzip.compress(TEXT) + b"\0\x1f\0"),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", bare_deflate(TEXT)),
        ("deflate", zlib.compress(TEXT) + b"padding"),
        ("identity, gzip", gzip.compress(TEXT)),
        ("br", brotli.compress(TEXT)),
        ("zstd", zstd.compress(TEXT)),
        ("zstd", zstd.compress(TEXT[:100]) + SKIPPED_ZSTD + EMPTY_ZSTD + zstd.compress(TEXT[100:])),
        ("gzip, gzip", encoded("gzip, gzip", TEXT)),
        ("br, gzip", encoded("br, gzip", TEXT)),
        ("zstd, deflate", encoded("zstd, deflate", TEXT)),
    ],
)
def test_round_trip(encoding: str | None, data: bytes, step: int) -> None:
    if encoding or step > 1:
        assert decoded(encoding, data, step=step) == TEXT


@pytest.mark.parametrize("encoding", [None, "gzip", "deflate", "br", "zstd", "gzip, br"])
def test_an_empty_body_is_empty_in_every_encoding(encoding: str | None) -> None:
    """Some servers say gzip and send nothing."""
    assert decoded(encoding, b"") == b""


@pytest.mark.parametrize(
    ("encoding", "data", "expected"),
    [
        ("compress", TEXT, "bad-encoding"),
        ("gzip, gzip, gzip", encoded("gzip, gzip, gzip", TEXT), "bad-encoding"),
        ("gzip, br", encoded("br, gzip", TEXT), "bad-encoding"),
        ("gzip", TEXT, "bad-encoding"),
        ("gzip", gzip.compress(TEXT) + b"\x1f padding", "bad-encoding"),
        ("deflate", b"\xff" * 100, "bad-encoding"),
        ("deflate", b"x", "bad-encoding"),
        ("br", b"\xff" * 100, "bad-encoding"),
        ("br", brotli.compress(TEXT) + b"x", "bad-encoding"),
        ("zstd", TEXT, "bad-encoding"),
        ("gzip", EMPTY_GZIP * (MEMBERS + 1), "bad-encoding"),
        ("zstd", EMPTY_ZSTD * (MEMBERS + 1), "bad-encoding"),
        (None, bytes(10**6 + 1), "too-large"),
        ("gzip", gzip.compress(TEXT * 20, compresslevel=0), "too-large"),
        ("gzip", gzip.compress(bytes(10**6 + 1)), "decompression-bomb"),
        ("br", brotli.compress(bytes(10**6 + 1)), "decompression-bomb"),
        ("zstd", zstd.compress(bytes(10**6 + 1)), "decompression-bomb"),
        ("gzip, gzip", encoded("gzip, gzip", bytes(10**6 + 1)), "decompression-bomb"),
        # The document is small, what is in between is not.
        ("zstd, zstd", zstd.compress(SKIPPED_ZSTD[:4] + b"\0\0\x20\0" + bytes(2**21)), "decompression-bomb"),
    ],
)
def test_refusals(encoding: str, data: bytes, expected: str) -> None:
    assert reason(encoding, data) == expected


FEED = b'<?xml version="1.0"?><rss version="2.0"><channel>' + bytes(range(32, 127)) * 20


@pytest.mark.parametrize("step", [1, 7, 10**6])
@pytest.mark.parametrize(
    "encoding", ["UTF-8", "none", "binary", "gzip", "deflate", "br", "zstd", "compress", "gzip, br"]
)
@pytest.mark.parametrize(
    "document",
    [
        FEED,
        FEED[:50],
        b"\n" + FEED,
        b" " * 100 + FEED,
        b"\xef\xbb\xbf" + FEED,
        FEED.decode().encode("utf-16"),
        FEED.decode().encode("utf-16-be").join([b"\xfe\xff", b""]),
        b'{ "version": "https://jsonfeed.org/version/1" }',
        b"{}",
        b"<",
        b"<!-- -->",
        b"\xef",
    ],
)
def test_a_coding_that_was_only_said(encoding: str, document: bytes, step: int) -> None:
    body = Body(encoding, 10**6)
    for start in range(0, len(document), step):
        assert sum(body.feed(document[start : start + step])) <= len(document)

    assert body.finish() == document
    assert not body.sound


@pytest.mark.parametrize("step", [1, 7, 10**6])
@pytest.mark.parametrize(
    ("encoding", "data", "sound"),
    [
        ("gzip", gzip.compress(FEED), True),
        ("gzip", gzip.compress(FEED[:9]) + gzip.compress(FEED[9:]), True),
        ("gzip", gzip.compress(FEED) + b"padding", True),
        ("deflate", zlib.compress(FEED), True),
        ("deflate", bare_deflate(FEED), True),
        ("zstd", zstd.compress(FEED), True),
        ("gzip", gzip.compress(FEED)[:-1], False),
        ("gzip", gzip.compress(FEED)[:-8] + bytes(8), False),
        ("gzip", gzip.compress(FEED[:9])[:-8] + bytes(8) + gzip.compress(FEED[9:]), False),
        ("deflate", zlib.compress(FEED)[:-1], False),
        ("deflate", zlib.compress(FEED)[:-1] + b"\0", False),
        ("gzip, gzip", gzip.compress(FEED), False),
        ("gzip", zlib.compress(FEED), False),
        ("deflate", gzip.compress(FEED), False),
        ("utf-8, gzip", gzip.compress(FEED), False),
        ("br", gzip.compress(FEED), False),
    ],
)
def test_what_was_wrong_is_noted(encoding: str, data: bytes, step: int, sound: bool) -> None:
    body = Body(encoding, 10**6)
    for start in range(0, len(data), step):
        list(body.feed(data[start : start + step]))

    assert body.finish() == FEED
    assert body.sound is sound


@pytest.mark.parametrize("flags", range(0, 32, 2))
@pytest.mark.parametrize("step", [1, 10**6])
def test_what_may_be_in_a_gzip_header(flags: int, step: int) -> None:
    """RFC 1952 §2.3.1."""
    fields = {4: b"\3\0abc", 8: b"name\0", 16: b"comment\0", 2: b"\1\2"}
    extra = b"".join(field for flag, field in fields.items() if flags & flag)
    packed = gzip.compress(FEED)

    assert (
        decoded("gzip", packed[:3] + bytes([flags]) + packed[4:10] + extra + packed[10:], step=step) == FEED
    )


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", b"\x1f\x8b\x08\x08" + bytes(6) + b"x" * 5000),
        ("gzip", b"\x1f\x8b\x08\xff" + bytes(100)),
        ("gzip", b"\x1f\x8b\x09\0" + bytes(100)),
        ("gzip", b"\x1f"),
        ("deflate", b"\x78\xbb" + bytes(100)),
        ("br", b"\x28\xb5"),
    ],
)
def test_headers_that_are_none(encoding: str, data: bytes) -> None:
    assert reason(encoding, data) == "bad-encoding"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, br"])
def test_a_body_that_ends_too_early(encoding: str) -> None:
    whole = encoded(encoding, TEXT[:1000])
    trailer = {"gzip": 8, "deflate": 4}.get(encoding, 0)
    for size in range(1, len(whole) - trailer):
        assert reason(encoding, whole[:size]) == "bad-encoding"


def test_a_zstd_window_beyond_what_a_client_has_to_have() -> None:
    """RFC 9659 §3: 8 MiB."""
    for log, allowed in (23, True), (24, False):
        options = {zstd.CompressionParameter.window_log: log}
        frame = zstd.ZstdCompressor(options=options)
        data = frame.compress(TEXT) + frame.flush()
        assert (decoded("zstd", data) == TEXT) if allowed else reason("zstd", data) == "bad-encoding"


@pytest.mark.parametrize("log", range(10, 25))
def test_a_window_that_brotli_will_fill_is_announced_before_it_is_filled(log: int) -> None:
    body = Body("br", 10**6)
    sizes = body.feed(brotli.compress(TEXT, lgwin=log))

    assert next(sizes) == body.windows == 2**log
    assert sum(sizes) == len(TEXT)


def test_exactly_the_limit_is_allowed() -> None:
    for encoding in "gzip", "deflate", "br", "zstd":
        assert len(decoded(encoding, encoded(encoding, bytes(10**6)))) == 10**6


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "br, zstd"])
def test_a_bomb_is_refused_before_it_takes_memory(encoding: str) -> None:
    bomb = encoded(encoding, bytes(20_000_000))

    tracemalloc.start()
    found = reason(encoding, bomb, step=65_536)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert found == "decompression-bomb"
    assert peak < 4_000_000


def test_no_piece_is_decoded_before_it_is_asked_for() -> None:
    """So that whoever asks can wait until there is room, and let others run."""
    body = Body("gzip", 10**9)
    pieces = body.feed(gzip.compress(bytes(10**7)))

    tracemalloc.start()
    size = next(pieces)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert size == PIECE
    assert peak < 10 * PIECE
