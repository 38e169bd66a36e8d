"""Saving feeds in MongoDB: what differs is written, with as few commands as one feed would need.

The feeds of a batch share a command for each step: read the states; read hashes; look for keys that have
changed; rename; insert; update; add the polls; write the states. A step that none of them needs is left out,
so that new feeds cost three commands, and unchanged ones two reads and the write of their polls.

New entries are inserted and not upserted, which takes a third of the server's time. All entries of a feed
without a state count as new, and of other feeds those whose keys are not stored. Where that is wrong,
because another process was first or an earlier run has died before the state was written, the unique
index reports it (E11000), and the entry is compared after all. The ``_id`` of an entry is made here: E11000
for the ``_id`` means that an earlier attempt, whose answer was lost, has stored the entry.

A feed of which something is rejected, by a validator for example, costs no other feed anything. Its new
entries are deleted again, so that none is there without the rest. What was updated stays: each is a whole
entry of the feed, and its next document is compared with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from bson import ObjectId
from pymongo import UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database

from ..._records import EntryCounts, FeedState, FeedUpdate
from ..._records.entries import ENTRY
from ..._records.kinds import Form
from ..plan import Document as Entries
from ..plan import Known, Plan, plan
from ..records import chunks, clean_state, now, valid_states
from ..renames import Renames, find_renames, search
from .documents import Document, document_of, journaled, state_of, write_of_state
from .errors import DUPLICATE_KEY, in_bulk, retried, write_error
from .history import add_polls
from .lookup import known_entries, stored_keys
from .read import delete_inserted, feeds_with

_RACES: Final = 3
"""Attempts at an upsert while others upsert the same key: the second attempt finds the document."""


class _Feed:
    """What is to be written of one feed, and how that has ended."""

    def __init__(self, update: FeedUpdate) -> None:
        self.state = clean_state(update.state)
        self.id = self.state.feed_id
        self.update = update
        self.at = update.at
        self.entries = Entries.of(update)
        self.known = self.differs = False
        self.plan = Plan((), (), 0)
        self.doubted: dict[str, Mapping[str, Any]] = {}
        """Errors of entries that were inserted as new and are stored already, by key."""
        self.error: Exception | None = None
        self.inserted: list[ObjectId] = []

    def compare(self, found: Document | None) -> None:
        """Note whether its state is stored, and as it is."""
        before: FeedState | None = self.state
        # To read a state takes as long as all the rest of a poll that changes nothing.
        if found != document_of(self.state):
            before = valid_states(filter(None, (found,)), state_of).get(self.id)
        self.known, self.differs = before is not None, before != self.state

    def decide(self, stored: Mapping[str, Known], renames: Renames) -> None:
        self.entries = renames.document(self.entries)
        self.plan = renames.plan(self.entries, stored)

    def decide_again(self, stored: Mapping[str, Known]) -> None:
        """Compare the doubted entries after all."""
        for key, error in self.doubted.items():
            if key not in stored:  # the error is that of a unique index which is not one of ours
                self.error = write_error(error)
                return
        again = plan(self.entries.only(self.doubted), stored)
        new = tuple(key for key in self.plan.new if key not in self.doubted)
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
    _add_polls(database, feeds)
    _write_states(database, [feed for feed in feeds if feed.differs and feed.error is None])
    delete_inserted(database, [each for feed in feeds if feed.error is not None for each in feed.inserted])
    return [feed.outcome() for feed in feeds]


def _compare(database: Database[Document], feeds: Sequence[_Feed]) -> None:
    documents = {each["_id"]: each for each in feeds_with(database, [feed.id for feed in feeds])}
    for feed in feeds:
        feed.compare(documents.get(feed.id))
    stored = known_entries(database, {feed.id: feed.entries for feed in feeds if feed.known})
    searches = {
        feed.id: wanted
        for feed in feeds
        if feed.known and (wanted := search(feed.entries, stored[feed.id], feed.state))
    }
    found = stored_keys(database, searches)
    for feed in feeds:
        here, renames = stored[feed.id], Renames()
        if feed.id in found:
            newest = searches[feed.id].newest > 0
            renames = find_renames(feed.entries, here, found[feed.id], feed.state, newest=newest)
        feed.decide(here, renames)


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
        new = [(feed, document) for feed in feeds for document in self._documents(feed)]
        for some in chunks(new):
            documents = [document for _, document in some]
            for error in retried(in_bulk, self._collection.insert_many, documents):
                feed, document = some[error["index"]]
                if error["code"] != DUPLICATE_KEY:
                    feed.error = write_error(error)
                elif error.get("keyPattern") != {"_id": 1}:
                    feed.doubted[document["key"]] = error
        doubtful = [feed for feed in feeds if feed.doubted]
        stored = known_entries(self._database, {feed.id: feed.doubted for feed in doubtful})
        for feed in doubtful:
            feed.decide_again(stored[feed.id])

    def _documents(self, feed: _Feed) -> Iterator[Document]:
        for row in feed.entries.rows(feed.plan.new, Form.DOCUMENT):
            feed.inserted.append(ObjectId())
            document = dict(zip(ENTRY.fields, row, strict=True))
            document["_id"], document["feed"], document["rewrites"] = feed.inserted[-1], feed.id, 0
            document["first_seen"] = document["last_changed"] = feed.at or self._moment
            yield document

    def update(self, feeds: Iterable[_Feed]) -> None:
        writes = [
            (feed, write)
            for feed in feeds
            if feed.error is None and feed.plan.changed
            for write in self._upserts(feed)
        ]
        for feed, error in _failures(self._collection, writes):
            feed.error = write_error(error)

    def _upserts(self, feed: _Feed) -> Iterator[UpdateOne]:
        moment = feed.at or self._moment
        keys, rewrites = zip(*feed.plan.changed, strict=True)
        for row, number in zip(feed.entries.rows(keys, Form.DOCUMENT), rewrites, strict=True):
            values = dict(zip(ENTRY.fields, row, strict=True))
            key = values.pop("key")
            values |= {"rewrites": number, "last_changed": moment}
            yield UpdateOne(
                {"feed": feed.id, "key": key},
                # It is later than now where the clock was ahead once.
                {"$set": values, "$min": {"first_seen": moment}},
                upsert=True,
            )


def _add_polls(database: Database[Document], feeds: Sequence[_Feed]) -> None:
    counted = ((feed, feed.update.counted(feed.plan.counts)) for feed in feeds if feed.error is None)
    polled = [(feed, poll) for feed, poll in counted if poll is not None]
    errors = add_polls(database, [(feed.id, poll) for feed, poll in polled])
    for (feed, _), error in zip(polled, errors, strict=True):
        if error is not None:
            feed.error = write_error(error)


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
