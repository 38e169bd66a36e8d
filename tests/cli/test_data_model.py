"""The README's data model: its examples are what a scrape stores, its queries answer their questions."""

from __future__ import annotations

import ast
import json
import re
import shlex
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trio
from bson import ObjectId
from pymongo import MongoClient
from pymongo.database import Database

import trioscrape
from trioscrape import Lease
from trioscrape._cli.command import parse
from trioscrape._records.history import POLL
from trioscrape._records.kinds import Form
from trioscrape._records.lease import LEASE
from trioscrape.testing import InlineParser

from support.documented import FEED, FEEDS, internet

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SECTION = README[README.index("## What is stored") : README.index("## When a feed is fetched again")]
NAMES = {"feeds", "history", "entries", "runs", "meta"}

OF_THE_MOMENT = re.compile(
    r"history\.last_\w+|(runs|entries)\._id\.\$oid|entries\.hash"
    r"|(entries|feeds|runs)\.(first_seen|last_changed|next_\w+|ended|rhythm)"
    r"|runs\.(seconds|lanes\..*|loop_lag\..*)"
)
"""What is another one in each run, or may be in each release; the README's value is one of its kind."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", SECTION, re.DOTALL)


def documented() -> dict[str, dict[str, Any]]:
    """The example of each collection."""
    found = {}
    for block in blocks("jsonc"):
        head, text = re.fullmatch(r"(?:// (\w+)\n)(.*)", block, re.DOTALL).groups()  # type: ignore[union-attr]
        found[head] = json.loads(re.sub(r" +// .*$", "", text, flags=re.MULTILINE))
    return found


def questions(block: str, comment: str) -> dict[str, str]:
    """What a block asks, and the code under it."""
    parts = re.split(rf"^{comment} (.*\?)$", block, flags=re.MULTILINE)
    assert not parts[0].strip()
    return dict(zip(parts[1::2], parts[2::2], strict=True))


async def fill(url: str) -> None:
    world = internet()
    async with trioscrape.open_store(url) as store:
        report = await trioscrape.scrape(
            FEEDS, store=store, resolver=world, connector=world.connect, parser=InlineParser()
        )
        await store.record_run(report)


@pytest.fixture
def database(mongodb_url: str) -> Iterator[Database[Any]]:
    trio.run(fill, mongodb_url)
    with MongoClient[Any](mongodb_url, tz_aware=True, tzinfo=UTC) as client:
        yield client.get_default_database()


@pytest.fixture
def file(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    trio.run(fill, f"sqlite:{tmp_path / 'trioscrape.db'}")
    with closing(sqlite3.connect(tmp_path / "trioscrape.db")) as db:
        yield db


def plain(value: Any) -> Any:
    """A document as the README writes it."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, ObjectId):
        return {"$oid": str(value)}
    if isinstance(value, Mapping):
        return {name: plain(part) for name, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, list) else value


def flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, part in value.items():
            yield from flat(part, f"{path}.{name}")
    else:
        yield path, value


def compare(real: dict[str, dict[str, Any]], example: dict[str, dict[str, Any]]) -> None:
    """Field by field: the same names, and the same values where they are the same in each run."""
    lanes = real["runs"]["lanes"]
    assert set(lanes) == {"dns", "http", "parse", "store"}
    assert len({tuple(sorted(path for path, _ in flat(lane, ""))) for lane in lanes.values()}) == 1
    real = {**real, "history": without_polls(real["history"])}
    example = {**example, "history": without_polls(example["history"])}
    real = {**real, "runs": {**real["runs"], "lanes": {"dns": lanes["dns"]}}}
    for name, values in example.items():
        there, said = dict(flat(real[name], name)), dict(flat(values, name))
        assert set(there) == set(said)
        for path, value in said.items():
            if OF_THE_MOMENT.fullmatch(path):
                assert isinstance(there[path], float | int) == isinstance(value, float | int), path
                assert len(str(there[path])) == len(str(value)) or isinstance(value, float | int), path
            else:
                assert there[path] == value, path


def without_polls(history: dict[str, Any]) -> dict[str, Any]:
    """A poll takes another time each time, and leaves out what is 0."""
    assert len(history["recent"]) == 1
    return {name: value for name, value in history.items() if name != "recent"}


