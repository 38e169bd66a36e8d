"""What documents mean: sample documents beside the records that are expected of them."""

from __future__ import annotations

import gzip
import os
import runpy
import socket
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trioscrape._errors import FeedFailed
from trioscrape._parse import FeedDocument, parse_document
from trioscrape._records import Entry, FeedTimers, ParsedFeed

FEEDS = Path(__file__).with_name("feeds")
SAMPLES = sorted({*FEEDS.iterdir()} - {*FEEDS.glob("*.py"), *FEEDS.glob("__pycache__")})
URL = "http://feeds.test/dir/feed.xml"
EMPTY = ParsedFeed(None, None, (), parser="")


def parse(body: bytes | str, content_type: str | None = None, url: str = URL) -> ParsedFeed:
    return parse_document(FeedDocument(body.encode() if isinstance(body, str) else body, url, content_type))


def item(inner: str) -> Entry:
    (entry,) = parse(f"<rss version='2.0'><channel><item>{inner}</item></channel></rss>").entries
    return entry


def reason(body: bytes | str) -> tuple[str, str]:
    with pytest.raises(FeedFailed) as caught:
        parse(body)
    return caught.value.reason, caught.value.detail


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_document_gives_the_records_beside_it(sample: Path) -> None:
    expected = runpy.run_path(str(sample.with_suffix(".expected.py")))["expected"]

    feed = parse(sample.read_bytes())

    assert all(entry.hash for entry in feed.entries)
    assert replace(feed, entries=tuple(replace(e, hash="") for e in feed.entries)) == expected
    assert feed == parse(sample.read_bytes())


PACKED = gzip.compress(b"<rss version='2.0'><channel><item><title>A</title></item></channel></rss>")


@pytest.mark.parametrize(
    "body",
    [
        PACKED,
        PACKED[:-8],
        PACKED[:-3],
        PACKED[:-8] + bytes(8),
        PACKED[:-4] + bytes(4),
        PACKED + b"appended",
        PACKED[:3] + b"\x08" + PACKED[4:10] + b"feed.xml\0" + PACKED[10:],
    ],
    ids=["whole", "no trailer", "part of a trailer", "checksum", "length", "more", "with its name"],
)
def test_a_gzip_file_counts_by_its_compressed_data(body: bytes) -> None:
    """Sent as it is, without Content-Encoding."""
    assert [entry.title for entry in parse(body).entries] == ["A"]


@pytest.mark.parametrize("body", [PACKED[:9], PACKED[:10] + b"\xff" * 9, PACKED[:3] + b"\xe0" + PACKED[4:]])
def test_what_is_none_is_no_feed(body: bytes) -> None:
    assert reason(body)[0] == "not-a-feed"


def test_an_empty_feed_is_a_feed() -> None:
    assert replace(parse("<rss version='2.0'><channel/></rss>"), parser="") == EMPTY
    assert replace(parse("<feed xmlns='http://www.w3.org/2005/Atom'/>"), parser="") == EMPTY


@pytest.mark.parametrize("declared", ["", "xmlns:atom=' http://www.w3.org/2005/Atom'"])
def test_an_empty_feed_whose_namespaces_are_missing_or_wrong_is_one_as_well(declared: str) -> None:
    inner = "<atom:link href='http://b.test/'/>"
    body = f"<rss version='2.0' {declared}><channel>{inner}</channel></rss>".encode()

    feed = parse_document(FeedDocument(body, URL))

    assert (feed.link, feed.title, feed.entries, feed.parser) == ("http://b.test/", None, (), "first-pass")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "empty"),
        (b" \n\t ", "empty"),
        (b"<!DOCTYPE html><html><head><title>404</title></head></html>", "HTML page"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><!-- x --><HTML lang=en><p>Hi", "HTML page"),
        (b"<!doctype html><html><ul><item>one</item><entry>two</entry></ul></html>", "HTML page"),
        (b"just some text", "no feed element"),
        (b"<opml version='1.0'><body><outline xmlUrl='http://a.test/'/></body></opml>", "no feed element"),
        (b"<urlset><url><loc>http://a.test/</loc></url></urlset>", "no feed element"),
        (b"how to write <rss> & more", "no feed element"),
        (bytes(range(256)) * 50, "no feed element"),
        (b"\x00" * 5000, "no feed element"),
        (b"\x89PNG\r\n\x1a\n" + os.urandom(2000), "no feed element"),
        (b"\x1f\x8b\x08\x00garbage", "no feed element"),
    ],
)
def test_what_is_no_feed_is_told_so(body: bytes, detail: str) -> None:
    why, words = reason(body)

    assert why == "not-a-feed"
    assert detail in words


