"""The head of an answer, from its status line to the blank line: counted, and put into the form h11 reads.

h11 refuses a whole answer for one header line that is not as RFC 9112 has it. Browsers leave such lines out
(the WHATWG's Fetch Standard, and RFC 9112 §2.2, §5.1 and §5.2 for what a client may do). So what comes
before the body goes through here first. A head that is sound is passed on byte for byte. One that is not
is written anew, and its connection is not used again: two readers may see two ends of such an answer (RFC
9112 §6.3 and §11.2), and the next one on the connection would not be to be trusted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from ..._errors import FeedFailed
from .._decode.codings import CODINGS
from .chunks import Chunks

HEAD_LIMIT: Final = 256 * 1024
"""Bytes that a server may send before the answer's headers have ended, interim answers included."""

BLOCK_LIMIT: Final = 100 * 1024
"""Bytes of one block of headers; the same as httpcore allows h11."""

HEAD_READ: Final = 16 * 1024
"""Bytes read at once before the headers have ended. Interim answers may be 17 bytes long each, and those
of one read are skipped without a pause for others."""

JUNK: Final = 4
"""Bytes before the status line that are skipped, as Chromium does: blank lines, a byte order mark."""

_BLANK_LINE: Final = re.compile(rb"\n\r?\n")
# RFC 9110 §15.2; not 101, after which no HTTP follows.
_INTERIM: Final = re.compile(rb"HTTP/1\.[01] 1(?!01)[0-9]{2}[ \r\n]")
_TOKEN: Final = rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+"
_SOUND: Final = re.compile(
    rb"HTTP/[^\0\r\n]*\r?\n(?:" + _TOKEN + rb":[^\0\v\f\r\n]*\r?\n)*\r?\n",
)
# In lower case: how long the body is, said once (RFC 9112 §6.3).
_FRAMING: Final = re.compile(rb"\n(?:transfer-encoding:[ \t]*chunked|content-length:[ \t]*[0-9]+)[ \t]*\r?\n")
_CHUNKED: Final = re.compile(rb"\ntransfer-encoding:[ \t]*chunked[ \t]*\r?\n", re.IGNORECASE)
_NAME: Final = re.compile(_TOKEN)
_CONTROLS: Final = re.compile(rb"[\v\f\r]")
# Registered (RFC 9112 §7.2), and what nobody decodes any more.
_UNDOABLE: Final = {b"compress", b"x-compress"}


class Head:
    """What a server sends before the body of an answer.

    h11 and h2 bound one block of headers. Nothing there bounds interim answers (RFC 9110 §15.2),
    pings or settings in front of it, and they are read as fast as they come.
    """

    def __init__(self) -> None:
        self._left = float("inf")
        self._buffer = bytearray()
        self._searched = self._junk_left = 0
        self._chunks: Chunks | None = None
        self.block = b""
        """The head of the last answer, as h11 has read it; empty over HTTP/2."""
        self.tolerated = False
        """Whether this connection has sent a head that had to be repaired."""

    def expect(self) -> None:
        """Prepare for the head of the next answer. To be called before its request is sent."""
        self._left = HEAD_LIMIT
        self._chunks = None
        self._forget()
        self._junk_left = JUNK

    def ended(self) -> None:
        """The headers are there; from now on it is the body that is counted."""
        self._left = float("inf")

    @property
    def has_ended(self) -> bool:
        """Whether all headers of the answer have come."""
        return self._left == float("inf")

    def came(self, size: int) -> None:
        """Count bytes that were read.

        Raises:
          FeedFailed: ``protocol-error`` when it is too much.
        """
        self._left -= size
        if self._left < 0:
            raise FeedFailed("protocol-error", f"the headers are longer than {HEAD_LIMIT} bytes")

    def take(self, data: bytes) -> bytes:
        """Bytes that were read over HTTP/1; gives what h11 is to have of all that have come.

        That is nothing before the head is whole. Interim answers are left out.

        Raises:
          FeedFailed: ``protocol-error``.
        """
        self.came(len(data))
        buffer, begin = self._buffer, 0
        buffer += data
        self._skip_white_space()
        while (blank := _BLANK_LINE.search(buffer, max(begin, self._searched))) is not None:
            if not _INTERIM.match(buffer, begin):
                block, rest = bytes(buffer[begin : blank.end()]), bytes(buffer[blank.end() :])
                self._forget()
                self.block = readable = self._readable(block)
                if _CHUNKED.search(readable):
                    self._chunks = Chunks()
                return readable + self.body(rest)
            begin = blank.end()
            self._searched = 0
        del buffer[:begin]
        self._searched = max(0, len(buffer) - 2)
        if buffer and buffer[0] <= 0x20:  # no text at all, such as an alert of TLS: h11 says so at once
            rest = bytes(buffer)
            self._forget()
            return rest
        if len(buffer) > BLOCK_LIMIT:
            raise FeedFailed("protocol-error", f"more than {BLOCK_LIMIT} bytes of headers, which have no end")
        return b""

    def _skip_white_space(self) -> None:
        """Blank lines before the status line, mostly what is left of the answer before."""
        while self._buffer and self._junk_left and self._buffer[0] in b"\r\n\t ":
            del self._buffer[0]
            self._junk_left -= 1
            self.tolerated = True

    def body(self, data: bytes) -> bytes:
        """The same for what comes after the head: small chunks are joined. Empty `data` is the end."""
        if self._chunks is None:
            return data
        return self._chunks.take(data) if data else self._chunks.end()

    @property
    def keeps(self) -> bool:
        """Whether bytes of the body are kept that h11 has not seen."""
        return self._chunks is not None and self._chunks.keeps

    def _forget(self) -> None:
        self._buffer.clear()
        self._searched = 0

    def _readable(self, block: bytes) -> bytes:
        if _SOUND.fullmatch(block) and _has_one_length(block.lower()):
            return block
        begin = block.find(b"HTTP/1", 0, self._junk_left + len(b"HTTP/1"))
        if begin < 0:
            return block  # h11 says so
        repaired = _repaired(block[begin:])
        self.tolerated = True
        return repaired


