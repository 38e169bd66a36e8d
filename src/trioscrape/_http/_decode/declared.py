"""What a Content-Encoding header says, and what the bytes behind it are.

Servers put a charset into the header, name a coding twice that was applied once, or say gzip about a
document that a cache has unpacked. What the first bytes say counts more.
"""

from __future__ import annotations

import re
from typing import Final

from ..._errors import FeedFailed
from .codings import ACCEPT_ENCODING, CODINGS, zstd
from .decoder import Decoder, Plain, Undecodable
from .inflate import Deflate, Gzip, is_zlib

NESTED: Final = 2
"""Codings on top of each other that are undone. A proxy may add one to the server's own."""

_OTHERS: Final = {"compress", "br", "zstd", "dcb", "dcz", "exi", "pack200-gzip", "aes128gcm"} - CODINGS.keys()
"""Registered as well (the HTTP Content Coding Registry), but not undone here."""
_EXTRAS: Final = {"br", "zstd"}

_GZIP, _ZSTD = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"
_LOOKED_AT: Final = 64
# The beginning of XML, HTML or JSON, or as much of one as has come.
_TEXT: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?[ \t\r\n]*(?:<(?:[?!/a-z]|\Z)|\{[ \t\r\n]*(?:[\"}]|\Z)|\Z)"
    rb"|\xef\xbb?\Z|\xff(?:\Z|\xfe(?:\Z|[<{ \r\n]))|\xfe(?:\Z|\xff(?:\Z|\0[<{ \r\n]|\0\Z))",
    re.IGNORECASE,
)
_NO_TEXT: Final = re.compile(rb"[\0-\x08\v\x0e-\x1f\x7f]")


def codings_of(encoding: str) -> tuple[list[str], bool]:
    """The codings to undo, in this order, and whether the header has nothing else in it.

    Whatever is no registered coding (RFC 9110 §16.6.1) says nothing about the body: ``UTF-8``, ``none``,
    ``binary``, ``chunked``.

    Raises:
      FeedFailed: ``bad-encoding`` when there are more than `NESTED`.
    """
    said = [part.strip().strip("\"'") for part in encoding.lower().split(",")]
    said = [name for name in said if name not in ("", "identity")]
    plain = [name.removeprefix("x-") for name in said]
    names = [name for name in plain if name in CODINGS or name in _OTHERS]
    if len(names) > NESTED:
        raise FeedFailed(
            "bad-encoding",
            f"the server names {len(names)} codings on top of each other ({encoding[:80]!r}); "
            f"more than {NESTED} are not undone",
        )
    return names[::-1], len(names) == len(said)


def decoder_of(name: str, head: bytes, *, last: bool) -> Decoder | None:
    """The decoder for a body that is said to be `name` and begins with `head`.

    None while that can't be told from so few bytes; `last` says that there are no more.

    Raises:
      Undecodable: there is none.
    """
    is_text = bool(_TEXT.match(head)) and (head[:1] in b"\xfe\xff" or not _NO_TEXT.search(head[:_LOOKED_AT]))
    if not last and len(head) < (_LOOKED_AT if is_text else len(_ZSTD)):
        return None
    if is_text:
        return Plain()
    if head.startswith(_GZIP):
        return Gzip()
    if head.startswith(_ZSTD) and zstd is not None:
        return CODINGS["zstd"]()
    if name == "gzip" and is_zlib(head):
        return Deflate()
    if name not in CODINGS:
        hint = (
            f"install trioscrape[{name}] to read it" if name in _EXTRAS else "only its operator can change it"
        )
        raise Undecodable(f"Content-Encoding {name!r}, though only {ACCEPT_ENCODING} were asked for; {hint}")
    return CODINGS[name]()
