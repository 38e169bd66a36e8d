"""What feedparser calls an element, from its namespace and name; and what it then does with it."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from .. import feedparser_private


class Unsupported(Exception):
    """The document is not one for the first pass; the text says which condition it does not meet."""


KNOWN: Final[dict[str, str]] = {uri.lower(): name for uri, name in feedparser_private.NAMESPACES.items()}
"""feedparser's own table: namespaces in lower case, and the names that it has for them."""
_STANDARD: Final = frozenset(name.lower() for name in KNOWN.values() if name)
_USERLAND: Final = "backend.userland.com/rss"

HANDLED: Final = feedparser_private.STARTED | feedparser_private.ENDED
"""Every element that means something to feedparser, wherever it is. All others it stores by their name."""
_STORED: Final = frozenset(
    """title title_detail summary summary_detail subtitle subtitle_detail description description_detail
    tagline tagline_detail content links link id guid author author_detail authors tags language entries
    image textinput updated_parsed modified_parsed date_parsed published_parsed issued_parsed
    """.split()  # noqa: SIM905
)
"""Where feedparser keeps what we read: an unknown element of such a name would be taken for it."""

Declarations = list[tuple[str | None, str]]


def version_of(root: str, declared: Declarations) -> str:
    """The version that feedparser sees in a root element: ``rss…``, ``atom10`` or ``atom…``, or nothing.

    For it, any declaration of the namespace of RSS 0.90, RSS 1.0 or Atom 1.0 tells the version, the
    first one wins, and only a root ``rss`` is stronger.
    """
    if root == "rss":
        return "rss"
    for prefix, uri in declared:
        if (prefix, uri.lower()) == (None, "http://my.netscape.com/rdf/simple/0.9/"):
            return "rss"
        if uri.lower() == "http://purl.org/rss/1.0/":
            return "rss"
        if uri.lower() == "http://www.w3.org/2005/atom":
            return "atom10"
    return "atom" if root == "feed" else ""


class Names(dict[str, str]):
    """From tags as lxml has them, ``{namespace}name``, to feedparser's names: ``media_title``, ``title``.

    feedparser keeps every declaration of a document in one table that knows no scopes. Where each prefix
    stands for one namespace, and well-known prefixes for well-known namespaces, that makes no difference.
    """

    def __init__(self, declared: Declarations) -> None:
        self._prefixes: dict[str, str] = {}
        """Of namespaces that feedparser does not know; it then goes by the first prefix declared for them."""
        meaning: dict[str, str] = {}
        for given, uri in declared:
            if given is None:
                continue
            prefix, known = given.lower(), _known(uri)
            if meaning.setdefault(prefix, uri) != uri:
                raise Unsupported("a prefix stands for two namespaces")
            if known is None:
                self._prefixes.setdefault(uri, prefix)
            elif prefix in _STANDARD and prefix != known.lower():
                raise Unsupported("a well-known prefix stands for another namespace")
        if any(prefix is None and uri in self._prefixes for prefix, uri in declared):
            raise Unsupported("an unknown namespace with and without a prefix")
        names = {known.lower() for _, uri in declared if (known := _known(uri))}
        if names.intersection(self._prefixes.values()):
            raise Unsupported("a well-known prefix stands for another namespace")

    def __missing__(self, tag: str) -> str:
        if not tag.isascii():
            raise Unsupported("a name that may be none to expat, which knows older names than libxml2")
        uri, _, local = tag[1:].partition("}") if tag[0] == "{" else ("", "", tag)
        known = _known(uri)
        # An unknown default namespace is dropped: its elements are feed elements to feedparser.
        prefix = self._prefixes.get(uri, "") if known is None else known
        self[tag] = name = f"{prefix.lower()}_{local.lower()}" if prefix else local.lower()
        return name


def _known(uri: str) -> str | None:
    uri = uri.lower()
    return "" if _USERLAND in uri else KNOWN.get(uri)


def harmless(name: str) -> bool:
    """Whether feedparser does nothing with elements of this name that touches a field we store."""
    return name not in HANDLED and name not in _STORED


@lru_cache(maxsize=256)
def attribute_name(key: str) -> str:
    """What feedparser calls an attribute: a namespace that it does not know is dropped."""
    if key[0] != "{":
        return key.lower()
    uri, _, local = key[1:].partition("}")
    known = KNOWN.get(uri.lower(), "")
    return f"{known}:{local}".lower() if known else local.lower()