@pytest.mark.parametrize("name", ["url", "file URL", "path"])
def test_a_body_that_looks_like_a_url_or_a_path_opens_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*args: object) -> object:
        raise AssertionError(f"connects to {args}")

    monkeypatch.setattr(socket, "create_connection", forbidden)
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    secret = tmp_path / "secret.xml"
    secret.write_bytes((FEEDS / "rss20.xml").read_bytes())
    body = {"url": "http://127.0.0.1:1/feed", "file URL": secret.as_uri(), "path": str(secret)}[name]

    assert reason(body)[0] == "not-a-feed"


def test_an_external_entity_is_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret")

    feed = parse(
        f"<!DOCTYPE rss [<!ENTITY x SYSTEM '{secret.as_uri()}'>]>"
        "<rss version='2.0'><channel><title>t</title><item><title>a&x;b</title></item></channel></rss>"
    )

    assert "secret" not in str(feed)


def test_a_failure_of_the_parser_itself_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr("feedparser.parse", broken)

    assert reason("<rss>") == ("parse-crash", "RecursionError: too deep")


@pytest.mark.parametrize(
    ("encoding", "declared", "content_type"),
    [
        ("utf-8", None, None),
        ("utf-8-sig", "utf-8", None),
        ("utf-16", "utf-16", None),
        ("utf-16-le", None, "application/xml; charset=utf-16-le"),
        ("utf-32", "utf-32", None),
        ("windows-1252", "windows-1252", "application/rss+xml"),
        ("koi8-r", "utf-8", "application/xml; charset=koi8-r"),
        ("utf-8", None, "text/html"),
        ("utf-8", "no-such-charset", None),
    ],
)
def test_charsets(encoding: str, declared: str | None, content_type: str | None) -> None:
    word = "Жук" if encoding == "koi8-r" else "Käfer"
    declaration = f"<?xml version='1.0' encoding='{declared}'?>" if declared else "<?xml version='1.0'?>"
    text = f"{declaration}<rss version='2.0'><channel><title>{word}</title></channel></rss>"

    feed = parse(text.encode(encoding), content_type)

    assert replace(feed, parser="") == replace(EMPTY, title=word)


@pytest.mark.parametrize("reference", ["&#xD800;", "&#xdfff;", "&#1114112;", "&#x110000;", f"&#{'9' * 60};"])
def test_a_reference_to_no_character_costs_only_that_character(reference: str) -> None:
    feed = parse(f"<rss version='2.0'><channel><item><title>a{reference} & b</title></item></channel></rss>")

    assert feed.repaired
    assert feed.entries[0].title == "a� & b"


@pytest.mark.parametrize(
    "name", ["authors", "links", "tags", "title_detail", "summary_detail", "published_parsed"]
)
@pytest.mark.parametrize("written", ["<{0}>a, b</{0}>", "<{0} x='1'>a</{0}>", "<{0} x='1'/>"])
def test_an_unknown_element_in_a_place_of_feedparsers_own_costs_nothing_else(name: str, written: str) -> None:
    element = written.format(name)
    feed = parse(
        f"<rss><channel><title>T</title>{element}<item><title>x</title>{element}</item></channel></rss>"
    )

    assert (feed.title, [entry.title for entry in feed.entries]) == ("T", ["x"])


def test_content_alone_is_not_repeated_as_the_summary() -> None:
    encoded = "<content:encoded xmlns:content='http://purl.org/rss/1.0/modules/content/'>&lt;p>x&lt;/p></content:encoded>"
    entry = item(encoded)

    assert (entry.content, entry.summary) == ("<p>x</p>", None)


def test_a_summary_that_is_the_content_is_not_repeated() -> None:
    entry = item(
        "<description>x</description>"
        "<content:encoded xmlns:content='http://purl.org/rss/1.0/modules/content/'>x</content:encoded>"
    )

    assert (entry.content, entry.summary, entry.summary_type) == ("x", None, None)


