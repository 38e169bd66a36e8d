"""Texts of elements as feedparser's ``pop`` leaves them: stripped, repaired, their type guessed."""

from __future__ import annotations

import re
from typing import Any, Final
from xml.sax.saxutils import escape

from lxml import etree

from ..feedparser_private import CP1252, ENDED, looks_like_html
from .names import Names, Unsupported, attribute_name

_QUOTE: Final = {'"': "&quot;"}
_C1: Final = re.compile("[\x80-\x9f]")
_TYPES: Final = {
    "text": "text/plain",
    "plain": "text/plain",
    "text/plain": "text/plain",
    "html": "text/html",
    "text/html": "text/html",
    "xhtml": "application/xhtml+xml",
    "application/xhtml+xml": "application/xhtml+xml",
}
"""The types of texts. Others are base64, or may be: for feedparser to find out."""


def leaf(element: Any) -> str:
    """The text of an element that holds nothing else, without white space around it."""
    if len(element):
        raise Unsupported("an element where a text is expected")
    return (element.text or "").strip()


def repaired(text: str, *, has_c1: bool) -> str:
    """UTF-8 that was taken for Latin-1 once, and windows-1252 that was, made right as feedparser does."""
    if text.isascii():
        return text
    try:
        text = text.encode("iso-8859-1").decode()
        has_c1 = True
    except UnicodeError:
        pass
    return text.translate(CP1252) if has_c1 and _C1.search(text) else text


def type_of(attributes: dict[str, str], default: str) -> str:
    """The media type of a text construct."""
    if attributes.get("mode", "").lower() == "base64":
        raise Unsupported("base64")
    kind = _TYPES.get(attributes.get("type", default))
    if kind is None:
        raise Unsupported("a content type that is no text")
    return kind


def guessed(text: str) -> str:
    """The type of a plain text of RSS, which may look like HTML."""
    if ("</" in text or "&" in text) and looks_like_html(text):
        return "text/html"
    return "text/plain"


def xhtml(element: Any, names: Names, *, unwrap: bool, has_c1: bool) -> str:
    """What is inside of `element`, written as feedparser writes it.

    Args:
      element: with content of the type XHTML.
      names: of the document's elements.
      unwrap: whether to take away a ``div`` around everything (Atom 1.0, RFC 4287 §3.1.1.3).
      has_c1: as in `Tree`.
    """
    pieces = [escape(element.text or "")]
    for child in element:
        for event, inner in etree.iterwalk(child, events=("start", "end")):
            tag = str(inner.tag).rpartition("}")[2].lower()
            if event == "start":
                name = names[inner.tag]
                if name in ENDED or tag in {"svg", "math"}:
                    raise Unsupported("an element in XHTML whose end means something to feedparser")
                pieces += f"<{tag}{_attributes(inner)}>", escape(inner.text or "")
            else:
                pieces += f"</{tag}>", escape(inner.tail or "")
    pieces = [piece for piece in pieces if piece]
    text = "".join(_unwrapped(pieces) if unwrap else pieces)
    return repaired(text.strip(), has_c1=has_c1)


def _attributes(element: Any) -> str:
    texts = []
    for key, value in element.items():
        name = attribute_name(key)
        if key[0] == "{" and not name.startswith("xml:"):
            raise Unsupported("a foreign attribute in XHTML")
        text = escape(value.lower() if name in {"rel", "type"} else value, _QUOTE)
        texts.append(f' {name}="{text}"')
    return "".join(texts)


def _unwrapped(pieces: list[str]) -> list[str]:
    """`pieces` without white space at its ends, and without one div that is around everything else."""
    while len(pieces) > 1 and not pieces[-1].strip():
        del pieces[-1]
    while len(pieces) > 1 and not pieces[0].strip():
        del pieces[0]
    if not pieces or not (pieces[0] == "<div>" or pieces[0].startswith("<div ")) or pieces[-1] != "</div>":
        return pieces
    depth = 0
    for piece in pieces[:-1]:
        depth += piece.startswith("<") and not piece.startswith("</")
        depth -= piece.startswith("</")
        if depth == 0:
            return pieces
    return pieces[1:-1]
