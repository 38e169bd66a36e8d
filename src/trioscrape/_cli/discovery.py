"""Which lines of a list are feeds: pages are looked at for theirs, and of several URLs of a feed one is kept.

That two URLs are one feed has to be shown, not guessed. They lead to the same URL. Or they have the same
entries, and either differ in nothing but http or https, ``www.`` and a slash at the end, or one of them names
the other's URL as its own (``rel=self``). Anybody can copy a feed with the URL that it names, so the one that
is at that URL stays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from .._errors import ResourceError
from .._records import EntryCounts, Feed, FeedState, FeedUpdate, Result
from .._run.api import Scrape
from .._schedule.same_feed import Claim, claims
from .._urls import feed_id, problem_with, spelling
from ..testing import MemoryStore
from .report import count

Scraping = Callable[[Sequence[Feed], MemoryStore], AbstractAsyncContextManager[Scrape]]
"""Opens a scrape of feeds into a store."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was found at a URL."""

    feed: Feed
    result: Result
    state: FeedState | None = None
    """Of the feed that is there; None: there is none."""
    entries: str | None = None
    """A digest of the keys of its entries; None: it has none."""


@dataclass(slots=True)
class Discovered:
    """A new list, and what has become of the lines that are not in it as they were."""

    looks: list[Look] = field(default_factory=list)
    """A feed each, in the order of the lines."""
    others: list[tuple[Feed, str]] = field(default_factory=list)
    """The other lines, in words."""
    lines: int = 0
    found: int = 0
    """Feeds that no line has: a page has named them."""
    pages: int = 0
    """Pages that have a feed."""
    without: int = 0
    """Pages that have none."""
    duplicates: int = 0
    """Lines with another URL of a feed that is in the new list, or with the same."""
    failed: int = 0
    """Lines that could not be fetched, or are neither a feed nor a page."""

    def told(self) -> list[str]:
        """A line for each other line, and one for all."""
        lines = []
        for feed, words in self.others:
            where = f"line {feed.line}: " if feed.line else ""
            lines.append(f"{where}{feed.redacted_url}: {words}")
        return [*lines, str(self)]

    def __str__(self) -> str:
        text = f"{count(self.lines, 'line')}: {count(len(self.looks), 'feed')}"
        if self.found:
            text += f", {self.found:,} of them found on {count(self.pages, 'page')}"
        left_out = {
            f"{count(self.without, 'page')} without a feed": self.without,
            count(self.duplicates, "duplicate"): self.duplicates,
            f"{count(self.failed, 'line')} that failed": self.failed,
        }
        words = ", ".join(each for each, number in left_out.items() if number)
        return f"{text}; left out: {words}" if words else text


async def discover(listed: Iterable[Feed], scraping: Scraping, seen: Callable[[], object]) -> Discovered:
    """Look at each line of a list, and at the feeds that its pages name.

    Args:
      listed: the list.
      scraping: fetches feeds.
      seen: is called when a URL has been looked at.

    Raises:
      ResourceError: there is no network.
      TrioscrapeError: see `open_scrape`.
    """
    lines = list(listed)
    looks = await _looks(lines, scraping, seen)
    named = [feed for line in lines for feed in _named(looks[_key(line)]) if _key(feed) not in looks]
    looks |= await _looks(named, scraping, seen) if named else {}
    return _Discovery(looks).of(lines)


