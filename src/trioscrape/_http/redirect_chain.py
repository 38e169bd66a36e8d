"""The redirects that a fetch has followed: whether all were permanent, and whether one left https.

`fetcher` follows them; `hops` reads the Location header.
"""

from __future__ import annotations

from typing import Final

PERMANENT: Final = {301, 308}


class RedirectChain:
    """The redirects between where a fetch started and where it arrived."""

    def __init__(self) -> None:
        self._redirected = False
        self._permanent = True
        self._downgraded = False

    def add(self, status: int, source: str, target: str) -> None:
        """Note one redirect between two URL schemes."""
        self._redirected = True
        self._permanent = self._permanent and status in PERMANENT
        self._downgraded = self._downgraded or (source, target) == ("https", "http")

    def moved_to(self, url: str, *, public: bool) -> str | None:
        """`url`, where the feed was found, if only permanent redirects led there; else None.

        Nobody moves for good from https to http, or to an address that is not `public`: what a
        server says once must not be trusted later, when nobody watches the redirect.
        """
        trusted = self._redirected and self._permanent and public and not self._downgraded
        return url if trusted else None

    @property
    def remark(self) -> str | None:
        """A remark for the detail of the result; None if there is nothing remarkable."""
        return "a redirect led from https to http" if self._downgraded else None
