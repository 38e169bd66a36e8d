"""Cookies of one fetch: what a server sets with a redirect, it gets back at the next hop. Nothing is kept.

Some sites answer every first request with a cookie and a redirect, and look for the cookie behind it. That
is all that this is for, so it is stricter than RFC 6265: a cookie goes back to the host that has set it, or
with a Domain attribute to the same name with or without ``www.``, and from https never to http.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from .._schedule.freshness import http_date

COUNT: Final = 50
"""Cookies of one fetch (RFC 6265 §6.1)."""
SIZE: Final = 4096
"""Bytes of one cookie."""
HEADER: Final = 8192
"""Bytes of the header in which they go back: what most servers take."""


@dataclass(frozen=True, slots=True)
class Place:
    """What of a URL matters for cookies."""

    scheme: str
    host: str
    path: str


@dataclass(frozen=True, slots=True)
class _Cookie:
    pair: str
    place: Place
    """The host that has set it and the path for which; `Place.path` is that of the cookie."""
    with_www: bool
    secure: bool

    def belongs_to(self, place: Place) -> bool:
        if place.scheme != "https" and (self.secure or self.place.scheme == "https"):
            return False
        same = place.host == self.place.host or (
            self.with_www and _bare(place.host) == _bare(self.place.host)
        )
        return same and _lies_in(place.path, self.place.path)


class Cookies:
    """What the servers of one fetch have set so far."""

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str, str], _Cookie] = {}

    def take(self, place: Place, headers: Iterable[str], now: datetime) -> None:
        """Keep, replace or delete what an answer from `place` says in its Set-Cookie `headers`."""
        for header in headers:
            pair, *attributes = (part.strip() for part in header.split(";"))
            name, equals, _ = pair.partition("=")
            if not (name.strip() and equals) or len(pair) > SIZE or not _is_sendable(pair):
                continue
            said = {
                key.strip().lower(): value.strip()
                for key, _, value in (part.partition("=") for part in attributes)
            }
            cookie = _cookie(pair, place, said)
            key = (place.host, cookie.place.path, name.strip())
            self._cookies.pop(key, None)
            if not _has_expired(said, now) and (place.scheme == "https" or not cookie.secure):
                self._cookies[key] = cookie
            if len(self._cookies) > COUNT:
                del self._cookies[next(iter(self._cookies))]

    def header(self, place: Place) -> str:
        """The Cookie header of a request to `place`; empty when there is none to send (RFC 6265 §5.4)."""
        sent: list[str] = []
        size = 0
        mine = (cookie for cookie in self._cookies.values() if cookie.belongs_to(place))
        for cookie in sorted(mine, key=lambda cookie: -len(cookie.place.path)):
            size += len(cookie.pair) + 2
            if size <= HEADER:
                sent.append(cookie.pair)
        return "; ".join(sent)


def _cookie(pair: str, place: Place, said: dict[str, str]) -> _Cookie:
    path = said.get("path", "")
    if not path.startswith("/"):
        path = place.path.rpartition("/")[0] or "/"  # RFC 6265 §5.1.4
    domain = said.get("domain", "").lower().removeprefix(".")
    with_www = "." in domain and domain in (place.host, _bare(place.host))
    return _Cookie(pair, Place(place.scheme, place.host, path), with_www, "secure" in said)


def _has_expired(said: dict[str, str], now: datetime) -> bool:
    if (seconds := said.get("max-age", "")).lstrip("-").isdecimal():
        return seconds.startswith("-") or not seconds.strip("0")
    expires = http_date(said["expires"]) if "expires" in said else None
    return expires is not None and expires <= now


def _is_sendable(text: str) -> bool:
    return all(" " <= char != "\x7f" for char in text)


def _bare(host: str) -> str:
    return host.removeprefix("www.")


def _lies_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder if folder.endswith("/") else f"{folder}/")
