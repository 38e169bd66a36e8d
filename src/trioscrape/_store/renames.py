"""Entries that a document knows by another key than the store does, so that none is stored twice.

Keys change although entries do not. A publisher begins to give ids, or stops; an id or a link turns out to
be that of several entries, and counts no more (`identity`); a document is broken, and an entry has lost its
id in it; a feed goes from http to https, or to another host; an earlier version of trioscrape made keys in
another way. So where a document has keys that are not stored, stored entries which could be meant are looked
up, and those that are the same get the new key: they are *renamed*, and keep the moment at which they were
first seen. An entry that has only lost its id, or its link, keeps the key that says more.

A wrong guess would overwrite an old entry, so what is only likely is not done. Two entries are the same when
one thing is the same that no other entry has, neither in the document nor among the stored ones, and nothing
else speaks against it. That thing is one of these: all fields; a key; the link, but for its scheme; title and
date. Where an entry stands says nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple
from urllib.parse import urljoin

from .._parse.identity import KeyKind, kind_of, short_key, text_keys
from .._records import Entry, FeedState
from .._records.kinds import clean_moment
from .._records.texts import TITLE, clean_key
from .moved_urls import find_moved_urls, same_url
from .plan import Document, Known, Plan, plan

NEWEST: Final = 2000
"""Stored entries of a feed that are compared with a document, those that were published last."""


class StoredKey(NamedTuple):
    """A stored entry, as far as it says which one it is."""

    key: str
    link: str | None
    title: str | None
    published: datetime | None
    known: Known


@dataclass(frozen=True, slots=True)
class Search:
    """Which stored entries of a feed a document has to be compared with."""

    keys: Collection[str]
    """Those with these keys,"""
    dates: Collection[datetime]
    """and those that were published at these moments, as many as `NEWEST` at each,"""
    newest: int
    """and so many of all, those that were published last."""


@dataclass(frozen=True, slots=True)
class Renames:
    """Stored entries that are in a document under another key."""

    renamed: Mapping[str, str] = field(default_factory=dict)
    """The stored key by that of the document, which takes its place."""
    kept: Mapping[str, str] = field(default_factory=dict)
    """The stored key by that of the document, which says less."""
    known: Mapping[str, Known] = field(default_factory=dict)
    """What is stored of all of these, by the key that they have from now on."""

    def document(self, entries: Document) -> Document:
        """The entries under the keys that they are stored under from now on."""
        return entries.renamed(self.kept) if self.kept else entries

    def plan(self, entries: Document, stored: Mapping[str, Known]) -> Plan:
        """As `plan.plan`, with what these entries are stored as.

        Args:
          entries: as `document` returns them.
          stored: what is stored of the keys of the document.
        """
        return plan(entries, {**stored, **self.known}, self.renamed)


def search(entries: Mapping[str, Entry], stored: Collection[str], state: FeedState) -> Search | None:
    """What to look up; None when every key of the document is stored.

    A feed that has had ids, and has them still, costs a few keys and a date for each new entry.

    Args:
      entries: of the document, by key.
      stored: the keys of the document that are stored.
      state: of the feed, as it will be stored with the document.
    """
    # By key: a `Document` makes each entry that is looked at.
    unknown = {key: entries[key] for key in entries if key not in stored}
    if not unknown:
        return None
    keys = {alias for key, entry in unknown.items() for alias in _other_keys(key, entry, state)}
    dates = {moment for entry in unknown.values() if (moment := clean_moment(entry.published))}
    many = 2 * len(unknown) > len(entries)
    newest = any(_needs_newest(key, entry, many=many) for key, entry in unknown.items())
    return Search(keys - entries.keys(), dates, max(NEWEST, 2 * len(entries)) if newest else 0)


def _needs_newest(key: str, entry: Entry, *, many: bool) -> bool:
    """Whether an entry could be found by its link alone, or, if it is one of many, under another host."""
    if kind_of(key, entry.link) != "id":
        return many or entry.published is None
    return many and same_url(key) is not None


def _other_keys(key: str, entry: Entry, state: FeedState, *, texts: bool = False) -> Iterator[str]:
    """Other keys under which an entry of a document may be stored, best first.

    Those of texts are left out if they would be found by their date as well: they take long to make.
    """
    link = short_key(entry.link)
    found = [link if link != key else None, _with_other_scheme(key), _with_other_scheme(link or "")]
    if ":" not in key.partition("/")[0]:
        # Up to schema version 3, ids were resolved as if they were links.
        with suppress(ValueError):
            found.append(urljoin(state.url, key))
    if texts or entry.published is None:
        found += text_keys(entry)
    return (clean_key(each) for each in found if each)


def _with_other_scheme(url: str) -> str | None:
    if url.startswith("http://"):
        return f"https://{url[7:]}"
    return f"http://{url[8:]}" if url.startswith("https://") else None


def find_renames(
    entries: Mapping[str, Entry],
    stored: Collection[str],
    found: Iterable[StoredKey],
    state: FeedState,
    *,
    newest: bool,
) -> Renames:
    """Which entries of the document are stored under other keys.

    Args:
      entries: as in `search`.
      stored: as in `search`.
      found: what was looked up, in any order, once or several times.
      state: as in `search`.
      newest: whether the newest entries were looked up, so that a link which is found once is there once.
    """
    by_key = {each.key: each for each in found}
    if by_key.keys() <= entries.keys():
        return Renames()
    matching = _Matching(entries, stored, by_key, state)
    matching.pair(lambda each: each.hash)
    matching.pair_aliases()
    matching.pair(lambda each: same_url(each.key))
    matching.pair(lambda each: each.page and each.moment and (each.page, each.moment))
    matching.pair(lambda each: each.title and each.moment and (each.title, each.moment))
    if newest:
        matching.pair(lambda each: each.page)
        matching.pair_moved()
    return matching.renames()


class _Described(NamedTuple):
    """An entry of a document or of a store, by what can tell it from others."""

    key: str
    kind: KeyKind | None
    """None: the key is an id, or a link, that says nothing any more."""
    hash: str
    page: Hashable
    """The link, but for its scheme; None for one that several entries have."""
    title: str | None
    moment: datetime | None


class _Matching:
    """The pairs of an entry of a document and a stored entry that are the same."""

    def __init__(
        self,
        entries: Mapping[str, Entry],
        stored: Collection[str],
        found: Mapping[str, StoredKey],
        state: FeedState,
    ) -> None:
        self._entries, self._found, self._state = entries, found, state
        links = (Counter(same_url(each.link or "") for each in side.values()) for side in (entries, found))
        self._pages = {link for side in links for link, count in side.items() if link and count > 1}
        self._pages |= {url for key in state.shared_keys if (url := same_url(key))}
        self._document = [
            self._described(key, each, each.hash, TITLE.clean(each.title or "")[0])
            for key, each in entries.items()
        ]
        self._stored = [
            self._described(each.key, each, each.known.hash, each.title) for each in found.values()
        ]
        self._unknown = {key for key in entries if key not in stored}
        self._free = found.keys() - entries.keys()
        self._pairs: list[tuple[_Described, _Described]] = []

    def _described(self, key: str, entry: Entry | StoredKey, digest: str, title: str | None) -> _Described:
        page = same_url(entry.link or "")
        if page in self._pages:
            page = None
        shared = self._state.distrusts_ids or key.partition(" ")[0] in self._state.shared_keys
        kind: KeyKind | None = kind_of(key, entry.link)
        if (kind == "id" and shared) or (kind == "link" and page is None):
            kind = None
        return _Described(key, kind, clean_key(digest), page, title or None, clean_moment(entry.published))

    def pair(self, value_of: Callable[[_Described], Hashable]) -> None:
        """Pair entries that have the same value, where exactly one on each side has it."""
        new, old = _single(self._document, value_of), _single(self._stored, value_of)
        for value in new.keys() & old.keys():
            self._add(new[value], old[value])

    def pair_aliases(self) -> None:
        """Pair entries with those that are stored under what could be another key of them."""
        stored = {each.key: each for each in self._stored}
        aliases = [
            (alias, each)
            for each in self._document
            for alias in _other_keys(each.key, self._entries[each.key], self._state, texts=True)
            if same_url(alias) not in self._pages
        ]
        counts = Counter(alias for alias, _ in aliases)
        for alias, each in aliases:
            if counts[alias] == 1 and alias in stored:
                self._add(each, stored[alias], by_key=True)

    def pair_moved(self) -> None:
        """Pair entries whose keys are URLs of which all but the host is the same, if most of them are."""
        moved = find_moved_urls(self._unknown, self._free, len(self._entries))
        new, old = ({each.key: each for each in side} for side in (self._document, self._stored))
        self._pairs += [(new[after], old[before]) for after, before in moved.items()]

    def _add(self, new: _Described, old: _Described, *, by_key: bool = False) -> None:
        free = new.key in self._unknown and old.key in self._free
        if free and not _contradict(new, old, by_key=by_key):
            self._unknown.remove(new.key)
            self._free.remove(old.key)
            self._pairs.append((new, old))

    def renames(self) -> Renames:
        kept = {new.key: old.key for new, old in self._pairs if _says_more(old, new)}
        renamed = {new.key: old.key for new, old in self._pairs if new.key not in kept}
        known = {kept.get(new.key, new.key): self._found[old.key].known for new, old in self._pairs}
        return Renames(renamed, kept, known)


def _single(
    side: Iterable[_Described], value_of: Callable[[_Described], Hashable]
) -> dict[Hashable, _Described]:
    """Those whose value no other one has."""
    found = defaultdict[Hashable, list[_Described]](list)
    for each in side:
        if value := value_of(each):
            found[value].append(each)
    return {value: several[0] for value, several in found.items() if len(several) == 1}


def _contradict(new: _Described, old: _Described, *, by_key: bool) -> bool:
    """Whether something speaks against two entries' being the same."""
    if new.page and old.page and new.page != old.page:
        return True
    other_title, other_moment = _differ(new.title, old.title), _differ(new.moment, old.moment)
    if other_title and other_moment:
        return True
    if by_key or new.kind != "id" or old.kind != "id" or _same_id(new.key, old.key):
        return False
    # A publisher has changed an id, or it has been damaged: then all the rest has to be there, and the same.
    same = bool(new.title and new.moment) and not other_title and not other_moment
    return not (same and new.title == old.title and (new.hash == old.hash or bool(new.page and old.page)))


def _differ(new: object, old: object) -> bool:
    return new is not None and old is not None and new != old


def _same_id(new: str, old: str) -> bool:
    """Whether they differ in the scheme alone, or the stored one is the other, resolved as a link."""
    url = same_url(old)
    return url is not None and (same_url(new) == url or old.endswith(f"/{new.lstrip('./')}"))


_SAYS: Final[dict[KeyKind | None, int]] = {"id": 2, "link": 1, "text": 0, None: -1}


def _says_more(old: _Described, new: _Described) -> bool:
    """Whether the stored key is of a kind that the document has nothing of for this entry."""
    return _SAYS[old.kind] > max(_SAYS[new.kind], 0)
