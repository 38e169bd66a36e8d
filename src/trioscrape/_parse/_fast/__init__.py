"""The first pass: well-formed documents of the usual kinds, read from a tree in a fraction of the time.

feedparser says what a feed means, and the first pass answers only where its fields are the same. It is
written against feedparser's handlers, one by one, and leaves a document to feedparser unless:

============= ==================================================================================
charset       feedparser's own rules find one; the bytes are valid in it
well-formed   libxml2 says so, within its limits: 10 MB a text, 256 levels, no DTD but an empty one;
              or it would say so without control characters in texts, and all else is the same to
              feedparser's loose parser, which then reads it (`_controls`, `_loose`)
root          ``rss``, ``rdf:RDF`` or ``feed``, of a version that feedparser would recognise; one channel
namespaces    each prefix stands for one namespace, the well-known ones for those they are known for;
              no namespace has elements with and without a prefix unless feedparser knows it
elements      each one that means something to feedparser is in the tables of `_elements`, `_feeds` and
              `_sections`, at a place they know; all others are none of its words, inside and out
texts         no elements inside, but in content that says it is XHTML; then none whose end tag means
              something to feedparser, no SVG, MathML or XLink
content types plain text, HTML or XHTML; nothing in base64
authors       texts or constructs, not texts and then constructs
links         no relation without a URL in an attribute
============= ==================================================================================

`nox -s conformance` holds it to that: every field of every document it takes, among feedparser's own
tests and real feeds.
"""

from __future__ import annotations

from ..draft import DraftFeed
from ..protocol import FeedDocument
from .feeds import FeedReader
from .loose import LooseReading
from .names import Unsupported
from .reading import Reading
from .xml import read_tree

__all__ = ["Unsupported", "read_wellformed"]


def read_wellformed(document: FeedDocument) -> DraftFeed:
    """The document's feed.

    Raises:
      Unsupported: it is for feedparser to read.
    """
    tree = read_tree(document)
    reading = (LooseReading if tree.controls else Reading)(tree, document.url)
    feed = FeedReader(reading, document.entries_limit).read(document.body)
    if feed.repaired and not feed.entries and not (feed.title and feed.title.value):
        raise Unsupported("control characters, and nothing that could be saved")
    return feed
