"""Names with prefixes in documents that are not well-formed, as XML with namespaces takes them. Pure.

libxml2 refuses a document for one name with two colons, and for one namespace that is no URI.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

NAME: Final = r"[^\W\d][\w:.\-·]*"
VALUE: Final = r"(?:\"[^\"<]*\"|'[^'<]*')"
ATTRIBUTE: Final = re.compile(rf"\s({NAME})\s*=\s*({VALUE})")
_QUALIFIED: Final = re.compile(r"(?:[^\W\d][\w.\-·]*:)?[^\W\d][\w.\-·]*")
"""Names with one colon at most (Namespaces in XML 1.0 §4)."""
_URI: Final = re.compile(
    r"(?>[a-z][a-z0-9+.-]*:|(?![^/?#]*:))(?://[\w.~-]+(?::\d+)?(?![^/?#])|(?!//|:))"
    r"(?:[\w.~!$'()*+,;=@/?:-]|&amp;|%[\da-f]{2})*(?:#[\w./-]*)?",
    re.ASCII | re.I,
)
"""What libxml2 takes for the URI of a namespace, and all that is in use."""


class Prefixes:
    """The prefixes of one document.

    Args:
      faults: where what is repaired is added.
    """

    def __init__(self, faults: set[str]) -> None:
        self._faults = faults
        self._used: set[str] = set()
        """Prefixes of elements and attributes."""
        self._declared: dict[str, str] = {}
        """Prefixes and what they have been declared for."""

    def valid(self, tag: str, attributes: str) -> tuple[str, str]:
        """The name and the attributes of an element, as XML with namespaces takes them."""
        tag = qualified(tag)
        prefix, colon, _ = tag.partition(":")
        if colon:
            self._used.add(prefix)
        return tag, "".join(self._valid(attributes))

    def _valid(self, attributes: str) -> Iterator[str]:
        for found in ATTRIBUTE.finditer(attributes):
            name, value = found.groups()
            prefix, colon, local = name.partition(":")
            if not _QUALIFIED.fullmatch(name) or name == "xml:id":
                self._faults.add("tags")
            elif prefix != "xmlns":
                if colon:
                    self._used.add(prefix)
                yield found[0]
            elif self._is_declared(local, uri := value[1:-1].strip()):
                yield f' {name}="{uri}"'

    def _is_declared(self, prefix: str, uri: str) -> bool:
        """Whether the prefix, or the default if it is empty, can have that namespace."""
        if not _URI.fullmatch(uri) or (prefix and not uri) or prefix in {"xml", "xmlns"}:
            self._faults.add("namespaces")
            return False
        if prefix:
            self._declared.setdefault(prefix, uri)
        return True

    def with_namespaces(self, root: str) -> str:
        """The start tag of the root element, with the declarations that are missing."""
        names = (name.partition(":") for name, _ in ATTRIBUTE.findall(root))
        declared = {local for prefix, _, local in names if prefix == "xmlns"}
        added = ""
        for prefix in sorted(self._used - declared - {"xml", "xmlns"}):
            if (uri := self._declared.get(prefix)) is None:
                self._faults.add("namespaces")
                uri = _NAMESPACES.get(prefix.lower(), f"urn:undeclared:{prefix}")
            added += f' xmlns:{prefix}="{uri}"'
        end = len(root) - (2 if root.endswith("/>") else 1)
        return root[:end] + added + root[end:]


def qualified(name: str) -> str:
    """The name of an element, with one colon at most (Namespaces in XML 1.0 §4)."""
    if ":" not in name or (_QUALIFIED.fullmatch(name) and not name.startswith("xmlns:")):
        return name
    return name.strip(":").replace(":", "-")


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
