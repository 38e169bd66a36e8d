"""How an entry of feedparser's goes into MongoDB in the peers' programs."""

from typing import Any

from pymongo import UpdateOne


def upsert(entry: Any) -> UpdateOne:
    content = entry.get("content") or [{}]
    fields = {
        "title": entry.get("title"),
        "link": entry.get("link"),
        "published": entry.get("published"),
        "summary": entry.get("summary"),
        "content": content[0].get("value"),
    }
    return UpdateOne({"_id": entry.get("id") or entry.get("link")}, {"$set": fields}, upsert=True)
