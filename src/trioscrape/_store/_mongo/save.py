"""Saving feeds in MongoDB: what differs is written, with as few commands as one feed would need.

The feeds of a batch share a command for each step: read the states; read hashes; rename; insert;
update; write the states. A step that none of them needs is left out, so that new feeds cost two
commands and unchanged ones cost two reads.

New entries are inserted and not upserted, which takes a third of the server's time. That they are
new is known of a feed without a state, and of others by their hashes. Where it turns out to be wrong,
because another process was first or an earlier run has died before the state was written, the unique
index says so (E11000), and the entry is compared after all. An entry's ``_id`` is made here: E11000
for the ``_id`` means that an earlier attempt, whose answer was lost, has stored it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from bson import ObjectId
from pymongo import UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database

from ..._records import Entry, EntryCounts, FeedUpdate
from ..._records.kinds import clean_key, clean_state
from ..plan import Known, Plan, by_key, plan
from ..records import CHUNK, chunks, entry_record, now, state_record
from ..renames import may_have_moved, moved
from ..validation import sound_states
from .documents import (
    DUPLICATE_KEY,
    in_bulk,
    retried,
    state_of,
    waiting_for_the_journal,
    whatever_it_holds,
    write_error,
)

Document = dict[str, Any]

_PROJECTION: Final = {"_id": 0, "feed": 1, "key": 1, "hash": 1, "updated": 1, "rewrites": 1}
_UNIQUE: Final = [("feed", 1), ("key", 1)]
_MANY: Final = 2000
"""Documents a reply. By default the first one has 101, and the rest costs another round trip."""
_RACES: Final = 3
"""Attempts at an upsert that meets another one of the same key: the second finds the document there."""


class _Feed:
    """What is to be written of one feed, and what has become of it."""

    def __init__(self, update: FeedUpdate) -> None:
        self.state = clean_state(update.state)
        self.id = self.state.feed_id
        self.entries = by_key(update)
        self.known = self.differs = False
        self.plan = Plan((), (), 0)
        self.doubted: dict[str, Mapping[str, Any]] = {}
        """Errors of entries that were inserted as new ones and are not, by key."""
        self.error: Exception | None = None

    def decide(self, stored: Mapping[str, Known], renamed: Mapping[str, str]) -> None:
        self.plan = plan(self.entries, stored, renamed)

    def think_again(self, stored: Mapping[str, Known]) -> None:
        """Take the doubted entries for what they are."""
        for key, error in self.doubted.items():
            if key not in stored:  # another index forbids it, of which we know nothing
                self.error = write_error(error)
                return
        again = plan({key: self.entries[key] for key in self.doubted}, stored)
        new = tuple(entry for entry in self.plan.new if clean_key(entry.key) not in self.doubted)
        self.plan = Plan(new, self.plan.changed + again.changed, self.plan.unchanged + again.unchanged)

    def outcome(self) -> EntryCounts | Exception:
        return self.error or self.plan.counts


def save_all(database: Database[Document], updates: Sequence[FeedUpdate]) -> list[EntryCounts | Exception]:
    """For each of the feeds its counts, or what is wrong with it; see `MergedSaves`.

    Raises:
      PyMongoError: the server is not there, or refuses everything.
    """
    feeds = [_Feed(update) for update in updates]
    _compare(database, feeds)
    moment = now()
    # A state waits for the journal, and thereby for all entries that were written before it. Entries
    # that no state follows have to wait themselves.
    waits = any(feed.plan.writes and not feed.differs for feed in feeds)
    entries = _Entries(database, moment, waits=waits)
    entries.rename(feeds)
    entries.insert(feeds)
    entries.update(feeds)
    _write_states(database, [feed for feed in feeds if feed.differs and feed.error is None])
    return [feed.outcome() for feed in feeds]


def _compare(database: Database[Document], feeds: Sequence[_Feed]) -> None:
    wanted = {"_id": {"$in": [feed.id for feed in feeds]}}
    found = retried(lambda: whatever_it_holds(database.feeds).find(wanted, batch_size=_MANY).to_list())
    states = sound_states(found, state_of)
    for feed in feeds:
        feed.known, feed.differs = feed.id in states, states.get(feed.id) != feed.state
    stored = _known(database, {feed.id: feed.entries for feed in feeds if feed.known})
    for feed in feeds:
        here, renamed = stored[feed.id], dict[str, str]()
        if feed.known and may_have_moved(feed.entries, here):
            renamed = retried(_moved, database, feed, here)
            old = _known(database, {feed.id: renamed.values()})[feed.id]
            here |= {after: old[before] for after, before in renamed.items() if before in old}
        feed.decide(here, renamed)


def _moved(database: Database[Document], feed: _Feed, stored: Mapping[str, Known]) -> dict[str, str]:
    keys = database.entries.find({"feed": feed.id}, {"_id": 0, "key": 1}, hint=_UNIQUE, batch_size=_MANY)
    with keys:
        return moved(feed.entries, stored, (key for each in keys if isinstance(key := each["key"], str)))


def _known(
    database: Database[Document], wanted: Mapping[str, Iterable[str]]
) -> defaultdict[str, dict[str, Known]]:
    """What is stored of these keys, by feed and key."""
    entries = whatever_it_holds(database.entries)
    stored = defaultdict[str, dict[str, Known]](dict)
    clauses = [
        {"feed": feed, "key": {"$in": list(some)}}
        for feed, keys in wanted.items()
        for some in chunks(tuple(keys))
    ]
    for some in _up_to_a_chunk(clauses):
        found = retried(
            lambda query: entries.find(query, _PROJECTION, batch_size=_MANY).to_list(),
            {"$or": some},
        )
        for document in found:
            known = Known.of(document.get("hash"), document.get("updated"), document.get("rewrites"))
            stored[document["feed"]][document["key"]] = known
    return stored


def _up_to_a_chunk(clauses: Iterable[Document]) -> Iterator[list[Document]]:
    """The clauses in groups that ask for about as many keys as a statement may."""
    some: list[Document] = []
    keys = 0
    for clause in clauses:
        some.append(clause)
        keys += len(clause["key"]["$in"])
        if keys >= CHUNK:
            yield some
            some, keys = [], 0
    if some:
        yield some


class _Entries:
    """The writes to ``entries`` of one batch."""

    def __init__(self, database: Database[Document], moment: datetime, *, waits: bool) -> None:
        self._database = database
        self._collection = waiting_for_the_journal(database.entries) if waits else database.entries
        self._moment = moment

    def rename(self, feeds: Iterable[_Feed]) -> None:
        """Give entries their new keys, and nothing else: what has been done needs not be done again."""
        writes = [
            (feed, UpdateOne({"feed": feed.id, "key": before}, {"$set": {"key": after}}))
            for feed in feeds
            for after, before in feed.plan.renamed.items()
        ]
        for feed, error in _failures(self._collection, writes):
            if error["code"] != DUPLICATE_KEY:  # the new one is there already, and the old one stays
                feed.error = write_error(error)

    def insert(self, feeds: Sequence[_Feed]) -> None:
        new = [(feed, entry) for feed in feeds for entry in feed.plan.new]
        for some in chunks(new):
            documents = [self._document(feed, entry) for feed, entry in some]
            for error in retried(in_bulk, self._collection.insert_many, documents):
                feed, entry = some[error["index"]]
                if error["code"] != DUPLICATE_KEY:
                    feed.error = write_error(error)
                elif error.get("keyPattern") != {"_id": 1}:
                    feed.doubted[clean_key(entry.key)] = error
        doubtful = [feed for feed in feeds if feed.doubted]
        stored = _known(self._database, {feed.id: feed.doubted for feed in doubtful}) if doubtful else {}
        for feed in doubtful:
            feed.think_again(stored[feed.id])

    def _document(self, feed: _Feed, entry: Entry) -> Document:
        record = {"_id": ObjectId(), "feed": feed.id, **entry_record(entry)}
        record["rewrites"] = 0
        record["first_seen"] = record["last_changed"] = self._moment
        return record

    def update(self, feeds: Iterable[_Feed]) -> None:
        writes = [
            (feed, self._upsert(feed, entry, rewrites))
            for feed in feeds
            if feed.error is None
            for entry, rewrites in feed.plan.changed
        ]
        for feed, error in _failures(self._collection, writes):
            feed.error = write_error(error)

    def _upsert(self, feed: _Feed, entry: Entry, rewrites: int) -> UpdateOne:
        record = entry_record(entry)
        key = record.pop("key")
        values = {**record, "rewrites": rewrites, "last_changed": self._moment}
        return UpdateOne(
            {"feed": feed.id, "key": key},
            {"$set": values, "$setOnInsert": {"first_seen": self._moment}},
            upsert=True,
        )


def _write_states(database: Database[Document], feeds: Sequence[_Feed]) -> None:
    writes = []
    for feed in feeds:
        values = state_record(feed.state)
        identity = {"_id": values.pop("feed_id")}
        writes.append((feed, UpdateOne(identity, {"$set": values}, upsert=True)))
    for feed, error in _failures(waiting_for_the_journal(database.feeds), writes):
        feed.error = write_error(error)


def _failures(
    collection: Collection[Document], writes: Sequence[tuple[_Feed, UpdateOne]]
) -> Iterator[tuple[_Feed, Mapping[str, Any]]]:
    """Carry the writes out, in any order, and give those that failed, each with its error."""
    for some in chunks(writes):
        left, errors = some, list[Mapping[str, Any]]()
        for _ in range(_RACES):
            errors = retried(in_bulk, collection.bulk_write, [write for _, write in left])
            if not any(error["code"] == DUPLICATE_KEY for error in errors):
                break
            left = [left[error["index"]] for error in errors]
            errors = [{**error, "index": place} for place, error in enumerate(errors)]
        yield from ((left[error["index"]][0], error) for error in errors)
