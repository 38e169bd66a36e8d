"""As many write it: threads, requests, feedparser and PyMongo.

Arguments: the list, the URL of a MongoDB database.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import feedparser
import requests
from pymongo import MongoClient
from upserts import upsert

THREADS = 50
TIMEOUT = 300


def main(urls: list[str], database: str) -> None:
    with MongoClient[Any](database) as client, ThreadPoolExecutor(THREADS) as threads:
        collection = client.get_default_database().entries

        def scrape(url: str) -> None:
            response = requests.get(url, timeout=TIMEOUT)
            response.raise_for_status()
            feed = feedparser.parse(response.content)
            collection.bulk_write([upsert(entry) for entry in feed.entries], ordered=False)

        for _ in threads.map(scrape, urls):
            pass


if __name__ == "__main__":
    main(Path(sys.argv[1]).read_text().split(), sys.argv[2])
