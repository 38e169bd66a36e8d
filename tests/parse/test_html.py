"""HTML that would keep a parser busy for minutes keeps its text and loses its depth."""

from __future__ import annotations

import pytest

from trioscrape._parse.html import DEEPEST, FEW, FORMATTED, plain, sanitised, shallow

URL = "http://feeds.test/"


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