def example_of_sqlite(example: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The README's own words: `feed_id` for the `_id` of a feed, none for entries."""
    feeds, entries, runs = ({**example[name]} for name in ("feeds", "entries", "runs"))
    history = {**example["history"]}
    feeds["feed_id"], history["feed_id"] = feeds.pop("_id"), history.pop("_id")
    del entries["_id"], runs["_id"]
    return {"feeds": feeds, "history": history, "entries": entries, "runs": runs}


class TestExamples:
    def test_there_is_one_of_each_collection(self, database: Database[Any]) -> None:
        assert set(documented()) == set(database.list_collection_names()) == NAMES

    def test_mongodb(self, database: Database[Any]) -> None:
        found = {
            "feeds": database.feeds.find_one({"url": FEED}),
            "history": database.history.find_one({"_id": trioscrape.feed_id(FEED)}),
            "entries": database.entries.find_one({"tags": "trio"}),
            "runs": database.runs.find_one(),
            "meta": database.meta.find_one(),
        }
        compare(plain(found), documented())

    def test_a_poll(self) -> None:
        """The example is one that is written like that, and the fields that it does not have are named."""
        [example] = documented()["history"]["recent"]
        poll = POLL.reader(Form.JSON)(example)
        write = POLL.writer(Form.JSON)
        assert write is not None
        assert write(poll) == example
        [others] = re.findall(r"// besides: (.*)$", SECTION, re.MULTILINE)
        assert {*example, *others.split(", ")} == set(POLL.table.fields)

    def test_lease(self) -> None:
        lease = Lease("5d1f", "server", 4242, datetime(2026, 2, 28, 12, tzinfo=UTC))
        [example] = map(json.loads, blocks("json"))
        assert example.keys() == {"_id", "holders"}
        [holder] = example["holders"]
        assert holder.keys() == {"renewed", *LEASE.write(lease, Form.DOCUMENT)}

    def test_sqlite(self, file: sqlite3.Connection) -> None:
        file.row_factory = sqlite3.Row
        tables = {name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        version = file.execute("PRAGMA user_version").fetchone()[0]
        assert tables == NAMES - {"meta"} | {"lease"}
        assert version == documented()["meta"]["version"]
        example = example_of_sqlite(documented())
        real = {
            "feeds": file.execute("SELECT * FROM feeds WHERE url = ?", (FEED,)).fetchone(),
            "history": file.execute(
                "SELECT * FROM history WHERE feed_id = ?", (trioscrape.feed_id(FEED),)
            ).fetchone(),
            "entries": file.execute("SELECT * FROM entries WHERE tags LIKE '%trio%'").fetchone(),
            "runs": file.execute("SELECT * FROM runs").fetchone(),
        }
        rows = {name: self.decoded(dict(row), example[name]) for name, row in real.items()}
        del rows["runs"]["id"]
        compare(rows, example)

    def decoded(self, row: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
        """Lists and objects are JSON, true is 1."""
        for name, value in example.items():
            if isinstance(value, list | dict):
                row[name] = json.loads(row[name])
            elif isinstance(value, bool):
                assert row[name] in (0, 1)
                row[name] = bool(row[name])
        return row


ANSWERS = {
    "Which entries have come in or changed last?": ["Before that", "Once", "Python 3.11 & trio"],
    "What is new since yesterday?": ["Before that", "Once", "Python 3.11 & trio"],
    "Which are the newest entries of a feed, by their own dates?": ["Before that", "Python 3.11 & trio"],
    "Which entries mention a word?": ["Python 3.11 & trio"],
    "Which entries have a tag?": ["Python 3.11 & trio"],
    "Which feeds fail, and why?": ["http://closed.example/feed", "http://lost.example/feed"],
    "How many feeds fail for each reason?": ["http-404", "http-410"],
    "Which feeds are due?": ["http://quiet.example/feed"],
    "Which feeds are gone, or have moved?": ["http://closed.example/feed"],
    "How many entries has each feed?": sorted(map(trioscrape.feed_id, (FEEDS[0], FEEDS[3]))),
    "How did the last run go?": [4],
}


class TestQueries:
    def test_both_databases_are_asked_the_same(self) -> None:
        [in_python, _] = blocks("python")
        [in_sql] = blocks("sql")

        assert list(questions(in_python, "#")) == list(questions(in_sql, "--")) == list(ANSWERS)

    def test_mongodb(self, database: Database[Any]) -> None:
        database.runs.insert_one({"ended": datetime(2020, 1, 1, tzinfo=UTC), "feeds": 9})
        answers = {}
        for question, code in questions(blocks("python")[0], "#").items():
            known = {"db": database, "now": datetime.now(UTC), "timedelta": timedelta}
            *before, last = ast.parse(code).body
            assert isinstance(last, ast.Expr)
            exec(compile(ast.Module(before, []), "README", "exec"), known)
            found = list(eval(compile(ast.Expression(last.value), "README", "eval"), known))
            names = ("url", "title", "feeds", "_id")
            answers[question] = sorted(next(each[name] for name in names if name in each) for each in found)

        assert answers == ANSWERS

    def test_sqlite(self, file: sqlite3.Connection) -> None:
        file.execute("INSERT INTO runs SELECT 9, '2020', 1, 9, 0, 0, '{}', '{}', '{}', '{}', '{}', NULL")
        answers = {}
        for question, statement in questions(blocks("sql")[0], "--").items():
            found = file.execute(statement.strip().removesuffix(";")).fetchall()
            answers[question] = sorted(each[0] for each in found)

        assert answers == ANSWERS

    def test_what_is_not_new_is_left_out(self, database: Database[Any], file: sqlite3.Connection) -> None:
        """Changed since yesterday, but known before."""
        question = "What is new since yesterday?"
        old = datetime(2020, 1, 1, tzinfo=UTC)
        database.entries.update_one({"title": "Once"}, {"$set": {"first_seen": old}})
        file.execute("UPDATE entries SET first_seen = ? WHERE title = 'Once'", (old.isoformat(),))

        code = questions(blocks("python")[0], "#")[question].strip().splitlines()
        yesterday = datetime.now(UTC) - timedelta(days=1)
        found = eval(code[-1], {"db": database, "yesterday": yesterday})
        rows = file.execute(questions(blocks("sql")[0], "--")[question]).fetchall()

        assert sorted(each["title"] for each in found) == sorted(row[0] for row in rows) == [
            "Before that", "Python 3.11 & trio",
        ]  # fmt: skip


class TestReadingBack:
    def test_the_code(
        self, file: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
    ) -> None:
        monkeypatch.chdir(tmp_path)
        exec(blocks("python")[1], {})

        lines = capfd.readouterr().out.splitlines()
        assert len(lines) == 3
        assert any(line.endswith("The Example Python 3.11 & trio") for line in lines)

    def test_the_commands_are_understood(self) -> None:
        [commands] = blocks("console")
        for line in commands.splitlines():
            command, _ = parse(shlex.split(line.partition(">")[0])[3:])
            assert command.name in {"export", "import", "copy", "forget"}
