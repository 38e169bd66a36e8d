"""The first reader: well-formed documents, read from a tree by the rules of the formats' specifications.

`names` says what elements are called, `tree` how they are looked at; `entries` and `feeds` list for each
field the elements that it may come from.
"""

from __future__ import annotations

from ..protocol import FeedDocument
from ..raw import RawFeed
from .feeds import NoFeed, feed
from .names import Element
from .tree import NotWellFormed, Reading, TooDeep, parsed

__all__ = ["NoFeed", "NotWellFormed", "TooDeep", "read_wellformed"]


def read_wellformed(data: bytes, document: FeedDocument) -> RawFeed:
    """What a document says.

    Args:
      data: the document in UTF-8.
      document: where it is from, and how many entries of it are wanted.

    Raises:
      NotWellFormed: it is not.
      TooDeep: it may be, but has more levels than libxml2 takes.
      NoFeed: its root element is not that of a feed.
    """
    return feed(Reading(_feed_in(parsed(data)), data, document.url), document)


def _feed_in(root: Element) -> Element:
    """The feed's root element, which a publisher's template may have put into the body of a page."""
    if root.tag.rpartition("}")[2].lower() != "html":
        return root
    feeds = root.iter("{*}rss", "{http://www.w3.org/2005/Atom}feed")
    return next((element for element in feeds if len(element)), root)
