"""The first pass and its short cuts, against what they stand for, on input made at random."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from html import unescape
from io import BytesIO
from random import Random
from urllib.parse import urljoin

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trioscrape._parse import FeedDocument
from trioscrape._parse._fast import Unsupported, read_wellformed
from trioscrape._parse.draft import finished
from trioscrape._parse.feedparser_private import join_url
from trioscrape._parse.feedparser_reader import _feedparser, _not_wellformed, draft_of, read_anything
from trioscrape._parse.html import _BARE, _cleaner, is_plain_link, one_line, plain, sanitised
from trioscrape._parse.records import parsed_feed

from support.random_feeds import random_feed

CONTENT_TYPES = ("application/rss+xml", "text/xml", "text/html; charset=utf-8", "text/xml; charset=latin-1")
URLS = ("http://feeds.test/dir/feed.xml", "https://f.test", "http://f.test/a/../b?x#")


@pytest.mark.filterwarnings("ignore::DeprecationWarning:feedparser")
def test_it_says_of_random_feeds_what_feedparser_says() -> None:
    """200,000 of them found all the differences that feedparser's tests and real feeds had not shown."""
    taken = 0
    for seed in range(1200):
        random = Random(seed)
        body = f"<?xml version='1.0' encoding='utf-8'?>{random_feed(random)}".encode()
        document = FeedDocument(body, random.choice(URLS))
        with suppress(Unsupported):
            first = parsed_feed(finished(read_wellformed(document)), document)
            second = parsed_feed(finished(read_anything(document)), document)
            assert first == replace(second, parser="first-pass"), body
            taken += 1

    assert taken > 300


def test_a_type_is_guessed_before_a_charset_is_repaired() -> None:
    """UTF-8 that does not say so is Latin-1 to feedparser at first: "<â" is a tag that it does not know."""
    body = "<rss version='2.0'><channel><title>1 &lt;… &amp;#39;</title></channel></rss>".encode()
    document = FeedDocument(body, URLS[0])

    first, second = read_wellformed(document).title, read_anything(document).title

    assert first is not None
    assert second is not None
    assert first[:2] == second[:2] == ("1 <… &#39;", "text/plain")


def test_an_empty_declaration_declares_nothing() -> None:
    """libxml2 has it among those of the root, and so one of another element was taken for the root's."""
    body = b"<feed xmlns=''><title>&lt;b>x&lt;/b></title><x xmlns='http://purl.org/rss/1.0/'/></feed>"
    document = FeedDocument(body, URLS[0])

    assert parsed_feed(finished(read_wellformed(document)), document).title == "<b>x</b>"
    assert parsed_feed(finished(read_anything(document)), document).title == "<b>x</b>"


def test_names_that_expat_may_not_know_are_for_feedparser() -> None:
    """libxml2 goes by the fifth edition of XML 1.0, expat by the fourth."""
    document = FeedDocument(
        "<rss><channel><title>T</title><a€/></channel></rss>".encode(), URLS[0], "text/xml; charset=utf-8"
    )

    with pytest.raises(Unsupported):
        read_wellformed(document)
    assert read_anything(document).repaired


BROKEN = ("\x0b", "&", "<", "</item>", "<b", "&nbsp;", "<![CDATA[", "]]>", "<x:y/>")
DOCTYPES = ("", "<!DOCTYPE rss [<!ENTITY nbsp 'n'>]>", "<!DOCTYPE rss SYSTEM 'http://netscape.test/'>")


@pytest.mark.filterwarnings("ignore::DeprecationWarning:feedparser")
def test_broken_documents_are_what_feedparser_makes_of_them() -> None:
    """Whichever of its parsers they are given to at once, in whatever charset."""
    broken = 0
    for seed in range(300):
        random = Random(seed)
        charset = random.choice(["utf-8", "iso-8859-1", "windows-1252", "utf-16"])
        feed = random_feed(random)
        at = random.randrange(len(feed))
        text = f"{random.choice(DOCTYPES)}{feed[:at]}{random.choice(BROKEN)}{feed[at:]}"
        body = f"<?xml version='1.0' encoding='{charset}'?>{text}".encode(charset, "xmlcharrefreplace")
        headers = {"content-location": URLS[0], "content-type": random.choice(CONTENT_TYPES)}
        document = FeedDocument(body, URLS[0], headers["content-type"])
        try:
            reference = feedparser.parse(
                BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
            )
        except (LookupError, TypeError, ValueError):
            continue  # feedparser itself is at a loss
        ours = _feedparser(document)
        assert draft_of(ours, body) == draft_of(reference, body), body
        broken += bool(_not_wellformed(document))

    assert broken > 100


PARTS = st.sampled_from(
    [
        "http",
        "https",
        "://",
        "/",
        "//",
        "a.test",
        "b:80",
        "[::1]",
        "@",
        ".",
        "..",
        ";",
        "?",
        "#",
        "&",
        "=",
        "%",
        "%2f",
        "x",
        "Ä",
        "\\",
        "\t",
        "\n",
        ":",
        "!",
        "$",
        ",",
        "'",
        "(",
        ")",
        "*",
        "+",
        "-",
        "_",
        "~",
    ]
)


@given(st.lists(PARTS, max_size=12).map(lambda parts: "http://" + "".join(parts)))
def test_a_plain_link_is_itself_whatever_it_is_joined_to(link: str) -> None:
    if is_plain_link(link):
        for base in (*URLS, "", "mailto:x"):
            assert urljoin(base, link) == join_url(base, link) == link


@given(st.text())
def test_without_markup_the_sanitiser_would_have_nothing_to_do(text: str) -> None:
    text = text.replace("\0", "")  # which it never sees, and neither lone surrogates

    assert sanitised(text, URLS[0]) == _cleaner(URLS[0]).clean(text).strip()
    assert plain(text) == one_line(unescape(_BARE.clean(text)))
