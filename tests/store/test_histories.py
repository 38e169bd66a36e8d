"""Rule 4 over time: whatever a publisher does, the store has the entries that a person would count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trio
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from trioscrape import Entry, EntryCounts, FeedState, FeedUpdate
from trioscrape._parse.identity import identified
from trioscrape.testing import MemoryStore

Habit = Callable[[int], str | None]

IDS: dict[str, Habit] = {
    "of their own": lambda number: f"id {number}",
    "none": lambda number: None,
    "the same everywhere": lambda number: "N/A",
    "the same for two": lambda number: f"pair {number // 2}",
    "missing now and then": lambda number: None if number % 9 == 4 else f"id {number}",
    "missing often": lambda number: None if number % 2 else f"id {number}",
    "their links": lambda number: f"http://a.test/{number}",
    "their links by https": lambda number: f"https://a.test/{number}",
}
LINKS: dict[str, Habit] = {
    "of their own": lambda number: f"http://a.test/{number}",
    "of their own by https": lambda number: f"https://a.test/{number}",
    "one page": lambda number: "http://a.test/",
    "none": lambda number: None,
}
TITLES: dict[str, Habit] = {
    "of their own": lambda number: f"Title {number}",
    "the same": lambda number: "News",
    "none": lambda number: None,
}
DATES: dict[str, Callable[[int], datetime | None]] = {
    "of their own": lambda number: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=number),
    "the same day": lambda number: datetime(2024, 1, 1, tzinfo=UTC),
    "none": lambda number: None,
}
EDITS = ["", "", "", "text", "title", "date"]
DAMAGES = ["", "", "", "no text", "no link", "no id", "no id, no link", "other id"]


@dataclass(frozen=True)
class Shown:
    """An entry as a document has it."""

    id: str | None
    link: str | None
    title: str | None
    published: datetime | None
    text: str

    def parsed(self) -> tuple[str | None, Entry]:
        texts: dict[str, Any] = {"summary": self.text, "summary_type": "text"}
        return self.id, Entry("", "", self.link, self.title, published=self.published, **texts)


@dataclass
class Publisher:
    """Who has a feed, and habits."""

    ids: list[str]
    """The habit of each year; the others do not change."""
    links: list[str]
    titles: str
    dates: str

    @property
    def own_ids(self) -> bool:
        return all(habit.startswith(("of their own", "their links")) for habit in self.ids)

    @property
    def own_links(self) -> bool:
        return all(habit.startswith("of their own") for habit in self.links)

    @property
    def own_texts(self) -> bool:
        return "of their own" in (self.titles, self.dates) and "none" not in (self.titles, self.dates)

    @property
    def tells_entries_apart(self) -> bool:
        """Or has no ids and no links at all. Else two entries look like two versions of one."""
        if any(habit.startswith("the same") for habit in self.ids) and len(set(self.ids)) > 1:
            # An id that one entry alone had once, and another one has now, says that they are the same.
            return self.own_links and self.own_texts
        bare = {*self.ids, *self.links} == {"none"}
        return self.own_ids or self.own_links or self.own_texts or bare

    def entry(self, number: int, year: int) -> Shown:
        return Shown(
            IDS[self.ids[year % len(self.ids)]](number),
            LINKS[self.links[year % len(self.links)]](number),
            TITLES[self.titles](number),
            DATES[self.dates](number),
            f"Text {number}",
        )

    def is_recognised(self, before: Shown, after: Shown) -> bool:
        """Whether a person could tell from these two that they are the same entry.

        By something that no other entry of the feed ever has, with nothing against it. This leaves out what
        nobody could decide: an entry whose title and date are both edited; whose title or date is, while it
        has neither an id nor a link of its own; whose date is, in the document in which its id comes or goes;
        and one that gets another id, unless title, date and link, or all but the id, are as before. Ids that
        are given to several entries, or are often missing, are no help: they are believed no more.
        """
        differ = [
            None not in (old, new) and old != new
            for old, new in ((before.title, after.title), (before.published, after.published))
        ]
        if all(differ):
            return False
        ids = [other_scheme(each.id) for each in (before, after) if each.id]
        ids_differ = len(set(ids)) == 2
        if self.own_ids and len(ids) == 2 and not ids_differ:
            return True
        same_date = before.published == after.published
        by_link = self.own_links and bool(before.link and after.link) and (same_date or self.ids == ["none"])
        by_text = self.own_texts and (before.title, before.published) == (after.title, after.published)
        # Those that have link, title and date in common are taken for versions of one entry.
        versions = after.link and after.title and after.published
        same = replace(before, id=after.id) == after and not versions
        if ids_differ:
            return by_text and (by_link or same)
        return by_link or by_text or same


def other_scheme(text: str) -> str:
    return text.replace("https://", "http://")


@st.composite
def publishers(draw: st.DrawFn) -> Publisher:
    """Those whose entries a person can tell apart when all is well."""
    ids = draw(st.lists(st.sampled_from(sorted(IDS)), min_size=1, max_size=3))
    # An id that is the link as well looks like none, so that an entry keeps the id that it had before.
    links_as_ids = [habit.startswith("their links") for habit in ids if habit != "none"]
    assume(all(links_as_ids) or not any(links_as_ids))
    own_links = draw(st.booleans())
    links = sorted(name for name in LINKS if name.startswith("of their own") == own_links)
    titles, dates = draw(st.sampled_from(sorted(TITLES))), draw(st.sampled_from(sorted(DATES)))
    publisher = Publisher(ids, draw(st.lists(st.sampled_from(links), min_size=1, max_size=2)), titles, dates)
    assume(publisher.tells_entries_apart)
    return publisher


class History:
    """The documents that a feed's URL serves in turn, and what a person makes of them."""

    def __init__(self, data: st.DataObject, publisher: Publisher) -> None:
        self.data, self.publisher = data, publisher
        self.store = MemoryStore()
        self.state = FeedState("f" * 32, "http://a.test/feed")
        self.shown: dict[int, Shown] = {}
        """Each entry of the feed as it was last shown."""
        self.ids: dict[int, str | None] = {}
        """The last id that each has had."""

    async def serve(self, numbers: list[int], year: int, *, broken: bool) -> None:
        draw = self.data.draw
        now = {number: self._entry(number, year, broken=broken) for number in numbers}
        order = draw(st.permutations([*numbers, *numbers[: draw(st.integers(0, 2))]]))
        found = identified(
            [now[number].parsed() for number in order],
            shared=self.state.shared_keys,
            distrusts_ids=self.state.distrusts_ids,
            broken=broken,
        )
        self.state = replace(self.state, distrusts_ids=found.distrusts_ids, shared_keys=found.shared)
        counts = await self.store.save(FeedUpdate(self.state, found.entries))
        new, changed = now.keys() - self.shown.keys(), self._changed(now)
        self.shown |= now
        self.ids |= {number: each.id or self.ids.get(number) for number, each in now.items()}
        assert self._stored() == sorted(each.text for each in self.shown.values())
        assert counts == EntryCounts(len(new), changed, len(now) - len(new) - changed)

    def _entry(self, number: int, year: int, *, broken: bool) -> Shown:
        """The entry, edited and damaged as far as it can still be recognised."""
        draw = self.data.draw
        entry = self.publisher.entry(number, year)
        before = self.shown.get(number)
        if before is None:
            return entry
        edited = edit(entry, draw(st.sampled_from(EDITS)))
        if broken:
            # Of two entries with one id, the one that has lost it can't be told from the other one.
            damages = DAMAGES[:5] if "the same for two" in self.publisher.ids else DAMAGES
            edited = damage(edited, draw(st.sampled_from(damages)))
        known = replace(before, id=self.ids[number])
        as_before = replace(before, id=entry.id, link=entry.link)
        possible = (each for each in (edited, as_before) if self.publisher.is_recognised(known, each))
        return next(possible, before)

    def _changed(self, now: dict[int, Shown]) -> int:
        """Entries of which anything but the id is another than before."""
        return sum(
            number in self.shown and replace(self.shown[number], id=each.id) != each
            for number, each in now.items()
        )

    def _stored(self) -> list[str]:
        return sorted(entry.summary or "" for entry in self.store.entries[self.state.feed_id].values())


