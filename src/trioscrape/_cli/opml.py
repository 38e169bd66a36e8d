"""Feed lists in OPML: every ``outline`` element with an ``xmlUrl`` is a feed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Final
from xml.parsers import expat

from .._errors import UsageError
from .._records import Feed
from .typed_urls import typed_url

_CHUNK: Final = 2**16
_TOO_SHORT: Final = expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS]


def read_opml(name: str, file: IO[bytes]) -> Iterator[Feed]:
    """The feeds of an OPML document, as far as it has been read.

    Raises:
      UsageError: it is not OPML, is malformed, or declares entities. The message has `name` and the line.
    """
    outlines = _Outlines(name)
    try:
        while chunk := file.read(_CHUNK):
            outlines.parser.Parse(chunk, False)  # noqa: FBT003 - expat takes it by position
            yield from outlines.taken()
        outlines.parser.Parse(b"", True)  # noqa: FBT003
    except expat.ExpatError as error:
        text = expat.ErrorString(error.code)
        if error.code == _TOO_SHORT:
            text = "it ends too early"
        raise UsageError(f"{name}, line {error.lineno}: malformed OPML: {text}") from error
    yield from outlines.taken()


class _Outlines:
    """Collects the ``outline`` elements with an ``xmlUrl``, at any depth.

    Entity declarations are an error: feed lists don't need them, and they let a small document expand
    into a huge one ("billion laughs").
    """

    def __init__(self, name: str) -> None:
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start_element
        self.parser.EndElementHandler = self._end_element
        self.parser.EntityDeclHandler = self._entity_declaration
        self._name = name
        self._root: str | None = None
        self._feeds: list[Feed] = []
        self._open: list[str | None] = []  # the names of the outlines around; None for a feed

    def taken(self) -> list[Feed]:
        """The feeds found since the last call."""
        feeds, self._feeds = self._feeds, []
        return feeds

    def _start_element(self, tag: str, attributes: dict[str, str]) -> None:
        if self._root is None:
            self._root = tag
            if tag.lower() != "opml":
                raise UsageError(f"{self._name}: it is XML, but not OPML: its root element is <{tag}>")
        if tag.lower() != "outline":
            return
        # Programs disagree on the case of xmlUrl.
        outline = {key.lower(): value.strip() for key, value in attributes.items()}
        title = outline.get("title") or outline.get("text") or None
        url = outline.get("xmlurl")
        if url:
            line, folders = self.parser.CurrentLineNumber, tuple(filter(None, self._open))
            self._feeds.append(Feed(typed_url(url) or url, title=title, line=line, tags=folders))
        self._open.append(None if url else title)

    def _end_element(self, tag: str) -> None:
        if tag.lower() == "outline":
            self._open.pop()

    def _entity_declaration(self, *_: object) -> None:
        line = self.parser.CurrentLineNumber
        raise UsageError(
            f"{self._name}, line {line}: it declares an XML entity, which is not allowed in a feed list"
        )
