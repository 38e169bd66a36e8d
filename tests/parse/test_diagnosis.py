"""Documents that are no feed: what they are instead, and which feeds a page names."""

from __future__ import annotations

import pytest

from trioscrape._errors import FeedFailed
from trioscrape._parse import FeedDocument, parse_document

URL = "http://a.test/dir/page"
BROKEN = ("malformed", "nothing could be recovered of a broken feed")
NONE = ("not-a-feed", "no feed element was found in the document")
PAGE = ("not-a-feed", "the document is an HTML page")


def end(body: bytes | str) -> tuple[str, str]:
    with pytest.raises(FeedFailed) as caught:
        parse_document(FeedDocument(body.encode() if isinstance(body, str) else body, URL))
    return caught.value.reason, caught.value.detail


def feeds(*head: str, page: str = "<!doctype html><html><head>{}</head><body>Hi</body></html>") -> str:
    """What the detail says beyond that the document is a page."""
    reason, detail = end(page.format("".join(head)))
    assert (reason, detail[: len(PAGE[1])]) == PAGE
    return detail[len(PAGE[1]) :]


def link(href: str, kind: str = "application/rss+xml", rel: str = "alternate") -> str:
    return f'<link rel="{rel}" type="{kind}" href="{href}">'


@pytest.mark.parametrize(
    "body",
    [
        "<rss",
        "<rss version='2.0'><channel>",
        "<?xml version='1.0'?><!DOCTYPE rss SYSTEM 'x.dtd'><!-- x --><rss version='2.0'><channel><item",
        "<feed xmlns='http://www.w3.org/2005/Atom'><entry",
        "<atom:feed xmlns:atom='http://www.w3.org/2005/Atom'><atom:tit",
        "<rdf:RDF",
        "\ufeff<rss version=",
        '{"version": "https://jsonfeed.org/version/1.1", "items": [',
        "<rss version='2.0'><channel>".encode("utf-16"),
        "<rss version='2.0'><channel>".encode("utf-32"),
        f"<rss version='2.0'><channel>{link('http://b.test/')}",
    ],
)
def test_what_meant_to_be_a_feed_is_malformed(body: str | bytes) -> None:
    assert end(body) == BROKEN


def test_an_end_tag_outside_of_its_item_costs_nothing() -> None:
    body = b"<rss version='2.0'><channel><item><category>a</item></category></channel>"

    (entry,) = parse_document(FeedDocument(body, URL)).entries

    assert entry.tags == ("a",)


@pytest.mark.parametrize(
    "body",
    [
        "how to write <rss> & more",
        "<?xml version='1.0'?><sitemap><rss/>",
        '{"version": 1',
        "<!DOCTYPE rss [",
        "<!--" * 10_000,
        "<?a?>" * 10_000,  # exponentially many ways to read it
        "<![" * 10_000,
        "\0" * 10_000,
        "<?xml encoding='\0'?>".encode("cp037"),
    ],
)
def test_what_did_not_is_no_feed(body: str | bytes) -> None:
    assert end(body) == NONE


def test_a_page_is_told_from_a_feed_by_its_first_element() -> None:
    assert end("<!doctype html><p>") == PAGE
    assert end("<!-- c --><HTML><rss") == PAGE
    assert end(b"<html>".decode().encode("utf-16")) == PAGE
    assert (
        parse_document(FeedDocument(b"<rss version='2.0'><channel><html/></channel></rss>", URL)).entries
        == ()
    )


def test_the_feeds_of_a_page_are_named() -> None:
    assert (
        feeds(
            link("/rss.xml"),
            link("atom.xml", "Application/Atom+XML; charset=utf-8", "home ALTERNATE"),
            link("//b.test/feed.json", "application/feed+json"),
        )
        == "; its feeds: http://a.test/rss.xml, http://a.test/dir/atom.xml, http://b.test/feed.json"
    )


def test_at_most_three_are_named_each_once() -> None:
    assert feeds(*[link("1"), link("2"), link("1"), link("3")]).count("http") == 3
    assert feeds(*[link(str(number)) for number in range(9)]).endswith("http://a.test/dir/2 and 6 more")


def test_links_are_relative_to_the_first_base() -> None:
    assert feeds("<base target=x>", "<base href='/b/'>", "<base href='/c/'>", link("f")) == (
        "; its feeds: http://a.test/b/f"
    )
    assert feeds(link("f"), "<base href='http://b.test'>") == "; its feeds: http://b.test/f"


@pytest.mark.parametrize(
    "other",
    [
        link("x", rel="stylesheet"),
        link("x", "text/html"),
        link("x", "application/json"),
        link(""),
        link("javascript:steal()"),
        link("file:///etc/passwd"),
        link("http://[/"),
        link("x" * 1000),
        "<a rel=alternate type=application/rss+xml href=x>",
        f"<!-- {link('x')} -->",
    ],
)
def test_other_links_are_not(other: str) -> None:
    assert feeds(other) == ""
    assert feeds(other, link("y")) == "; its feeds: http://a.test/dir/y"


def test_a_page_is_known_by_its_feeds_where_it_does_not_begin_as_one() -> None:
    assert feeds(link("f"), page="<head>{}") == "; its feeds: http://a.test/dir/f"


def test_credentials_are_not_repeated() -> None:
    assert feeds(link("http://me:secret@b.test/f")) == "; its feeds: http://b.test/f"


@pytest.mark.parametrize("charset", ["utf-16", "utf-8-sig", "latin-1"])
def test_pages_in_other_charsets(charset: str) -> None:
    page = f"<!doctype html><html><meta charset={charset}><title>Käfer</title>{link('f')}"

    assert end(page.encode(charset)) == (PAGE[0], f"{PAGE[1]}; its feeds: http://a.test/dir/f")


@pytest.mark.heavy
def test_a_page_that_never_ends_is_not_read_to_its_end() -> None:
    assert feeds("<div>" * 100_000, link("f")) == ""
    assert feeds("<a " * 90_000, "<link rel=alternate type=application/rss+xml href=" * 10_000) == ""
