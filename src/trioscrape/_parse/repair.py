"""Documents that are not well-formed, made so: what is whole in them means the same as in a whole document.

One pass over the tags, in linear time. It repairs what publishers' templates, databases and time limits do to
feeds, and nothing is guessed beyond that:

==================  ==================================================================================
control characters  taken away; those that are white space elsewhere are some here
references          HTML's names are known; bare ampersands and unknown names are text (`references`)
tags                missing, misspelt and superfluous end tags (`nesting`); attributes without quotes, or
                    twice; less-than signs that begin no tag
end                 what was cut off; an entry of which too little is left to know it by goes with it
junk                before and after the root element, comments, and what is left of scripts
roots               several documents in one are one
DOCTYPE             taken away; its entities are known where they are plain text
namespaces          prefixes that nobody has declared; namespaces that are no URIs, which libxml2 refuses
==================  ==================================================================================
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from .nesting import FIELDS, BeyondRepair, Nesting
from .prefixes import ATTRIBUTE, NAME, VALUE, Prefixes, qualified
from .references import References


class Repaired(NamedTuple):
    """A document that is well-formed, as far as a look at its tags can tell."""

    data: bytes
    """UTF-8, without an XML declaration, a DOCTYPE, comments and processing instructions."""
    faults: frozenset[str]
    """What was repaired: words of the table above. Empty: nothing but a DOCTYPE or a declaration was in the
    way."""


def repaired(data: bytes) -> Repaired | None:
    """`data` made well-formed; None where it has no root element of a feed, or too many levels.

    Args:
      data: a document in UTF-8.
    """
    printable = data.translate(_WHITE, _CONTROLS)
    tokens = _Tokens(printable.decode().replace("\ufffe", "").replace("\uffff", ""))
    try:
        text = tokens.rewritten()
    except BeyondRepair:
        return None
    faults = tokens.faults | ({"control characters"} if printable != data else set())
    try:
        return Repaired(text.encode(), frozenset(faults))
    except UnicodeEncodeError:  # Characters in two halves, from references, and halves without the other one
        halves = text.encode("utf-16", "surrogatepass")
        return Repaired(halves.decode("utf-16", "replace").encode(), frozenset(faults))


_BREAKS: Final = b"\x0b\x0c\x1c\x1d\x1e\x1f"
"""Between words: lines, pages and fields end with them."""
_WHITE: Final = bytes.maketrans(_BREAKS, b" " * len(_BREAKS))
_CONTROLS: Final = bytes(code for code in range(32) if code not in b"\t\n\r" + _BREAKS)

_TAG: Final = re.compile(rf"<({NAME})((?:\s+{NAME}\s*=\s*{VALUE})*)\s*(/?)>")
_END_TAG: Final = re.compile(rf"</\s*({NAME})[^<>]*>")
# As browsers read them. Atomic groups: what has been read once is not read in another way.
_SLOPPY_TAG: Final = re.compile(rf"<({NAME})((?>[^<>\"']+|\"[^\">]*\"|'[^'>]*'|[\"'])*+)>")
_SLOPPY_ATTRIBUTE: Final = re.compile(r"([^\s\"'<>/=]+)(?:\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s<>]*))?")
_UNENDED_TAG: Final = re.compile(rf"<({NAME})([^<>]*)(?=<)")
_LONGEST_TAG: Final = 8192
_MOST_SLOPPY: Final = 10_000
"""Less-than signs that may begin a tag, and don't: each may be looked at for `_LONGEST_TAG` characters."""
_CUT_REFERENCE: Final = re.compile(r"&[#\w]{0,31}\Z", re.ASCII)


