"""Saving feeds in MongoDB: what differs is written, with as few commands as one feed would need.

The feeds of a batch share a command for each step: read the states; read hashes; rename; insert;
update; write the states. A step that none of them needs is left out, so that new feeds cost two
commands and unchanged ones cost two reads.

New entries are inserted and not upserted, which takes a third of the server's time. All entries of a feed
without a state count as new, and of other feeds those whose keys are not stored. Where that is wrong,
because another process was first or an earlier run has died before the state was written, the unique
index reports it (E11000), and the entry is compared after all. The ``_id`` of an entry is made here: E11000
for the ``_id`` means that an earlier attempt, whose answer was lost, has stored the entry.
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
from ..._records.kinds import Form
from ..._records.texts import clean_key
from ..plan import Known, Plan, by_key, plan
from ..records import CHUNK, chunks, clean_state, entry_record, now, valid_states
from ..renames import find_renames, may_have_renames
from .documents import Document, journaled, state_of, tolerant, write_of_state
from .errors import DUPLICATE_KEY, in_bulk, retried, write_error

_PROJECTION: Final = {"_id": 0, "feed": 1, "key": 1, "hash": 1, "updated": 1, "rewrites": 1}
_UNIQUE: Final = [("feed", 1), ("key", 1)]
_MANY: Final = 2000
"""Documents a reply. By default the first reply has 101, and the rest costs another round trip."""
_RACES: Final = 3
"""Attempts at an upsert while others upsert the same key: the second attempt finds the document."""


class _Feed:
    """What is to be written of one feed, and how that has ended."""

    def __init__(self, update: FeedUpdate) -> None:
        self.state = clean_state(update.state)
        self.id = self.state.feed_id
        self.entries = by_key(update)
        self.known = self.differs = False
        self.plan = Plan((), (), 0)
        self.doubted: dict[str, Mapping[str, Any]] = {}
        """Errors of entries that were inserted as new and are stored already, by key."""
        self.error: Exception | None = None

    def decide(self, stored: Mapping[str, Known], renamed: Mapping[str, str]) -> None:
        self.plan = plan(self.entries, stored, renamed)

    def decide_again(self, stored: Mapping[str, Known]) -> None:
        """Compare the doubted entries after all."""
        for key, error in self.doubted.items():
            if key not in stored:  # the error is that of a unique index which is not one of ours
                self.error = write_error(error)
                return
        again = plan({key: self.entries[key] for key in self.doubted}, stored)
        new = tuple(entry for entry in self.plan.new if clean_key(entry.key) not in self.doubted)
        self.plan = Plan(new, self.plan.changed + again.changed, self.plan.unchanged + again.unchanged)

    def outcome(self) -> EntryCounts | Exception:
        return self.error or self.plan.counts


def save_all(database: Database[Document], updates: Sequence[FeedUpdate]) -> list[EntryCounts | Exception]:
    """For each feed its counts, or why it is not stored; see `MergedSaves`.

    Raises:
      PyMongoError: the server is gone, or refuses everything.
    """
    feeds = [_Feed(update) for update in updates]
    _compare(database, feeds)
    moment = now()
    # The write of a state waits for the journal, and so for all entries that were written before it.
    # Where no state follows, the write of the entries has to wait itself.
    waits = any(feed.plan.writes and not feed.differs for feed in feeds)
    entries = _Entries(database, moment, waits=waits)
    entries.rename(feeds)
    entries.insert(feeds)
    entries.update(feeds)
    _write_states(database, [feed for feed in feeds if feed.differs and feed.error is None])
    return [feed.outcome() for feed in feeds]


def _compare(database: Database[Document], feeds: Sequence[_Feed]) -> None:
    wanted = {"_id": {"$in": [feed.id for feed in feeds]}}
    found = retried(lambda: tolerant(database.feeds).find(wanted, batch_size=_MANY).to_list())
    states = valid_states(found, state_of)
    for feed in feeds:
        feed.known, feed.differs = feed.id in states, states.get(feed.id) != feed.state
    stored = _known(database, {feed.id: feed.entries for feed in feeds if feed.known})
    for feed in feeds:
        here, renamed = stored[feed.id], dict[str, str]()
        if feed.known and may_have_renames(feed.entries, here):
            renamed = retried(_renames, database, feed, here)
            old = _known(database, {feed.id: renamed.values()})[feed.id]
            here |= {after: old[before] for after, before in renamed.items() if before in old}
        feed.decide(here, renamed)


def _renames(database: Database[Document], feed: _Feed, stored: Mapping[str, Known]) -> dict[str, str]:
    keys = database.entries.find({"feed": feed.id}, {"_id": 0, "key": 1}, hint=_UNIQUE, batch_size=_MANY)
    with keys:
        found = (key for each in keys if isinstance(key := each["key"], str))
        return find_renames(feed.entries, stored, found)


def _known(
    database: Database[Document], wanted: Mapping[str, Iterable[str]]
) -> defaultdict[str, dict[str, Known]]:
    """What is stored of these keys, by feed and key."""
    entries = tolerant(database.entries)
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
    """The clauses in groups with about as many keys as a query should have."""
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
        self._collection = journaled(database.entries) if waits else database.entries
        self._moment = moment

    def rename(self, feeds: Iterable[_Feed]) -> None:
        """Give entries their new keys, and change nothing else: then the step can be repeated."""
        writes = [
            (feed, UpdateOne({"feed": feed.id, "key": before}, {"$set": {"key": after}}))
            for feed in feeds
            for after, before in feed.plan.renamed.items()
        ]
        for feed, error in _failures(self._collection, writes):
            if error["code"] != DUPLICATE_KEY:  # the new key is stored already; then both stay
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
            feed.decide_again(stored[feed.id])

    def _document(self, feed: _Feed, entry: Entry) -> Document:
        record = entry_record(entry, Form.DOCUMENT)
        record["_id"], record["feed"], record["rewrites"] = ObjectId(), feed.id, 0
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
        record = entry_record(entry, Form.DOCUMENT)
        key = record.pop("key")
        values = {**record, "rewrites": rewrites, "last_changed": self._moment}
        return UpdateOne(
            {"feed": feed.id, "key": key},
            {"$set": values, "$setOnInsert": {"first_seen": self._moment}},
            upsert=True,
        )


def _write_states(database: Database[Document], feeds: Sequence[_Feed]) -> None:
    writes = [(feed, write_of_state(feed.state, "$set")) for feed in feeds]
    for feed, error in _failures(journaled(database.feeds), writes):
        feed.error = write_error(error)


def _failures(
    collection: Collection[Document], writes: Sequence[tuple[_Feed, UpdateOne]]
) -> Iterator[tuple[_Feed, Mapping[str, Any]]]:
    """Make the writes, in any order; the feeds whose writes have failed, each with the error."""
    for some in chunks(writes):
        left, errors = some, list[Mapping[str, Any]]()
        for _ in range(_RACES):
            errors = retried(in_bulk, collection.bulk_write, [write for _, write in left])
            if not any(error["code"] == DUPLICATE_KEY for error in errors):
                break
            left = [left[error["index"]] for error in errors]
            errors = [{**error, "index": place} for place, error in enumerate(errors)]
        yield from ((left[error["index"]][0], error) for error in errors)
