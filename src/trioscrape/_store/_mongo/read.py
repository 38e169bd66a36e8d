"""Reading back from MongoDB, and storing what was read back from another store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo import UpdateOne
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from ..._records import FeedState, StoredEntry
from ..._records.kinds import Form
from ..pages import Wanted, page_of, position
from ..records import chunks, clean_state, restored_record, stored_entry, text_or_none, valid_states
from .documents import Document, journaled, state_of, tolerant, write_of_state
from .errors import in_bulk, is_outage, retried, write_error


def load(database: Database[Document], feed_ids: Sequence[str]) -> dict[str, FeedState]:
    """See `Store.load`."""
    return valid_states(feeds_with(database, feed_ids), state_of)


def feeds_with(database: Database[Document], feed_ids: Sequence[str]) -> Iterator[Document]:
    """The documents of these feeds, as far as there are any."""
    feeds = tolerant(database.feeds)
    for some in chunks(feed_ids):
        query = {"_id": {"$in": list(some)}}
        yield from retried(lambda query: feeds.find(query).to_list(), query)


def page_of_entries(
    database: Database[Document], wanted: Wanted, after: StoredEntry | None, count: int
) -> list[StoredEntry]:
    """See `Paged._page_of_entries`.

    The index is on ``last_changed`` alone: one on feed and key too, which is the whole order, would make
    writing a tenth slower. A save gives all of its entries the same moment, so a page has whole moments,
    which are sorted here. The rest of a moment of which the page before had only a part is read first;
    there is one only if a moment has more entries than a page.
    """
    page = _rest_of_moment(database, wanted, after, count) if after is not None else []
    page = page or _whole_moments(database, wanted, after, count)
    return retried(_with_feeds, database, page)


def _rest_of_moment(
    database: Database[Document], wanted: Wanted, after: StoredEntry, count: int
) -> list[StoredEntry]:
    later = "$gt" if wanted.oldest_first else "$lt"
    moment, feed, key = position(after)
    query = {"$or": [{"feed": {later: feed}}, {"feed": feed, "key": {later: key}}]}
    return _of_moment(database, wanted, query | {"last_changed": moment}, count)


def _of_moment(
    database: Database[Document], wanted: Wanted, query: Document, count: int
) -> list[StoredEntry]:
    order = 1 if wanted.oldest_first else -1
    return retried(_found, database, _of_feed(wanted, query), [("feed", order), ("key", order)], count)


def _whole_moments(
    database: Database[Document], wanted: Wanted, after: StoredEntry | None, count: int
) -> list[StoredEntry]:
    bounds = {} if wanted.since is None else {"$gte": wanted.since}
    if after is not None:
        bounds["$gt" if wanted.oldest_first else "$lt"] = after.last_changed
    query = _of_feed(wanted, {"last_changed": bounds} if bounds else {})
    order = 1 if wanted.oldest_first else -1
    found = retried(_found, database, query, [("last_changed", order)], count + 1)
    if not found:
        return []
    # The last moment may have more entries than these.
    last = found[-1].last_changed
    page = [stored for stored in found if stored.last_changed != last]
    if not page:
        return _of_moment(database, wanted, {"last_changed": last}, count)
    return sorted(page, key=position, reverse=not wanted.oldest_first)


def _found(
    database: Database[Document], query: Document, order: list[tuple[str, int]], count: int
) -> list[StoredEntry]:
    with tolerant(database.entries).find(query, sort=order, limit=count, batch_size=count) as cursor:
        return page_of(stored_entry(document, Form.DOCUMENT) for document in cursor)


def _of_feed(wanted: Wanted, query: Document) -> Document:
    return query if wanted.feed is None else {"$and": [{"feed": wanted.feed}, query]}


def _with_feeds(database: Database[Document], page: Sequence[StoredEntry]) -> list[StoredEntry]:
    """The same with the URLs and titles of their feeds."""
    query = {"_id": {"$in": list({stored.feed_id for stored in page})}}
    found = tolerant(database.feeds).find(query, ("url", "title"), batch_size=1000)
    feeds = {feed["_id"]: (text_or_none(feed.get("url")), text_or_none(feed.get("title"))) for feed in found}
    named = [(stored, *feeds.get(stored.feed_id, (None, None))) for stored in page]
    return [replace(stored, feed_url=url, feed_title=title) for stored, url, title in named]


def feeds_at(database: Database[Document], urls: Sequence[str]) -> list[str]:
    """See `Paged._feeds_at`."""
    query = {"$or": [{"url": {"$in": list(urls)}}, {"listed_url": {"$in": list(urls)}}]}
    found = retried(lambda: database.feeds.find(query, {"_id": 1}).to_list())
    return [str(feed["_id"]) for feed in found]


def last_run(database: Database[Document]) -> datetime | None:
    """See `Reader.last_run`."""
    runs = tolerant(database.runs)
    found = retried(lambda: runs.find_one({}, {"ended": 1}, sort=[("_id", -1)]))  # ids begin with the time
    ended = found.get("ended") if found else None
    return ended if isinstance(ended, datetime) else None


def page_of_feeds(database: Database[Document], after: FeedState | None, count: int) -> list[FeedState]:
    """See `Paged._page_of_feeds`."""
    query = {"_id": {"$gt": after.feed_id}} if after is not None else {}
    feeds = tolerant(database.feeds)
    found = retried(lambda: feeds.find(query, sort=[("_id", 1)], limit=count).to_list())
    return [state_of(document) for document in found]


def restore_entries(database: Database[Document], entries: Iterable[StoredEntry]) -> int:
    """See `Store.restore_entries`.

    Raises:
      PyMongoError: some may be stored and some not.
    """
    # Of two with the same key, the later one.
    records = [restored_record(stored, Form.DOCUMENT) for stored in sorted(entries, key=position)]
    latest = {(record["feed"], record["key"]): record for record in records}
    known = retried(_moments, database, latest.values())
    writes, ids = [], []
    for (feed, key), record in latest.items():
        first_seen, before = record["first_seen"], known.get((feed, key))
        if before is None or before[1] < record["last_changed"]:
            values = {**record, "first_seen": min(first_seen, before[0]) if before else first_seen}
            ids.append(ObjectId())
            change = {"$set": values, "$setOnInsert": {"_id": ids[-1]}}
            writes.append(UpdateOne({"feed": feed, "key": key}, change, upsert=True))
    if writes:
        errors = retried(in_bulk, journaled(database.entries).bulk_write, writes)
        if errors:
            delete_inserted(database, ids)
            raise write_error(errors[0])
    return len(writes)


def delete_inserted(database: Database[Document], ids: Sequence[ObjectId]) -> None:
    """Undo what a call has inserted into ``entries``, under ids of its own, before something was rejected."""
    for some in chunks(ids):
        retried(database.entries.delete_many, {"_id": {"$in": list(some)}})


def _moments(
    database: Database[Document], records: Iterable[Document]
) -> dict[tuple[str, str], tuple[datetime, datetime]]:
    """When those of the entries that are stored were first seen and last changed, by feed and key."""
    keys: dict[str, list[str]] = {}
    for record in records:
        keys.setdefault(record["feed"], []).append(record["key"])
    if not keys:
        return {}
    query = {"$or": [{"feed": feed, "key": {"$in": some}} for feed, some in keys.items()]}
    names = {"_id": 0, "feed": 1, "key": 1, "first_seen": 1, "last_changed": 1}
    found = tolerant(database.entries).find(query, names, batch_size=1000)
    times: dict[tuple[str, str], Any] = {}
    for each in found:
        identity = each["feed"], each["key"]
        moments = each.get("first_seen"), each.get("last_changed")
        # A query for a value finds lists with that value in them, too.
        if all(isinstance(text, str) for text in identity) and all(isinstance(m, datetime) for m in moments):
            times[identity] = moments
    return times


def restore_feeds(database: Database[Document], states: Iterable[FeedState]) -> int:
    """See `Store.restore_feeds`."""
    ids = {state.feed_id: state for state in states}
    query = {"_id": {"$in": list(ids)}}
    known = retried(lambda: {found["_id"] for found in database.feeds.find(query, {"_id": 1})})
    writes = [write_of_state(clean_state(ids[feed]), "$setOnInsert") for feed in ids.keys() - known]
    if writes:
        try:
            retried(journaled(database.feeds).bulk_write, writes, ordered=False)
        except BulkWriteError as error:
            details = error.details or {}
            if is_outage(error) or not details.get("writeErrors"):
                raise
            inserted = [each["_id"] for each in details["upserted"]]
            retried(database.feeds.delete_many, {"_id": {"$in": inserted}})
            raise write_error(details["writeErrors"][0]) from None
    return len(writes)
