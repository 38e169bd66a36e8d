"""Elements whose end is missing: where they should have ended, from what feeds have inside of what. Pure.

The elements of feeds are few. An element that is still open where one around it ends should have ended before
the first thing inside that can't be its own: a title before the link after it, an item before the next item.
"""

from __future__ import annotations

from typing import Final


class BeyondRepair(Exception):
    """The document can't be made well-formed; the text says why."""


_DEEPEST: Final = 250
"""Levels; libxml2 takes 256."""

ENTRIES: Final = frozenset(("item", "entry"))
FIELDS: Final = ENTRIES | frozenset(
    """author category channel comments content contributor copyright created description docs enclosure
    expirationdate generator guid icon id image issued items language lastbuilddate link logo managingeditor
    modified pubdate published rating rights skipdays skiphours source subtitle summary tagline textinput
    title ttl updated webmaster""".split()  # noqa: SIM905
)
"""Local names that mean something in RSS and Atom; everything with a prefix may do so as well."""
ROOTS: Final = frozenset(("rss", "rdf", "feed", "channel"))
_INSIDE: Final[dict[str, frozenset[str]]] = {
    name: frozenset(inside.split())
    for names, inside in (
        ("author contributor itunes:owner", "name email uri url homepage itunes:name itunes:email"),
        ("image textinput", "url title link description width height name"),
        ("source", "id title updated link author category contributor generator icon logo rights subtitle"),
        ("items", "rdf:seq"),
        ("rdf:seq rdf:bag", "rdf:li"),
        (
            "media:group media:content",
            "media:title media:description media:thumbnail media:credit media:rating media:category "
            "media:keywords media:community media:player media:text media:copyright media:hash "
            "media:restriction",
        ),
    )
    for name in names.split()
}
"""What sections have inside, each once but in lists."""
_LISTS: Final = frozenset(("rdf:seq", "rdf:bag", "media:group", "media:content"))
_VOID: Final = frozenset(("area", "br", "col", "embed", "hr", "img", "input", "meta", "param", "wbr"))
_ENDED_BY_THE_NEXT: Final = frozenset(("dd", "dt", "li", "option", "p", "td", "th", "tr"))
"""HTML elements that end where another one of their name begins."""
_LONG_TEXTS: Final = frozenset(("content", "description", "encoded", "summary", "title"))
"""Of which a part is better than nothing; half a guid or date is wrong."""
_KEYS: Final = frozenset(("guid", "id", "link"))


class _Open:
    """An element that has not ended."""

    __slots__ = ("begins_with_text", "ends", "inside", "local", "name", "of_rdf", "start", "tag", "whole")

    def __init__(self, tag: str, start: int) -> None:
        self.tag, self.name = tag, tag.lower()
        self.local = self.name.rpartition(":")[2]
        self.start = start
        """Its place among the pieces."""
        self.ends: int | None = None
        """The place before which it should have ended, if it turns out that it has no end."""
        self.of_rdf = False
        """Whether it is a channel of RSS 1.0, whose items come after it."""
        self.begins_with_text = False
        self.inside: set[str] = set()
        """Names of the elements in it."""
        self.whole: set[str] = set()
        """Local names of those which have ended."""

    def may_have(self, name: str, local: str) -> bool:
        """Whether an element of that name can be inside of it, and not only after it."""
        if self.local in ENTRIES:
            return local not in ENTRIES and local not in ROOTS
        if self.local in ROOTS:
            return not (self.of_rdf and local in ENTRIES)
        if local not in FIELDS and local not in ROOTS and ":" not in name:
            return True
        own = _INSIDE.get(self.name) or _INSIDE.get(self.local) or frozenset()
        return name in own and not self.begins_with_text and (self.name in _LISTS or name not in self.inside)


