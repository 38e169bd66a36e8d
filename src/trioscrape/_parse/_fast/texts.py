"""Texts and how they are to be read: RSS by their look, Atom by their type (RFC 4287 §3.1, §4.1.3.3)."""

from __future__ import annotations

import re
from base64 import b64decode
from html import escape
from typing import Final

from lxml import etree

from ..raw import RawText
from ..rss_text import line, passage
from .names import Element
from .tree import Attributes, Children, Place, Reading, attributes


def titles(reading: Reading, children: Children, around: Place, names: tuple[str, ...]) -> RawText | None:
    """The first of these elements that says something, as a text on one line."""
    for child in children.first(names):
        text: RawText | None
        if reading.names[child.tag].startswith("atom:"):
            text, language = construct(reading, child, around), around.language
            if text is None and _has_no_type(attributes(child)):
                text = rss_line(reading, child)
        else:
            text, language = rss_line(reading, child), around.inside(attributes(child)).language
        if text and text.value:
            return text if text.language or not language else text._replace(language=language)
    return None


def passages(reading: Reading, children: Children, around: Place, names: tuple[str, ...]) -> RawText | None:
    """The first of these elements that says something, as a text of any length."""
    for child in children.first(names):
        if (text := _passage(reading, child, around)) and text.value:
            return text
    return None


def contents(reading: Reading, children: Children, around: Place, names: tuple[str, ...]) -> RawText | None:
    """The same, but of several contents of Atom, which are alternatives, the first in HTML is preferred."""
    found = children.first(names)
    if len(found) < 2:
        return _passage(reading, found[0], around) if found else None
    texts = [text for child in found if (text := _passage(reading, child, around)) and text.value]
    return next((text for text in texts if text.type == "html"), texts[0] if texts else None)


def _passage(reading: Reading, element: Element, around: Place) -> RawText | None:
    typed = reading.names[element.tag].startswith("atom:") or element.get("type")
    if typed and ((text := construct(reading, element, around)) or not _has_no_type(attributes(element))):
        return text
    return rss_passage(reading, element, around)


def rss_line(reading: Reading, element: Element) -> RawText:
    """A title, name or tag of RSS."""
    if len(element):
        return RawText(reading.as_meant(inner_html(element)), "html")
    return line(reading.text(element))


def rss_passage(reading: Reading, element: Element, around: Place) -> RawText:
    """A description or content of RSS."""
    base, language = around.inside(attributes(element))
    if len(element):
        return RawText(reading.as_meant(inner_html(element)), "html", base, language)
    return passage(reading.text(element), base, language)


def construct(reading: Reading, element: Element, around: Place) -> RawText | None:
    """A text construct of Atom or Media RSS; None where it is no text, or somewhere else."""
    given = attributes(element)
    base, language = around.inside(given)
    kind, plain = _kind(given), not len(element)
    if kind is None:
        return None
    if plain:
        markup = reading.text(element)
        if given.get("mode") == "base64":
            markup = _decoded(markup)
        if kind == "text":
            return RawText(markup, "text", None, language)
        return RawText(escape(markup, quote=False) if kind == "xhtml" else markup, "html", base, language)
    # A text has no elements, but Atom 0.3 had mode="xml".
    return RawText(reading.as_meant(inner_html(element, whole=kind == "xhtml")), "html", base, language)


def _decoded(base64: str) -> str:
    """A text of Atom 0.3, whose ``mode`` may be that."""
    try:
        return b64decode(base64).decode()
    except ValueError:
        return ""


def _kind(given: Attributes) -> str | None:
    """``text``, ``html`` or ``xhtml``; None for other media types, and for what is elsewhere."""
    if not given:
        return "text"
    if "src" in given:
        return None
    kind = given.get("type", "text")
    found = _KINDS.get(kind)
    if found is None:
        kind = kind.lower().partition(";")[0].strip()
        found = _KINDS.get(kind, "text" if kind.startswith("text/") or not kind else None)
    return found


def _has_no_type(given: Attributes) -> bool:
    """Whether what is said is no type at all: ``string``, ``CDATA``."""
    return "src" not in given and "/" not in given.get("type", "")


_KINDS: Final = {
    "text": "text", "plain": "text", "text/plain": "text", "html": "html", "text/html": "html",
    "xhtml": "xhtml", "application/xhtml+xml": "xhtml",
}  # fmt: skip
_SELF_CLOSED: Final = re.compile(r"<([\w:.-]+)([^<>]*?)/>")
_PREFIX: Final = re.compile(r"(</?)[\w.-]+:(?=[\w])")
_ATOM_1: Final = "http://www.w3.org/2005/Atom"
_DIV: Final = "div"
_VOID: Final = frozenset(
    "area base br col embed hr img input link meta param source track wbr".split()  # noqa: SIM905
)
"""Elements without content (HTML Standard §13.1.2)."""


def inner_html(element: Element, *, whole: bool = False) -> str:
    """What is inside of an element that has elements, written as HTML.

    Text beside the elements is HTML itself if it looks like that: some publishers escape a part only.

    Args:
      element: that has elements inside.
      whole: it is XHTML: all of its text is text, and a ``div`` around everything is no part of it (RFC 4287
        §3.1.1.3) in Atom 1.0.
    """
    if len(element) == 1 and _is_div(element[0]) and not _has_text(element):
        div = element[0]
        if whole and _ATOM_1 in element.tag:
            element = div
        elif not whole and len(div) == 0 and "<" in (div.text or ""):
            return str(div.text).strip()  # escaped, and in a div nevertheless: TypePad's
    beside = [element.text or "", *(child.tail or "" for child in element)]
    if not whole and any("<" in text for text in beside):
        outer = ["", *(_outer(child) for child in element)]
        return "".join(piece for pair in zip(outer, beside, strict=True) for piece in pair).strip()
    return _inside(_written(element)).strip()


def _is_div(element: Element) -> bool:
    return str(element.tag).rpartition("}")[2].lower() == _DIV


def _has_text(element: Element) -> bool:
    return any((text or "").strip() for text in (element.text, *(child.tail for child in element)))


def _written(element: Element) -> str:
    """The element as HTML, with namespace declarations in its own start tag only."""
    text: str = etree.tostring(element, encoding="unicode", with_tail=False)
    if "/>" in text:
        text = _SELF_CLOSED.sub(_opened, text)
    return _PREFIX.sub(r"\1", text)


def _inside(written: str) -> str:
    # ">" in an attribute is written as a reference, so the first one ends the start tag.
    return written[written.index(">") + 1 : written.rindex("</")] if "</" in written else ""


def _outer(element: Element) -> str:
    """An element as HTML without namespace declarations."""
    name = str(element.tag).rpartition("}")[2].lower()
    attributes = "".join(f' {key.rpartition("}")[2]}="{escape(value)}"' for key, value in element.items())
    if name in _VOID:
        return f"<{name}{attributes}>"
    return f"<{name}{attributes}>{_inside(_written(element))}</{name}>"


def _opened(tag: re.Match[str]) -> str:
    name, attributes = tag.groups()
    end = "" if name.rpartition(":")[2].lower() in _VOID else f"</{name}>"
    return f"<{name}{attributes.rstrip()}>{end}"
