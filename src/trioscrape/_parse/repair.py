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
from urllib.parse import quote

from .nesting import FIELDS, BeyondRepair, Nesting
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

_NAME: Final = r"[^\W\d][\w:.\-·]*"
_VALUE: Final = r"(?:\"[^\"<]*\"|'[^'<]*')"
_TAG: Final = re.compile(rf"<({_NAME})((?:\s+{_NAME}\s*=\s*{_VALUE})*)\s*(/?)>")
_ATTRIBUTE: Final = re.compile(rf"\s({_NAME})\s*=\s*({_VALUE})")
_END_TAG: Final = re.compile(rf"</\s*({_NAME})[^<>]*>")
# As browsers read them. Atomic groups: what has been read once is not read in another way.
_SLOPPY_TAG: Final = re.compile(rf"<({_NAME})((?>[^<>\"']+|\"[^\">]*\"|'[^'>]*'|[\"'])*+)>")
_SLOPPY_ATTRIBUTE: Final = re.compile(r"([^\s\"'<>/=]+)(?:\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s\"'<>]*))?")
_SLOPPY_EMPTY: Final = re.compile(r"(?:^|.*[\s\"'])/\s*", re.DOTALL)
_UNENDED_TAG: Final = re.compile(rf"<({_NAME})([^<>]*)(?=<)")
_LONGEST_TAG: Final = 8192
_MOST_SLOPPY: Final = 10_000
"""Less-than signs that may begin a tag, and don't: each may be looked at for `_LONGEST_TAG` characters."""
_NAMESPACE: Final = re.compile(rf"(?<=\sxmlns)((?::{_NAME})?\s*=\s*)([\"'])([^\"'<]*)\2")
_URI: Final = re.compile(
    r"[a-z][a-z\d+.-]*:(?://[\w.-]+(?::\d+)?(?![^/?#])|(?!//))[\w./:&;=,()*+!~-]*(?:\?[\w./:&;=-]*)?(?:#[\w./:-]*)?",
    re.ASCII | re.IGNORECASE,
)
"""Absolute, with nothing to escape."""
_CUT_REFERENCE: Final = re.compile(r"&[#\w]{0,31}\Z", re.ASCII)


class _Tokens:
    """One way through a text, from tag to tag."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._nesting = Nesting()
        self._references = References(len(text))
        self._found: dict[str, int] = {}
        self._sloppy = 0
        self._used: set[str] = set()
        """Prefixes of elements and attributes."""
        self._declared: dict[str, str] = {}
        """Prefixes and what they have been declared for, with quotes."""
        self.faults = self._nesting.faults

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
        pieces[0] = self._with_namespaces(pieces[0])
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
                self._nesting.end(tag[1])
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
            return end + 3 if end >= 0 else at + 4
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
        if end < 0:
            self.faults.add("end")
            self._nesting.text(f"<![CDATA[{text[at:].rstrip(']')}]]>")
            return len(text)
        # One in another one: the end of the first is missing, if its element ends before the second.
        another = text.find("<![CDATA[", at, end)
        element = -1 if another < 0 else text.find(f"</{self._nesting.top}>", at, another)
        if element >= 0:
            self.faults.add("tags")
        self._nesting.text(f"<![CDATA[{text[at : end if element < 0 else element]}]]>")
        return end + 3 if element < 0 else element

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
            names = [name for name, _ in _ATTRIBUTE.findall(attributes)]
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
        for name, value in _SLOPPY_ATTRIBUTE.findall(tag[2]):
            if re.fullmatch(_NAME, name):
                values.setdefault(name, value[1:-1] if value[:1] in {'"', "'"} else value)
        attributes = "".join(
            f' {name}="{self._references.corrected(value).replace("<", "&lt;").replace(chr(34), "&quot;")}"'
            for name, value in values.items()
        )
        self._start(tag[1], attributes, empty=_SLOPPY_EMPTY.fullmatch(tag[2]) is not None)
        return tag.end()

    def _start(self, tag: str, attributes: str, *, empty: bool) -> None:
        if "xmlns" in attributes:
            attributes = _NAMESPACE.sub(self._namespace, attributes)
        if ":" in tag or ":" in attributes:
            for name, value in (*_ATTRIBUTE.findall(attributes), (tag, "")):
                prefix, colon, local = name.partition(":")
                if prefix == "xmlns" and colon:
                    self._declared.setdefault(local, value)
                elif colon:
                    self._used.add(prefix)
        self._nesting.start(tag, attributes, empty=empty)

    def _namespace(self, declaration: re.Match[str]) -> str:
        """A declaration, with a URI: the one that it has, or any that is no other's."""
        equals, mark, uri = declaration.groups()
        if _URI.fullmatch(uri) or (not uri and ":" not in equals):
            return declaration[0]
        self.faults.add("namespaces")
        uri = "".join(uri.split())
        return f"{equals}{mark}{uri if _URI.fullmatch(uri) else f'urn:no-uri:{quote(uri)}'}{mark}"

    def _with_namespaces(self, root: str) -> str:
        """The start tag of the root element, with the declarations that are missing."""
        declared = {name.removeprefix("xmlns:") for name, _ in _ATTRIBUTE.findall(root)}
        added = ""
        for prefix in sorted(self._used - declared - {"xml", "xmlns"}):
            if (uri := self._declared.get(prefix)) is None:
                self.faults.add("namespaces")
                uri = f'"{_NAMESPACES.get(prefix.lower(), "urn:undeclared:" + prefix)}"'
            added += f" xmlns:{prefix}={uri}"
        end = len(root) - (2 if root.endswith("/>") else 1)
        return root[:end] + added + root[end:]


_NAMESPACES: Final = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
    "georss": "http://www.georss.org/georss",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "podcast": "https://podcastindex.org/namespace/1.0",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "slash": "http://purl.org/rss/1.0/modules/slash/",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
    "thr": "http://purl.org/syndication/thread/1.0",
    "wfw": "http://wellformedweb.org/CommentAPI/",
}
"""What prefixes stand for that are known by themselves."""
