"""Records of strangers: what an import makes of them is what a parser could have read."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trioscrape import Category, Enclosure, Entry, EntrySource, FeedState, FeedTimers, Transcript
from trioscrape._parse.document import parse_document
from trioscrape._parse.html import needs_sanitiser
from trioscrape._parse.protocol import FeedDocument
from trioscrape._parse.restored import safe_entry, safe_state

from support.stores import entry, state
from support.transfers import SAFE_ENTRY

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    '<a href="JaVa\tScRiPt:alert(1)">x</a>',
    '<a href="data:text/html,<script>">x</a>',
    '<p title="',
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    "<iframe src=//a.test></iframe>",
    "<form action=//a.test><input>",
    '<p style="background:url(//a.test)">',
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<b>" * 5000,
    "\0\ud800<b\0>",
    "<plaintext>",
    "</p></div>&lt;script&gt;",
]
LINKS = [
    "javascript:alert(1)", "data:text/html,x", "//a.test/x", "/x", "x", "", " ", "http://[::1", "vbscript:x",
    "\x01javascript:alert(1)", "java\nscript:alert(1)", "file:///etc/passwd", "http://a.test/\0",
]  # fmt: skip


class Tags(HTMLParser):
    """The elements of some markup and their attributes."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def assert_harmless(markup: str) -> None:
    for tag, attributes in Tags(markup).found:
        assert tag not in {
            "script",
            "style",
            "iframe",
            "form",
            "svg",
            "math",
            "object",
            "plaintext",
            "noscript",
        }
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name != "style"
            if name in {"href", "src", "poster"}:
                assert urlsplit(value or "").scheme in {"ftp", "http", "https", "magnet", "mailto", "tel"}


@pytest.mark.parametrize("markup", HOSTILE)
@pytest.mark.parametrize("kind", ["html", None])
def test_html_is_sanitised(markup: str, kind: Any) -> None:
    """Also what does not say what it is: earlier versions had no types, and all of it was HTML."""
    found = safe_entry(entry(summary=markup, summary_type=kind, content=f"{markup}<p>x", content_type=kind))

    for text, its_type in ((found.summary, found.summary_type), (found.content, found.content_type)):
        assert its_type == (None if text is None else "html")
        assert_harmless(text or "")


def test_plain_text_stays_plain() -> None:
    found = safe_entry(entry(content="<script>", content_type="text", title="1 < 2 & <b>"))
    assert (found.content, found.content_type, found.title) == ("<script>", "text", "1 < 2 & <b>")


@pytest.mark.parametrize("link", LINKS)
def test_links_are_those_of_a_feed(link: str) -> None:
    found = safe_entry(
        entry(
            link=link,
            image=link,
            comments=link,
            chapters=link,
            enclosures=(Enclosure(link), Enclosure("http://a.test/1")),
            transcripts=(Transcript(link), Transcript("http://a.test/2")),
            source=EntrySource("A", link),
        )
    )
    for each in (found.link, found.image, found.comments, found.chapters, found.source and found.source.link):
        assert each is None or (urlsplit(each).scheme in {"http", "https"} and "\0" not in each)
    assert found.enclosures[-1] == Enclosure("http://a.test/1")
    assert found.transcripts[-1] == Transcript("http://a.test/2")
    assert len(found.enclosures) == len(found.transcripts) == (1 if found.link is None else 2)

    said = safe_state(state(link=link, self_link=link, hub=link))
    assert said.link == said.self_link == said.hub == found.link


def test_a_cloud_is_text_on_one_line() -> None:
    assert safe_state(state(cloud=" soap\n http://a.test/ <x>\0")).cloud == "soap http://a.test/ <x>\ufffd"


def test_keys_and_names() -> None:
    found = safe_entry(
        entry(" a\0\ud800 ", title="a\nb\0", authors=("", " Ann\n", "Ann"), tags=("", "x"), language="x y")
    )
    assert found.key == "a\ufffd\ufffd"
    assert (found.title, found.authors, found.tags, found.language) == ("a b\ufffd", ("Ann",), ("x",), None)
    assert found.hash == entry(" a\0\ud800 ").hash
    assert len(safe_entry(entry("x" * 5000)).key) < 100
    assert safe_entry(entry(" ", title="T")).key.startswith("hash:")