class _Tokens:
    """One way through a text, from tag to tag."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._nesting = Nesting()
        self._references = References(len(text))
        self._found: dict[str, int] = {}
        self._sloppy = 0
        self.faults = self._nesting.faults
        self._prefixes = Prefixes(self.faults)

    def rewritten(self) -> str:
        """The text, well-formed.

        Raises:
          BeyondRepair: it is no document, or too deep.
        """
        text, at = self._text, 0
        while (markup := text.find("<", at)) >= 0:
            if markup > at:
                self._characters(text[at:markup])
            at = self._markup(markup)
        self._characters(_CUT_REFERENCE.sub("", text[at:]))
        pieces = self._nesting.finished()
        if self._references.repaired:
            self.faults.add("references")
        pieces[0] = self._prefixes.with_namespaces(pieces[0])
        return "".join(pieces)

    def _find(self, what: str, at: int) -> int:
        """The next one from `at` on, which only grows: so that each is looked for once."""
        if what not in self._found or -1 < self._found[what] < at:
            self._found[what] = self._text.find(what, at)
        return self._found[what]

    def _characters(self, text: str) -> None:
        if "]]>" in text:
            self.faults.add("tags")
            text = text.replace("]]>", "]]&gt;")
        self._nesting.text(self._references.corrected(text))

    def _markup(self, at: int) -> int:
        """Read what begins at `at`; returns where it ends."""
        if self._find(">", at) < 0:
            self.faults.add("end")
            return len(self._text)
        match self._text[at + 1]:
            case "!":
                return self._declaration(at)
            case "?":
                return self._instruction(at)
            case "/":
                tag = _END_TAG.match(self._text, at)
                if tag is None:
                    return self._less_than(at)
                self._nesting.end(qualified(tag[1]))
                return tag.end()
        return self._start_tag(at)

    def _less_than(self, at: int) -> int:
        self.faults.add("tags")
        self._nesting.text("&lt;")
        return at + 1

    def _declaration(self, at: int) -> int:
        """A comment, a CDATA section, a DOCTYPE, or something that belongs into one."""
        text = self._text
        if text.startswith("<!--", at):
            end = self._find("-->", at + 4)
            if end < 0 or self._misses_its_end("<!--", at + 4, end) >= 0:
                self.faults.add("tags")
                return at + 4
            return end + 3
        if text.startswith("<![CDATA[", at):
            return self._cdata(at + 9)
        if not text[at + 2 : at + 3].isalpha():
            return self._less_than(at)
        end = self._find(">", at) + 1
        if text[at + 2 : at + 8] == "ENTITY":
            self._references.declare(text[at:end])
        subset = text.find("[", at, end)
        return end if subset < 0 else subset + 1

    def _cdata(self, at: int) -> int:
        text = self._text
        end = self._find("]]>", at)
        element = self._misses_its_end("<![CDATA[", at, end)
        if element >= 0:
            self.faults.add("tags")
            end = element
        elif end < 0:
            self.faults.add("end")
            end = len(text)
        if end > at:
            inside = text[at:end] if end < len(text) else text[at:end].rstrip("]")
            self._nesting.text(f"<![CDATA[{inside}]]>")
        return end if element >= 0 else end + 3

    def _misses_its_end(self, begin: str, at: int, end: int) -> int:
        """Where a comment or section should have ended, if `end` is the one of another; -1 if it is its own.

        One can't have another inside. If its element ends before the other one begins, it ends there; if it
        is not in a text, it has never begun.
        """
        another = self._text.find(begin, at, end) if end >= 0 else len(self._text)
        if another < 0:
            return -1
        if not self._nesting.is_in_a_text:
            return at
        return self._text.find(f"</{self._nesting.top}>", at, another)

    def _instruction(self, at: int) -> int:
        """A processing instruction, or a declaration with half an end; scripts have tags inside."""
        end, bracket = self._find("?>", at), self._find(">", at)
        if end < 0 or bracket < self._text.find("<", at + 1, end):
            return bracket + 1
        return end + 2

    def _start_tag(self, at: int) -> int:
        tag = _TAG.match(self._text, at)
        if tag is None:
            return self._sloppy_tag(at)
        name, attributes, empty = tag.groups()
        if attributes:
            names = [name for name, _ in ATTRIBUTE.findall(attributes)]
            if len(set(names)) < len(names):
                return self._sloppy_tag(at)
            attributes = self._references.corrected(attributes)
        self._start(name, attributes, empty=bool(empty))
        return tag.end()

    def _sloppy_tag(self, at: int) -> int:
        self.faults.add("tags")
        tag = _SLOPPY_TAG.match(self._text, at, at + _LONGEST_TAG)
        if tag is None:
            self._sloppy += 1
            if self._sloppy > _MOST_SLOPPY:
                raise BeyondRepair("too many tags without an end")
            tag = _UNENDED_TAG.match(self._text, at, at + _LONGEST_TAG)
            if tag is None or tag[1].lower().rpartition(":")[2] not in FIELDS:
                return self._less_than(at)
        values: dict[str, str] = {}
        empty = _is_empty(tag[1], tag[2])
        for name, value in _SLOPPY_ATTRIBUTE.findall(tag[2].rstrip()[:-1] if empty else tag[2]):
            if re.fullmatch(NAME, name):
                quoted = value[:1] in {'"', "'"}
                values.setdefault(name, value[1:-1] if quoted else value.strip("\"'"))
        attributes = "".join(
            f' {name}="{self._references.corrected(value).replace("<", "&lt;").replace(chr(34), "&quot;")}"'
            for name, value in values.items()
        )
        self._start(tag[1], attributes, empty=empty)
        return tag.end()

    def _start(self, tag: str, attributes: str, *, empty: bool) -> None:
        if ":" in tag or ":" in attributes or "xmlns" in attributes:
            tag, attributes = self._prefixes.valid(tag, attributes)
        self._nesting.start(tag, attributes, empty=empty)


def _is_empty(tag: str, attributes: str) -> bool:
    """Whether a slash before ``>`` ends the element: in HTML it may be a part of a URL without quotes."""
    before = attributes.rstrip()[:-1] if attributes.rstrip().endswith("/") else None
    if before is None:
        return False
    return not before or before[-1] in " \t\n\r\"'" or ":" in tag or tag.lower() in FIELDS
