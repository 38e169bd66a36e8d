"""Which feeds a page is about: those of a host, of a folder, or with a text in their URL or title."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final
from urllib.parse import urlsplit

from .._records import FeedState
from .parser import OptionSection

_WILDCARDS: Final = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class FeedFilter:
    """What a feed must have; None: anything."""

    host: str | None = None
    folder: str | None = None
    match: str | None = None

    @classmethod
    def of(cls, given: argparse.Namespace) -> FeedFilter:
        """The filter that the options ask for."""
        return cls(_lower(given.host), _lower(given.folder), _lower(given.match))

    def takes(self, state: FeedState) -> bool:
        """Whether the feed is one of them."""
        return (
            (self.host is None or self._is_at(state))
            and (self.folder is None or self._is_in(state))
            and (self.match is None or self._matches(state))
        )

    def __str__(self) -> str:
        words = {"host": self.host, "folder": self.folder, "match": self.match}
        return ", ".join(f"{name} {word}" for name, word in words.items() if word is not None)

    def _is_at(self, state: FeedState) -> bool:
        hosts = {host_of(url) for url in (state.url, state.listed_url) if url}
        return any(host == self.host or host.endswith(f".{self.host}") for host in hosts)

    def _is_in(self, state: FeedState) -> bool:
        folders = [tag.lower() for tag in state.tags]
        return self.folder in folders or self.folder == "/".join(folders)

    def _matches(self, state: FeedState) -> bool:
        pattern = self.match or ""
        if not _WILDCARDS & set(pattern):
            pattern = f"*{pattern}*"
        texts = (state.url, state.listed_url, state.title, state.listed_title)
        return any(fnmatchcase(text.lower(), pattern) for text in texts if text)


def host_of(url: str) -> str:
    """The host in `url`, in lower case and without a dot at its end; "" if there is none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:  # "[" without "]", say
        return ""


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def add_filter_options(section: OptionSection) -> None:
    """``--host``, ``--folder``, ``--match``."""
    section.add("--host", metavar="HOST", text="only feeds of this host and its subdomains")
    section.add("--folder", metavar="NAME", text="only feeds in this folder of an OPML list (also News/Tech)")
    section.add(
        "--match",
        metavar="PATTERN",
        text="only feeds whose URL or title has this text, or matches it as a whole if it has * or ?",
    )