class _Sightings(MemoryStore):
    """A store that keeps of feeds only what tells them apart."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, tuple[FeedState, str | None]] = {}

    async def save(self, update: FeedUpdate) -> EntryCounts:
        """See `Store.save`."""
        keys = "\n".join(sorted(entry.key for entry in update.entries)).encode()
        if update.state.body_hash is not None:
            digest = hashlib.blake2b(keys, digest_size=16).hexdigest() if keys else None
            self.seen[update.state.feed_id] = update.state, digest
        return EntryCounts(new=len(update.entries))


async def _looks(feeds: Sequence[Feed], scraping: Scraping, seen: Callable[[], object]) -> dict[str, Look]:
    """What is at the URLs of `feeds`, by their keys."""
    store, looks = _Sightings(), dict[str, Look]()
    async with scraping(feeds, store) as scrape:
        async for result in scrape:
            key = _key(result.feed)
            looks[key] = Look(result.feed, result, *store.seen.pop(key, ()))
            seen()
    if scrape.report().offline:
        raise ResourceError("there is no network: no host could be reached")
    return looks


class _Discovery:
    """Makes a list of what was found."""

    def __init__(self, looks: dict[str, Look]) -> None:
        self._looks, self._new = looks, Discovered()
        self._kept: list[tuple[int, Look]] = []
        """With the place of the line."""
        self._known: dict[tuple[str, str], tuple[Claim, str]] = {}
        """By what shows that a feed is the same (see `_same_as`), the claim that decides and the URL of the
        feed in the new list."""

    def of(self, lines: Sequence[Feed]) -> Discovered:
        """The list that `lines` become. What a line has itself comes before what a page names."""
        new, pages = self._new, list[tuple[int, Look]]()
        new.lines = len(lines)
        firsts: dict[str, Feed] = {}
        found = list[tuple[int, Look]]()
        for place, line in enumerate(lines):
            look = self._looks[_key(line)]
            if (first := firsts.setdefault(_key(line), line)) is not line:
                self._drop_duplicate(line, f"the same URL as line {first.line}")
            elif look.state is None and look.result.page_feeds is not None:
                pages.append((place, look))
            elif look.state is None:
                new.failed += 1
                new.others.append((line, _failure(look)))
            else:
                found.append((place, look))
        for place, look in sorted(found, key=lambda each: _gives_away(each[1])):
            if (same := self._same_as(look, place)) is not None:
                self._drop_duplicate(lines[place], f"the same feed as {same}")
        for place, page in pages:
            self._add_page(page, place)
        new.looks = [look for _, look in sorted(self._kept, key=lambda kept: kept[0])]
        new.others.sort(key=lambda other: other[0].line or 0)
        return new

    def _drop_duplicate(self, line: Feed, words: str) -> None:
        self._new.duplicates += 1
        self._new.others.append((line, words))

    def _add_page(self, page: Look, place: int) -> None:
        new, words, has_feed = self._new, [], False
        looks = [self._looks[_key(feed)] for feed in _named(page)]
        for look in sorted(looks, key=_gives_away):
            url = look.feed.redacted_url
            if look.state is None:
                words.append(f"{url} (left out: {_failure(look)})")
                continue
            has_feed = True
            same = self._same_as(look, place)
            new.found += same is None
            words.append(url if same in (None, url) else f"{url} (in the new list as {same})")
        new.pages += has_feed
        new.without += not has_feed
        named = f" that links to {', '.join(words)}" if words else " without a feed"
        new.others.append((page.feed, f"an HTML page{named}"))

    def _same_as(self, look: Look, place: int) -> str | None:
        """The URL that a feed has in the new list already; None: now it is in it, with its own."""
        own = look.feed.redacted_url
        where, claimed = _claims(look)
        shown = [((feed_id(where), ""), claimed[spelling(where)])]
        if look.entries is not None:
            shown += [((url, look.entries), claim) for url, claim in claimed.items()]
        found = ((claim, self._known[each]) for each, claim in shown if each in self._known)
        first = next((url for claim, (other, url) in found if claim.gives_way_to(other)), None)
        for each, claim in shown:
            known = self._known.get(each)
            if known is None or known[0] < claim:
                self._known[each] = claim, first or own
        if first is None:
            self._kept.append((place, look))
        return first


def _claims(look: Look) -> tuple[str, dict[str, Claim]]:
    """The URL that a feed came from, and its claims to URLs."""
    own = look.feed.redacted_url
    where = look.result.final_url or own
    return where, claims(own, where, look.state.self_link if look.state is not None else None)


def _gives_away(look: Look) -> bool:
    """Whether a feed leads to, or names, another URL than its own: the feed that is there comes before it."""
    return any(claim is not Claim.IS for claim in _claims(look)[1].values())


def _key(feed: Feed) -> str:
    """What is the same for two lines with one URL."""
    return feed.url if problem_with(feed.url) else feed_id(feed.url)


def _named(look: Look) -> Iterator[Feed]:
    """The feeds that a page names."""
    for url in look.result.page_feeds or ():
        yield Feed(url, line=look.feed.line, tags=look.feed.tags)


def _failure(look: Look) -> str:
    result = look.result
    if result.page_feeds is not None:
        return "an HTML page"
    if (problem := problem_with(look.feed.url)) is not None:
        return f"not a URL: {problem}"
    return ": ".join(filter(None, (result.reason, result.detail)))
