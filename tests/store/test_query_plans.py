"""Reading what is new costs nothing for what is old."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from trioscrape._store import open_store
from trioscrape._store._sqlite.read import page_of_entries
from trioscrape._store.pages import Wanted

from support.stores import keys, moment, stored


async def test_mongodb_looks_at_no_more_than_it_gives(mongodb_url: str) -> None:
    async with open_store(mongodb_url) as store:
        await store.restore_entries([stored(str(n), changed=n // 10) for n in range(3000)])
        with MongoClient[Any](mongodb_url) as client:
            database = client.get_default_database()
            database.command("profile", 2)
            for oldest_first in (True, False):
                await keys(store.read_entries(since=moment(240), oldest_first=oldest_first))
            database.command("profile", 0)
            finds = list(database.system.profile.find({"ns": {"$regex": "entries$"}, "op": "query"}))

    assert len(finds) >= 4
    assert not any(find.get("hasSortStage") and find["docsExamined"] > 20 for find in finds)
    assert sum(find["docsExamined"] for find in finds) < 2 * 600 * 1.2


async def test_sqlite_goes_along_the_index(tmp_path: Path) -> None:
    async with open_store(f"sqlite:{tmp_path / 'store.db'}"):
        pass
    statements: list[str] = []
    with closing(sqlite3.connect(tmp_path / "store.db")) as db:
        db.set_trace_callback(statements.append)
        for oldest_first in (True, False):
            wanted = Wanted(since=moment(0), oldest_first=oldest_first)
            page_of_entries(db, wanted, stored("a", changed=1), 5)
        db.set_trace_callback(None)
        for statement in statements:
            plan = str(db.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall())
            assert "SEARCH e USING INDEX entries_by_change (last_changed" in plan
            assert "FOR ORDER BY" not in plan