def test_a_state() -> None:
    before = state(
        title="a\n<b>\0",
        listed_title=" x \n",
        tags=("", "a\nb"),
        shared_keys=("a\0",),
        language="nonsense!",
        timers=FeedTimers(2**31 - 1, 2**31 - 1, (5, 5, 3), (6,)),
        failure="\x1b[2J",
        postponed_by="a\nb",
    )
    assert safe_state(before) == replace(
        before,
        title="a <b>\ufffd",
        listed_title="x",
        tags=("a b",),
        shared_keys=("a\ufffd",),
        language=None,
        timers=FeedTimers(604800, 604800, (3, 5), (6,)),
        failure=None,
        postponed_by=None,
    )


def test_what_is_safe_stays_itself() -> None:
    assert safe_entry(SAFE_ENTRY) == SAFE_ENTRY
    assert safe_state(state()) == state()


TEXTS = st.lists(
    st.sampled_from([*HOSTILE, "x", " ", "&amp;", "<p>", '<a href="http://a.test/">', "</a>"])
).map("".join) | st.text(max_size=50)
OPTIONAL = st.none() | TEXTS
URLS = (
    st.none() | st.sampled_from([*LINKS, "http://a.test/x?y=z#f", "mailto:a@a.test"]) | st.text(max_size=30)
)
KINDS = st.sampled_from(["html", "text", None])
ANY_ENTRY = st.builds(
    Entry,
    key=TEXTS,
    hash=st.text(),
    link=URLS,
    title=OPTIONAL,
    summary=OPTIONAL,
    summary_type=KINDS,
    content=OPTIONAL,
    content_type=KINDS,
    authors=st.lists(TEXTS, max_size=3).map(tuple),
    tags=st.lists(TEXTS, max_size=3).map(tuple),
    categories=st.lists(st.builds(Category, TEXTS, OPTIONAL, OPTIONAL), max_size=3).map(tuple),
    enclosures=st.lists(st.builds(Enclosure, TEXTS, OPTIONAL, st.integers()), max_size=3).map(tuple),
    language=OPTIONAL,
    image=URLS,
    source=st.none() | st.builds(EntrySource, OPTIONAL, URLS),
    duration=st.none() | st.integers(),
)
ANY_STATE = st.builds(
    FeedState,
    st.just("f" * 32),
    st.just("http://a.test/"),
    title=OPTIONAL,
    listed_title=OPTIONAL,
    tags=st.lists(TEXTS, max_size=3).map(tuple),
    link=URLS,
    subtitle=OPTIONAL,
    language=OPTIONAL,
    hub=URLS,
    cloud=OPTIONAL,
    shared_keys=st.lists(TEXTS, max_size=3).map(tuple),
    failure=OPTIONAL,
    postponed_by=OPTIONAL,
)


@given(ANY_ENTRY)
def test_any_entry_becomes_one_that_stays(before: Entry) -> None:
    found = safe_entry(before)

    for text, kind in ((found.summary, found.summary_type), (found.content, found.content_type)):
        if kind == "html":
            assert_harmless(text or "")
    assert found.hash == before.hash
    assert found.key
    again = safe_entry(found)
    assert again == found or needs_sanitiser(f"{found.content}{found.summary}")
    assert replace(again, content=found.content, summary=found.summary) == replace(
        found, summary_type=again.summary_type, content_type=again.content_type
    )


@given(ANY_STATE)
def test_any_state_becomes_one_that_stays(before: FeedState) -> None:
    found = safe_state(before)
    assert safe_state(found) == found


def test_what_a_parser_has_read_stays_itself() -> None:
    texts = [markup.replace("\0", "").replace("\ud800", "") for markup in HOSTILE]
    items = "".join(
        f"<item><guid> {n} </guid><title>T &amp;amp; {n}</title><link>/x?{n}</link><category>c</category>"
        f"<description><![CDATA[{text}<a href='/r'>r</a>]]></description></item>"
        for n, text in enumerate(texts)
    )
    body = f'<rss version="2.0"><channel><title>T</title>{items}</channel></rss>'.encode()
    parsed = parse_document(FeedDocument(body, "https://a.test/feed"))

    assert len(parsed.entries) == len(HOSTILE)
    assert [safe_entry(each) for each in parsed.entries] == list(parsed.entries)
