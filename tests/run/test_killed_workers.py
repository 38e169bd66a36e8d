"""Something kills parser processes, as Linux does where memory is short: each costs a feed at the most."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
import trio

from trioscrape import Config, Outcome, ResourceError, open_scrape
from trioscrape._parse import open_process_parser
from trioscrape._parse._pool import process, workers

from support import hostile_parsers
from support.fetching import Loopback
from support.servers import FEED, RawServer, answer, open_server, read_head
from support.worker_processes import NEVER, PATIENCE, command, failure, worker_of

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for our own processes")
FEEDS = 60
BURSTS = 4
IN_A_ROW = 6


def our_workers() -> set[int]:
    """The processes of parsers that were started from here."""
    found = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # threads and processes end while they are looked at
            for pid in map(int, (task / "children").read_text().split()):
                if process._PROGRAM.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found.add(pid)
    return found


class Killer:
    """Kills so many workers one after the other, each as soon as it is seen."""

    def __init__(self) -> None:
        self.killed: set[int] = set()

    async def kill(self, number: int) -> None:
        aim = len(self.killed) + number
        while len(self.killed) < aim:
            for pid in sorted(our_workers() - self.killed)[: aim - len(self.killed)]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                self.killed.add(pid)
            await trio.sleep(0.001)


@pytest.mark.parametrize("seed", range(3))
async def test_a_run_goes_on_while_workers_are_killed(store_url: str, seed: int) -> None:
    """From its very beginning, and then again and again."""
    rng = random.Random(seed)
    killer = Killer()
    before = our_workers()
    assert not before

    async def handler(stream: trio.SocketStream, server: RawServer) -> None:
        await read_head(stream)
        await stream.send_all(answer("200 OK", FEED))

    found: Counter[str] = Counter()
    with trio.fail_after(10 * PATIENCE):
        async with open_server(handler) as server, trio.open_nursery() as nursery:
            feeds = [f"http://a.test:{server.port}/{number}" for number in range(FEEDS)]
            config = Config(parse_width=2, per_host=20, host_delay=0, parse_timeout=NEVER)
            nursery.start_soon(killer.kill, IN_A_ROW)
            pauses = sorted(rng.sample(range(1, FEEDS - 10), BURSTS))
            async with open_scrape(feeds, store=store_url, config=config, resolver=Loopback()) as scrape:
                async for result in scrape:
                    found[result.reason or result.outcome] += 1
                    if sum(found.values()) in pauses:
                        nursery.start_soon(killer.kill, rng.randint(1, IN_A_ROW))
            nursery.cancel_scope.cancel()

    assert found.keys() <= {Outcome.NEW, "parse-crash"}
    assert found.total() == FEEDS
    assert len(killer.killed) >= IN_A_ROW
    assert found["parse-crash"] <= len(killer.killed)
    assert not our_workers()


@pytest.fixture
def doomed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Workers are killed before they are ready, until this is undone."""
    program = tmp_path / "worker.py"
    program.write_text("import os; os.kill(os.getpid(), 9)")
    monkeypatch.setattr(process, "_PROGRAM", str(program))
    return monkeypatch


async def test_workers_that_are_killed_before_they_are_ready_cost_a_document(
    doomed: pytest.MonkeyPatch,
) -> None:
    with trio.fail_after(PATIENCE):
        async with open_process_parser(1, NEVER, hostile_parsers.act) as parser:
            for _ in range(3):
                reason = "parse-crash", "the worker processes for it ended before they were ready"
                assert await failure(parser, command("pid")) == reason
            doomed.undo()
            assert await worker_of(parser)


async def test_when_all_are_killed_for_long_nothing_will_help(doomed: pytest.MonkeyPatch) -> None:
    doomed.setattr(workers, "_MOST_USELESS", 2 * workers._ATTEMPTS)
    with trio.fail_after(PATIENCE):
        async with open_process_parser(1, NEVER, hostile_parsers.act) as parser:
            assert (await failure(parser, command("pid")))[0] == "parse-crash"
            with pytest.raises(ResourceError, match="before they are ready"):
                await parser.parse(command("pid"))
            doomed.undo()
            assert await worker_of(parser)
