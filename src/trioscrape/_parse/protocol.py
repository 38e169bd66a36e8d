"""What a parser is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .._records import ParsedFeed


@dataclass(frozen=True, slots=True)
class FeedDocument:
    """A body as it was fetched, decoded from its Content-Encoding but not from its charset."""

    body: bytes
    url: str
    """Where it was found at last, without credentials: the base of relative links."""
    content_type: str | None = None
    """The Content-Type header's value, which may name a charset."""
    distrusts_ids: bool = False
    """Whether its feed's entries are known by link since an earlier document, see `ParsedFeed`."""
    entries_limit: int | None = None
    """Entries that are wanted, the first ones; None: all."""


class Parser(Protocol):
    """Bytes to entries. Called from at most as many tasks at once as the parse lane is wide."""

    async def parse(self, document: FeedDocument) -> ParsedFeed:
        """What the document says.

        Raises:
          FeedFailed: ``not-a-feed``, ``malformed``, ``parse-timeout`` or ``parse-crash``.

        Cancellation: the work is ended at once, the worker process killed if need be.
        """
