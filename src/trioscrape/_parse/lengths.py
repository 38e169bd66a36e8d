"""Texts no longer than a store can hold them: cut first, made safe afterwards. Pure.

HTML that is cut after it was made safe may end inside a tag, ``<p title="``, and then the entry after it on a
page becomes part of an attribute. So what is too long is cut as if it came from a stranger, and sanitised
again: what leaves the parse lane as HTML is always a whole that the sanitiser has written.
"""

from __future__ import annotations

import re
from typing import Final

from .html import sanitised

_CLOSE_ATTEMPTS: Final = 3
"""Times that a text loses only as much as it was too long; then it loses half each time."""
_OPEN_REFERENCE: Final = re.compile(r"&#?\w{0,9}\Z", re.ASCII)


def sanitised_within(markup: str, base: str, limit: int) -> tuple[str, bool]:
    """`sanitised`, in at most `limit` bytes of UTF-8, and whether it was cut for that."""
    safe = sanitised(markup, base)
    excess = _bytes_over(safe, limit)
    if excess <= 0:
        return safe, False
    room, attempts = limit, 0
    while True:
        attempts += 1
        kept = _OPEN_REFERENCE.sub("", text_within(safe, room)[0])
        shorter = sanitised(kept, base)
        # The sanitiser ends what is open at the cut, so its answer may be longer than what it was given.
        excess = _bytes_over(shorter, limit)
        if excess <= 0:
            return shorter, True
        room = max(len(kept.encode()) - excess, 0) if attempts <= _CLOSE_ATTEMPTS else room // 2


def text_within(text: str, limit: int) -> tuple[str, bool]:
    """The beginning of `text` in at most `limit` bytes of UTF-8, and whether that is not all of it."""
    if _bytes_over(text, limit) <= 0:
        return text, False
    return text.encode()[:limit].decode(errors="ignore").rstrip(), True


def _bytes_over(text: str, limit: int) -> int:
    """By how many bytes `text` is longer than `limit`; 0 or less when it is not."""
    if 4 * len(text) <= limit:  # no character has more bytes in UTF-8
        return 0
    return (len(text) if text.isascii() else len(text.encode())) - limit