def edit(entry: Shown, what: str) -> Shown:
    if what == "text":
        return replace(entry, text=f"{entry.text}, corrected")
    if what == "title" and entry.title:
        return replace(entry, title=f"{entry.title}!")
    if what == "date" and entry.published:
        return replace(entry, published=entry.published + timedelta(minutes=1))
    return entry


def damage(entry: Shown, what: str) -> Shown:
    """What a broken document may lose of an entry."""
    if what == "other id":
        return replace(entry, id=entry.id and f"{entry.id}\ufffd")
    if what == "no text":
        return replace(entry, text=f"{entry.text[:-1]}\ufffd{entry.text[-1]}")
    lost: dict[str, Any] = {name: None for name in ("id", "link") if f"no {name}" in what}
    return replace(entry, **lost)


@pytest.mark.heavy
@given(data=st.data(), publisher=publishers(), window=st.integers(2, 8))
@settings(max_examples=settings().max_examples * 5)
def test_nothing_is_stored_twice_nothing_is_lost_and_nothing_is_written_again(
    data: st.DataObject, publisher: Publisher, window: int
) -> None:
    """A window on the feed's entries goes forward, so that documents overlap, and sometimes back."""
    steps = data.draw(
        st.lists(
            st.tuples(st.integers(-3, window - 1), st.integers(0, 1), st.sampled_from([False, False, True])),
            min_size=1,
            max_size=8,
        )
    )

    async def served() -> None:
        history, first, year = History(data, publisher), 0, 0
        for step, years, broken in steps:
            await history.serve(list(range(first, first + window)), year, broken=broken)
            first, year = max(0, first + step), year + years

    trio.run(served)