class Nesting:
    """A document that is being written, well-formed whatever tags come."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._late_ends: dict[int, str] = {}
        """End tags to be written before a piece."""
        self._open: list[_Open] = []
        self._unbounded: list[_Open] = []
        """Those of them without a place to end yet."""
        self._levels: dict[str, list[int]] = {}
        """Of the open elements of a name."""
        self._entry_levels: list[int] = []
        self._entries = 0
        self._root: _Open | None = None
        self._ended: dict[str, tuple[_Open, int]] = {}
        """The last root and channel that have ended, and where."""
        self.faults: set[str] = set()

    @property
    def top(self) -> str:
        """The name of the innermost open element."""
        return self._open[-1].tag if self._open else ""

    @property
    def is_in_a_text(self) -> bool:
        """Whether the innermost open element is a field, and not one that has fields inside."""
        return bool(self._open) and self._open[-1].local not in ENTRIES | ROOTS

    def text(self, text: str) -> None:
        """A text, with references and without markup."""
        if self._open:
            self._pieces.append(text)
            top = self._open[-1]
            if top.name in _INSIDE and not top.inside and text.strip():
                top.begins_with_text = True
        elif text.strip():
            self.faults.add("junk")

    def start(self, tag: str, attributes: str, *, empty: bool) -> None:
        """A start tag, or one of an empty element."""
        name = tag.lower()
        local = name.rpartition(":")[2]
        if not self._is_inside(name, local) or (local == "channel" and self._reopened_channel()):
            return
        if local in ENTRIES and self._is_in_an_empty_entry(name):
            self.faults.add("tags")
            self._pieces[self._open[-1].start] = f"<{tag}{attributes}>"
            return
        if name in _ENDED_BY_THE_NEXT and self._open and self._open[-1].name == name:
            self._end_unended()
        # What can't have it inside ends before it, if it turns out that it has no end.
        while self._unbounded and not self._unbounded[-1].may_have(name, local):
            self._unbounded.pop().ends = len(self._pieces)
        self._pieces.append("")
        opened = _Open(tag, len(self._pieces) - 1)
        self._entries += local in ENTRIES
        if self._root is None:
            self._root = opened
        elif self._open:
            self._open[-1].inside.add(name)
            opened.of_rdf = local == "channel" and self._root.local == "rdf"
        empty = empty or name in _VOID
        self._pieces[-1] = f"<{tag}{attributes}/>" if empty else f"<{tag}{attributes}>"
        if not empty:
            self._push(opened)
        elif self._open:
            self._open[-1].whole.add(local)

    def end(self, tag: str) -> None:
        """An end tag, which may be of nothing that is open."""
        name = tag.lower()
        levels = self._levels.get(name)
        structural = name.rpartition(":")[2] in ROOTS | ENTRIES
        if not levels or (not structural and self._entry_levels and levels[-1] < self._entry_levels[-1]):
            self.faults.add("tags")  # It ends nothing, or something around the entry.
            return
        level = levels[-1]
        while len(self._open) > level + 1:
            self._end_unended()
        opened = self._pop()
        if self._open:
            self._open[-1].whole.add(opened.local)
        self._pieces.append(f"</{opened.tag}>")

    def finished(self) -> list[str]:
        """The pieces of the document; the first is the start tag of its root element.

        Raises:
          BeyondRepair: there is none.
        """
        if self._root is None:
            raise BeyondRepair("no root element")
        if self._open:
            self.faults.add("end")
            self._without_half_an_entry()
            while self._open:
                self._end_unended()
        for place, end in self._late_ends.items():
            self._pieces[place] = end + self._pieces[place]
        return self._pieces

    def _is_inside(self, name: str, local: str) -> bool:
        """Whether a start tag belongs to the document, which may have to go on for that."""
        root = self._root
        if root is not None and self._open and (name != root.name or local in ENTRIES):
            return True
        while self._open:  # The root again: one document after another that was cut off.
            self._end_unended()
        if root is not None and not root.inside:
            self._pieces.clear()
            self._late_ends.clear()
            self._root = root = None
        if root is None:
            known = local in ROOTS | ENTRIES
            self.faults |= set() if known else {"junk"}
            return known
        if local not in ENTRIES and name != root.name:
            self.faults.add("junk")
            return False
        self.faults.add("roots")
        self._reopen(self._ended.pop("root"))
        if local in ENTRIES:
            self._reopened_channel()
        return local in ENTRIES

    def _is_in_an_empty_entry(self, name: str) -> bool:
        """Whether the last start tag is that of an entry with nothing in it so far: ``<item><item>``."""
        return bool(self._open) and self._open[-1].name == name and not self._open[-1].inside

    def _was_to_be_an_end(self, opened: _Open) -> bool:
        """Whether an empty entry without an end was a misspelt end tag; never if it is the only entry."""
        if opened.local not in ENTRIES or opened.inside or self._entries < 2:
            return False
        return self._pieces[opened.start] == f"<{opened.tag}>"

    def _reopened_channel(self) -> bool:
        """Whether a channel of RSS goes on, because another one begins."""
        if "channel" not in self._ended or not self._open or self._open[-1].local != "rss":
            return False
        self._reopen(self._ended.pop("channel"))
        return True

    def _reopen(self, ended: tuple[_Open, int]) -> None:
        opened, place = ended
        self._pieces[place] = ""
        self._push(opened)

    def _push(self, opened: _Open) -> None:
        if len(self._open) == _DEEPEST:
            raise BeyondRepair("more levels than libxml2 takes")
        level = len(self._open)
        self._levels.setdefault(opened.name, []).append(level)
        if opened.local in ENTRIES:
            self._entry_levels.append(level)
        self._open.append(opened)
        if level:  # The root ends with the document.
            self._unbounded.append(opened)

    def _pop(self) -> _Open:
        opened = self._open.pop()
        self._levels[opened.name].pop()
        if opened.local in ENTRIES:
            self._entry_levels.pop()
        if self._unbounded and self._unbounded[-1] is opened:
            self._unbounded.pop()
        place = len(self._pieces)
        if not self._open:
            self._ended["root"] = opened, place
        elif opened.local == "channel":
            self._ended["channel"] = opened, place
        return opened

    def _end_unended(self) -> None:
        self.faults.add("tags")
        opened = self._pop()
        if self._was_to_be_an_end(opened):
            self._pieces[opened.start] = ""
            return
        if self._open:
            self._open[-1].whole.add(opened.local)
        end = f"</{opened.tag}>"
        if opened.ends is None:
            self._pieces.append(end)
        else:
            self._late_ends[opened.ends] = self._late_ends.get(opened.ends, "") + end

    def _without_half_an_entry(self) -> None:
        """Drop what says something wrong where the document was cut off.

        That is half a guid or date, and an entry whose guid and link were in the other half, unless it is the
        only one.
        """
        if not self._entry_levels:
            return
        level = self._entry_levels[-1]
        entry, *fields = self._open[level:]
        if fields and fields[0].local not in _LONG_TEXTS:
            self._cut(level + 1)
        if not entry.whole & _KEYS and self._entries > 1 and level:
            self._cut(level)

    def _cut(self, level: int) -> None:
        start = self._open[level].start
        while len(self._open) > level:
            self._pop()
        for opened in self._open:
            if opened.ends is not None and opened.ends >= start:
                opened.ends = None
        del self._pieces[start:]
        self._late_ends = {place: end for place, end in self._late_ends.items() if place < start}
