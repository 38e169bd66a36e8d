"""Print the entries that were stored or changed since yesterday, and follow the store.

    python examples/read_back.py [STORE] [--follow]

STORE is ``sqlite:PATH`` or ``mongodb://…``; the default is ``sqlite:embed.db``, which ``embed.py`` fills.
With ``--follow`` it looks for new ones every ten seconds, while scrapes write to the store:

    2026-02-28 13:00:00  A feed: Entry 0
    …
    180 entries
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import trio

import trioscrape

OVERLAP = timedelta(minutes=1)


async def main(store_url: str, *, follow: bool) -> None:
    since = datetime.now(UTC) - timedelta(days=1)
    seen: dict[tuple[str, str], datetime] = {}
    async with trioscrape.open_reader(store_url) as reader:
        while True:
            # `last_changed` is taken shortly before the write is done, so an entry may appear a little
            # later than its moment. The last minute is read again, without what was printed already.
            seen = {key: moment for key, moment in seen.items() if moment >= since}
            async for stored in reader.read_entries(since=since, oldest_first=True):
                key = (stored.feed_id, stored.entry.key)
                if seen.get(key) != stored.last_changed:
                    seen[key] = stored.last_changed
                    moment = stored.last_changed.strftime("%Y-%m-%d %H:%M:%S")
                    print(f"{moment}  {stored.feed_title}: {stored.entry.title}")
            if not follow:
                break
            # Not the future, where an entry is that was stored while a clock was ahead.
            latest = max(seen.values(), default=since + OVERLAP)
            since = min(latest, datetime.now(UTC)) - OVERLAP
            await trio.sleep(10)
    print(f"{len(seen)} entries")


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--follow"]
    trio.run(lambda: main(arguments[0] if arguments else "sqlite:embed.db", follow="--follow" in sys.argv))
