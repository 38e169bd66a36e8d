"""Archives that nobody has written with this program: records of any form."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from trioscrape import feed_id
from trioscrape._archive.warc_file import POLL

URL = "http://a.test/feed"
DATE = "2026-02-28T12:00:00Z"
HEAD = b"HTTP/1.1 200 OK\r\n\r\n"
DOCUMENT = b'<rss version="2.0"><channel><title>T</title><item><guid>1</guid></item></channel></rss>'


def record(kind: str, block: bytes, content_type: str = "application/http", **fields: str) -> bytes:
    """A gzip member; the names of `fields` have ``_`` for ``-``."""
    lines = {"Content-Type": content_type, "Content-Length": str(len(block))}
    lines |= {name.replace("_", "-"): value for name, value in fields.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return gzip.compress(f"WARC/1.1\r\nWARC-Type: {kind}\r\n{head}\r\n".encode() + block + b"\r\n\r\n", 1)


def response(number: int = 1, head: bytes = HEAD, body: bytes = DOCUMENT, **fields: str) -> bytes:
    values = {"WARC_Target_URI": URL, "WARC_Date": DATE, "WARC_IP_Address": "198.51.100.7"}
    return record("response", head + body, WARC_Record_ID=f"<{number}>", **(values | fields))


def revisit(number: int, digest: str) -> bytes:
    fields = {"WARC_Target_URI": URL, "WARC_Date": DATE, "WARC_Payload_Digest": digest}
    return record("revisit", HEAD, WARC_Record_ID=f"<{number}>", **fields)


def poll(feed: dict[str, Any] | None = None, **said: Any) -> bytes:
    values = {
        "feed": {"url": URL, "title": None, "tags": [], "without_scheme": False} | (feed or {}),
        "feed_id": feed_id(URL),
        "began": DATE,
        "ended": DATE,
        "next_run": None,
        "fetches": [{"records": ["<1>"]}],
        "outcome": "new",
        "reason": None,
        "put_off": None,
        "took_turn": False,
    }
    return record("metadata", json.dumps(values | said).encode(), POLL)


def failure(**said: Any) -> dict[str, Any]:
    return {"reason": "tls", "detail": "x", "not_before": None, "postponed_by": None} | said


def archive(folder: Path, *members: bytes) -> Path:
    """A folder with one file."""
    folder.mkdir()
    (folder / "a.warc.gz").write_bytes(b"".join(members))
    return folder
