"""As most would write it today: asyncio, aiohttp, feedparser and PyMongo's asynchronous client, all at once.

Arguments: the list, the URL of a MongoDB database.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import aiohttp
import feedparser
from pymongo import AsyncMongoClient
from upserts import upsert

AT_ONCE = 500
TIMEOUT = 300
"""Seconds. Parsing on the loop makes everything else wait: the usual 20 and 30 s of aiohttp and of the driver
expire meanwhile, and then it ends with a connection timeout to the database on this machine."""


async def main(urls: list[str], database: str) -> None:
    limit = asyncio.Semaphore(AT_ONCE)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT)
    connector = aiohttp.TCPConnector(limit=0, resolver=aiohttp.ThreadedResolver())
    patience = {"serverSelectionTimeoutMS": TIMEOUT * 1000, "connectTimeoutMS": TIMEOUT * 1000}
    async with (
        AsyncMongoClient[Any](database, **patience) as client,
        aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
    ):
        collection = client.get_default_database().entries

        async def scrape(url: str) -> None:
            async with limit:
                async with session.get(url) as response:
                    response.raise_for_status()
                    body = await response.read()
                feed = feedparser.parse(body)
                await collection.bulk_write([upsert(entry) for entry in feed.entries], ordered=False)

        await asyncio.gather(*map(scrape, urls))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]).read_text().split(), sys.argv[2]))
