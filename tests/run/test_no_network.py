"""A machine that is offline is no fault of its feeds."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator

import pytest
import trio
from trio.testing import MockClock

from trioscrape import Outcome, Report
from trioscrape._cli.report import Style, complete, summary
from trioscrape._run.network import FEW
from trioscrape.testing import Internet, MemoryStore, Site

from support.days import Days
from support.scenarios import open_virtual, rss, run_virtual

LINE = "no network: no host could be reached, so the failures of the feeds are not counted"


def offline(count: int, **how: object) -> Days:
    sites = {f"f{number}.test": Site(**how) for number in range(count)}  # type: ignore[arg-type]
    return Days(sites, [f"http://{host}/" for host in sites])


def is_offline(report: Report | None) -> bool:
    assert report is not None
    assert report.offline == (LINE in report.remarks)
    return report.offline


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"lookup": math.inf}, "lookup-timeout"),
        ({"exists": False}, "name-not-found"),
        ({"connect": math.inf}, "connect-timeout"),
        ({"listens": False}, "connection-refused"),
    ],
)
@pytest.mark.parametrize("count", [FEW + 1, 50])
async def test_no_feed_is_punished(
    autojump_clock: MockClock, how: dict[str, object], reason: str, count: int
) -> None:
    days = offline(count, **how)
    results = await days.run(in_flight=20)

    assert {(result.outcome, result.reason, result.stored) for result in results} == {
        (Outcome.FAILED, reason, False)
    }
    assert all(result.detail.endswith("there is no network, so this is not counted") for result in results)
    assert days.store.feeds == {}
    assert is_offline(days.report)
    assert not complete(days.report)
    assert f"\n  {LINE}\n" in summary(days.report, "memory:", Style())

    for site in days.sites.values():
        site.lookup = site.connect = 0
        site.exists = site.listens = True
        site.body = rss("x")
    assert {result.outcome for result in await days.run()} == {Outcome.NEW}
    assert not is_offline(days.report)


async def test_what_is_known_stays_as_it_is(autojump_clock: MockClock) -> None:
    days = offline(10, body=rss("x"), headers={"Cache-Control": "max-age=60"})
    await days.run()
    before = dict(days.store.feeds)
    for site in days.sites.values():
        site.exists = False
    days.now.forward(hours=1)
    await days.run()

    assert is_offline(days.report)
    assert days.store.feeds == before


async def test_a_few_hosts_may_all_be_down(autojump_clock: MockClock) -> None:
    days = offline(FEW, exists=False)
    await days.run()

    assert [state.failures for state in days.store.feeds.values()] == [1] * FEW
    assert not is_offline(days.report)
    assert complete(days.report)


async def test_hosts_that_were_down_before_prove_nothing(autojump_clock: MockClock) -> None:
    """In a run in which all others are fresh."""
    days = offline(10, exists=False)
    days.sites["fresh.test"] = Site(body=rss("x"), headers={"Cache-Control": "max-age=86400"})
    days.feeds.append("http://fresh.test/")
    for failures in 1, 2, 3:
        await days.run()
        assert sum(state.failures for state in days.store.feeds.values()) == 10 * failures
        assert not is_offline(days.report)
        days.now.forward(hours=2)


@pytest.mark.parametrize(
    "answer", [{"status": 500}, {"first_byte": math.inf}, {"body": rss("x"), "lookup": 4, "connect": 5}]
)
async def test_one_answer_is_enough(autojump_clock: MockClock, answer: dict[str, object]) -> None:
    """However late it comes, the others have failed then. Not even an answer is needed: a connection is."""
    days = offline(100, exists=False)
    days.sites["last.test"] = Site(**answer)  # type: ignore[arg-type]
    days.feeds.append("http://last.test/")
    await days.run()

    assert not is_offline(days.report)
    assert {state.failures for url, state in days.store.feeds.items() if state.url != days.feeds[-1]} == {1}


async def test_a_list_that_waits_for_results_goes_on(autojump_clock: MockClock) -> None:
    """Whoever sends the next feed when the last one has its result gets that, also without a network."""
    done = trio.Event()

    async def one_by_one() -> AsyncIterator[str]:
        nonlocal done
        for number in range(6):
            done = trio.Event()
            yield f"http://f{number}.test/"
            await done.wait()

    store = MemoryStore()
    async with open_virtual(one_by_one(), Internet({}), store) as run:
        async for _ in run:
            done.set()

    assert run.report().outcomes[Outcome.FAILED] == 6
    assert len(store.feeds) == FEW, "then it was clear"


async def test_a_drain_and_a_cancellation_do_not_wait(autojump_clock: MockClock) -> None:
    sites = {f"f{number}.test": Site(exists=False) for number in range(10)}
    sites["late.test"] = Site(connect=9)
    feeds = [f"http://{host}/" for host in sites]
    async with open_virtual(feeds, Internet(sites)) as run:
        await trio.sleep(1)
        run.cancel()
        results = [result async for result in run]

    assert {result.reason for result in results} == {"cancelled"}
    results, _ = await run_virtual(feeds, Internet(sites))
    assert len(results) == 11
