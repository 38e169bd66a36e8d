"""Calls a user's own parser in the parse lane. Whatever it raises fails that feed only."""

from __future__ import annotations

from typing import Final

import trio

from .._errors import FeedFailed
from .._records import ParsedFeed
from .._threads import off_loop
from .diagnosis import crashed
from .protocol import FeedDocument, Parser
from .raw import RawFeed
from .records import parsed_feed

_SMALL: Final = 16 * 1024
"""Characters of text that are made safe on the event loop: 2 ms at the most, with a tag every ten of them.
More goes into a thread, where the sanitiser releases the GIL for nearly all of its time."""


class CustomParser:
    """A `RecordParser` of a `Parser`."""

    def __init__(self, parser: Parser) -> None:
        self._parser = parser
        self._threads = trio.CapacityLimiter(1)

    async def parse(self, document: FeedDocument) -> ParsedFeed:
        """What the parser says, as records.

        Raises:
          MemoryError: of the parser.
          FeedFailed: of the parser; or ``parse-crash`` for any other exception that it raises, and for an
            answer that is no `RawFeed`.

        Cancellation: that of the parser; texts that are being made safe in a thread are waited for.
        """
        try:
            return await self._records(await self._parser.parse(document), document)
        except (FeedFailed, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - it may be anybody's
            failure = crashed(error)
        # Not from inside: the frames of `error` hold the document, and this would hold them.
        raise failure

    async def _records(self, raw: RawFeed, document: FeedDocument) -> ParsedFeed:
        if not isinstance(raw, RawFeed):
            raise TypeError(f"the parser returned {type(raw).__name__}, not RawFeed")
        if _size(raw) > _SMALL:
            return await off_loop(parsed_feed, raw, document, limiter=self._threads)
        return parsed_feed(raw, document)


def _size(raw: RawFeed) -> int:
    """Characters of its entries' texts."""
    texts = (text for entry in raw.entries for text in (entry.title, entry.summary, entry.content))
    return sum(len(text.value) for text in texts if text)
