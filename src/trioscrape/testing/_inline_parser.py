"""A parser without processes."""

from __future__ import annotations

import trio

from .._parse import FeedDocument, RawFeed, read_document


class InlineParser:
    """A `Parser` that reads in the caller's task: the same answers, and virtual time stays exact.

    It stops the event loop for as long as feedparser takes, so it is for tests and small documents
    only; no timeout is kept.

    Args:
      seconds: what each document takes on trio's clock.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.documents: list[FeedDocument] = []
        """Everything it was given, in order."""

    async def parse(self, document: FeedDocument) -> RawFeed:
        """What the document says. Raises `FeedFailed` as `Parser.parse` does, but for the timeout."""
        self.documents.append(document)
        await trio.sleep(self.seconds)
        return read_document(document)
