"""A scrape inside of somebody else's trio program."""

from collections.abc import Iterator
from typing import NoReturn

import pytest
import trio
from trio.testing import MockClock

import trioscrape
from trioscrape import Config, Feed, Outcome, UsageError
from trioscrape.testing import InlineParser, Internet, MemoryStore, Site

from support.scenarios import counted_report, healthy, mixed, open_virtual, rss, run_virtual, urls


async def test_results_come_in_order_of_completion(autojump_clock: MockClock) -> None:
    sites = {f"f{n}.test": Site(body=rss("x"), first_byte=5 - n) for n in range(5)}
    internet = Internet(sites)

    results, _ = await run_virtual(urls(internet), internet)

    assert [r.feed.url[8] for r in results] == ["4", "3", "2", "1", "0"]


async def test_the_callers_exception_is_itself(autojump_clock: MockClock) -> None:
    internet = healthy(50, first_byte=1)
    with pytest.raises(ZeroDivisionError) as caught:
        async with open_virtual(urls(internet), internet) as run:
            async for _ in run:
                raise ZeroDivisionError

    assert type(caught.value) is ZeroDivisionError
    assert internet.open == 0


async def test_leaving_early_cancels(autojump_clock: MockClock) -> None:
    internet = healthy(50, first_byte=100)
    async with open_virtual(urls(internet), internet) as run:
        await trio.sleep(1)
        assert run.statistics().in_flight == 50

    assert trio.current_time() < 10
    assert internet.open == 0


async def test_drain_lets_those_in_flight_finish(autojump_clock: MockClock) -> None:
    internet = healthy(50, first_byte=10)
    async with open_virtual(urls(internet), internet, config=Config(in_flight=20)) as run:
        await trio.sleep(1)
        run.drain()
        outcomes = [result.outcome async for result in run]

    assert outcomes == [Outcome.NEW] * 20
    report = await counted_report(run)
    assert (report.not_started, report.complete) == (30, False)


async def test_drain_before_anything_has_begun(autojump_clock: MockClock) -> None:
    internet = healthy(5)
    async with open_virtual(urls(internet), internet) as run:
        run.drain()
        assert [result async for result in run] == []

    assert await run.count_not_started() == 5


async def test_drain_while_one_host_holds_up_its_others(autojump_clock: MockClock) -> None:
    internet = healthy(1, first_byte=10)
    async with open_virtual([f"http://f0.test/{n}" for n in range(9)], internet) as run:
        await trio.sleep(1)
        run.drain()
        assert len([result async for result in run]) == 1

    assert await run.count_not_started() == 8


async def test_statistics_are_a_frozen_moment(autojump_clock: MockClock) -> None:
    internet = healthy(10, lookup=2)
    async with open_virtual(urls(internet), internet, config=Config(dns_width=4, dns_abandoned=0)) as run:
        await trio.sleep(1)
        now = run.statistics()
        async for _ in run:
            pass

    assert (now.accepted, now.in_flight, now.finished) == (10, 10, 0)
    dns = now.lanes["dns"]
    assert (dns.width, dns.busy, dns.waiting, dns.done) == (4, 4, 6, 0)
    after = run.statistics()
    assert (after.in_flight, after.finished, after.lanes["dns"].done) == (0, 10, 10)
    assert after.lanes["dns"].waited.max == 4


async def test_all_reports_of_a_scrape_are_of_one_run(autojump_clock: MockClock) -> None:
    internet, store = healthy(5), MemoryStore()
    for _ in range(2):
        async with open_virtual(urls(internet), internet, store) as run:
            await store.record_run(run.report())
            async for _ in run:
                await store.record_run(run.report())
        await store.record_run(run.report())

    assert [(report.feeds, sum(report.outcomes.values())) for report in store.runs] == [(5, 5), (5, 5)]


async def test_one_feed_per_host_at_a_time(autojump_clock: MockClock) -> None:
    """And the number of feeds per host is a setting."""
    for per_host, seconds in (1, 10), (5, 2):
        internet = healthy(1, first_byte=1)
        began = trio.current_time()
        await run_virtual(
            [f"http://f0.test/{n}" for n in range(10)], internet, config=Config(per_host=per_host)
        )
        assert trio.current_time() - began == pytest.approx(seconds)


