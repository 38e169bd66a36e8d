"""Documents of MongoDB for records and back, and how collections read and write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bson.codec_options import DatetimeConversion
from pymongo import UpdateOne
from pymongo.collection import Collection
from pymongo.write_concern import WriteConcern

from ..._records import FeedState
from ..._records.feed_state import FEED_STATE
from ..._records.kinds import Form
from ..._records.table import InvalidRecord

Document = dict[str, Any]


def document_of(state: FeedState) -> Document:
    """The document of a feed in ``feeds``."""
    values = FEED_STATE.write(state, Form.DOCUMENT)
    return {"_id": values.pop("feed_id"), **values}


def write_of_state(state: FeedState, operator: str) -> UpdateOne:
    """Upserts the document of a feed, by ``$set`` or ``$setOnInsert``."""
    values = document_of(state)
    return UpdateOne({"_id": values.pop("_id")}, {operator: values}, upsert=True)


def state_of(document: Mapping[str, Any]) -> FeedState:
    """The state in a document of ``feeds``.

    Raises:
      InvalidRecord: it holds none; the text names the feed.
    """
    try:
        return FEED_STATE.read({**document, "feed_id": document["_id"]}, Form.DOCUMENT)
    except InvalidRecord as error:
        raise InvalidRecord(f"feed {document['_id']}: {error}") from error


def tolerant(collection: Collection[Document]) -> Collection[Document]:
    """The collection, but what Python has no value for fails no query: odd dates, text that is not UTF-8."""
    options = collection.codec_options.with_options(
        datetime_conversion=DatetimeConversion.DATETIME_AUTO, unicode_decode_error_handler="replace"
    )
    return collection.with_options(codec_options=options)


def journaled(collection: Collection[Document]) -> Collection[Document]:
    """The collection, but writes are acknowledged when a kill of the server can't lose them."""
    concern = {**collection.write_concern.document, "j": True}
    return collection.with_options(write_concern=WriteConcern(**concern))
