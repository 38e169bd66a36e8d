"""What a browser would do with markup from a store: it is read by the HTML Standard's own algorithm."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

import html5lib

XHTML = "{http://www.w3.org/1999/xhtml}"
_NAMES = (
    "a abbr acronym area article aside audio b bdi bdo blockquote br caption center code col colgroup "
    "data dd del details dfn div dl dt em figcaption figure footer h1 h2 h3 h4 h5 h6 header hgroup hr i "
    "img ins kbd li map mark nav ol p picture pre q rp rt rtc ruby s samp small source span strike "
    "strong sub summary sup table tbody td tfoot th thead time tr tt u ul var video wbr"
)
HARMLESS = set(_NAMES.split())
"""Elements that neither run, load, send nor style anything but pictures and recordings."""
URLS = {"cite", "href", "longdesc", "poster", "src"}
DANGEROUS_ATTRIBUTE = re.compile(
    "on.*|style|class|id|name|srcset|srcdoc|.*action|background|ping|data|target"
)
SCHEMES = {"ftp", "http", "https", "magnet", "mailto", "tel"}
LAST = '<p title="last">what comes after it</p>'
"""Another entry, on a page that shows both."""


def dangers(markup: str) -> list[str]:
    """What is wrong with `markup` as a part of a page; empty: nothing."""
    return sorted({*_in(markup), *_after(markup)})


def _in(markup: str) -> Iterator[str]:
    for scripting in True, False:
        tree = _fragment(markup, scripting=scripting)
        yield from _in_tree(tree)
        # A page may copy it by way of innerHTML: what the second reading makes of the first one's text.
        again = html5lib.serialize(tree, quote_attr_values="always", omit_optional_tags=False)
        yield from _in_tree(_fragment(again, scripting=scripting))


def _after(markup: str) -> Iterator[str]:
    """It must end where it ends: in no tag, attribute, comment or element without markup."""
    for element in _fragment(markup + LAST, scripting=True).iter(f"{XHTML}p"):
        if dict(element.attrib) == {"title": "last"} and "".join(element.itertext()) == "what comes after it":
            return
    yield "it takes in what comes after it"


def _fragment(markup: str, *, scripting: bool) -> Any:
    return html5lib.parseFragment(markup, container="div", scripting=scripting)


def _in_tree(tree: Any) -> Iterator[str]:
    for element in tree.iter():
        if isinstance(element, Element) and isinstance(element.tag, str):
            yield from _in_element(element)
    if re.search("<!--|<!\\[", html5lib.serialize(tree)):
        yield "a comment"


def _in_element(element: Element) -> Iterator[str]:
    name = element.tag.removeprefix(XHTML)
    if name == "DOCUMENT_FRAGMENT":
        return
    if name not in HARMLESS:
        yield f"<{name}>"
    for attribute, value in element.attrib.items():
        if DANGEROUS_ATTRIBUTE.fullmatch(attribute.lower()) or not re.fullmatch("[a-z-]+", attribute):
            yield f"<{name} {attribute}>"
        if attribute in URLS and (danger := danger_of_url(value)):
            yield f"<{name} {attribute}={danger}>"


def danger_of_url(url: str) -> str | None:
    """`url`, when what a browser reads in it is no absolute URL of a harmless scheme."""
    read = re.sub("[\t\n\r]", "", url.strip("".join(map(chr, range(0x21)))))
    scheme = re.match("([a-zA-Z][a-zA-Z0-9+.-]*):", read)
    return None if scheme is not None and scheme[1].lower() in SCHEMES else repr(url[:80])