async def test_a_big_host_on_top_holds_up_nobody(autojump_clock: MockClock) -> None:
    """2,000 feeds of one host, then 100 of other hosts: those are done as if they were alone."""
    internet = healthy(101, first_byte=1)
    feeds = [f"http://f0.test/{n}" for n in range(2000)] + urls(internet)[1:]
    began, others = trio.current_time(), []
    async with open_virtual(feeds, internet) as run:
        async for result in run:
            if not result.feed.url.startswith("http://f0.test/"):
                others.append(trio.current_time() - began)
                if len(others) == 100:
                    break

    assert max(others) < 2


async def test_feeds_may_be_records_and_bad_ones_are_refused(autojump_clock: MockClock) -> None:
    internet = healthy(1)
    bad = Feed("ftp://me:secret@a.test/", line=7)

    results, after = await run_virtual([Feed("http://f0.test/", title="F"), bad], internet)

    refused = next(result for result in results if result.feed is bad)
    assert (refused.outcome, refused.reason) == (Outcome.REFUSED, "not-a-url")
    assert refused.detail == "line 7: 'ftp://a.test/': it does not begin with http:// or https://"
    assert after.report().examples["not-a-url"].url == "ftp://a.test/"


async def test_passwords_of_feeds_are_in_no_record(autojump_clock: MockClock) -> None:
    internet = mixed()
    feeds = [f"http://me:s3cret@{host}/feed" for host in internet.sites]
    store = MemoryStore()

    results, after = await run_virtual(feeds, internet, store)

    assert "s3cret" not in repr((results, after.report(), store.feeds, store.entries))
    assert any("authorization" in headers for _, _, headers in internet.requests)


async def test_scrape_is_the_same_without_a_loop(autojump_clock: MockClock) -> None:
    internet = healthy(3)

    report = await trioscrape.scrape(
        urls(internet),
        store=MemoryStore(),
        resolver=internet,
        connector=internet.connect,
        parser=InlineParser(),
    )

    assert report.outcomes[Outcome.NEW] == 3
    assert report.complete


async def test_a_bug_of_the_callers_comes_out_as_itself(autojump_clock: MockClock) -> None:
    internet = healthy(3)

    def feeds() -> Iterator[str]:
        yield from urls(internet)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run_virtual(feeds(), internet)
    for wrong in "http://f0.test/", [None]:
        with pytest.raises(TypeError):
            await run_virtual(wrong, internet)  # type: ignore[arg-type]


@pytest.mark.parametrize("order", [1, -1])
async def test_sites_at_one_address_answer_by_their_names(autojump_clock: MockClock, order: int) -> None:
    """Whichever was looked up last; how the address is connected to is up to the first of them."""
    one = ["203.0.113.1"]
    sites = {
        "a.test": Site(body=rss("a"), addresses=one, connect=2),
        "b.test": Site(status=410, addresses=one, connect=5),
        "c.test": Site(status=404, addresses=one, listens=False),
        "d.test": Site(body=rss("d"), connect=1),
    }
    internet = Internet(sites)
    for host in list(sites)[::order]:
        await internet.resolve(host)

    results, _ = await run_virtual(urls(internet), internet)

    assert {result.feed.url[7]: (result.reason, result.lanes["http"].worked) for result in results} == {
        "a": (None, 2), "b": ("http-410", 2), "c": ("http-404", 2), "d": (None, 1),
    }  # fmt: skip


@pytest.mark.parametrize("host", ["203.0.113.1", "d.test", "unknown.test"])
async def test_a_name_that_is_not_at_the_address_is_answered_by_its_first_site(
    autojump_clock: MockClock, host: str
) -> None:
    one = ["203.0.113.1"]
    internet = Internet(
        {"a.test": Site(status=410, addresses=one), "b.test": Site(addresses=one), "d.test": Site()}
    )
    await internet.resolve("b.test")
    stream = await internet.connect("203.0.113.1", 80)

    await stream.send_all(f"GET / HTTP/1.1\r\nHost: {host}:80\r\n\r\n".encode())

    assert (await stream.receive_some()).startswith(b"HTTP/1.1 410 ")
    await stream.aclose()


