"""UTF-16 and UTF-32 by their first bytes, whatever a document declares. Pure.

feedparser asks the Content-Type first and takes ISO 8859-1 without one, in which any bytes at all are
text: a feed in UTF-16 that does not declare it, which it need not (XML 1.0 §4.3.3), is full of NULs then
and lost. So this is asked where nothing was found.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from .protocol import FeedDocument

# XML 1.0 appendix F.1: byte order marks, or else how "<" looks. UTF-32 first: FF FE begins both.
_BEGINNINGS: Final = (
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00<\x00", "utf-16-be"),
    (b"<\x00", "utf-16-le"),
)
# What says so in ASCII is neither.
_WRONGLY_DECLARED: Final = re.compile(
    rb"\s*<\?xml[^>]{0,99}encoding\s*=\s*['\"](?:utf|ucs|iso-10646-ucs)[-_]?(?:16|32|2|4)\b", re.I
)


def in_utf_8(document: FeedDocument) -> FeedDocument | None:
    """The document in UTF-8 if its first bytes speak of UTF-16 or UTF-32, or its declaration alone does."""
    body = document.body
    charset = next((charset for beginning, charset in _BEGINNINGS if body.startswith(beginning)), None)
    if charset is None and _WRONGLY_DECLARED.match(body):
        charset = "utf-8"
    if charset is None:
        return None
    text = body.decode(charset, "replace").removeprefix("\ufeff")
    return replace(document, body=text.encode(), content_type="application/xml; charset=utf-8")
