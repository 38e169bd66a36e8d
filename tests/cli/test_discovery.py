"""Which URLs are shown to be one feed, and which are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from trioscrape import Config, Feed, ResourceError, open_scrape
from trioscrape._cli.discover import _text
from trioscrape._cli.discovery import Discovered, discover
from trioscrape._cli.feed_list import open_feed_list
from trioscrape.testing import Answer, InlineParser, Internet, Request, Site, run_in_virtual_time

from support.scenarios import rss


def looked_at(sites: dict[str, Site], *listed: str | Feed) -> Discovered:
    """What becomes of a list."""
    internet = Internet(sites)
    fakes = {"resolver": internet, "connector": internet.connect, "parser": InlineParser()}

    def scraping(feeds, store):  # type: ignore[no-untyped-def]
        return open_scrape(feeds, store=store, config=Config(), **fakes)

    lines = [Feed(each, line=n) if isinstance(each, str) else each for n, each in enumerate(listed, 1)]
    return run_in_virtual_time(lambda: discover(lines, scraping, lambda: None))


def kept(found: Discovered) -> list[str]:
    return [look.feed.url for look in found.looks]


def page(*feeds: str) -> bytes:
    links = "".join(f'<link rel="alternate" type="application/rss+xml" href="{url}">' for url in feeds)
    return f"<!doctype html><html><head>{links}</head></html>".encode()


def test_other_entries_are_another_feed() -> None:
    """Whatever URLs and self links say."""
    own = b'<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="self" href="http://a.test/feed"/>'
    one, other = (
        rss("1").replace(b"<item>", own + b"<item>", 1),
        rss("2").replace(b"<item>", own + b"<item>", 1),
    )
    urls = ["http://a.test/feed", "http://www.a.test/feed", "http://b.test/feed"]

    found = looked_at(
        {"a.test": Site(body=one), "www.a.test": Site(body=other), "b.test": Site(body=other)}, *urls
    )

    assert kept(found) == urls[:2]
    assert found.others == [(Feed(urls[2], line=3), "the same feed as http://www.a.test/feed")]


@pytest.mark.parametrize("given", [Site(status=302, headers={"Location": "http://a.test/feed"}), None])
def test_a_copy_or_a_redirect_does_not_take_the_place_of_a_feed(given: Site | None) -> None:
    """Its line may well be the first one."""
    own = b'<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="self" href="http://a.test/feed"/>'
    body = rss("1").replace(b"<item>", own + b"<item>", 1)
    urls = ["http://copy.test/", "http://z.test/", "http://a.test/feed"]

    found = looked_at(
        {"copy.test": given or Site(body=body), "a.test": Site(body=body), "z.test": Site(body=rss("z"))},
        *urls,
    )

    assert kept(found) == urls[1:]
    assert found.others == [(Feed(urls[0], line=1), "the same feed as http://a.test/feed")]


def test_a_copy_in_the_list_does_not_take_the_place_of_a_feed_that_a_page_names() -> None:
    own = b'<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="self" href="http://a.test/feed"/>'
    body = rss("1").replace(b"<item>", own + b"<item>", 1)
    sites = {"copy.test": Site(body=body), "a.test": Site(body=body)}
    sites["page.test"] = Site(body=page("http://a.test/feed"))

    assert "http://a.test/feed" in kept(looked_at(sites, "http://copy.test/", "http://page.test/"))


def test_two_that_name_a_third_one_both_stay() -> None:
    """Either may be a copy of the other."""
    own = b'<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="self" href="http://third.test/"/>'
    site = Site(body=rss("1").replace(b"<item>", own + b"<item>", 1))

    assert len(kept(looked_at({"a.test": site, "b.test": site}, "http://a.test/", "http://b.test/"))) == 2


def test_the_same_entries_are_not_enough() -> None:
    found = looked_at(
        {"a.test": Site(body=rss("1")), "b.test": Site(body=rss("1"))}, "http://a.test/", "http://b.test/"
    )

    assert kept(found) == ["http://a.test/", "http://b.test/"]


def test_feeds_without_entries_show_nothing() -> None:
    urls = ["http://a.test/", "http://www.a.test/"]

    found = looked_at({"a.test": Site(body=rss()), "www.a.test": Site(body=rss())}, *urls)

    assert kept(found) == urls


def test_redirects_to_one_url_are_enough() -> None:
    moved = Site(status=302, headers={"Location": "http://b.test/feed"})

    found = looked_at(
        {"a.test": moved, "b.test": Site(body=rss()), "c.test": moved}, "http://a.test/", "http://c.test/"
    )

    assert kept(found) == ["http://a.test/"]


def test_a_page_and_its_feed_in_the_list() -> None:
    """What a line has itself comes first, wherever it is."""
    found = looked_at(
        {"a.test": Site(body=page("http://b.test/feed")), "b.test": Site(body=rss("1"))},
        "http://a.test/",
        "http://b.test/feed",
    )

    assert kept(found) == ["http://b.test/feed"]
    assert [words for _, words in found.others] == ["an HTML page that links to http://b.test/feed"]
    assert (found.pages, found.found, found.duplicates) == (1, 0, 0)


def test_all_feeds_of_a_page_in_its_place() -> None:
    """One that is the same in another format is not taken; one that fails is said."""
    links = ("http://a.test/rss", "http://www.a.test/rss", "http://c.test/rss", "http://gone.test/rss")
    sites = {
        "a.test": Site(body=rss("1")),
        "www.a.test": Site(body=rss("1")),
        "c.test": Site(body=rss("2")),
        "gone.test": Site(status=404),
        "page.test": Site(body=page(*links)),
        "z.test": Site(body=rss("3")),
    }

    found = looked_at(sites, "http://z.test/1", "http://page.test/", "http://z.test/2")

    assert kept(found) == ["http://z.test/1", "http://a.test/rss", "http://c.test/rss", "http://z.test/2"]
    assert [words for _, words in found.others] == [
        "an HTML page that links to http://a.test/rss, http://www.a.test/rss (in the new list as http://a.test/rss),"
        " http://c.test/rss, http://gone.test/rss (left out: http-404)"
    ]
    assert str(found) == "3 lines: 4 feeds, 2 of them found on 1 page"


def test_a_page_that_names_no_feed_that_is_one() -> None:
    sites = {"a.test": Site(body=page("http://b.test/")), "b.test": Site(body=page("http://c.test/"))}

    found = looked_at(sites, "http://a.test/")

    assert (kept(found), found.without) == ([], 1)
    assert [words for _, words in found.others] == [
        "an HTML page that links to http://b.test/ (left out: an HTML page)"
    ]


@pytest.mark.parametrize("count", [1, 60])
def test_a_page_with_very_many_feeds(count: int) -> None:
    sites = {f"{number}.test": Site(body=rss(str(number))) for number in range(count)}
    sites["page.test"] = Site(body=page(*(f"http://{number}.test/" for number in range(count))))

    found = looked_at(sites, "http://page.test/")

    assert found.found == min(count, 50)


def test_without_a_network_there_is_no_list() -> None:
    """Nobody wants to lose all lines because the cable is out."""
    with pytest.raises(ResourceError, match="there is no network"):
        looked_at({}, *(f"http://{number}.test/" for number in range(6)))


def test_the_transcript_in_the_readme() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    transcript = readme.partition("$ cat sites.txt\n")[2].partition("```")[0]
    listed, _, shown = transcript.partition(
        "$ trioscrape discover sites.txt -o feeds.txt\nLooking at 4 lines\n"
    )

    class Example(Site):
        def answer(self, request: Request) -> Answer:
            self.body = rss("1") if request.target == "/feed.xml" else page("/feed.xml")
            return super().answer(request)

    sites = {"example.org": Example(), "www.example.org": Example(), "nothing.example": Site(body=page())}
    Path("sites.txt").write_text(listed)
    with open_feed_list("sites.txt") as lines:
        found = looked_at(sites, *lines)

    written = "".join(f"{line}\n" for line in found.told())
    assert shown == f"{written}$ cat feeds.txt\n{_text(found.looks)}"