class Breaking(Iterator[str]):
    """A list that breaks off, each time that it is asked for its seventh feed."""

    def __init__(self, internet: Internet) -> None:
        self.left = urls(internet)[:6]

    def __next__(self) -> str:
        if not self.left:
            raise ZeroDivisionError
        return self.left.pop()


async def test_a_list_that_breaks_off_is_counted_as_far_as_it_was_read(autojump_clock: MockClock) -> None:
    internet = healthy(10)

    with pytest.raises(ZeroDivisionError):
        async with open_virtual(Breaking(internet), internet) as run:
            async for _ in run:
                pass

    report = run.report()
    assert (report.feeds, report.errors, report.complete) == (6, {"cancelled": 6}, False)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("bug", [ZeroDivisionError, ValueError], ids=["bug", "what httpcore raises too"])
async def test_a_bug_of_a_plug_in_comes_out_as_itself(
    autojump_clock: MockClock, bug: type[Exception], scheme: str
) -> None:
    """No group, and no failure of the feed that happened to be there."""

    async def broken(*_: object) -> NoReturn:
        await trio.sleep(1)
        raise bug("mine")

    internet = healthy(3)
    proxied = Config(http_proxy="http://f1.test:3128", https_proxy="http://f1.test:3128")
    for config in Config(), proxied:
        for seam in "resolve", "connect":
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(internet, seam, broken)
                with pytest.raises(bug, match=r"^mine$"):
                    await run_virtual([f"{scheme}://f0.test/"], internet, config=config)
    assert internet.open == 0


async def test_what_no_machine_can_encode_is_refused(autojump_clock: MockClock) -> None:
    internet = healthy(1)

    _, after = await run_virtual(["http://f0.test/\ud800", *urls(internet)], internet)

    assert (after.report().outcomes[Outcome.NEW], after.report().errors) == (1, {"not-a-url": 1})


async def test_validators_are_stored_from_every_200_and_304(autojump_clock: MockClock) -> None:
    """Also when the body has not changed."""
    site = Site(body=rss("a"), headers={"Last-Modified": "then"})
    internet, store = Internet({"a.test": site}), MemoryStore()
    await run_virtual(["http://a.test/"], internet, store)
    site.headers = {"ETag": '"2"'}

    results, _ = await run_virtual(["http://a.test/"], internet, store)

    assert (results[0].outcome, results[0].stored) == (Outcome.NOT_MODIFIED, True)
    (state,) = store.feeds.values()
    assert (state.etag, state.last_modified) == ('"2"', None)


async def test_an_unchanged_body_is_not_parsed(autojump_clock: MockClock) -> None:
    internet, store, parser = healthy(1), MemoryStore(), InlineParser()
    for expected in Outcome.NEW, Outcome.NOT_MODIFIED:
        async with trioscrape.open_scrape(
            urls(internet), store=store, resolver=internet, connector=internet.connect, parser=parser
        ) as run:
            assert (await run.__anext__()).outcome is expected

    assert len(parser.documents) == 1


async def test_new_and_changed_entries(autojump_clock: MockClock) -> None:
    internet, store = healthy(1), MemoryStore()
    found = []
    for keys in ("a",), ("a", "b"), ("a", "b"), ("b",):
        internet.sites["f0.test"].body = rss(*keys)
        results, _ = await run_virtual(urls(internet), internet, store)
        found.append((results[0].outcome, results[0].entries.new, results[0].entries.unchanged))

    assert found == [
        (Outcome.NEW, 1, 0),
        (Outcome.UPDATED, 1, 1),
        (Outcome.NOT_MODIFIED, 0, 0),
        (Outcome.NOT_MODIFIED, 0, 1),
    ]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"dns_width": 0}, "dns_width must be from 1 to 1000"),
        ({"fetch_timeout": float("nan")}, "fetch_timeout must be from 0.01 to 3600 s"),
        ({"body_limit": 0}, "body_limit must be from 1 to"),
        ({"user_agent": "a\r\nb"}, "printable ASCII"),
    ],
)
def test_settings_out_of_range(setting: dict[str, float], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Config(**setting)  # type: ignore[arg-type]
