"""Everything trioscrape raises. Each type is a state of the caller's world::

    Exception
     ├── TrioscrapeError
     │    ├── UsageError (ValueError)    a setting, feed list or store URL is not valid; nothing was done
     │    ├── ResourceError              no process, thread, file or disk space is left
     │    ├── ClusterError               the Dask cluster can't be used, or is gone
     │    └── StoreError                 the store can't be reached, or has failed for good
     │         ├── StoreInUse            another run is writing to it
     │         ├── StoreUnavailable      it can't be used now; another attempt may help
     │         └── StoreRejected         it does not accept this record; it may accept others
     └── FeedFailed                      raised by a parser: the feed has failed

`FeedFailed` never reaches the caller of a scrape, because a feed that fails is a value: a `Result` whose
outcome is ``failed``, ``gone`` or ``refused`` and whose ``reason`` is one of `REASONS`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from ._printable import printable


class TrioscrapeError(Exception):
    """The base of the errors that trioscrape raises; itself it is never raised."""


class UsageError(TrioscrapeError, ValueError):
    """A setting, a feed list or a store URL can't be understood. The command line exits with 2."""


class ResourceError(TrioscrapeError):
    """The operating system lacks what is needed: a process, a thread, an open file, room on a disk.

    The command line exits with 1.
    """


class ClusterError(TrioscrapeError):
    """There is no Dask cluster at the address, its workers can't scrape, or its scheduler has gone.

    The command line exits with 1. What was stored before is stored, and the next run fetches what is left.
    """


class StoreError(TrioscrapeError):
    """The store can't be reached or has failed for good. The command line exits with 1.

    Its text never holds the password of the store's URL.
    """


class StoreInUse(StoreError):
    """Another run is writing to the store: the text says which process, on which machine, since when.

    Nothing was fetched, if it comes at the start of a scrape. See `Config.wait_for_store`.
    """


class StoreUnavailable(StoreError):
    """The store can't be used now, but perhaps later: it does not answer, is full, or is locked.

    A store raises it. A scrape then keeps the feeds in flight, and tries again for `Config.outage_timeout`
    seconds. The write may have succeeded or not.
    """


class StoreRejected(StoreError):
    """The store does not accept this feed or entry, and may accept others.

    A store raises it for what concerns the values of a record: a validator, a unique index or a trigger of
    its administrator, or a value that it can't hold. A scrape then goes on, and the feed ends as
    ``not-stored``.
    """


class FeedFailed(Exception):
    """Raised by a `Parser`, or by another step of a fetch, when the feed has failed.

    It becomes a `Result` with this reason and detail, whose outcome is ``failed`` for all but a few
    reasons. Other feeds are not affected, and it never reaches the caller of a scrape.

    Args:
      reason: one of `REASONS`.
      detail: the reason in more words, for people. No credentials. Control characters and the like, which
        a server or a document may have put there, are escaped.
      not_before: the earliest time of the next fetch, as the server asks (Retry-After); with a time zone.
      postponed_by: the host because of which the feed is only put off: that is no failure of the feed.
      feeds: of an HTML page, the URLs of the feeds that it names: absolute, without credentials. None: it is
        no page.

    Raises:
      ValueError: `reason` is not one of the reasons.
    """

    def __init__(
        self,
        reason: str,
        detail: str = "",
        *,
        not_before: datetime | None = None,
        postponed_by: str | None = None,
        feeds: Sequence[str] | None = None,
    ) -> None:
        if reason not in REASONS:
            raise ValueError(f"{reason!r} is not one of the reasons")
        self.reason = reason
        self.detail = printable(detail)
        super().__init__(self.reason, self.detail)
        self.not_before = not_before
        self.postponed_by = postponed_by
        self.feeds = None if feeds is None else tuple(feeds)


class Reasons(Mapping[str, str]):
    """What each reason means. ``http-NNN`` stands for all HTTP statuses, and each of those is in it too."""

    def __init__(self, meanings: Mapping[str, str]) -> None:
        self._meanings = dict(meanings)

    def __getitem__(self, reason: str) -> str:
        is_status = isinstance(reason, str) and re.fullmatch("http-[1-9][0-9][0-9]", reason)
        return self._meanings["http-NNN" if is_status else reason]

    def __iter__(self) -> Iterator[str]:
        return iter(self._meanings)

    def __len__(self) -> int:
        return len(self._meanings)

    def __repr__(self) -> str:
        return f"Reasons({self._meanings})"


_MEANINGS: Final = {
    "not-a-url": "the line is not an http or https URL",
    "name-not-found": "the host name does not exist or has no address",
    "lookup-timeout": "the DNS lookup took longer than its timeout",
    "lookup-failed": "the DNS lookup failed for another reason",
    "blocked-address": "the address policy does not allow the address",
    "connection-refused": "the server refused the connection",
    "unreachable": "there is no route to the server, or none of its addresses could be reached",
    "connect-timeout": "connecting took longer than its timeout",
    "tls": "the TLS handshake failed; the detail explains problems with the certificate",
    "connection-lost": "the connection was closed in the middle of the response",
    "protocol-error": "the response is not valid HTTP",
    "read-timeout": "the server sent nothing for the length of the read timeout",
    "too-slow": "the body arrived more slowly than the minimum rate",
    "fetch-timeout": "the whole fetch took longer than its timeout",
    "too-large": "the document is larger than the body limit",
    "decompression-bomb": "the document exceeds the body limit, and is 100 times larger than what was sent",
    "bad-encoding": "the body is not what its Content-Encoding says, or has more than two codings",
    "too-many-redirects": "there were more redirects than the limit",
    "redirect-loop": "a redirect led back to a URL that was already visited",
    "bad-redirect": "a redirect has no target, or one that is not an http or https URL",
    "http-NNN": "the server answered with this status, such as 404 or 503",
    "rate-limited": "the server answered 429, too many requests",
    "challenge": "Cloudflare demands a browser",
    "not-a-feed": "the document is not an RSS, Atom, RDF or JSON feed",
    "malformed": "the document begins like a feed, but nothing could be recovered from it",
    "parse-timeout": "parsing took longer than its timeout",
    "parse-crash": "the parser failed on the document, or its process died",
    "worker-crash": "on a Dask cluster, each worker that had the feed has died",
    "too-many-entries": "the document has more entries than the limit; the first ones are stored",
    "out-of-memory": "there was not enough memory for the document; nothing was stored",
    "not-stored": "the store did not accept the feed, or was unavailable for too long",
    "cancelled": "the scrape was cancelled while the feed was in flight",
}

REASONS: Final = Reasons(_MEANINGS)


OUT_OF_MEMORY: Final = "out of memory, or of threads; allow more, or lower --bytes-in-flight"


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether memory is what was missing in the first place, perhaps for the stack of a thread."""
    if isinstance(error, BaseExceptionGroup):
        return any(map(is_out_of_memory, error.exceptions))
    if error is None or isinstance(error, MemoryError):
        return error is not None
    return any(words in str(error) for words in _NO_MEMORY) or is_out_of_memory(
        error.__cause__ or error.__context__
    )


_NO_MEMORY: Final = ("Cannot allocate memory", "failed to map segment", "can't start new thread")
"""In the text of an `OSError`, the `ImportError` of a shared library (two of them), and a `RuntimeError` of a
thread."""


def http_status_reason(status: int) -> str:
    """The reason for an HTTP status (RFC 9110 §15) that is no success: ``http-404``."""
    return "rate-limited" if status == 429 else f"http-{status}"
