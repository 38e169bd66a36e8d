"""Documents that are nearly feeds, for hypothesis: pieces of feeds in any order, and feeds with faults."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

FOUND = Path(__file__).parents[1] / "parse" / "seeds"
SEEDS = [
    path.read_bytes()
    for folder in (FOUND, FOUND.with_name("feeds"))
    for path in sorted(folder.iterdir())
    if path.suffix in {".xml", ".json"}
]
"""Small feeds of every format, and documents that once broke something."""

PIECES = [
    # Beginnings and charsets
    *(b"<?xml version='1.0'?>", b"<?xml version='1.0' encoding='utf-16'?>", b"\xef\xbb\xbf", b"\xff\xfe"),
    *(b"<!DOCTYPE rss [<!ENTITY a 'b'>]>", b"<!DOCTYPE html>", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?"),
    # Elements
    *(b"<rss version='2.0'>", b"<channel>", b"<item>", b"</item>", b"<entry>", b"</entry>", b"</title>"),
    *(
        b"<feed xmlns='http://www.w3.org/2005/Atom'>",
        b"<title type='xhtml'>",
        b"<title>",
        b"<guid>",
        b"<link>",
    ),
    *(b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>", b"<summary mode='base64'>"),
    *(b"<content type='html'>", b"<content:encoded>", b"<description>", b"<pubDate>", b"<link href='//["),
    *(b"<link>", b"<author>", b"<updated>", b"<category>"),
    *(
        b"<enclosure url='a' length='-1'/>",
        b"<category>",
        b"<author>",
        b"<updated>",
        b"<media:content url='x'/>",
    ),
    *(b"<link rel='alternate' type='application/rss+xml' href='", b" xml:base='http://[x'", b" xmlns:a='b'"),
    # Characters
    *(b"&", b"&amp;", b"&#0;", b"&#xD800;", b"&#1114112;", b"&a;", b"&#", b"\xed\xa0\x80", b"\xff", b"\x80"),
    *(b">", b"<", b"</", b"?>", b" ", b"\n", b"x", b"\xc3\xa4", b"\0", b"\x1b", b"'", b" xml:lang='\xff'"),
    # Dates and numbers
    *(b"Mon, 06 Sep 2010 00:01:00 +9999", b"2010-02-30T25:61:61Z", b"0000", b"-", b"9" * 400, b"1e999"),
    # HTML
    *(b"<div>", b"<b title='", b"<a href='javascript:x'>", b"<script>", b"<svg><style>", b"<base href='x'>"),
    # JSON
    *(
        b'{"version": "https://jsonfeed.org/version/1.1", "items": [',
        b'{"id": ',
        b'"content_html": ',
        b"[",
        b"{",
    ),
    *(b"\\ud800", b"null", b"true", b"NaN", b"}", b"]", b'"', b","),
]

soups = st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join)
"""Pieces of feeds, in any order."""


@st.composite
def faulty(draw: st.DrawFn) -> bytes:
    """A feed with some faults."""
    body = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(body)))
        end = min(len(body), start + draw(st.sampled_from([0, 0, 1, 2, 10, 100, 1000])))
        fault = draw(st.sampled_from(["piece", "bytes", "twice", "other", "charset"]))
        body = _FAULTS[fault](draw, body, start, end)
    return body


def _piece(draw: st.DrawFn, body: bytes, start: int, end: int) -> bytes:
    return body[:start] + draw(st.sampled_from(PIECES)) + body[end:]


def _bytes(draw: st.DrawFn, body: bytes, start: int, end: int) -> bytes:
    return body[:start] + draw(st.binary(max_size=4)) + body[end:]


def _twice(draw: st.DrawFn, body: bytes, start: int, end: int) -> bytes:
    times = draw(st.sampled_from([2, 2, 2, 20, 300])) if end - start < 200 else 2
    return body[:start] + body[start:end] * times + body[end:]


def _other(draw: st.DrawFn, body: bytes, start: int, end: int) -> bytes:
    other = draw(st.sampled_from(SEEDS))
    return body[:start] + other[len(other) // 3 :]


def _charset(draw: st.DrawFn, body: bytes, start: int, end: int) -> bytes:
    charset = draw(st.sampled_from(["utf-16", "utf-16-le", "utf-32-be", "cp037", "latin-1"]))
    return body.decode("latin-1").encode(charset, "replace")


_FAULTS = {"piece": _piece, "bytes": _bytes, "twice": _twice, "other": _other, "charset": _charset}

content_types = st.sampled_from(
    [
        None,
        "application/rss+xml",
        "application/xml; charset=utf-8",
        "text/html; charset=windows-1252",
        "application/feed+json",
        "text/xml; charset=utf-16",
        "x; charset=\x00",
        ";",
    ]
)