def test_html_content_is_preferred_and_pictures_are_no_content() -> None:
    feed = parse(
        "<feed xmlns='http://www.w3.org/2005/Atom'>"
        "<entry><id>1</id><content type='text'>a &lt; b</content>"
        "<content type='html'>&lt;p>a&lt;/p></content></entry>"
        "<entry><id>2</id><content type='text'>a &lt; b</content></entry>"
        "<entry><id>3</id><content type='image/png'>iVBORw0KGgo=</content></entry></feed>"
    )

    assert [(entry.content, entry.content_type) for entry in feed.entries] == [
        ("<p>a</p>", "html"),
        ("a < b", "text"),
        (None, None),
    ]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Mon, 06 Sep 2010 00:01:00 +0200", datetime(2010, 9, 5, 22, 1, tzinfo=UTC)),
        ("2010-09-06", datetime(2010, 9, 6, tzinfo=UTC)),
        ("Thu, 01 Jan 1960 00:00:00 GMT", datetime(1960, 1, 1, tzinfo=UTC)),
        ("0000-00-00T00:00:00Z", None),
        ("9999-12-31T23:59:59-12:00", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates_are_aware_and_in_utc_or_none(text: str, moment: datetime | None) -> None:
    entry = item(f"<title>t</title><pubDate>{text}</pubDate>")

    assert entry.published == moment
    assert entry.updated is None


def test_what_a_feed_says_of_itself() -> None:
    feed = parse(
        "<rss version='2.0' xmlns:atom='http://www.w3.org/2005/Atom'><channel>"
        "<title>T</title><link>/</link><description>On &lt;b>beetles&lt;/b></description>"
        "<language>en_gb</language><lastBuildDate>Mon, 06 Sep 2010 00:01:00 GMT</lastBuildDate>"
        "<atom:link rel='self' href='self.xml'/><atom:link rel='hub' href='http://hub.test/'/>"
        "</channel></rss>"
    )

    assert (feed.title, feed.link, feed.subtitle) == ("T", "http://feeds.test/", "On beetles")
    assert (feed.language, feed.updated) == ("en-gb", datetime(2010, 9, 6, 0, 1, tzinfo=UTC))
    assert (feed.self_link, feed.hub) == ("http://feeds.test/dir/self.xml", "http://hub.test/")


@pytest.mark.parametrize("language", ["", " ", "e n", "x" * 36, "<b>"])
def test_a_language_that_is_no_language_tag_is_left_out(language: str) -> None:
    feed = parse(f"<rss version='2.0'><channel><language><![CDATA[{language}]]></language></channel></rss>")

    assert feed.language is None


def test_an_entry_has_its_language_where_it_is_not_the_feeds() -> None:
    feed = parse(
        "<feed xmlns='http://www.w3.org/2005/Atom' xml:lang='en'>"
        "<entry><id>1</id><title>a</title></entry>"
        "<entry xml:lang='de'><id>2</id><title>b</title></entry>"
        "<entry><id>3</id><title>c</title><summary xml:lang='fr'>d</summary></entry></feed>"
    )

    assert feed.language == "en"
    assert [entry.language for entry in feed.entries] == [None, "de", "fr"]


SYNDICATION = "xmlns:sy='http://purl.org/rss/1.0/modules/syndication/'"


@pytest.mark.parametrize(
    ("elements", "timers"),
    [
        ("", FeedTimers()),
        ("<ttl> 90 </ttl>", FeedTimers(every=5400)),
        ("<ttl>0</ttl>", FeedTimers()),
        ("<ttl>-5</ttl>", FeedTimers()),
        ("<ttl>often</ttl>", FeedTimers()),
        ("<ttl unit='minutes'>90</ttl>", FeedTimers(every=5400)),
        ("<ttl>" + "9" * 5000 + "</ttl>", FeedTimers(every=7 * 86400)),
        ("<sy:updatePeriod>\n Hourly </sy:updatePeriod>", FeedTimers(every=3600)),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>",
         FeedTimers(every=6 * 3600)),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>",
         FeedTimers(every=86400)),
        ("<sy:updatePeriod>yearly</sy:updatePeriod>", FeedTimers(every=7 * 86400)),
        ("<sy:updatePeriod>never</sy:updatePeriod>", FeedTimers()),
        ("<ttl>120</ttl><sy:updatePeriod>hourly</sy:updatePeriod>", FeedTimers(every=7200)),
        ("<skipHours><hour>3</hour>\n<hour> 24 </hour><hour>25</hour><hour>x</hour></skipHours>",
         FeedTimers(skip_hours=(0, 3))),
        ("<skipDays><day>Sunday</day><day>MONDAY</day><day>Caturday</day></skipDays>",
         FeedTimers(skip_days=(0, 6))),
        ("<description>&lt;skipHours>&lt;hour>1&lt;/hour>&lt;/skipHours></description>", FeedTimers()),
        ("<item><title>x</title><skipHours><hour>1</hour></skipHours></item>", FeedTimers()),
    ],
)  # fmt: skip
def test_how_often_it_wants_to_be_fetched(elements: str, timers: FeedTimers) -> None:
    found = parse(f"<rss version='2.0' {SYNDICATION}><channel><title>T</title>{elements}</channel></rss>")

    assert found.timers == timers
