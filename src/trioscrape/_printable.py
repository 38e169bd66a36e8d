"""Text of strangers as it may be shown: on a terminal, in a log, in a message."""

from __future__ import annotations

import unicodedata
from typing import Final

_UNSAFE: Final = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Controls (ESC, BEL, C1), invisible formatting (bidirectional overrides, tags), surrogates, line ends."""
_JOINERS: Final = "\u200c\u200d"
"""ZWNJ and ZWJ: Persian, Hindi and many emoji need them, and they do nothing to the text around them."""


def printable(text: str, *, keep: str = "") -> str:
    r"""`text`, with what could command a terminal or is invisible escaped: ``\x1b``, ``\u202e``.

    Other scripts, their spaces and joiners stay as they are.

    Args:
      text: of anybody.
      keep: characters that stay as well, such as line feeds.
    """
    if text.isprintable():
        return text
    return "".join(char if char in keep or _is_safe(char) else ascii(char)[1:-1] for char in text)


def _is_safe(char: str) -> bool:
    return char in _JOINERS or unicodedata.category(char) not in _UNSAFE
