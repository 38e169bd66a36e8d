"""A client of a Dask cluster that scrapes a list, and measures the CPU time of itself and of the scheduler.

Arguments: the list, the scheduler's address and process id, the URL of the store. All feeds are new; then
the list is scraped again and again, when no feed is due: so there are many shards, and little time in which
the cluster only keeps itself alive. What that takes is subtracted. It prints, in seconds for each of those
shards: *scheduler*; *client*, without *reading* the results, which is apart. *idle* and *busy* are the
scheduler's share of a core when nothing is to be done, and during the first run.
"""

import gc
import json
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from distributed import Client
from trioscrape import Config, Outcome, Result
from trioscrape.distributed import open_scrape
from trioscrape.distributed.loop import packed_results, unpacked_results

IDLE = 5.0
"""Seconds for which nothing is done."""
RUNS = 10
CONFIG = Config(address_policy="any", interval=86_400)


@dataclass
class Used:
    """Seconds of wall time, of the scheduler and of this process."""

    wall: float
    scheduler: float
    client: float

    @classmethod
    def until_now(cls, scheduler: int) -> Self:
        # The clock of a process with all its threads, as clock_getcpuclockid(3) has it on Linux.
        return cls(time.perf_counter(), time.clock_gettime((~scheduler << 3) | 2), time.process_time())

    def since(self, other: Self) -> Self:
        return type(self)(
            self.wall - other.wall, self.scheduler - other.scheduler, self.client - other.client
        )


class Bench:
    """A client, connected."""

    def __init__(self, client: Client, urls: list[str], store: str, scheduler: int) -> None:
        self._client, self.urls, self._store, self._scheduler = client, urls, store, scheduler

    def idle(self) -> Used:
        began = Used.until_now(self._scheduler)
        time.sleep(IDLE)
        return Used.until_now(self._scheduler).since(began)

    def scrape(self, outcome: Outcome) -> tuple[Used, list[Result], int]:
        """What was used from the first shard to the last one, the results of that one, the number of shards.

        The other results are not kept: else the garbage collector would look at all of Dask again and again.
        """
        with open_scrape(self.urls, client=self._client, store=self._store, config=CONFIG) as run:
            began = Used.until_now(self._scheduler)
            (results,) = deque(run.batches(), maxlen=1)
            used = Used.until_now(self._scheduler).since(began)
        report = run.report()
        if report.outcomes[outcome] != len(self.urls) or report.cluster is None:
            sys.exit(f"{report.outcomes} of {len(self.urls)} feeds")
        return used, results, report.cluster.shards


def read(results: list[Result]) -> float:
    """Seconds of CPU time for each of them."""
    packed = packed_results(results)
    gc.collect()
    began = time.process_time()
    unpacked_results(packed)
    return (time.process_time() - began) / len(results)


def main(file: str, address: str, pid: str, store: str) -> None:
    with Client(address, set_as_default=False) as client:
        bench = Bench(client, Path(file).read_text().split(), store, int(pid))
        first, _, _ = bench.scrape(Outcome.NEW)
        idle = bench.idle()
        shards = 0
        scheduler = own = reading = 0.0
        for _ in range(RUNS):
            used, results, number = bench.scrape(Outcome.NOT_DUE)
            shards += number
            scheduler += used.scheduler - idle.scheduler / idle.wall * used.wall
            own += used.client - idle.client / idle.wall * used.wall
            reading += read(results) * len(bench.urls)
    found = {
        "scheduler": scheduler / shards,
        "client": (own - reading) / shards,
        "reading": reading / shards,
        "shards": shards,
        "idle": idle.scheduler / idle.wall,
        "busy": first.scheduler / first.wall,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