def _has_one_length(lowered: bytes) -> bool:
    count = lowered.count(b"\ncontent-length:") + lowered.count(b"\ntransfer-encoding:")
    return count == 0 or (count == 1 and _FRAMING.search(lowered) is not None)


def _repaired(block: bytes) -> bytes:
    """`block` as h11 reads it: without lines that are no headers, and with one length of the body."""
    if b"\0" in block:
        raise FeedFailed(
            "protocol-error",
            "the server sent a NUL byte in its headers, which nobody may accept (RFC 9110 §5.5); "
            "only its operator can change that",
        )
    status, *lines = [line.removesuffix(b"\r") for line in block.split(b"\n")]
    fields = list(_fields(lines))
    return b"\r\n".join([status, *(b"%b: %b" % field for field in _framed(fields)), b"", b""])


def _fields(lines: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """The headers among `lines`, as browsers find them.

    White space around a name goes (RFC 9112 §5.1), and a line without a name that is a token is none.
    """
    for line in _unfolded(lines):
        name, colon, value = line.partition(b":")
        name = name.rstrip(b" \t")
        if colon and _NAME.fullmatch(name):
            # RFC 9110 §5.5: a space for each control character that could be taken for the end of a line.
            yield name, _CONTROLS.sub(b" ", value).strip(b" \t")


def _unfolded(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Each with those behind it that begin with white space and so go on with it (RFC 9112 §5.2)."""
    parts: list[bytes] = []
    for line in lines:
        if line.startswith((b" ", b"\t")):
            if parts:  # right after the status line there is nothing to go on with (RFC 9112 §2.2)
                parts.append(line.strip(b" \t"))
            continue
        if parts:
            yield b" ".join(parts)
        parts = [line]
    if parts:
        yield b" ".join(parts)


def _framed(fields: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    """`fields`, with one of Transfer-Encoding: chunked, Content-Length, or neither (RFC 9112 §6.1 to §6.3).

    Chunked twice is chunked once. ``identity`` and what is no transfer coding do nothing. gzip and deflate
    become content codings, as which they were meant, and are undone within the same limits.
    """
    codings: list[bytes] = []
    lengths: list[bytes] = []
    for name, value in fields:
        if (lowered := name.lower()) == b"transfer-encoding":
            codings += (coding.strip() for coding in value.lower().split(b","))
        elif lowered == b"content-length":
            lengths += (length.strip() for length in value.split(b","))
        else:
            yield name, value
    for coding in codings:
        if coding in _UNDOABLE:
            raise FeedFailed(
                "protocol-error",
                f"the server sent Transfer-Encoding {coding.decode()}, which was not asked for and can't be "
                "undone; only its operator can change that",
            )
        if coding.decode("latin-1").removeprefix("x-") in CODINGS:
            yield b"Content-Encoding", coding
    if b"chunked" in codings:
        yield b"Transfer-Encoding", b"chunked"
    elif sizes := set(filter(None, lengths)):
        if len(sizes) > 1:
            raise FeedFailed(
                "protocol-error",
                "the server sent different Content-Lengths, so nobody can tell where its answer ends; "
                "only its operator can change that",
            )
        yield b"Content-Length", sizes.pop()
