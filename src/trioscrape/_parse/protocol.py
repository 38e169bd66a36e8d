"""What a parser is, and what it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from .._records import ParsedFeed
from .raw import RawFeed

MOST_PAGE_FEEDS: Final = 50
"""Feeds that are taken from an HTML page, the first ones."""
LONGEST_PAGE_FEED: Final = 500
"""Characters of the URL of such a feed."""


@dataclass(frozen=True, slots=True)
class FeedDocument:
    """A body as it was fetched, decoded from its Content-Encoding but not from its charset."""

    body: bytes
    url: str
    """Where it was found after all redirects, without credentials: the base of relative links."""
    content_type: str | None = None
    """The Content-Type header's value, which may name a charset."""
    distrusts_ids: bool = False
    """`ParsedFeed.distrusts_ids` of the feed's last document. A parser need not look at it."""
    entries_limit: int | None = None
    """Entries that are wanted, the first ones; None: all."""
    shared_keys: tuple[str, ...] = ()
    """`ParsedFeed.shared_keys` of the feed's last document. A parser need not look at it."""


class Parser(Protocol):
    """Reads documents. It is called from at most as many tasks at once as the parse lane is wide.

    What it returns need not be safe: afterwards HTML is sanitised, links are made absolute, entries
    beyond the limit are dropped, and each entry gets its key and its hash.
    """

    async def parse(self, document: FeedDocument) -> RawFeed:
        """What the document says.

        It runs in the task of its feed, without a timeout, so work that takes long belongs in a thread or a
        process.

        Raises:
          FeedFailed: the document can't be read, with the reason ``not-a-feed``, ``malformed``,
            ``parse-timeout`` or ``parse-crash``. Any other `Exception` fails the feed too, as ``parse-crash``
            with the exception's type and text as the detail; the scrape goes on.

        Cancellation: `trio.Cancelled` must come out.
        """


class RecordParser(Protocol):
    """Bytes to records that can be stored: what the parse lane calls."""

    @property
    def width(self) -> int:
        """How many documents it takes at once, which is the width of the parse lane."""

    async def parse(self, document: FeedDocument) -> ParsedFeed:
        """What the document says. Whatever is wrong with the document is a `FeedFailed`."""
