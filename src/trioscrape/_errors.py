"""Everything trioscrape raises. Each type is a state of the caller's world::

    TrioscrapeError
     ├── UsageError (ValueError)    what was asked for can't be understood; nothing was done
     └── StoreError                 the store is not there, or is gone for good
          └── StoreUnavailable      it takes nothing now; another attempt may help

A feed that fails is not in this tree: it is a value, a `Result` whose outcome is
``failed``, ``gone`` or ``refused`` and whose ``reason`` is one of `REASONS`. `FeedFailed` is not in it
either: it is how a parser says that its feed has failed, and ends inside of the scrape.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final


class TrioscrapeError(Exception):
    """The root of all errors that trioscrape raises on its own account."""


class UsageError(TrioscrapeError, ValueError):
    """A setting, a feed list or a store URL can't be understood. The command line exits with 2."""


class StoreError(TrioscrapeError):
    """The store can't be reached or has failed for good. The command line exits with 1.

    Its text never holds the password of the store's URL.
    """


class StoreUnavailable(StoreError):
    """The store takes nothing now, and may again later: it does not answer, is full, is locked.

    A store raises it; a scrape then holds what it has, and asks again for `Config.outage_timeout` seconds.
    What was to be written may or may not have been.
    """


class FeedFailed(Exception):
    """How a `Parser`, or another step of a feed's way, says that the feed ends here, and why.

    It becomes a `Result` with this reason and detail, whose outcome is ``failed`` for all but a few
    reasons. No other feed is touched, and it never reaches the caller of a scrape.

    Args:
      reason: one of `REASONS`, or ``http-NNN``.
      detail: the reason in more words, for people. No credentials.
      not_before: when the server wants to be fetched again at the earliest; aware.
      asked: False when no request was sent, because the host has to be left alone.

    Raises:
      ValueError: `reason` is not one of the reasons.
    """

    def __init__(
        self, reason: str, detail: str = "", *, not_before: datetime | None = None, asked: bool = True
    ) -> None:
        if not is_reason(reason):
            raise ValueError(f"{reason!r} is not one of the reasons")
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail
        self.not_before = not_before
        self.asked = asked


REASONS: Final[dict[str, str]] = {
    "not-a-url": "the line is no http or https URL",
    "name-not-found": "the name does not exist or has no address",
    "lookup-timeout": "the lookup did not answer within its timeout",
    "lookup-failed": "the lookup failed for another cause",
    "blocked-address": "the address policy does not allow the address",
    "connection-refused": "the server refused the connection",
    "unreachable": "no route to the server, or none of its addresses could be reached",
    "connect-timeout": "connecting took longer than its timeout",
    "tls": "the TLS handshake failed; the detail has the certificate's problem in words",
    "connection-lost": "the server closed the connection in the middle of an answer",
    "protocol-error": "the answer is not valid HTTP",
    "read-timeout": "the server sent nothing for as long as the read timeout",
    "too-slow": "the body came more slowly than the least rate",
    "fetch-timeout": "the whole fetch took longer than its timeout",
    "too-large": "the body is larger than the body limit",
    "decompression-bomb": "the body is larger than the limit, and 100 times as large as what was sent",
    "bad-encoding": "the body's Content-Encoding is unknown or broken, or there are more than two",
    "too-many-redirects": "more redirects than the limit",
    "redirect-loop": "a redirect leads to a URL that was already visited",
    "bad-redirect": "a redirect leads nowhere, or to something that is no http or https URL",
    "http-NNN": "the server answered with this status, 404 or 503 for example",
    "rate-limited": "the server says that it was asked too often (429)",
    "challenge": "Cloudflare asks for a browser",
    "not-a-feed": "the document is no RSS, Atom, RDF or JSON feed",
    "malformed": "the document begins as a feed does, and nothing could be recovered of it",
    "parse-timeout": "parsing took longer than its timeout",
    "parse-crash": "the parser or its worker process broke on the document",
    "too-many-entries": "the document has more entries than the limit; the first ones are stored",
    "not-stored": "the store did not take it, or nothing at all, and was not waited for any longer",
    "cancelled": "the scrape was cancelled while the feed was under way",
}


def http_status_reason(status: int) -> str:
    """The reason for an HTTP status (RFC 9110 §15) that is no success: ``http-404``."""
    return "rate-limited" if status == 429 else f"http-{status}"


def is_reason(reason: str) -> bool:
    """Whether `reason` is in the closed set."""
    prefix, _, number = reason.partition("-")
    return reason in REASONS or (prefix == "http" and len(number) == 3 and number.isdigit())
