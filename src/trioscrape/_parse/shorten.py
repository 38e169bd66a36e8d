"""Documents with more entries than anybody wants, cut down before they are parsed. Pure."""

from __future__ import annotations

import re
from typing import Final

_SMALL: Final = 32
"""Bytes: documents whose entries would have to be smaller on average are not looked through."""
_START: Final = re.compile(rb"<(?:[\w-]+:)?(?:item|entry)[\s/>]")
_ENDS: Final = (b"item>", b"entry>")


def shortened(body: bytes, entries: int) -> bytes | None:
    """The document without what lies between its first `entries` entries and the end of the last one.

    None when it has no more than so many by a look at its text, or when it can't be cut. feedparser
    takes 20 s for 100,000 small entries, and 1.4 s for the 10,000 of them that are wanted. The text of an
    entry may look like entries: whoever parses what is left must find all `entries`, or take the whole.
    """
    if len(body) <= entries * _SMALL:
        return None
    starts = (found.start() for found in _START.finditer(body))
    start = next((at for number, at in enumerate(starts) if number == entries), None)
    end = max(body.rfind(name) + len(name) for name in _ENDS)
    if start is None or end <= start:
        return None
    return body[:start] + body[end:]
