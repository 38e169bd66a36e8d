"""Help pages: what they say, and how that is laid out for the width of a terminal."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

_WIDEST: Final = 80
"""Columns. Longer lines are hard to read."""
_NARROW: Final = 60
"""Columns of a terminal in which explanations go below their option, not beside it."""
_LONGEST_NAME: Final = 25
"""Columns. The explanation of an option with a longer name begins below it."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a help page says besides the options. Paragraphs are wrapped, usage and examples are not."""

    usage: tuple[str, ...]
    description: tuple[str, ...]
    examples: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Section:
    """Options, or commands, under a title."""

    title: str
    rows: list[tuple[str, str]] = field(default_factory=list)
    """Names and explanations: ``("--store URL", "where …")``."""
    rare: bool = False
    """Whether only the page with all options has it."""


def render(page: Page, sections: Iterable[Section]) -> str:
    """The page as it is printed, in as many columns as the terminal has (``$COLUMNS``; 80 of a pipe)."""
    width = max(20, min(shutil.get_terminal_size().columns, _WIDEST))
    return "\n".join(_lines(page, sections, width)) + "\n"


def short_usage(page: Page) -> str:
    """The first lines of a page, its first example, and how to see the rest."""
    lines = [*_usage(page), "", f"Example: {page.examples[0]}", "All of it: trioscrape --help"]
    return "\n".join(lines) + "\n"


def _usage(page: Page) -> Iterator[str]:
    for number, usage in enumerate(page.usage):
        yield ("       " if number else "Usage: ") + usage


def _lines(page: Page, sections: Iterable[Section], width: int) -> Iterator[str]:
    yield from _usage(page)
    for paragraph in page.description:
        yield ""
        yield from textwrap.wrap(paragraph, width)
    for section in sections:
        yield ""
        yield from textwrap.wrap(f"{section.title}:", width)
        yield from _rows(section.rows, width)
    yield ""
    yield "Examples:"
    yield from (f"  {example}" for example in page.examples)
    for paragraph in page.notes:
        yield ""
        yield from textwrap.wrap(paragraph, width)


def _rows(rows: list[tuple[str, str]], width: int) -> Iterator[str]:
    longest = max((len(names) for names, _ in rows if len(names) <= _LONGEST_NAME), default=0)
    column = 6 if width < _NARROW else longest + 4
    for names, text in rows:
        lines = textwrap.wrap(text, width - column, break_on_hyphens=False)
        if len(names) + 4 <= column:
            yield f"  {names:<{column - 4}}  {lines.pop(0)}"
        else:
            yield f"  {names}"
        yield from (" " * column + line for line in lines)
