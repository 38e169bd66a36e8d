"""Which feed goes next."""

from collections.abc import Iterator

from trioscrape import Duplicate, Feed
from trioscrape._admission import Candidate, FeedSource, HostQueue


def candidate(host: str, number: int = 0) -> Candidate:
    return Candidate(Feed(f"http://{host}/{number}"), f"{number:032x}", host)


def started(queue: HostQueue) -> list[str]:
    found = []
    while (taken := queue.start()) is not None:
        found.append(taken.feed.url.removeprefix("http://"))
    return found


def test_hosts_take_turns() -> None:
    queue = HostQueue(per_host=2)
    for host in "aaabbc":
        queue.put(candidate(host))

    assert [url[0] for url in started(queue)] == ["a", "b", "c", "a", "b"]
    assert len(queue) == 1


def test_a_busy_host_is_passed_over_until_it_has_a_slot() -> None:
    queue = HostQueue(per_host=1)
    for number in range(3):
        queue.put(candidate("big", number))
    assert started(queue) == ["big/0"]
    queue.put(candidate("small"))
    assert started(queue) == ["small/0"]

    queue.finished("big")
    assert started(queue) == ["big/1"]
    queue.finished("small")
    assert started(queue) == []
    queue.finished("big")
    assert started(queue) == ["big/2"]
    queue.finished("big")
    queue.put(candidate("big", 9))
    assert started(queue) == ["big/9"]


def test_it_reads_no_further_than_asked() -> None:
    read = []

    def feeds() -> Iterator[str]:
        for number in range(100):
            read.append(number)
            yield f"http://a.test/{number}"

    source = FeedSource(feeds())

    assert len(source.take(10)) == 10
    assert len(read) == 10
    assert source.count_rest() == 90
    assert source.take(10) == []


def test_a_feed_that_comes_twice_is_one() -> None:
    source = FeedSource(
        [
            Feed("http://a.test/", line=3),
            Feed("HTTP://A.test:80/#x", line=5),
            "http://b.test/",
            Feed("http://b.test/", line=9),
        ]
    )

    assert [taken.feed.url for taken in source.take(10)] == ["http://a.test/", "http://b.test/"]
    assert source.duplicates == 2
    assert source.duplicate_examples == [
        Duplicate(Feed("HTTP://A.test:80/#x", line=5), 3),
        Duplicate(Feed("http://b.test/", line=9), None),
    ]


def test_no_url_is_no_duplicate_of_another() -> None:
    source = FeedSource(["nonsense", "nonsense"])

    assert [bool(taken.problem) for taken in source.take(10)] == [True, True]
