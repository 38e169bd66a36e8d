"""Texts of RSS: whether they are HTML or plain, which RSS does not say, judged by their look. Pure.

Titles, names and tags are plain text by RSS 2.0, and many publishers put HTML into them, escaped once or
twice. Descriptions are HTML by what everybody does, and some publishers put plain text into them.
"""

from __future__ import annotations

import re
from html import unescape
from html.entities import html5
from typing import Final

from .raw import RawText

_TAG: Final = re.compile(r"<(/?)([a-zA-Z][\w-]*)(?:\s[^<>]*)?/?>", re.ASCII)
_REFERENCE: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]*);")
_BEGINNING: Final = re.compile(r"</?([a-zA-Z][\w-]*)", re.ASCII)
_CDATA: Final = re.compile(r"<!\[CDATA\[(.*)\]\]>", re.DOTALL)
"""Of a section that has been escaped, and so is text."""

_IN_TITLES: Final = frozenset(
    """a abbr acronym b bdi bdo big blockquote br center cite code del dfn div em font h1 h2 h3 h4 h5 h6 hr
    i img ins kbd li mark nobr ol p q s samp small span strike strong sub sup tt u ul var wbr""".split()  # noqa: SIM905
)
"""What publishers' editors put into titles. Other elements are in a title because it is about them."""
_WITHOUT_END: Final = frozenset(("br", "hr", "img", "wbr"))
_HTML: Final = _IN_TITLES | frozenset(
    """address applet area article aside audio base body button canvas caption col colgroup data datalist dd
    details dialog dir dl dt embed fieldset figcaption figure footer form frame frameset head header hgroup
    html iframe input label legend link main map marquee math menu meta meter nav noscript object optgroup
    option output param picture pre progress rp rt ruby script search section select slot source style summary
    svg table tbody basefont bgsound blink isindex keygen layer listing noembed noframes noindex plaintext rb
    rtc spacer xmp td template textarea tfoot th thead time title tr track video""".split()  # noqa: SIM905
)


def line(text: str) -> RawText:
    """A title, name or tag.

    It is HTML when all that looks like a tag is one of those that are used in titles, and one of them ends or
    there are references as well. Else references are what they stand for, and the rest is as it is.
    """
    if "<" not in text and "&" not in text:
        return RawText(text)
    if whole := _CDATA.fullmatch(text):
        return line(whole[1].strip())
    tags = _TAG.findall(text)
    refers = any(_is_known(reference) for reference in _REFERENCE.findall(text))
    if (
        tags
        and all(name.lower() in _IN_TITLES for _, name in tags)
        and (refers or any(end or name.lower() in _WITHOUT_END for end, name in tags))
    ):
        return RawText(text, "html")
    return RawText(_decoded(text)) if refers else RawText(text)


def passage(text: str, base: str | None, language: str | None) -> RawText:
    """A description or content: HTML, unless what looks like tags in it are none of HTML.

    Args:
      text: as the document has it.
      base: of relative links in it.
      language: as in `RawText`.
    """
    if "<" not in text:
        return RawText(text, "html", base, language)
    if text.startswith("<!") and (whole := _CDATA.fullmatch(text)):
        text = whole[1].strip()
    none = True
    for found in _BEGINNING.finditer(text):
        name = found[1].lower()
        if name in _HTML or "-" in name:
            return RawText(text, "html", base, language)
        none = False
    return RawText(text, "html", base, language) if none else RawText(_decoded(text), "text", None, language)


def _decoded(text: str) -> str:
    return _REFERENCE.sub(lambda found: unescape(found[0]) if _is_known(found[0]) else found[0], text)


def _is_known(reference: str) -> bool:
    return reference[1] == "#" or reference[1:] in html5
