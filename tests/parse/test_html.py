"""HTML is sanitised, its links are absolute, its depth is bounded; and what needs no sanitising gets none."""

from __future__ import annotations

from html import unescape
from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trioscrape._parse.html import (
    _BARE,
    DEEPEST,
    FEW,
    FORMATTED,
    absolute,
    is_plain_link,
    one_line,
    plain,
    sanitised,
    sanitiser,
    shallow,
)

URL = "http://feeds.test/"
PAGE = "http://feeds.test/dir/feed.xml"


def depth(markup: str, tag: str) -> int:
    """The most elements `tag` inside of one another in what nh3 has made of it."""
    deepest = now = 0
    for piece in markup.split("<"):
        now += piece.startswith(f"{tag}>") - piece.startswith(f"/{tag}>")
        deepest = max(deepest, now)
    return deepest


@pytest.mark.parametrize(
    "markup",
    [
        "<p>a<br>b" * FEW,
        "<p><b>a</b> <a href='x'>b</a></p>" * FEW,
        "<ul>" + "<li><a name=x>a" * FEW + "</ul>",
        "<table>" + "<tr><td>a<td><i>b</i>" * FEW + "</table>",
        "<div>" * DEEPEST + "x" + "</div>" * DEEPEST,
        "</i>" * FEW + "a < b <!-- c --> <3" * FEW,
    ],
)
def test_markup_that_is_not_deep_stays_as_it_is(markup: str) -> None:
    assert shallow(markup) == markup


def test_few_tags_are_not_looked_at() -> None:
    assert shallow("<div>" * FEW) == "<div>" * FEW


@pytest.mark.parametrize("tag", ["div", "DIV", "section", "ul><li", "table><tr><td", "b", "x-y"])
@pytest.mark.parametrize("closed", [True, False])
def test_depth_is_cut_and_text_is_not(tag: str, *, closed: bool) -> None:
    name = tag.partition(">")[0]
    markup = f"<{tag}>" * 20_000 + "x" + f"</{name}>" * (20_000 if closed else 0) + "<p>after</p>"

    safe = sanitised(markup, URL)

    assert depth(safe, name.lower()) <= DEEPEST
    assert plain(markup) in {"xafter", "x after"}
    assert safe.count("x") == 1


@pytest.mark.parametrize(
    "markup",
    ["<div></x>" * 20_000, "</x>" * 20_000 + "<div>" * 20_000 + "<x>" * 20_000, "<div></DIVE>" * 20_000],
)
def test_ends_of_nothing_hide_no_depth(markup: str) -> None:
    assert depth(sanitised(markup, URL), "div") <= DEEPEST


def test_the_end_of_what_was_dropped_ends_nothing_else() -> None:
    markup = "<div>" * (DEEPEST - 1) + "<em><i>" * FEW + "x" + "</i></em>" * FEW + "<i>y</i>"

    assert sanitised(markup, URL).count("<em>") == 1
    assert "<i>y</i>" in sanitised(markup + "</div>", URL)


def test_formatting_that_is_not_closed_is_not_repeated_for_ever() -> None:
    markup = "<p>" + "".join(f"<font size={n}>" for n in range(3000)) + "<p>x" * 10_000

    assert sanitised(markup, URL).count("<p>x") == 10_000
    assert shallow(markup).count("<font") == FORMATTED


def test_what_is_made_to_grow_without_bounds_loses_its_tags() -> None:
    markup = (
        "<p>" + "".join(f"<b title='{n}{'x' * 1000}'>" for n in range(FORMATTED)) + "<p>y &amp; z " * 1000
    )

    assert sanitised(markup, URL) == ("y &amp; z " * 1000).strip()
    assert sanitised("<a href=x>y</a>", URL + "z" * 1000 + "/") == f'<a href="{URL}{"z" * 1000}/x">y</a>'


def test_no_link_grows_by_a_base_without_end() -> None:
    """A document of 60 kB under a PAGE of as much would be 100 MB of links."""
    base = f"http://a.test/{'x' * 60_000}/"

    assert absolute("1.mp3", base) is None
    assert absolute("http://b.test/1.mp3", base) == "http://b.test/1.mp3"


def test_nul_and_lone_surrogates_never_reach_a_record() -> None:
    assert sanitised("<b>a\x00b\ud800</b>", PAGE) == "<b>a�b�</b>"
    assert plain("a\ud800") == "a�"
    assert absolute("http://a.test/\ud800", PAGE) == "http://a.test/�"


