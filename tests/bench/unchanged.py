"""CPU time of a feed that has not changed, beside that of a bare loop of conditional requests.

The loop sends the same requests with httpx's own client, one client for each host, and throws the answers
away: no store, no redirects, no limits, no policy. 1,000 feeds of 8 KB, each on a host of its own.

The first run over the feeds is not counted. ``--against REVISION`` measures the code of that revision too.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections import defaultdict
from pathlib import Path

from feeds import FEEDS, LOOPBACK, PROGRAM, milliseconds, serving, unpacked

BARE = f"""{LOOPBACK}
import httpx, ssl, trio

HEADERS = {{"If-None-Match": '"1"', "Accept-Encoding": "gzip", "Accept": "application/rss+xml"}}
# One for all clients: to make it would take longer than all the rest.
TLS = ssl.create_default_context()

async def main():
    limit = trio.CapacityLimiter(100)

    async def fetch(url):
        async with limit, httpx.AsyncClient(verify=TLS) as client:
            assert (await client.get(url, headers=HEADERS)).status_code == 304

    async with trio.open_nursery() as nursery:
        for url in open(sys.argv[1]).read().split():
            nursery.start_soon(fetch, url)

trio.run(main)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--against", metavar="REVISION")
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    figures: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder, serving() as port:
        urls = Path(folder, "feeds.txt")
        urls.write_text("".join(f"http://feed-{n}.test:{port}/feed\n" for n in range(FEEDS)))
        codes: dict[str, Path | None] = {"this code": None}
        if given.against:
            codes[given.against] = unpacked(given.against, Path(folder))
        for name, source in codes.items():
            milliseconds([PROGRAM, *options(folder, name)], source)
        for _ in range(given.rounds):
            figures["bare loop"].append(milliseconds([BARE, str(urls)], None))
            for name, source in codes.items():
                figures[name].append(milliseconds([PROGRAM, *options(folder, name)], source))
    print(f"{'ms CPU a feed':20} median  least  by that of the bare loop")
    for name, values in figures.items():
        ratio = statistics.median(a / b for a, b in zip(values, figures["bare loop"], strict=True))
        print(f"{name:20} {statistics.median(values):6.2f} {min(values):6.2f}  {ratio:.2f}")


def options(folder: str, name: str) -> tuple[str, ...]:
    store = f"sqlite:{folder}/{'ours' if name == 'this code' else 'theirs'}.db"
    urls = f"{folder}/feeds.txt"
    return urls, "--store", store, "--all", "--quiet", "--address-policy", "any"


if __name__ == "__main__":
    main()
