"""Records of an import, or of another store, made as safe as those that a parser here has read. Pure.

They go the way that everything takes which a parser has read: the same sanitiser, the same rules for links,
the same bounds. What trioscrape has stored comes out as it was.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from .._errors import REASONS
from .._records import Entry, FeedState, FeedTimers
from .._schedule.freshness import LONGEST
from .._schedule.rhythm import Rhythm
from .._urls import problem_with
from .html import one_line, scrub
from .protocol import FeedDocument
from .raw import RawEntry, RawFeed, RawText
from .records import parsed_feed
from .timers import bounded

_NOWHERE: Final = FeedDocument(b"", "")
"""A relative link is none: what it was relative to is not known any more."""


def safe_entry(entry: Entry) -> Entry:
    """The entry with safe texts and links. Its hash stays, so that the next fetch finds it unchanged."""
    raw = RawEntry(
        id=entry.key,
        link=entry.link,
        title=_text(entry.title, "text"),
        summary=_text(entry.summary, entry.summary_type),
        content=_text(entry.content, entry.content_type),
        authors=entry.authors,
        categories=(*entry.tags, *entry.categories),
        enclosures=entry.enclosures,
        language=entry.language,
        image=entry.image,
        comments=entry.comments,
        source=entry.source,
        duration=entry.duration,
        episode=entry.episode,
        season=entry.season,
        explicit=entry.explicit,
        chapters=entry.chapters,
        transcripts=entry.transcripts,
    )
    [safe] = parsed_feed(RawFeed(entries=[raw]), _NOWHERE).entries
    # Dates are not rounded to seconds, as those that are read from documents are.
    return replace(
        safe,
        hash=entry.hash,
        published=entry.published,
        updated=entry.updated,
        truncated=entry.truncated or safe.truncated,
    )


def safe_state(state: FeedState) -> FeedState:
    """The state with safe texts and links.

    Its URLs and validators have been checked when it was read. A URL that it has moved to is fetched from as
    after a redirect: see `Hop.from_public`.
    """
    said = parsed_feed(
        RawFeed(
            title=_text(state.title, "text"),
            subtitle=_text(state.subtitle, "text"),
            link=state.link,
            language=state.language,
            self_link=state.self_link,
            hub=state.hub,
            cloud=state.cloud,
        ),
        _NOWHERE,
    )
    return replace(
        state,
        title=said.title,
        subtitle=said.subtitle,
        link=said.link,
        language=said.language,
        self_link=said.self_link,
        hub=said.hub,
        cloud=said.cloud,
        listed_title=one_line(state.listed_title or "") or None,
        tags=_lines(state.tags),
        shared_keys=tuple(map(scrub, state.shared_keys)),
        timers=_timers(state.timers),
        failure=state.failure if state.failure in REASONS else None,
        failure_detail=one_line(state.failure_detail or "") or None,
        postponed_by=state.postponed_by if _is_a_name(state.postponed_by) else None,
        same_as=state.same_as if state.same_as and problem_with(state.same_as) is None else None,
        rhythm=None if state.rhythm is None else str(Rhythm.of(state.rhythm)),
    )


def _text(text: str | None, kind: str | None) -> RawText | None:
    """What does not say that it is plain is sanitised."""
    return None if text is None else RawText(text, "text" if kind == "text" else "html")


def _lines(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(line for text in texts if (line := one_line(text)))


def _timers(timers: FeedTimers) -> FeedTimers:
    return replace(bounded(timers), max_age=min(timers.max_age, int(LONGEST.total_seconds())))


def _is_a_name(host: str | None) -> bool:
    return host is not None and host.isprintable() and " " not in host
