"""The stored feeds that are nearest to a URL which is not stored, as people mistype URLs."""

from __future__ import annotations

from collections.abc import AsyncIterable
from difflib import SequenceMatcher
from heapq import nlargest
from typing import Final

from .._records import FeedState
from .._urls import without_credentials
from .feed_filter import host_of

NEAREST: Final = 5
LEAST: Final = 0.6
"""How alike two URLs of different hosts must be at least, as `difflib` has it."""


async def nearest(typed: str, states: AsyncIterable[FeedState]) -> list[str]:
    """At most `NEAREST` URLs: of the same host first, then those that look alike or contain `typed`.

    A title that contains it counts as well.
    """
    wanted = _bare(typed)
    host = host_of(f"//{wanted}")
    matcher = SequenceMatcher(b=wanted, autojunk=False)
    found: list[tuple[float, str]] = []
    async for state in states:
        url = state.listed_url or state.url
        bare, title = _bare(url), state.listed_title or state.title or ""
        score = _likeness(matcher, bare)
        if host and host_of(f"//{bare}") == host:
            score += 1
        elif (wanted and wanted in bare) or typed.lower() in title.lower():
            score = 1
        if score >= LEAST:
            found = nlargest(NEAREST, [*found, (score, url)])
    return [url for _, url in found]


def _likeness(matcher: SequenceMatcher[str], text: str) -> float:
    matcher.set_seq1(text)
    # The exact ratio takes a hundred times as long as its upper bounds.
    if matcher.real_quick_ratio() < LEAST or matcher.quick_ratio() < LEAST:
        return 0.0
    return matcher.ratio()


def _bare(url: str) -> str:
    """Without what says little about which feed is meant."""
    bare = without_credentials(url).lower().rpartition("://")[2]
    return bare.removeprefix("www.").rstrip("/")
