"""Which entry is which, and whether it has changed. Pure, the same in every process and every run.

An entry is known by its guid or id, else by its link, else by its title and date, else by its text. What
several entries of a document have says nothing: the next one counts then, for all of them and from then on.
So the key of an entry depends neither on where it stands nor on which others are still in the document.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Final, Literal, NamedTuple

from .._records import Entry

LONGEST_KEY: Final = 1000
"""Characters. A longer guid is replaced by its hash: keys are in an index of the store."""
MOST_SHARED: Final = 100
"""Keys that are remembered because several entries have had them. When it would be more, the publisher has no
ids, and none is believed any more."""

BAD_IDS: Final = 0.2
"""The share of a document's entries that may be without an id of their own before none of its ids is
believed: a publisher who leaves so many out will do so again, with others."""

Identified = tuple[str | None, Entry]
"""An entry whose ``key`` and ``hash`` are still to be filled in, after its guid or id."""


KeyKind = Literal["id", "link", "text"]


class Identity(NamedTuple):
    """The entries of a document with their keys, and what is to be remembered of these."""

    entries: tuple[Entry, ...]
    shared: tuple[str, ...]
    """Ids and links that several entries have had, the newest last."""
    distrusts_ids: bool
    """Whether no id is believed; for ever, because each change of mind changes keys."""


def identified(
    pairs: Sequence[Identified],
    *,
    shared: Sequence[str] = (),
    distrusts_ids: bool = False,
    broken: bool = False,
) -> Identity:
    """The entries of one document, in their order, each with a key of its own and its hash.

    An entry that is in the document twice is there once afterwards: where id, link, title and date are the
    same, the version that was updated last counts, or the first one.

    Args:
      pairs: guid or id (None when there is none) and the entry, without a key.
      shared: as earlier documents of the feed have left it.
      distrusts_ids: as well.
      broken: whether the document is, so that ids which it lacks say nothing about its publisher.
    """
    hashed = _without_doubles(_Hashed(_trimmed(guid), change_hash(entry), entry) for guid, entry in pairs)
    distrusts_ids = distrusts_ids or (not broken and _has_bad_ids(hashed))
    keys = _Keys(hashed, shared, by_id=not distrusts_ids)
    if len(keys.shared) > MOST_SHARED and not distrusts_ids:
        return identified(pairs, distrusts_ids=True)
    return Identity(
        # dataclasses.replace looks at every field in Python, and takes twice as long.
        tuple(
            Entry(key, digest, *_other_fields(entry))
            for key, (_, digest, entry) in zip(keys.keys, hashed, strict=True)
        ),
        tuple(keys.shared)[-MOST_SHARED:],
        distrusts_ids,
    )


def kind_of(key: str, link: str | None) -> KeyKind:
    """What the key of an entry is made of. An id that is the link as well counts as a link."""
    if key == short_key(link):
        return "link"
    return "text" if key.startswith(_TEXT) else "id"


class _Hashed(NamedTuple):
    guid: str | None
    digest: str
    entry: Entry


def _trimmed(guid: str | None) -> str | None:
    return (guid or "").strip() or None


def _has_bad_ids(hashed: Sequence[_Hashed]) -> bool:
    """Whether the links of a document tell its entries apart, and its ids do not.

    One bad id is a slip, however short the document is. Podcasts whose episodes all link to one page are
    known by their ids, as far as they have any.
    """
    ids, links = _single(guid for guid, _, _ in hashed), _single(entry.link for _, _, entry in hashed)
    bad = len(hashed) - ids
    return bad > max(1, BAD_IDS * len(hashed)) and links > ids


def _single(keys: Iterable[str | None]) -> int:
    """How many of them are there, and once only."""
    return sum(count == 1 for key, count in Counter(keys).items() if key)


class _Keys:
    """The keys of the entries of a document."""

    def __init__(self, hashed: Sequence[_Hashed], shared: Iterable[str], *, by_id: bool) -> None:
        self.shared = dict.fromkeys(shared)
        """In the order in which they were found to be."""
        links = Counter(entry.link for _, _, entry in hashed)
        self._pages = {link for link, count in links.items() if count > 1 and link}
        """Links of several entries, also of those that are known by their ids."""
        self._hashed = hashed
        self._candidates = [_candidates(each, by_id=by_id) for each in hashed]
        self.keys = [next(candidates) for candidates in self._candidates]
        while repeated := self._repeated():
            self.shared.update(dict.fromkeys(repeated))
            for index, key in enumerate(self.keys):
                if key in self.shared:
                    # The last candidate is never shared: without doubles, it is the entry's own.
                    self.keys[index] = next(key for key in self._candidates[index] if key not in self.shared)
        # What is made of texts alone needs no memory: it is the same in each document.
        self.shared = dict.fromkeys(key for key in self.shared if not key.startswith(_TEXT))

    def _repeated(self) -> list[str]:
        """Keys that more than one entry has, or has had."""
        counts = Counter(self.keys)
        if len(counts) == len(self.keys) and all(map(counts.keys().isdisjoint, (self.shared, self._pages))):
            return []
        return [
            key
            for key, (guid, _, _) in zip(self.keys, self._hashed, strict=True)
            if counts[key] > 1 or key in self.shared or (key in self._pages and key != guid)
        ]


_TEXT: Final = "hash:"


def _candidates(hashed: _Hashed, *, by_id: bool) -> Iterator[str]:
    """The keys that an entry may have, best first."""
    guid, digest, entry = hashed
    guid, link = short_key(guid) if by_id else None, short_key(entry.link)
    if guid:
        yield guid
    if link and link != guid:
        yield link
    yield from text_keys(entry)
    yield _TEXT + _digest([hashed.guid, digest])


def short_key(key: str | None) -> str | None:
    """An id or a link, as a key."""
    return key if not key or len(key) <= LONGEST_KEY else _TEXT + _digest(key)


def text_keys(entry: Entry) -> Iterator[str]:
    """Keys of its title and date, which stay when a text is corrected, and of all its texts."""
    if entry.title and entry.published:
        yield _TEXT + _digest([entry.title, entry.published, None])
    yield _TEXT + _digest([entry.title, entry.published, entry.content or entry.summary])


def _without_doubles(hashed: Iterable[_Hashed]) -> list[_Hashed]:
    found: dict[object, _Hashed] = {}
    for each in hashed:
        guid, digest, entry = each
        same: object = digest, guid
        if entry.title and entry.published and (guid or entry.link):
            same = guid, entry.link, entry.title, entry.published
        before = found.get(same)
        if before is None or (entry.updated or _NEVER) > (before.entry.updated or _NEVER):
            found[same] = each
    return list(found.values())


_NEVER: Final = datetime.min.replace(tzinfo=UTC)


def change_hash(entry: Entry) -> str:
    """32 hex digits over all fields but ``key`` and ``hash``: equal exactly when nothing has changed."""
    # Texts have no NUL, and repr leaves none, so it keeps the parts apart. repr is slow where it has
    # much to look at, as dataclasses.astuple and JSON are everywhere: 130 of 150 µs an entry.
    summary, content, later = entry.summary, entry.content, _later_fields(entry)
    small: tuple[object, ...] = _first_fields(entry), [summary is None, content is None]
    if later != _DEFAULTS:
        pairs = zip(_LATER, later, _DEFAULTS, strict=True)
        small = *small, {name: value for name, value, default in pairs if value != default}
    parts = repr(small), summary or "", content or ""
    return hashlib.blake2b(b"\0".join(map(str.encode, parts)), digest_size=16).hexdigest()


_OTHERS: Final = [field.name for field in fields(Entry)][2:]
"""All but ``key`` and ``hash``, which are the first two."""
_FIRST: Final = _OTHERS[: _OTHERS.index("language") + 1]
_LATER: Final = _OTHERS[len(_FIRST) :]
"""Fields that came later: where they say nothing, an entry has the hash that it had before."""
_other_fields: Final = attrgetter(*_OTHERS)
_first_fields: Final = attrgetter(*(name for name in _FIRST if name not in {"summary", "content"}))
_later_fields: Final = attrgetter(*_LATER)
_DEFAULTS: Final = _later_fields(Entry("", ""))


def _digest(value: Any) -> str:
    # JSON because it keeps the fields apart: ["ab", "c"] and ["a", "bc"] differ.
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=datetime.isoformat)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
