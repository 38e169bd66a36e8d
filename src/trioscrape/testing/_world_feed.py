"""One feed of a made-up world: what its server answers, and what a scrape should have stored of it."""

from __future__ import annotations

import math
from email.utils import format_datetime
from random import Random
from typing import Final

from ._history import DAY, History, Version
from ._site import Answer, Request
from ._world_clock import WorldClock, moment

KINDS: Final = {
    "healthy": None,
    "slow": None,
    "unvalidated": None,
    "renamed": None,
    "unclosed": None,
    "moved": None,
    "elsewhere": None,
    "missing": "http-404",
    "gone": "http-410",
    "error": "http-500",
    "loop": "redirect-loop",
    "reset": "connection-lost",
    "page": "not-a-feed",
}
"""What feeds of a host in order may be like, and the reason with which each fails; None: it is stored.

* ``healthy``, ``slow``: has validators; the slow one takes several seconds.
* ``unvalidated``: has none, so that it never answers 304.
* ``renamed``: its ids begin with ``http:``, and one day with ``https:``.
* ``unclosed``: its document lacks the last tags.
* ``moved``: was moved for good (301, 308), perhaps several times, to where it alone is.
* ``elsewhere``: redirects for now (302, 303, 307) to another feed of the list.
* ``missing``: 404; many come back as a healthy one, see `WorldFeed.back`.
* ``gone``, ``error``: 410, 500, for ever.
* ``loop``: redirects back to itself.
* ``reset``: the connection ends in the middle of the document.
* ``page``: a page for people.
"""

_PAGE: Final = (
    b"<!DOCTYPE html><html><head><title>Welcome</title></head><body><p>Nothing here.</p></body></html>"
)


class WorldFeed:
    """A feed; the list has its `url`.

    Args:
      url: where it is.
      kind: one of `KINDS`.
      clock: of the world.
      random: gives its habits.
    """

    def __init__(self, url: str, kind: str, clock: WorldClock, random: Random) -> None:
        self.url, self.kind, self._clock = url, kind, clock
        self.history = History(f"{random.random()}", random)
        self.validators = "" if kind == "unvalidated" else random.choice(("etag", "modified", "both"))
        self.back = random.choice((math.inf, random.uniform(0, 20 * DAY)))
        """When a ``missing`` feed comes back, and a ``renamed`` one has new ids, in seconds of the world."""
        self.delay = random.uniform(3, 12) if kind == "slow" else 0.0
        """Seconds until the first byte, in addition to those of its host."""
        self.location: str | None = None
        """Where it redirects to, always."""
        self.status = 200
        """Of its redirects."""
        self.moved_from: WorldFeed | None = None
        """The feed of the list that redirects here for good, if there is one: it is fetched here one day."""
        self.served: dict[str, str] = {}
        """What a scrape should have stored: the titles of all entries that it was given, by link."""

    @property
    def reason(self) -> str | None:
        """The reason with which it fails now; None: it is stored. What its host does comes before that."""
        back = self.kind == "missing" and self._clock.seconds >= self.back
        return None if back else KINDS[self.kind]

    def answer(self, request: Request) -> Answer:
        """The answer to a request that comes now."""
        if self.location is not None:
            return Answer(status=self.status, headers={"Location": self.location})
        if self.reason is not None and self.reason.startswith("http-"):
            return Answer(status=int(self.reason[-3:]))
        if self.kind == "page":
            return Answer(headers={"Content-Type": "text/html"}, body=_PAGE)
        version = self.history.version(self._clock.news)
        headers = self._headers(version)
        if _is_known(request, headers):
            return Answer(status=304, headers=headers, first_byte=self.delay)
        body = self._document(version)
        breaks_after = len(body) // 2 if self.kind == "reset" else None
        return Answer(headers=headers, body=body, first_byte=self.delay, breaks_after=breaks_after)

    def entries(self) -> dict[str, str]:
        """The titles of the entries in its document now, by link."""
        if self.location is not None or self.reason is not None:
            return {}
        titles = self._titles(self.history.version(self._clock.news))
        return {self._link(number): title for number, title in titles.items()}

    def _titles(self, version: Version) -> dict[int, str]:
        """By the number of the entry, oldest first."""
        edited = self.history.edited(version)
        return {
            number: f"Number {number}, corrected" if number in edited else f"Number {number}"
            for number in self.history.entries(version)
        }

    def _headers(self, version: Version) -> dict[str, str]:
        headers = {"Content-Type": "application/rss+xml"}
        new_ids = self.kind == "renamed" and self._clock.seconds >= self.back
        if self.validators in ("etag", "both"):
            headers["ETag"] = f'"{version.published}.{version.edited}.{new_ids:d}"'
        if self.validators in ("modified", "both"):
            changed = self.history.last_change(version)
            headers["Last-Modified"] = _date(max(changed, int(self.back)) if new_ids else changed)
        return headers

    def _document(self, version: Version) -> bytes:
        titles = self._titles(version)
        items = "".join(self._item(number, titles[number]) for number in reversed(titles))
        end = "" if self.kind == "unclosed" else "</channel></rss>"
        return (
            '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>'
            f"<title>The feed {self.url}</title><link>{self.url}</link>{items}{end}"
        ).encode()

    def _item(self, number: int, title: str) -> str:
        link, date = self._link(number), _date(self.history.published(number))
        new_ids = self.kind == "renamed" and self._clock.seconds >= self.back
        guid = link.replace("http:", "https:", 1) if new_ids else link
        return (
            f"<item><title>{title}</title><link>{link}</link>"
            f'<guid isPermaLink="false">{guid}</guid><pubDate>{date}</pubDate>'
            f"<description>What there is to say about number {number}.</description></item>"
        )

    def _link(self, number: int) -> str:
        return f"{self.url}/{number}"


def _is_known(request: Request, headers: dict[str, str]) -> bool:
    """Whether the client has this version (RFC 9110 §13.2.2): If-None-Match counts before the date."""
    if (etag := request.headers.get("if-none-match")) is not None:
        return etag == headers.get("ETag")
    since = request.headers.get("if-modified-since")
    return since is not None and since == headers.get("Last-Modified")


def _date(seconds: int) -> str:
    return format_datetime(moment(seconds), usegmt=True)
