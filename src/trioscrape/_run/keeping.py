"""A fetcher that keeps what servers send in an archive."""

from __future__ import annotations

from .._archive.archive import Archive
from .._archive.exchange import KeptFetch
from .._config.config import Config
from .._errors import FeedFailed
from .._hosts.retry_after import Pauses, QueueAgain
from .._http import FetchContext, Fetched, Fetcher, Routes
from .._http._transport import LaneTransport
from .._lane import Lane


class KeepingFetcher(Fetcher):
    """A `Fetcher` that adds each answer to an archive before the document is parsed.

    So a document that crashes a parser is in the archive.
    """

    def __init__(
        self,
        routes: Routes,
        lane: Lane,
        transport: LaneTransport,
        config: Config,
        pauses: Pauses,
        archive: Archive,
    ) -> None:
        super().__init__(routes, lane, transport, config, pauses)
        self._archive = archive

    async def fetch(self, context: FetchContext) -> Fetched:
        """See `Fetcher.fetch`. What was received by a fetch that is cancelled is not kept.

        Raises:
          ResourceError: also when the archive can't be written.
        """
        kept = context.kept
        if kept is None:
            return await super().fetch(context)
        context.timings.kept.append(kept)
        outcome = await self._outcome(context, kept)
        await self._archive.add_fetch(kept)
        if isinstance(outcome, Fetched):
            return outcome
        try:
            raise outcome
        finally:
            del outcome  # its traceback refers to this frame

    async def _outcome(self, context: FetchContext, kept: KeptFetch) -> Fetched | FeedFailed | QueueAgain:
        try:
            return await super().fetch(context)
        except FeedFailed as failed:
            kept.end(failed)
            return failed
        except QueueAgain as again:
            kept.again = True
            return again
