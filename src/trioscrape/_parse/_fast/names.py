"""What elements are called: by their namespace, whatever prefix a document has for it.

Namespaces are compared without scheme, case and the slash or hash at their end, because publishers write them
with and without. An element of a namespace that is not in the table has no name, and neither it nor what is
inside means anything.
"""

from __future__ import annotations

from typing import Any, Final

Element = Any
"""An element of lxml, which has no types of its own."""

XML: Final = "{http://www.w3.org/XML/1998/namespace}"
RDF: Final = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"

_CORE: Final = ""
_NAMESPACES: Final = {
    # RSS 1.0 and 0.90, and what some publishers give RSS 2.0 and 0.91, which have none.
    "backend.userland.com/rss": _CORE,
    "backend.userland.com/rss2": _CORE,
    "backend.userland.com/rss091": _CORE,
    "blogs.law.harvard.edu/tech/rss": _CORE,
    "channel.netscape.com/rdf/simple/0.9": _CORE,
    "cyber.harvard.edu/rss/rss.html": _CORE,
    "cyber.law.harvard.edu/rss/rss.html": _CORE,
    "my.netscape.com/publish/formats/rss-0.91.dtd": _CORE,
    "my.netscape.com/rdf/simple/0.9": _CORE,
    "purl.org/net/rss1.1": _CORE,
    "purl.org/rss/1.0": _CORE,
    "www.rssboard.org/rss-specification": _CORE,
    # Atom 1.0 (RFC 4287 §1.2) and its drafts
    "www.w3.org/2005/atom": "atom",
    "purl.org/atom/ns": "atom",
    "example.com/newformat": "atom",
    "example.com/necho": "atom",
    "purl.org/echo": "atom",
    # Modules of RSS
    "purl.org/dc/elements/1.0": "dc",
    "purl.org/dc/elements/1.1": "dc",
    "purl.org/dc/terms": "dcterms",
    "purl.org/rss/1.0/modules/content": "content",
    "purl.org/rss/1.0/modules/syndication": "sy",
    "www.w3.org/1999/02/22-rdf-syntax-ns": "rdf",
    "www.w3.org/1999/xhtml": "xhtml",
    # Media and podcasts
    "search.yahoo.com/mrss": "media",
    "tools.search.yahoo.com/mrss": "media",
    "video.search.yahoo.com/mrss": "media",
    "www.rssboard.org/media-rss": "media",
    "example.com/dtds/podcast-1.0.dtd": "itunes",
    "www.itunes.com/dtds/podcast-1.0.dtd": "itunes",
    "github.com/podcastindex-org/podcast-namespace/blob/main/docs/1.0.md": "podcast",
    "podcastindex.org/namespace/1.0": "podcast",
    # Newspapers and journals
    "news.yandex.ru": "yandex",
    "prismstandard.org/namespaces/1.2/basic": "prism",
    "prismstandard.org/namespaces/basic/2.0": "prism",
    "prismstandard.org/namespaces/basic/2.1": "prism",
}
_OF_ATOM: Final = frozenset(
    """author category content contributor copyright created email entry feed generator icon id info issued
    link logo modified name published rights source subtitle summary tagline title updated uri url""".split()  # noqa: SIM905
)
"""What Atom has; publishers put elements of RSS into Atom feeds, without a namespace of their own."""
_PREFIXES: Final = frozenset(_NAMESPACES.values()) - {_CORE}
_ROOTS: Final = {"rss": _CORE, "rdf": _CORE, "feed": "atom", "entry": "atom"}


class Names(dict[str, str]):
    """The name of each tag of a document: ``title``, ``atom:title``; in lower case, empty if it is foreign.

    Args:
      root: of the document. Its own namespace, and that of the channel in it, is what its kind says, whatever
        the document calls it.
    """

    def __init__(self, root: Element) -> None:
        self.kind = root.tag.rpartition("}")[2].lower()
        """The name of the root element without a prefix."""
        self._own = {_namespace(root.tag): _ROOTS.get(self.kind, _CORE)}
        if self.kind in {"rss", "rdf"}:
            own = next((child.tag for child in root if child.tag.lower().endswith("channel")), root.tag)
            if _namespace(own):
                self._own[_namespace(own)] = _CORE

    def learn(self, element: Element) -> str:
        """The name of an element whose tag has not been met before."""
        tag: str = element.tag
        uri, local = _namespace(tag), tag.rpartition("}")[2].lower()
        prefix = self._own.get(uri)
        if prefix is None:
            prefix = _CORE if not uri else _NAMESPACES.get(uri)
        if prefix is None and (element.prefix or "").lower() in _PREFIXES:
            prefix = element.prefix.lower()
        if prefix == "atom" and local not in _OF_ATOM:
            prefix = _CORE
        self[tag] = name = "" if prefix is None else f"{prefix}:{local}" if prefix else local
        return name


def _namespace(tag: str) -> str:
    """That of a tag, as it is in the table."""
    uri = tag[1:].partition("}")[0] if tag[0] == "{" else ""
    return uri.lower().partition("://")[2].rstrip("/#") if "://" in uri else uri.lower()
