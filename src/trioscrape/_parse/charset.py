"""A document's bytes in UTF-8, whatever charset they came in. Pure.

In this order: a byte order mark, the charset of the Content-Type (RFC 7303 §3), the XML declaration, UTF-8,
windows-1252. Labels mean what the WHATWG Encoding Standard says, as in browsers: ``shift_jis`` is cp932,
``latin-1`` is windows-1252. Servers and templates are often wrong about charsets, though, and valid UTF-8 is
hardly ever anything else: it is taken for UTF-8 whatever the label says, and so is what has a few bad bytes.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from typing import Final, NamedTuple

import webencodings
from webencodings.labels import LABELS


class Utf8(NamedTuple):
    """A document in UTF-8."""

    data: bytes
    """Valid UTF-8 without a byte order mark. An XML declaration in it may still name another charset."""
    replaced: bool
    """Whether bytes that are no characters have become U+FFFD."""


def in_utf_8(body: bytes, content_type: str | None = None) -> Utf8:
    """`body` in UTF-8.

    Args:
      body: a document in any charset.
      content_type: the Content-Type header's value, which may name one.

    Bytes that are no UTF-8 are replaced where characters that are outweigh them, each sequence by one U+FFFD
    as in browsers; else it is no UTF-8. The same goes for the charsets that labels name.
    """
    if charset := _wide(body):
        return _result(body.decode(charset, "replace").lstrip("\ufeff"))
    if marks := _MARKS.match(body):
        body = body[marks.end() :]
    if _is_utf_8(body):
        return Utf8(body, replaced=False)
    for decode in _candidates(body, content_type):
        text = decode(body)
        bad = text.count(_REPLACEMENT) - body.count(_REPLACEMENT.encode())
        if 2 * bad <= len(text) - len(text.encode("ascii", "ignore")):
            return _result(text)
    return _result(_mixed(body))


_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


def _result(text: str) -> Utf8:
    return Utf8(text.encode(), replaced=_REPLACEMENT in text)


# UTF-16 and UTF-32 have NULs, which nothing else has: a label alone can't make a document one of them.

_MARKS: Final = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)+")
_WIDE: Final = (
    # Where the NULs are in the first character, or the first two without a mark (XML 1.0 appendix F.1,
    # RFC 4627 §3): these are ASCII in both formats.
    (re.compile(rb"(?:\x00\x00\xfe\xff)*\x00\x00\x00[^\x00]"), "utf-32-be"),
    (re.compile(rb"(?:\xff\xfe\x00\x00)*[^\x00]\x00\x00\x00"), "utf-32-le"),
    (re.compile(rb"(?:\xfe\xff)+\x00[^\x00]|\x00[^\x00]\x00[^\x00]"), "utf-16-be"),
    (re.compile(rb"(?:\xff\xfe)+[^\x00]\x00|[^\x00]\x00[^\x00]\x00"), "utf-16-le"),
)


def _wide(body: bytes) -> str | None:
    return next((charset for beginning, charset in _WIDE if beginning.match(body)), None)


def _is_utf_8(body: bytes) -> bool:
    if body.isascii():
        return b"\x1b" not in body  # ISO-2022-JP is ASCII too, with escape sequences
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


# What labels name.

_CHARSET: Final = re.compile(r"charset\s*=\s*[\"']?\s*([^\s\"';,]+)", re.I)
_DECLARATION: Final = re.compile(
    rb"<\?xml\s[^>]{0,200}?\bencoding\s*=\s*(?:[\"']\s*([^\"'<>]{1,60}?)\s*[\"']|([^\s\"'<>?]{1,60}))", re.I
)
_DECLARED_WITHIN: Final = 4096
"""Bytes: comments or a warning of the server's may come before the declaration, and any white space."""
_NO_CHARSETS: Final = ("utf-8", "utf-16le", "utf-16be", "replacement", "x-user-defined")
"""Names that say nothing about bytes that are no UTF-8 and have no NULs."""


def _candidates(body: bytes, content_type: str | None) -> Iterator[Callable[[bytes], str]]:
    if not body.isascii():
        yield _utf_8
    labels = _CHARSET.findall(content_type or "")
    if declared := _DECLARATION.search(body.lstrip()[:_DECLARED_WITHIN]):
        labels.append((declared[1] or declared[2]).decode("latin-1"))
    yield from filter(None, map(_decoder, labels))


def _decoder(label: str) -> Callable[[bytes], str] | None:
    encoding = webencodings.lookup(_labels().get(_loose(label), ""))
    if encoding is None or encoding.name in _NO_CHARSETS:
        return None
    if encoding.name == "euc-jp":
        return _euc_jp
    # The Encoding Standard decodes GBK as GB 18030.
    codec = codecs.lookup("gb18030") if encoding.name == "gbk" else encoding.codec_info
    return lambda body: codec.decode(body, "replace")[0]


def _utf_8(body: bytes) -> str:
    """UTF-8, also with two surrogates for a character, as Java and some databases write it (UTR #26)."""
    if b"\xed" in body:
        with suppress(UnicodeDecodeError):
            halves = body.decode("utf-8", "surrogatepass")
            return halves.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return body.decode("utf-8", "replace")


@cache
def _labels() -> dict[str, str]:
    """Those of the Encoding Standard, and the code pages of the same charsets by their numbers alone."""
    pages = {"cp932": "shift_jis", "cp936": "gbk", "cp949": "euc-kr", "cp950": "big5"}
    return pages | {_loose(label): label for label in LABELS}


def _loose(label: str) -> str:
    """For labels that are no one's: ``cp-1251``, ``win-1251`` (Unicode Technical Standard #22 §1.4)."""
    return re.sub(r"^win(?:dows)?(?=\d)", "windows", re.sub(r"[^a-z0-9]", "", label.lower()))


# Two charsets that are none of Python's.

_EUC_JP: Final = re.compile(rb"[\xa1-\xfe]{2}|\x8e[\xa1-\xdf]|\x8f[\xa1-\xfe]{2}|[\x80-\xff]")


def _euc_jp(body: bytes) -> str:
    """With the characters of NEC and IBM, which are in the Encoding Standard's index of JIS X 0208."""
    table = _jis_x_0208()
    return _EUC_JP.sub(lambda found: table.get(found[0]) or _rare_euc_jp(found[0]), body).decode()


def _rare_euc_jp(pair: bytes) -> bytes:
    return pair.decode("euc_jp", "replace")[:1].encode()


@cache
def _jis_x_0208() -> dict[bytes, bytes]:
    """From pairs of EUC-JP to UTF-8, by way of cp932, which orders the same characters in its own way."""
    table = {}
    for row in range(1, 95):
        lead = (row - 1) // 2 + (0x81 if row <= 62 else 0xC1)
        for cell in range(1, 95):
            trail = cell + (0x9E if row % 2 == 0 else 0x3F if cell <= 63 else 0x40)
            character = bytes((lead, trail)).decode("cp932", "ignore")
            table[bytes((0xA0 + row, 0xA0 + cell))] = (character or _REPLACEMENT).encode()
    return table


def _mixed(body: bytes) -> str:
    """Windows-1252, or both that and UTF-8: texts of several sources that somebody has put together."""
    return body.decode("utf-8", "surrogateescape").translate(_ESCAPED)


_ESCAPED: Final = {0xDC00 + byte: bytes((byte,)).decode("cp1252", "replace") for byte in range(128, 256)}
