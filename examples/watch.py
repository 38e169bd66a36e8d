"""Watch feeds from another trio program, and export its figures to OpenTelemetry or anything else.

    python examples/watch.py sqlite:news.db feed-url…

`Watch.statistics` is plain data, so any metrics library will do. With ``opentelemetry-api``::

    meter = opentelemetry.metrics.get_meter("news")
    meter.create_observable_gauge("trioscrape.late", callbacks=[lambda _: [Observation(figures["late"])]])
"""

from __future__ import annotations

import sys

import trio

import trioscrape

figures: dict[str, float] = {}
"""What callbacks of a metrics library read."""


async def main(store: str, feeds: list[str]) -> None:
    """Print what comes in, until Ctrl-C."""
    polling = trioscrape.Polling(every=300, fresh=1200)
    async with (
        trioscrape.open_watch(feeds, store=store, polling=polling) as watch,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(measure, watch)
        async for result in watch:
            print(result.feed.redacted_url, result.outcome, f"{result.entries.new} new")


async def measure(watch: trioscrape.Watch) -> None:
    """Keep `figures` up to date."""
    while True:
        now = await watch.statistics()
        figures["late"] = now.late
        figures["entries"] = now.scrape.entries.new
        figures["delay_p50"] = now.measured_delay.p50
        for name, lane in now.scrape.lanes.items():
            figures[f"{name}_waiting"] = lane.waiting
        await trio.sleep(15)


if __name__ == "__main__":
    trio.run(main, sys.argv[1], sys.argv[2:])
