"""The feed list as candidates."""

from collections.abc import Iterator

from trioscrape import DuplicateFeed, Feed
from trioscrape._run.candidates import FeedSource


async def test_it_reads_no_further_than_asked() -> None:
    read = []

    def feeds() -> Iterator[str]:
        for number in range(100):
            read.append(number)
            yield f"http://a.test/{number}"

    source = FeedSource(feeds())

    assert len(await source.take(10)) == 10
    assert len(read) == 10
    source.take_rest()
    assert source.taken == 100
    assert await source.take(10) == []


async def test_a_feed_that_comes_twice_is_one() -> None:
    source = FeedSource(
        [
            Feed("http://a.test/", line=3),
            Feed("HTTP://A.test:80/#x", line=5),
            "http://b.test/",
            Feed("http://b.test/", line=9),
        ]
    )

    assert [taken.feed.url for taken in await source.take(10)] == ["http://a.test/", "http://b.test/"]
    assert source.duplicates == 2
    assert source.duplicate_examples == [
        DuplicateFeed(Feed("HTTP://A.test:80/#x", line=5), 3),
        DuplicateFeed(Feed("http://b.test/", line=9), None),
    ]


async def test_no_url_is_no_duplicate_of_another() -> None:
    source = FeedSource(["nonsense", "nonsense"])

    assert [bool(taken.problem) for taken in await source.take(10)] == [True, True]


async def test_a_host_queues_under_the_name_that_goes_over_the_wire() -> None:
    """Queued under another one, its whole backlog would be let in at once."""
    (candidate,) = await FeedSource(["http://BÜCHER.example/feed"]).take(1)

    assert candidate.host == "xn--bcher-kva.example"
