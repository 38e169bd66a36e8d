"""A document says the same whenever and wherever it is read: its records, with their keys and hashes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from support.conformance import CORPUS
from support.date_forms import FORMS

FROZEN = """
import datetime, json, sys, time
now = datetime.datetime.fromisoformat(sys.argv[1])
class Frozen(datetime.datetime):
    @classmethod
    def now(cls, tz=None): return now.replace(tzinfo=tz)
    today = utcnow = now
class FrozenDay(datetime.date):
    @classmethod
    def today(cls): return now.date()
parts = now.timetuple()
time.time = now.timestamp
time.gmtime = lambda at=None, _=time.gmtime: parts if at is None else _(at)
time.localtime = lambda at=None, _=time.localtime: parts if at is None else _(at)
datetime.datetime, datetime.date = Frozen, FrozenDay

from trioscrape._errors import FeedFailed
from trioscrape._parse import FeedDocument, parse_document
for text in json.load(sys.stdin):
    try:
        print(ascii(parse_document(FeedDocument(text.encode("latin-1"), "http://a.test/"))))
    except FeedFailed as failure:
        print(ascii(failure))
print(datetime.datetime.now())
"""
FEEDS = sorted(Path(__file__).with_name("feeds").glob("*.[jx][sm]*"))
LARGEST = 150_000
"""Bytes: half of the real feeds are smaller."""


def frozen(documents: list[bytes], now: str, zone: str, locale: str, hash_seed: int) -> list[str]:
    """The records of `documents` on a machine where it is `now`, in that time zone and locale."""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FROZEN, now],
        input=json.dumps([document.decode("latin-1") for document in documents]),
        env=os.environ | {"TZ": zone, "LC_ALL": locale, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        text=True,
        check=True,
    )
    *records, clock = run.stdout.splitlines()
    assert clock == now.replace("T", " ")
    return records


def dated_feeds() -> list[bytes]:
    """All forms of dates, and texts that are none, in a document that is whole and in one that is not."""
    texts = [text for form in FORMS.values() for text in form]
    texts += ["12:00", "Tue", "10 Mar", "--03-10", "-0312", "2026", "31"]
    items = "".join(f"<item><guid>{text}</guid><pubDate>{text}</pubDate></item>" for text in texts)
    hours = "".join(f"<hour>{hour}</hour>" for hour in range(20))
    written = f"<rss><channel><title>t</title><skipHours>{hours}</skipHours>{items}</channel></rss>"
    return [
        written.encode(),
        written.replace("<channel>", "<channel>&").encode(),
        b"&" * 9 + written.encode(),
    ]


def test_the_same_records_whenever_and_wherever_a_document_is_read() -> None:
    paths = sorted(CORPUS.iterdir()) if CORPUS.is_dir() else []
    real = [path.read_bytes() for path in paths if path.stat().st_size < LARGEST]
    documents = [*dated_feeds(), *(path.read_bytes() for path in FEEDS), *real]

    first = frozen(documents, "2001-02-28T23:59:59", "UTC", "C", 1)

    assert len(first) == len(documents)
    assert first == frozen(documents, "2032-12-31T00:00:00", "Asia/Kathmandu", "tr_TR.UTF-8", 2)
