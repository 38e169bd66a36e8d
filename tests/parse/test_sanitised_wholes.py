"""What is stored as HTML is a whole: whatever comes after it on a page stays what it is by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from unittest.mock import patch

import html5lib
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trioscrape import Entry
from trioscrape._parse import FeedDocument, parse_document
from trioscrape._parse.lengths import sanitised_within, text_within
from trioscrape._records.kinds import Form
from trioscrape._records.texts import CONTENT, SUMMARY
from trioscrape._store.records import entry_record

URL = "https://a.test/feed"

# fmt: off
PIECES = (
    '<p title="A', '" onmouseover="alert(1)', "<p title='", "' onclick=alert(1) x='", ">", "<", "</", "&",
    "&am", "&amp;", "&#x26;", "&nbsp;", "\xa0", "é", "\N{BALLOON}", "words ", "\n", " ", "</p>", "<p>", "<b>",
    "</b>", "<i><b>", "<a href='/x?a=1&b=2'>", "</a>", "<a>", "<table>", "<tr><td>", "</table>", "<ul><li>",
    "</ul>",
    "<pre>", "</pre>", "<!--", "-->", "<![CDATA[", "]]>", "<svg>", "<math><mtext>", "<style>", "</style>",
    "<script>", "</script>", "<textarea>", "<select><option>", "<noscript>", "<plaintext>",
    "<img src=/i.png alt=", "<h1>", "<ruby><rt>", "<details><summary>", "<form>", "<template>",
    "<video src=/v controls>", "<br/>",
)
# fmt: on
markup = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)

KINDS = ("rss", "broken", "json", "atom")


def document(kind: str, texts: list[tuple[str, str]]) -> FeedDocument:
    """A feed with an entry for each content and summary."""
    if kind == "json":
        items = [
            {"id": str(number), "content_html": content, "summary": summary}
            for number, (content, summary) in enumerate(texts)
        ]
        feed = {"version": "https://jsonfeed.org/version/1.1", "items": items}
        return FeedDocument(json.dumps(feed).encode(), URL)
    if kind == "atom":
        entries = "".join(
            f"<entry><id>{number}</id><content type='html'>{escape(content)}</content>"
            f"<summary type='html'>{escape(summary)}</summary></entry>"
            for number, (content, summary) in enumerate(texts)
        )
        return FeedDocument(f"<feed xmlns='http://www.w3.org/2005/Atom'>{entries}</feed>".encode(), URL)
    items = "".join(
        f"<item><guid>{number}</guid><content:encoded>{escape(content)}</content:encoded>"
        f"<description>{escape(summary)}</description></item>"
        for number, (content, summary) in enumerate(texts)
    )
    fault = "<a><b></a>" if kind == "broken" else ""
    return FeedDocument(
        "<rss version='2.0' xmlns:content='http://purl.org/rss/1.0/modules/content/'>"
        f"<channel>{fault}<title>t</title>{items}</channel></rss>".encode(),
        URL,
    )


def stored_html(kind: str, texts: list[tuple[str, str]]) -> Iterator[str]:
    """What a store gets of it as HTML."""
    for entry in parse_document(document(kind, texts)).entries:
        record = entry_record(entry, Form.DOCUMENT)
        for name, limit in (("content", CONTENT.limit), ("summary", SUMMARY.limit)):
            if record[f"{name}_type"] == "html" and record[name] is not None:
                assert len(record[name].encode()) <= limit
                yield record[name]


def elements(html: str) -> set[tuple[str, frozenset[tuple[str, str]]]]:
    """The elements of a page, by name and attributes, as a browser finds them."""
    page = html5lib.parse(html, namespaceHTMLElements=False)
    return {(str(each.tag), frozenset(each.attrib.items())) for each in page.iter()}


def assert_wholes(found: list[str]) -> None:
    for first in found:
        for second in found:
            assert elements(first + second) <= elements(first) | elements(second)


@given(
    st.sampled_from(KINDS),
    st.lists(st.tuples(markup, markup), min_size=2, max_size=3),
    st.integers(0, 80),
    st.integers(0, 80),
)
@example("rss", [('<p title="' + "A" * 90 + '">', ""), ('x" onmouseover="alert(1)" <p>', "")], 60, 60)
@example("json", [("&lt;" * 20, ""), ("lt;script", "")], 50, 50)
def test_no_text_reaches_into_the_next_one(
    kind: str, texts: list[tuple[str, str]], of_contents: int, of_summaries: int
) -> None:
    with patch.object(CONTENT, "limit", of_contents), patch.object(SUMMARY, "limit", of_summaries):
        assert_wholes(list(stored_html(kind, texts)))


@pytest.mark.heavy
@given(
    st.sampled_from(KINDS),
    st.tuples(markup, markup),
    st.integers(-60, 10),
    st.sampled_from(["a", "é", "\N{BALLOON}"]),
)
@example("rss", ('<p title="' + "A" * 90 + '">', 'x" onmouseover="alert(1)" <p>'), -20, "a")
@settings(max_examples=12)
def test_nor_near_the_limits_that_stores_have(
    kind: str, texts: tuple[str, str], before: int, character: str
) -> None:
    """Of summaries, which is the nearer one: what is between is plain text, for the sake of time."""
    first, second = texts
    padding = character * ((SUMMARY.limit + before) // len(character.encode()))
    with patch.object(CONTENT, "limit", SUMMARY.limit):
        found = list(stored_html(kind, [(padding + first, ""), (second, padding + second)]))
        # Browsers read that as it is, but html5lib takes seconds for it.
        assert_wholes([text.replace(padding, "") for text in found])


@given(markup, st.integers(0, 200))
def test_a_text_that_fits_is_what_the_sanitiser_made_of_it_and_another_one_fits_too(
    text: str, limit: int
) -> None:
    whole, cut = sanitised_within(text, URL, 10_000)
    short, shorter = sanitised_within(text, URL, limit)

    assert not cut
    assert len(short.encode()) <= limit
    assert shorter == (short != whole)


@pytest.mark.parametrize("markup", ["<i title='" + "x" * 99 + "'>" * 50_000, "<a href='y'>&<b>" * 50_000])
def test_most_of_a_long_text_stays(markup: str) -> None:
    whole, _ = sanitised_within(markup, URL, 2**30)
    limit = len(whole) // 2
    short, cut = sanitised_within(markup, URL, limit)

    assert cut
    assert 0.95 * limit < len(short) <= limit


def test_a_reference_is_not_cut_in_two() -> None:
    assert sanitised_within("<p>" + "x" * 90 + "&lt;&lt;", URL, 100) == ("<p>" + "x" * 90 + "</p>", True)


def test_plain_text_is_cut_between_characters() -> None:
    assert text_within("ab\N{BALLOON}", 5) == ("ab", True)
    assert text_within("ab\N{BALLOON}", 6) == ("ab\N{BALLOON}", False)


def test_an_entry_says_that_it_was_cut() -> None:
    with patch.object(CONTENT, "limit", 20):
        feed = parse_document(document("rss", [("<p>short</p>", ""), ("<p>" + "long " * 9, "s")]))

    assert [(entry.content, entry.truncated) for entry in feed.entries] == [
        ("<p>short</p>", False),
        ("<p>long long lon</p>", True),
    ]


def test_html_that_is_too_long_for_a_store_is_left_out_and_not_cut() -> None:
    """It can't come from a parser of ours: but from a file that is imported, or from a program."""
    record = entry_record(
        Entry("k", "h", content="<p>" + "x" * CONTENT.limit, content_type="html"), Form.JSON
    )

    assert (record["content"], record["truncated"]) == (None, True)
