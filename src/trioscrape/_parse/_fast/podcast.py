"""What a podcast client needs of an episode: the iTunes namespace, and the Podcast namespace 1.0."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ..._records import Transcript
from ..html import absolute
from .media import Media
from .tree import Attributes, Children, Place, Reading, attributes, said

OF_EPISODES: Final = frozenset(
    """itunes:duration itunes:episode itunes:season itunes:explicit podcast:episode podcast:season
    podcast:chapters podcast:transcript""".split()  # noqa: SIM905
)
_NUMBER: Final = re.compile(r"0*(\d{1,9})(?:\.0+)?", re.ASCII)
_CLOCK: Final = re.compile(r"(?:(?:(\d{1,5}):)?(\d{1,5}):)?(\d{1,9})(?:\.\d+)?", re.ASCII)
_EXPLICIT: Final = {
    "yes": True, "true": True, "explicit": True, "no": False, "false": False, "clean": False,
}  # fmt: skip


def episode(reading: Reading, children: Children, media: Media | None, around: Place) -> dict[str, Any]:
    """The fields of `RawEntry` that are about an episode, as far as there are any."""
    of_medium = media.duration() if media else None
    if not children.has(OF_EPISODES):
        return {"duration": seconds(of_medium)} if of_medium else {}
    return {
        "duration": seconds(_text(reading, children, "itunes:duration")) or seconds(of_medium or ""),
        "episode": _number(reading, children, ("itunes:episode", "podcast:episode")),
        "season": _number(reading, children, ("itunes:season", "podcast:season")),
        "explicit": _EXPLICIT.get(_text(reading, children, "itunes:explicit").lower()),
        "chapters": next((url for url, _ in _urls(children, around, "podcast:chapters")), None),
        "transcripts": [
            Transcript(url, said(given, "type"), said(given, "language"))
            for url, given in _urls(children, around, "podcast:transcript")
        ],
    }


def seconds(text: str) -> int | None:
    """Whole seconds: ``3723``, ``62:03`` and ``1:02:03`` are alike. None for zero, which says nothing."""
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    hours, minutes, rest = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + rest or None


def _text(reading: Reading, children: Children, name: str) -> str:
    return next((reading.text(element) for element in children.named(name)), "")


def _number(reading: Reading, children: Children, names: tuple[str, ...]) -> int | None:
    """The first of these elements that is a whole number."""
    numbers = (_NUMBER.fullmatch(reading.text(element)) for element in children.first(names))
    return next((int(found[1]) for found in numbers if found), None)


def _urls(children: Children, around: Place, name: str) -> Iterator[tuple[str, Attributes]]:
    """The URL and the attributes of each element of that name."""
    for element in children.named(name):
        given = attributes(element)
        url = said(given, "url")
        if url and (url := absolute(url, around.inside(given).base)):
            yield url, given
