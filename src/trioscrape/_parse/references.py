"""References in documents that are not well-formed, and ampersands that begin none. Pure.

HTML's names are known whatever the DOCTYPE says, because publishers use them whatever it says. Entities of a
document's own are known where they are plain text, and are never expanded twice: there are no XML bombs.
"""

from __future__ import annotations

import re
from html import unescape
from html.entities import html5
from typing import Final
from xml.sax.saxutils import escape

# All but those which every XML parser knows. Numbers are read without their semicolon too, as in HTML.
_REFERENCE: Final = re.compile(
    r"&(?!(?:amp|lt|gt|quot|apos);)(?:\#(?P<decimal>\d+);?|\#[xX](?P<hex>[\da-fA-F]+);?|(?P<name>[^\W_][\w.:-]*);)?",
    re.ASCII,
)
_ENTITY: Final = re.compile(
    r"<!ENTITY\s+([\w.:-]+)\s+(?:\"((?:[^\"<&%]|&\#\w+;)*)\"|'((?:[^'<&%]|&\#\w+;)*)')\s*>", re.ASCII
)
_LONGEST: Final = 1000
"""Characters of a declaration; namespaces and copyright notices have 20 to 200."""
_GROWTH: Final = 64 * 1024
"""Characters that a document may grow by entities of its own, in addition to its size."""


class References:
    """The references of one document."""

    def __init__(self, size: int) -> None:
        self._own: dict[str, str] = {}
        self._allowance = size + _GROWTH
        self.repaired = False
        """Whether any were none, or unknown to XML."""

    def declare(self, declaration: str) -> None:
        """Learn an entity, if it is plain text; the first declaration counts (XML 1.0 §4.2)."""
        if len(declaration) <= _LONGEST and (found := _ENTITY.fullmatch(declaration)):
            self._own.setdefault(found[1], escape(unescape(found[2] or found[3] or "")))

    def corrected(self, text: str) -> str:
        """`text`, of an element or attribute, with references that every XML parser knows."""
        return _REFERENCE.sub(self._correct, text) if "&" in text else text

    def _correct(self, found: re.Match[str]) -> str:
        if found["decimal"] or found["hex"]:
            return self._numeric(found)
        self.repaired = True
        name = found["name"]
        if name is None:
            return "&amp;" + found[0][1:]
        if (own := self._own.get(name)) is not None and len(own) <= self._allowance:
            self._allowance -= len(own)
            return own
        character = html5.get(name + ";")
        return f"&amp;{name};" if character is None else escape(character)

    def _numeric(self, found: re.Match[str]) -> str:
        digits, base = (found["decimal"], 10) if found["decimal"] else (found["hex"], 16)
        code = int(digits, base) if len(digits) <= 10 else 0x110000
        if is_xml(code):
            return found[0] if found[0].endswith(";") else found[0] + ";"
        self.repaired = True
        if 0xD800 <= code <= 0xDFFF:
            return chr(code)  # Half of a character, as in JSON; the other half may be next to it.
        return "" if 0 < code < 0x20 else "\N{REPLACEMENT CHARACTER}"


def is_xml(code: int) -> bool:
    """Whether a code point is a character of XML 1.0 (§2.2)."""
    return (
        0x20 <= code <= 0xD7FF
        or code in {0x9, 0xA, 0xD}
        or 0xE000 <= code <= 0xFFFD
        or 0x10000 <= code <= 0x10FFFF
    )
