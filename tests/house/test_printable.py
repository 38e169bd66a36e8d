"""Text of strangers must not do anything to a terminal, and other scripts must not suffer from that."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from trioscrape import FeedFailed
from trioscrape._printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("a\rb\nc\td\x7f", r"a\rb\nc\td\x7f"),
        ("exe.\u202egpj", r"exe.\u202egpj"),
        ("\u2066a\u2069\u200e\u200f\u061c", r"\u2066a\u2069\u200e\u200f\u061c"),
        ("a\u200bb\ufeff\u2028", r"a\u200bb\ufeff\u2028"),
        ("\U000e0041", r"\U000e0041"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_is_unsafe_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    "text", ["", "Füße 訂閱\u3000", "می\u200cخواهم", "👩\u200d💻\ufe0f", "a\u00a0b", "עברית"]
)
def test_other_scripts_are_left_alone(text: str) -> None:
    assert printable(text) == text


def test_some_may_be_kept() -> None:
    assert printable("a\tb\r\n", keep="\t\n") == "a\tb\\r\n"


@pytest.mark.heavy
def test_nothing_that_moves_a_cursor_or_turns_text_is_left() -> None:
    """All that Unicode has."""
    left = printable("".join(map(chr, range(sys.maxunicode + 1))))

    assert not [char for char in left if unicodedata.category(char) == "Cc"]
    assert not [char for char in left if unicodedata.bidirectional(char) in BIDIRECTIONAL]


BIDIRECTIONAL = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def test_so_is_the_detail_of_every_failure() -> None:
    assert FeedFailed("malformed", "\x1b[2J").detail == r"\x1b[2J"
