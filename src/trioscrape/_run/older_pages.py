"""Older pages of a feed, for a gap between two polls: which to fetch, and what of them is new. Pure.

A document that has none of the entries which its feed had before has a gap before it: entries may have come
and gone since the last poll. Some feeds say where older entries are:

- in archives (RFC 5005 §4, ``rel="prev-archive"``), each of which names the one before it;
- on pages (RFC 5005 §3, ``rel="next"``; ``next_url`` of JSON Feed);
- WordPress does not say so, but has pages all the same: ``?paged=2`` and so on.

These are fetched one after the other, until one has an entry that was stored before the gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from .._errors import FeedFailed, StoreRejected
from .._http import Fetched
from .._records import Entry, EntryCounts, FeedState, FeedUpdate, ParsedFeed, Poll
from .._records.columns import dates
from .._urls import problem_with, without_credentials

MOST: Final = 10
"""Pages that are fetched because of one gap: with ten entries each, as WordPress has them, 100 entries."""

_LONGEST_URL: Final = 500
"""Characters of the URL of a page that has failed, in the detail of a result."""


def has_older(parsed: ParsedFeed) -> bool:
    """Whether a document says where older entries are, or is known to have older pages."""
    return bool(parsed.prev_archive or parsed.next_page) or _is_of_wordpress(parsed)


class OlderPages:
    """The pages that are to be fetched because of one gap.

    Args:
      before: the state of the feed before the poll.
      state: its state after it.
      fetched: the document that has the gap before it.
      parsed: the same.
      poll: that of the document, which is stored when it is known whether the gap stays open.
    """

    def __init__(
        self, before: FeedState | None, state: FeedState, fetched: Fetched, parsed: ParsedFeed, poll: Poll
    ) -> None:
        self.poll = poll
        self.state = state
        """Of the feed, with how entries are identified now that older ones are known."""
        self.from_public = fetched.from_public
        """See `Fetched.from_public`."""
        self.fetched = 0
        """How many there were."""
        self.closed = False
        """Whether the last of them has an entry that was known before the gap."""
        self.next_url: str | None = None
        """Of the page to fetch next; None: of none."""
        self._failure: str | None = None
        self._visited = {fetched.url}
        self._keys: set[str] = set()
        self._wordpress = fetched.url if _is_of_wordpress(parsed) else None
        self._unseen(parsed)
        if _is_newer(parsed, before):
            self.next_url = self._url_after(parsed)

    def update(self, fetched: Fetched, parsed: ParsedFeed | None) -> FeedUpdate | None:
        """What is to be stored of a page; None: it has nothing that the pages before do not have.

        Args:
          fetched: the page.
          parsed: what it says; None: it is the document of the feed once more, whatever its URL.
        """
        self.fetched += 1
        self._visited |= {self.next_url or "", fetched.url}
        entries = self._unseen(parsed) if parsed is not None else ()
        self.next_url = None
        if parsed is None or not entries:
            return None
        self.state = replace(self.state, distrusts_ids=parsed.distrusts_ids, shared_keys=parsed.shared_keys)
        if self.fetched < MOST:
            self.next_url = self._url_after(parsed)
        return FeedUpdate(self.state, entries)

    def stored(self, counts: EntryCounts) -> None:
        """Note what became of the entries of a page. If any was stored before, the gap is closed."""
        if counts.changed or counts.unchanged:
            self.closed, self.next_url = True, None

    def failed(self, url: str, failure: Exception) -> None:
        """Note that the page at `url` could not be fetched, read or stored: that ends it."""
        reason = failure.reason if isinstance(failure, FeedFailed) else None
        if isinstance(failure, StoreRejected):
            reason = "not-stored"
        self._failure = f"{url[:_LONGEST_URL]} failed{f': {reason}' if reason else ''}"
        self.next_url = None

    @property
    def remark(self) -> str | None:
        """What people should know about them; None: there are none."""
        if not self.fetched and self._failure is None:
            return None
        pages = f"{self.fetched} older page{'' if self.fetched == 1 else 's'} fetched because of a gap"
        return "; ".join(filter(None, (pages, self._failure)))

    def _unseen(self, parsed: ParsedFeed) -> Sequence[Entry]:
        entries = [entry for entry in parsed.entries if entry.key not in self._keys]
        self._keys.update(entry.key for entry in entries)
        return entries

    def _url_after(self, parsed: ParsedFeed) -> str | None:
        url = parsed.prev_archive or parsed.next_page
        if url is None and self._wordpress is not None:
            url = _paged(self._wordpress, self.fetched + 2)
        if url is None or problem_with(url) is not None:
            return None
        url = without_credentials(url)
        return None if url in self._visited else url


def _is_of_wordpress(parsed: ParsedFeed) -> bool:
    return "wordpress" in (parsed.generator or "").lower()


def _is_newer(parsed: ParsedFeed, before: FeedState | None) -> bool:
    """Whether all of a document is newer than what was known of its feed, as far as its dates say.

    Some feeds give each entry another id with each request. Their entries are as old as before, and what is
    on their pages would be stored once more at every poll.
    """
    newest = before.newest_entry if before is not None else None
    return newest is None or all(date > newest for date in dates(parsed.entries))


def _paged(url: str, number: int) -> str:
    """The URL of a page of a WordPress feed."""
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, f"paged={number}")))
    return parts._replace(query=query, fragment="").geturl()
