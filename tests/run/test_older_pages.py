"""A gap between two polls: the older pages that close it, how many, and what they may cost the feed."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock

from trioscrape import Config, Feed, Outcome, Polling, Result, Scrape, open_watch
from trioscrape._run.older_pages import MOST
from trioscrape.testing import Answer, InlineParser, Internet, MemoryStore, Request

from support.older_pages import Pages, document
from support.scenarios import Calendar, open_virtual, run_virtual

FEED = "http://a.test/feed"
ARCHIVE, NEXT = "prev-archive", "next"
OFTEN = Config(ignore_schedule=True, host_delay=0)


class Scene:
    """A feed that was polled when it had the entries 1 and 2."""

    def __init__(self, **site: object) -> None:
        self.site = Pages(documents={"/feed": document(2, 1)}, **site)  # type: ignore[arg-type]
        self.internet, self.store = Internet({"a.test": self.site}), MemoryStore()
        self.feed: str | Feed = FEED
        self.now = Calendar()

    async def polled(self, config: Config = OFTEN) -> Result:
        [result], _ = await run_virtual([self.feed], self.internet, self.store, config=config, now=self.now)
        return result

    async def polled_again(
        self, body: bytes, others: dict[str, bytes | Answer] | None = None, config: Config = OFTEN
    ) -> Result:
        """The second poll, which finds `body`, and `others` elsewhere."""
        await self.polled(config)
        self.now.forward(seconds=3600)
        self.internet.requests.clear()
        self.site.documents |= {"/feed": body} | (others or {})
        return await self.polled(config)

    @property
    def targets(self) -> list[str]:
        return [f"{request.name}{request.target}" for request in self.internet.requests]

    async def gaps(self) -> list[bool]:
        """What is remembered of each poll: whether there was a gap before it that stayed open."""
        [history] = (await self.store.read_history(list(self.store.feeds))).values()
        assert history.gaps == sum(poll.gap for poll in history.recent)
        return [poll.gap for poll in history.recent]

    @property
    def keys(self) -> list[int]:
        return sorted(int(key) for entries in self.store.entries.values() for key in entries)


@pytest.fixture
def scene(autojump_clock: MockClock) -> Scene:
    return Scene()


async def cancelled(scrape: Scrape, after: float) -> None:
    await trio.sleep(after)
    scrape.cancel()


class TestWhichPages:
    @pytest.mark.parametrize("relation", [ARCHIVE, NEXT])
    async def test_those_that_the_document_names(self, scene: Scene, relation: str) -> None:
        """RFC 5005, sections 3 and 4: each page names the one before it, relative to itself."""
        result = await scene.polled_again(
            document(8, 7, links={relation: "/old/2"}),
            {
                "/old/2": document(6, 5, links={relation: "1"}),
                "/old/1": document(4, 3, 2, links={relation: "0"}),
            },
        )

        assert scene.targets == ["a.test/feed", "a.test/old/2", "a.test/old/1"]
        assert scene.keys == [1, 2, 3, 4, 5, 6, 7, 8]
        assert (result.outcome, result.stored, result.gap) == (Outcome.UPDATED, True, False)
        assert (result.entries.new, result.entries.unchanged) == (6, 1)
        assert (result.pages, result.detail) == (2, "2 older pages fetched because of a gap")
        assert await scene.gaps() == [False, False]

    async def test_archives_come_first(self, scene: Scene) -> None:
        links = {NEXT: "/page", ARCHIVE: "/archive"}
        await scene.polled_again(document(9, 8, links=links), {"/archive": document(3, 2)})
        assert scene.targets == ["a.test/feed", "a.test/archive"]

    async def test_wordpress_has_them_unsaid(self, scene: Scene) -> None:
        scene.feed = f"{FEED}?cat=1"
        scene.site.documents["/feed?cat=1"] = document(2, 1)
        await scene.polled()
        scene.internet.requests.clear()
        scene.site.documents |= {
            "/feed?cat=1": document(8, 7, generator="https://wordpress.org/?v=6.7"),
            "/feed?cat=1&paged=2": document(6, 5),
            "/feed?cat=1&paged=3": document(4, 3, 2),
        }
        result = await scene.polled()

        assert scene.targets == [
            "a.test/feed?cat=1",
            "a.test/feed?cat=1&paged=2",
            "a.test/feed?cat=1&paged=3",
        ]
        assert scene.keys == [1, 2, 3, 4, 5, 6, 7, 8]
        assert not result.gap

    async def test_no_other_program_is_believed_to_have_them(self, scene: Scene) -> None:
        result = await scene.polled_again(document(8, 7, generator="Hugo"))
        assert scene.targets == ["a.test/feed"]
        assert (result.gap, result.detail) == (True, None)
        assert await scene.gaps() == [False, True]

    async def test_none_without_a_gap(self, scene: Scene) -> None:
        result = await scene.polled_again(document(3, 2, links={NEXT: "/page"}))
        assert scene.targets == ["a.test/feed"]
        assert (result.gap, result.detail) == (False, None)
        assert await scene.gaps() == [False, False]

    async def test_none_for_a_new_feed(self, scene: Scene) -> None:
        scene.site.documents["/feed"] = document(2, 1, links={ARCHIVE: "/archive"})
        assert not (await scene.polled()).gap
        assert scene.targets == ["a.test/feed"]

    async def test_none_where_ids_are_others_each_time(self, scene: Scene) -> None:
        """Its entries are as old as those that were known, and would be stored once more at each poll."""
        body = document(3, 2, 1, prefix="9", links={NEXT: "/page"})
        result = await scene.polled_again(body, {"/page": document(1, prefix="9")})
        assert scene.targets == ["a.test/feed"]
        assert result.gap
        assert await scene.gaps() == [False, True]

    async def test_in_a_watch_as_well(self, scene: Scene) -> None:
        results = []
        async with open_watch(
            [FEED],
            store=scene.store,
            polling=Polling(by_rhythm=False),
            resolver=scene.internet,
            connector=scene.internet.connect,
            parser=InlineParser(),
            now=scene.now,
        ) as watch:
            async for result in watch:
                results.append(result)
                if len(results) == 2:
                    break
                scene.site.documents = {
                    "/feed": document(8, 7, links={NEXT: "/page"}),
                    "/page": document(6, 5, 2),
                }
                scene.now.forward(seconds=1000)
        assert scene.keys == [1, 2, 5, 6, 7, 8]
        assert [result.entries.new for result in results] == [2, 4]


class TestHowMany:
    async def test_their_number_is_bounded(self, scene: Scene) -> None:
        pages = {f"/{n}": document(500 - n, links={NEXT: f"/{n + 1}"}) for n in range(1, 50)}
        result = await scene.polled_again(document(501, 500, links={NEXT: "/1"}), pages)

        assert scene.targets == ["a.test/feed", *(f"a.test/{n}" for n in range(1, MOST + 1))]
        assert len(scene.keys) == 2 + 2 + MOST
        assert result.gap

    async def test_a_page_that_repeats_the_one_before_does_not_close_the_gap(self, scene: Scene) -> None:
        """Something was published between the two requests, so they overlap."""
        result = await scene.polled_again(
            document(8, 7, links={NEXT: "/2"}),
            {"/2": document(7, 6, links={NEXT: "/3"}), "/3": document(6, 5, 2)},
        )
        assert scene.targets == ["a.test/feed", "a.test/2", "a.test/3"]
        assert scene.keys == [1, 2, 5, 6, 7, 8]
        assert not result.gap

    @pytest.mark.parametrize("paged", [document(8, 7, generator="WordPress"), document(7, 8), document()])
    async def test_a_server_without_pages_is_requested_one(self, scene: Scene, paged: bytes) -> None:
        result = await scene.polled_again(
            document(8, 7, generator="WordPress"), {"/feed?paged=2": paged, "/feed?paged=3": paged}
        )
        assert scene.targets == ["a.test/feed", "a.test/feed?paged=2"]
        assert result.gap

    @pytest.mark.parametrize("url", ["/feed", "/2", "mailto:a@a.test", "http://"])
    async def test_a_link_that_leads_nowhere_is_none(self, scene: Scene, url: str) -> None:
        page = document(6, 5, links={NEXT: url})
        await scene.polled_again(document(8, 7, links={NEXT: "/2"}), {"/2": page})
        assert scene.targets == ["a.test/feed", "a.test/2"]


class TestPoliteness:
    async def test_each_takes_its_turn_at_the_host(self, autojump_clock: MockClock) -> None:
        moments = []

        class Timed(Pages):
            def answer(self, request: Request) -> Answer:
                moments.append(trio.current_time())
                return super().answer(request)

        scene = Scene()
        scene.site = Timed(documents=scene.site.documents)
        scene.internet.sites = {"a.test": scene.site}
        pages = {f"/{n}": document(500 - n, links={NEXT: f"/{n + 1}"}) for n in range(1, 5)}
        config = Config(ignore_schedule=True, host_delay=3)
        await scene.polled_again(document(501, 500, links={NEXT: "/1"}), pages, config)
        assert len(moments) == 1 + 1 + 5  # the last one is missing
        assert all(later - earlier >= 3 for earlier, later in pairwise(moments[1:]))

    async def test_they_count_for_the_budget_of_a_watch(self, autojump_clock: MockClock) -> None:
        """One request in 100 s: after ten pages the next one is 1,100 s later at the earliest."""
        polled = []

        class Growing(Pages):
            def answer(self, request: Request) -> Answer:
                if request.target != "/feed":
                    return super().answer(request)
                polled.append(trio.current_time())
                return Answer(body=document(100 * len(polled) + 1, 100 * len(polled), links={NEXT: "/1"}))

        pages = {f"/{n}": document(90 - n, links={NEXT: f"/{n + 1}"}) for n in range(1, 20)}
        internet = Internet({"a.test": Growing(documents=pages)})
        began = Calendar()()
        async with open_watch(
            [FEED],
            store=MemoryStore(),
            polling=Polling(every=900, budget=0.01),
            config=Config(host_delay=0),
            resolver=internet,
            connector=internet.connect,
            parser=InlineParser(),
            now=lambda: began + timedelta(seconds=trio.current_time()),
        ) as watch:
            found = [await anext(watch) for _ in range(3)]
        assert [result.pages for result in found] == [0, MOST, 1]
        assert polled[1] - polled[0] <= 990
        assert polled[2] - polled[1] >= 1090

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (Answer(status=404), "http-404"),
            (Answer(status=410), "http-410"),
            (Answer(status=503, headers={"Retry-After": "7200"}), "http-503"),
            (Answer(status=429, headers={"Retry-After": "10"}), ""),
            (Answer(body=b"<html><body>Not here</body></html>"), "not-a-feed"),
            (Answer(body=bytes(99), breaks_after=5), "connection-lost"),
        ],
    )
    async def test_one_that_fails_costs_no_more_than_itself(
        self, scene: Scene, answer: Answer, reason: str
    ) -> None:
        result = await scene.polled_again(
            document(8, 7, links={NEXT: "/2"}), {"/2": document(6, links={NEXT: "/3"}), "/3": answer}
        )
        failed = f"http://a.test/3 failed{f': {reason}' if reason else ''}"
        assert result.detail == f"1 older page fetched because of a gap; {failed}"
        assert (result.outcome, result.stored, result.gap) == (Outcome.UPDATED, True, True)
        assert scene.keys == [1, 2, 6, 7, 8]
        [state] = scene.store.feeds.values()
        assert (state.failures, state.gone, state.failure) == (0, None, None)

    async def test_one_that_is_cancelled_leaves_the_poll_and_its_gap(self, scene: Scene) -> None:
        slow = Answer(body=document(3, 2), first_byte=60)
        with trio.move_on_after(5) as cancelled:
            await scene.polled_again(document(8, 7, links={NEXT: "/2"}), {"/2": slow})
        assert cancelled.cancelled_caught
        assert scene.keys == [1, 2, 7, 8]
        assert await scene.gaps() == [False, True]

    async def test_one_that_is_cancelled_leaves_the_result_of_the_document(self, scene: Scene) -> None:
        await scene.polled()
        slow = Answer(body=document(3, 2), first_byte=60)
        scene.site.documents |= {"/feed": document(8, 7, links={NEXT: "/2"}), "/2": slow}
        opened = open_virtual([FEED], scene.internet, scene.store, config=OFTEN, now=scene.now)
        async with opened as scrape, trio.open_nursery() as nursery:
            nursery.start_soon(cancelled, scrape, 5)
            [result] = [result async for result in scrape]
        assert (result.outcome, result.stored, result.gap) == (Outcome.UPDATED, True, True)
        assert (result.entries.new, scrape.report().entries.new) == (2, 2)


class TestAddresses:
    """A link is followed where a redirect is."""

    async def test_a_public_server_leads_to_no_private_address(self, autojump_clock: MockClock) -> None:
        scene = Scene(addresses=["93.184.215.14"])
        result = await scene.polled_again(document(9, 8, links={NEXT: "http://127.0.0.1/2"}))
        assert "127.0.0.1" not in {address for address, _ in scene.internet.connects}
        assert result.detail is not None
        assert result.detail.endswith("http://127.0.0.1/2 failed: blocked-address")

    async def test_a_server_at_home_has_its_pages_there(self, autojump_clock: MockClock) -> None:
        scene = Scene(addresses=["10.0.0.7"])
        result = await scene.polled_again(document(9, 8, links={NEXT: "/2"}), {"/2": document(3, 2)})
        assert not result.gap

    async def test_credentials_stay_with_their_server(self, scene: Scene) -> None:
        scene.feed = Feed("http://me:secret@a.test/feed")
        other = Pages(documents={"/3": document(5, 2)})
        scene.internet.sites = {"a.test": scene.site, "b.test": other}
        await scene.polled_again(
            document(9, 8, links={NEXT: "/2"}), {"/2": document(7, links={NEXT: "http://b.test/3"})}
        )
        sent = ["authorization" in request.headers for request in scene.internet.requests]
        assert (scene.targets, sent) == (["a.test/feed", "a.test/2", "b.test/3"], [True, True, False])
