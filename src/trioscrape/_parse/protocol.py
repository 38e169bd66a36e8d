"""What a parser is, and what it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .._records import ParsedFeed
from .raw import RawFeed


@dataclass(frozen=True, slots=True)
class FeedDocument:
    """A body as it was fetched, decoded from its Content-Encoding but not from its charset."""

    body: bytes
    url: str
    """Where it was found at last, without credentials: the base of relative links."""
    content_type: str | None = None
    """The Content-Type header's value, which may name a charset."""
    distrusts_ids: bool = False
    """As an earlier document of the feed has left it, see `ParsedFeed`."""
    entries_limit: int | None = None
    """Entries that are wanted, the first ones; None: all."""
    shared_keys: tuple[str, ...] = ()
    """As `distrusts_ids`."""


class Parser(Protocol):
    """Bytes to plain records. Called from at most as many tasks at once as the parse lane is wide.

    What it gives back need not be safe: afterwards HTML is sanitised, links are made absolute, entries
    beyond the limit are dropped, and each entry gets its key and its hash.
    """

    async def parse(self, document: FeedDocument) -> RawFeed:
        """What the document says.

        It runs in the task of its feed, so what takes long belongs in a thread or a process, with a timeout
        of its own: none is applied here.

        Raises:
          FeedFailed: the document has no feed; ``not-a-feed`` or ``malformed``, ``parse-timeout`` or
            ``parse-crash``. Any other `Exception` ends the feed as well, as ``parse-crash`` with the
            exception's type and text as the detail; the scrape goes on.

        Cancellation: `trio.Cancelled` must come out.
        """


class RecordParser(Protocol):
    """Bytes to records that can be stored: what the parse lane calls."""

    async def parse(self, document: FeedDocument) -> ParsedFeed:
        """What the document says. Whatever is wrong with the document is a `FeedFailed`."""
