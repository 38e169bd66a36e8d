"""Everything trioscrape raises. Each type is a state of the caller's world::

    TrioscrapeError
     ├── UsageError (ValueError)    what was asked for can't be understood; nothing was done
     └── StoreError                 the store is not there, or is gone for good
          └── StoreUnavailable      it takes nothing now; another attempt may help

A feed that fails is not in this tree: it is a value, a `Result` whose outcome is
``failed``, ``gone`` or ``refused`` and whose ``reason`` is one of `REASONS`.
"""

from __future__ import annotations

from datetime import datetime


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

    A store raises it; a scrape then holds what it has, and asks again for `Config.store_patience` seconds.
    What was to be written may or may not have been.
    """


class FeedFailed(Exception):
    """How a step says that its feed ends here; it never leaves the package.

    The way through the lanes turns it into a `Result` at one single place.
    """

    def __init__(
        self, reason: str, detail: str = "", *, not_before: datetime | None = None, asked: bool = True
    ) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail
        self.not_before = not_before
        """What the server said about when to come again."""
        self.asked = asked
        """False: its host wants to be left alone, and no request was sent."""
