"""HTML that is nested too deeply, made shallow enough for a parser. Pure.

An HTML parser looks through the open elements at nearly every tag, and opens those again that only format
(``<b>``, ``<font>``) in each new paragraph (HTML Standard §13.2.4.3). So 200,000 open ``<div>`` take nh3
160 s, and 3,000 ``<font>`` before 10,000 ``<p>`` are 30,000,000 elements. No reader shows such depths, and
browsers cut them too: Chrome at 512.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import accumulate
from typing import Final

DEEPEST: Final = 256
"""Elements inside of one another."""
FORMATTED: Final = 32
"""Of them, elements that only format."""
FEW: Final = 3000
"""Tags that take nh3 50 ms at the worst that was found (half of them ``<font>``, each with another
attribute, half ``<p>``), and 17 ms as ``<div>``."""
SHORTEST_TAG: Final = 3
"""Characters."""

_FORMATTING: Final = frozenset(
    ("b", "big", "code", "em", "font", "i", "s", "small", "strike", "strong", "tt", "u")
)
# Neither makes anything deeper by itself: what has no content, and what ends where the next one begins.
_VOID: Final = "area base basefont bgsound br col embed frame hr img input keygen link meta param source wbr"
_ENDED: Final = "a nobr caption colgroup dd dt li optgroup option p rb rp rt rtc tbody td tfoot th thead tr"
_FLAT: Final = frozenset(f"{_VOID} {_ENDED}".split())
_BEGINNING: Final = re.compile(r"</?[a-zA-Z][^\s/>]*")
_TAG: Final = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)")


def shallow(markup: str) -> str:
    """`markup` without the tags that would nest it more deeply than a parser can bear; all text stays.

    It reads tags as a parser would in most cases. Who hides end tags in comments can still keep a parser
    busy, until its timeout.
    """
    if len(markup) <= FEW * SHORTEST_TAG or markup.count("<") <= FEW or _is_plainly_shallow(markup):
        return markup
    return _TAG.sub(_Depth().tag, markup)


def _is_plainly_shallow(markup: str) -> bool:
    """Whether its tags are few inside of one another, and none ends that has not begun.

    That is true of nearly all markup, and seen without a step of Python for each tag.
    """
    tags = _BEGINNING.findall(markup)
    steps: dict[str, int] = {}
    open_: Counter[str] = Counter()
    for tag, number in Counter(tags).items():
        name = tag.lstrip("</").lower()
        steps[tag] = 0 if name in _FLAT else -1 if tag.startswith("</") else 1
        open_[name] += steps[tag] * number
    depths = list(accumulate(map(steps.__getitem__, tags), initial=0))
    return min(open_.values(), default=0) >= 0 <= min(depths) and max(depths) <= FORMATTED


class _Depth:
    """How deep a place in some markup is."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._depth = 0
        self._formatted = 0

    def tag(self, found: re.Match[str]) -> str:
        """The beginning of a tag as it was, or of one that is nothing in a text: ``<col``."""
        name = found[2].lower()
        if name in _FLAT:
            return found[0]
        stays = self._end(name) if found[1] else self._begin(name)
        return found[0] if stays else f"<{found[1]}col"

    def _begin(self, name: str) -> bool:
        formatting = name in _FORMATTING
        if self._depth >= DEEPEST or (formatting and self._formatted >= FORMATTED):
            self._dropped[name] += 1
            return False
        self._open[name] += 1
        self._depth += 1
        self._formatted += formatting
        return True

    def _end(self, name: str) -> bool:
        if self._dropped[name]:
            self._dropped[name] -= 1
            return False
        if self._open[name]:
            self._open[name] -= 1
            self._depth -= 1
            self._formatted -= name in _FORMATTING
        return True
