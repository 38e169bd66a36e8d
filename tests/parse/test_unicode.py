"""UTF-8, UTF-16 and UTF-32, with and without a byte order mark, declared well, wrongly, or not at all."""

from __future__ import annotations

import codecs

import pytest

from trioscrape._parse import FeedDocument, parse_document

URL = "http://a.test/feed"
BODY = "<rss version='2.0'><channel><title>Käfer</title></channel></rss>"
MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


def title(
    declared: str | None, charset: str, mark: bytes = b"", content_type: str | None = None
) -> str | None:
    declaration = "" if declared is None else f"<?xml version='1.0'{declared}?>"
    return parse_document(FeedDocument(mark + (declaration + BODY).encode(charset), URL, content_type)).title


@pytest.mark.parametrize(
    "content_type", [None, "application/xml", "text/xml", "application/xml; charset=utf-8"]
)
@pytest.mark.parametrize(
    "declared",
    [None, "", " encoding='utf-8'", " encoding='utf-16'", " encoding='UCS-2'", " encoding='bogus'"],
)
@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("charset", MARKS)
def test_the_first_bytes_say_what_it_is(
    charset: str, declared: str | None, content_type: str | None, *, marked: bool
) -> None:
    assert title(declared, charset, MARKS[charset] if marked else b"", content_type) == "Käfer"


def test_valid_utf_8_is_that_and_other_bytes_are_what_a_label_says() -> None:
    koi8_r = " encoding='koi8-r'"

    assert title(koi8_r, "utf-8") == "Käfer"
    assert title(koi8_r, "utf-8", content_type="application/xml; charset=utf-8") == "Käfer"
    assert title(" encoding='utf-8'", "latin-1") == "Käfer"
    assert title(" encoding='windows-1252'", "latin-1", content_type="text/xml; charset=koi8-r") == "KДfer"


def test_half_a_character_at_the_end_costs_only_itself() -> None:
    text = "<rss version='2.0'><channel><title>T</title><item><title>one</title>"

    feed = parse_document(FeedDocument(text.encode("utf-16")[:-1], URL))

    assert (feed.title, feed.repaired) == ("T", True)