@pytest.mark.parametrize(
    ("markup", "safe"),
    [
        ("a<script>steal()</script>b", "ab"),
        ("<style>p{}</style><p style='x' class='y'>p</p>", "<p>p</p>"),
        ('<img src="i.png" onerror="steal()" srcset="j.png 2x">', '<img src="http://feeds.test/dir/i.png">'),
        ('<a href="javascript:steal()">x</a>', "<a>x</a>"),
        ('<a href=" java\nscript:steal()">x</a>', "<a>x</a>"),
        ('<a href="data:text/html,steal">x</a>', "<a>x</a>"),
        ('<a href="//cdn.test/x">x</a>', '<a href="http://cdn.test/x">x</a>'),
        ('<a href="?q=1#f">x</a>', '<a href="http://feeds.test/dir/feed.xml?q=1#f">x</a>'),
        ('<a href="mailto:a@b.test">x</a>', '<a href="mailto:a@b.test">x</a>'),
        ('<iframe src="http://x.test/"></iframe><form action="/x">f</form>', "f"),
        ('<svg onload="steal()"></svg><object data="x"></object>', ""),
        (
            '<video poster="javascript:steal()" src="v.mp4"></video>',
            '<video src="http://feeds.test/dir/v.mp4"></video>',
        ),
        ("<p>not closed <b>at all", "<p>not closed <b>at all</b></p>"),
        ("<!-- secret -->x", "x"),
    ],
)
def test_html_is_sanitised_and_its_links_are_absolute(markup: str, safe: str) -> None:
    assert sanitised(markup, PAGE) == safe


@pytest.mark.parametrize("base", ["", "not a url", "relative/path", "mailto:a@b.test", "http://["])
def test_a_relative_link_without_a_usable_base_is_taken_away(base: str) -> None:
    assert sanitised('<a href="x">x</a><a href="http://a.test/">y</a>', base) == (
        '<a>x</a><a href="http://a.test/">y</a>'
    )


@pytest.mark.parametrize(
    ("markup", "safe"),
    [
        ("<p>a</p><noscript><img src='/i.png'></noscript>", '<p>a</p><img src="http://feeds.test/i.png">'),
        ("a<svg><title>T</title><a>x</a></svg>b", "ab"),
        ("a<iframe>&lt;img&gt;</iframe>b", "ab"),
        ("a<math><mi>x</mi></math>b", "ab"),
    ],
)
def test_what_a_sanitiser_would_show_as_text(markup: str, safe: str) -> None:
    assert sanitised(markup, PAGE) == safe


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One</p><p>Two</p>", "One Two"),
        ("One<br>Two<br/>Three", "One Two Three"),
        ("<ul><li>a<li>b</ul>c", "a b c"),
        ("un<b>bro</b>ken", "unbroken"),
        ("<pre>a</pre><prefix>b", "a b"),
    ],
)
def test_lines_end_with_their_blocks(markup: str, text: str) -> None:
    assert plain(markup) == text


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("http://a.test/a\tb\nc", "http://a.test/abc"),
        ("http:\\\\a.test\\x", "http://a.test/x"),
        ("HTTPS://A.test/", "HTTPS://A.test/"),
        ("magnet:?xt=urn:btih:a", "magnet:?xt=urn:btih:a"),
        ("feed://a.test/", None),
        ("javascript:x", None),
        ("java\nscript:x", None),
        ("http://[", None),
        ("", "http://feeds.test/dir/feed.xml"),
    ],
)
def test_links(url: str, link: str | None) -> None:
    assert absolute(url, PAGE) == link


PARTS = st.sampled_from(
    "http https :// / // a.test b:80 [::1] @ . .. ; ? # & = % %2f x Ä \\ : ! $ , ' ( ) * + - _ ~".split()  # noqa: SIM905
) | st.sampled_from(["\t", "\n"])


@given(st.lists(PARTS, max_size=12).map(lambda parts: "http://" + "".join(parts)))
def test_a_plain_link_is_itself_whatever_it_is_joined_to(link: str) -> None:
    if is_plain_link(link):
        for base in (URL, PAGE, "http://f.test/a/../b?x#", "", "mailto:x"):
            assert urljoin(base, link) == link


@given(st.text())
def test_without_markup_the_sanitiser_would_have_nothing_to_do(text: str) -> None:
    text = text.replace("\0", "")  # which it never sees, and neither lone surrogates

    assert sanitised(text, URL) == sanitiser(URL).clean(text).strip()
    assert plain(text) == one_line(unescape(_BARE.clean(text)))
