"""The least that Python has to do for the entries of a list of feeds, all of them good.

asyncio's streams, lxml, nh3 and ``insert_many``: no limits, no timeouts, no conditions, no repairs, nothing
found out about what is stored already, and no answer other than 200.

Arguments: the list, the URL of a MongoDB database.
"""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nh3
from lxml import etree
from pymongo import MongoClient

AT_ONCE = 500
BATCH = 1000
ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"

Documents = list[dict[str, Any]]


def read(body: bytes) -> Iterator[dict[str, Any]]:
    root = etree.fromstring(body)
    for item in root.iter("item"):
        yield {
            "_id": item.findtext("guid"),
            "title": item.findtext("title"),
            "link": item.findtext("link"),
            "published": item.findtext("pubDate"),
            "summary": item.findtext("description"),
            "content": nh3.clean(item.findtext(CONTENT)),
        }
    for entry in root.iter(ATOM + "entry"):
        yield {
            "_id": entry.findtext(ATOM + "id"),
            "title": entry.findtext(ATOM + "title"),
            "link": entry.find(ATOM + "link").get("href"),
            "published": entry.findtext(ATOM + "updated"),
            "summary": entry.findtext(ATOM + "summary"),
            "content": nh3.clean(entry.findtext(ATOM + "content")),
        }


async def fetch(url: str) -> bytes:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    if not head.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"{url}: {head!r}")
    return body


async def main(urls: list[str], database: str) -> None:
    waiting = iter(urls)
    entries: Documents = []
    with MongoClient[Any](database) as client:
        collection = client.get_default_database().entries

        async def work() -> None:
            for url in waiting:
                entries.extend(read(await fetch(url)))
                if len(entries) >= BATCH:
                    batch = entries[:]
                    entries.clear()
                    await asyncio.to_thread(collection.insert_many, batch, ordered=False)

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        if entries:
            collection.insert_many(entries, ordered=False)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]).read_text().split(), sys.argv[2]))
