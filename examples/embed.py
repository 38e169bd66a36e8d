"""A trio application that scrapes feeds beside its own work.

    python examples/embed.py [STORE]

It is a clock that ticks ten times a second, and goes on ticking while 60 feeds are fetched, parsed
and stored. Everything happens on this machine: the feeds come from a small server of its own.
STORE is ``sqlite:PATH`` or ``mongodb://…``; ``sqlite:embed.db`` when it is not given. It prints:

    60 feeds: 60 new, 180 entries
    meanwhile the clock ticked 6 times, at worst 5 ms late
"""

from __future__ import annotations

import sys

import trio

import trioscrape

FEEDS = 60


async def serve_feed(stream: trio.SocketStream) -> None:
    """Answer one request with a feed of three entries, after a moment."""
    async with stream:
        await stream.receive_some()
        await trio.sleep(0.3)
        items = "".join(f"<item><guid>{n}</guid><title>Entry {n}</title></item>" for n in range(3))
        feed = f"<rss version='2.0'><channel><title>A feed</title>{items}</channel></rss>".encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nContent-Length: {len(feed)}\r\n\r\n"
        await stream.send_all(head.encode() + feed)


async def tick(late: list[float]) -> None:
    """The application's own work."""
    while True:
        due = trio.current_time() + 0.1
        await trio.sleep_until(due)
        late.append(trio.current_time() - due)


async def main(store_url: str) -> None:
    late: list[float] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tick, late)
        listeners = await nursery.start(trio.serve_tcp, serve_feed, 0)
        port = listeners[0].socket.getsockname()[1]

        # What an application needs to know of trioscrape is in these lines.
        feeds = [f"http://site-{n}.localhost:{port}/feed" for n in range(FEEDS)]
        async with trioscrape.open_scrape(feeds, store=store_url) as scrape:
            async for result in scrape:
                if result.reason is not None:
                    print(f"{result.feed.redacted_url}: {result.reason}: {result.detail}")
        report = scrape.report()

        outcomes = ", ".join(f"{number} {outcome}" for outcome, number in report.outcomes.items() if number)
        stored = report.entries.new + report.entries.changed + report.entries.unchanged
        print(f"{report.feeds} feeds: {outcomes}, {stored} entries")
        print(f"meanwhile the clock ticked {len(late)} times, at worst {max(late) * 1000:.0f} ms late")
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main, sys.argv[1] if len(sys.argv) > 1 else "sqlite:embed.db")
