"""The dates of a document don't depend on when and where it is read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

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

from trioscrape._parse import FeedDocument, parse_document
for text in json.load(sys.stdin):
    feed = parse_document(FeedDocument(text.encode(), "http://a.test/"))
    print(feed.updated, *((entry.published, entry.updated) for entry in feed.entries))
"""
FEEDS = sorted(Path(__file__).with_name("feeds").glob("*.[jx][sm]*"))


def frozen(now: str, zone: str, documents: str) -> list[str]:
    """The dates of `documents` on a machine where it is `now`, in the time zone `zone`."""
    run = subprocess.run(
        [sys.executable, "-c", FROZEN, now],
        input=documents,
        env=os.environ | {"TZ": zone},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.splitlines()


def test_the_same_dates_whenever_and_wherever_a_document_is_read() -> None:
    texts = [text for form in FORMS.values() for text in form]
    texts += ["12:00", "Tue", "10 Mar", "--03-10", "-0312", "2026", "31"]
    items = "".join(f"<item><guid>{text}</guid><pubDate>{text}</pubDate></item>" for text in texts)
    written = f"<rss version='2.0'><channel><title>t</title>{items}</channel></rss>"
    others = [path.read_text("latin-1") for path in FEEDS]
    documents = json.dumps([written, written.replace("<channel>", "<channel>&"), *others])

    first = frozen("2001-02-28T23:59:59", "UTC", documents)

    assert len(first) == 2 + len(others)
    assert first == frozen("2032-12-31T00:00:00", "Asia/Kathmandu", documents)
