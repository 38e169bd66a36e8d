"""Authors: persons of Atom (RFC 4287 §3.2), names and addresses of RSS (``author``), ``dc:creator``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ..html import plain_line
from .texts import rss_line
from .tree import Children, Reading, text_in

_AUTHORS: Final = ("author", "atom:author", "dc:creator", "dc:author", "itunes:author")
_ADDRESS: Final = r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+\.\w+"
_ADDRESS_AND_NAME: Final = re.compile(rf"<?(?:mailto:)?({_ADDRESS})>?[\s,:-]*(?:\((.*)\)|(.*))", re.DOTALL)
_NAME_AND_ADDRESS: Final = re.compile(rf"(.*?)[\s,]*(?:<(?:mailto:)?{_ADDRESS}>|\({_ADDRESS}\))", re.DOTALL)
_SEVERAL: Final = re.compile(rf"(?:{_ADDRESS}\s*\([^()]*\)\s*[,;]\s*)+{_ADDRESS}\s*\([^()]*\)")
_ONE_OF_SEVERAL: Final = re.compile(rf"{_ADDRESS}\s*\([^()]*\)")


def authors(reading: Reading, children: Children) -> list[str]:
    """The name of each author of a feed or entry, or else the address; empty for one who has neither."""
    found = []
    for element in children.all(_AUTHORS):
        person = reading.children(element) if len(element) else None
        if person is not None and (name := text_in(reading, person, _PARTS)):
            found.append(name)
        elif person is not None and text_in(reading, person, _URIS):
            found.append("")
        elif text := plain_line(rss_line(reading, element)):
            found += split(text)
    return found


_PARTS: Final = ("atom:name", "name", "itunes:name", "atom:email", "email", "itunes:email")
"""What a person has inside, best first."""
_URIS: Final = ("atom:uri", "uri", "atom:url", "url", "homepage")


def split(author: str) -> Iterator[str]:
    """The names in a text of RSS, which may have addresses: ``ann@a.test (Ann)``, ``Ann <ann@a.test>``."""
    if "@" not in author:
        yield author[1:-1].strip() if author[:1] == "(" and author[-1:] == ")" else author
    elif _SEVERAL.fullmatch(author):
        for one in _ONE_OF_SEVERAL.findall(author):
            yield from split(one)
    elif found := _ADDRESS_AND_NAME.fullmatch(author):
        yield (found[2] or found[3] or "").strip() or found[1]
    elif found := _NAME_AND_ADDRESS.fullmatch(author):
        yield found[1].strip(" \"'") or author
    else:
        yield author
