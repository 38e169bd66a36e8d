"""JSON Feed: what is left out, what is forgiven, and what is no feed. A full one is in ``feeds/``."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from trioscrape._errors import FeedFailed
from trioscrape._parse import FeedDocument, parse_document
from trioscrape._parse.json_feed import read_json_feed
from trioscrape._records import Entry, ParsedFeed

URL = "http://feeds.test/dir/feed.json"


def parse(body: str | bytes) -> ParsedFeed:
    return parse_document(FeedDocument(body.encode() if isinstance(body, str) else body, URL))


def feed(**members: Any) -> ParsedFeed:
    return parse(json.dumps({"version": "https://jsonfeed.org/version/1"} | members))


def item(**members: Any) -> Entry:
    (entry,) = feed(items=[members]).entries
    return entry


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-32-be"])
def test_the_charset_is_found_in_the_first_bytes(charset: str) -> None:
    body = '{"version": "http://www.jsonfeed.org/version/1.1", "title": "K\u00e4fer"}'.encode(charset)

    found = parse(body)

    assert (found.title, found.entries, found.parser) == ("Käfer", (), "jsonfeed")


@pytest.mark.parametrize("wrong", [None, True, [], {}, [[]], [{}], ["x"], ""])
def test_what_has_the_wrong_type_is_not_there(wrong: Any) -> None:
    names = "title description home_page_url feed_url language hubs items".split()  # noqa: SIM905
    bare = feed(**dict.fromkeys(names, wrong))

    assert all(entry == Entry(entry.key, entry.hash) for entry in bare.entries)
    assert (bare.title, bare.subtitle, bare.link, bare.self_link, bare.hub) == (None,) * 5
    names = "title content_html content_text summary url date_published authors tags attachments".split()  # noqa: SIM905
    entry = item(id="1", **dict.fromkeys(names, wrong))
    named = ("x",) if wrong == ["x"] else ()
    assert entry == Entry(key="1", hash=entry.hash, authors=named, tags=named)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2010-02-07T14:04:00-05:00", datetime(2010, 2, 7, 19, 4, tzinfo=UTC)),
        ("2010-02-07T14:04:00.123456Z", datetime(2010, 2, 7, 14, 4, tzinfo=UTC)),
        ("2010-02-07 14:04:00", datetime(2010, 2, 7, 14, 4, tzinfo=UTC)),
        ("2010-02-07", datetime(2010, 2, 7, tzinfo=UTC)),
        ("0001-01-01T00:00:00+10:00", None),
        ("Sun, 07 Feb 2010 14:04:00 GMT", datetime(2010, 2, 7, 14, 4, tzinfo=UTC)),
        ("1265551440", datetime(2010, 2, 7, 14, 4, tzinfo=UTC)),
        (1265551440, datetime(2010, 2, 7, 14, 4, tzinfo=UTC)),
        (None, None),
        ("soon", None),
    ],
)
def test_dates_are_those_of_all_formats(text: str | int | None, moment: datetime | None) -> None:
    assert item(date_modified=text).updated == moment


def test_where_older_entries_are() -> None:
    assert feed(next_url="/feed.json?page=2").next_page == "http://feeds.test/feed.json?page=2"
    assert feed(next_url=[]).next_page is None


def test_authors_of_version_1_count_where_there_are_none_of_1_1() -> None:
    assert item(author={"name": "Ada"}).authors == ("Ada",)
    assert item(author={"name": "Ada"}, authors=[{"name": "Bea"}]).authors == ("Bea",)
    assert item(author={"name": "Ada"}, authors=[]).authors == ("Ada",)


@pytest.mark.parametrize(
    "own", ["Ada", ["Ada"], {"name": "Ada"}, [{"name": "Ada", "url": None}, None], {"0": {"name": "Ada"}}]
)
def test_a_name_or_a_single_author_is_as_good_as_a_list(own: Any) -> None:
    assert item(author=own).authors == item(authors=own).authors == ("Ada",)


def test_an_author_without_a_name_is_not_that_of_the_feed() -> None:
    found = feed(authors=[{"name": "Ada"}], items=[{"authors": [{"url": "http://bea.test/"}]}])

    assert found.entries[0].authors == ()


@pytest.mark.parametrize("own", [None, [], [None], {}, [{"name": ""}], [{"name": None, "url": ""}]])
def test_authors_of_the_feed_count_where_an_item_has_none(own: Any) -> None:
    authors = [{"name": "Ada"}, {"name": "Bea"}]

    assert feed(authors=authors, items=[{"authors": own}]).entries[0].authors == ("Ada", "Bea")
    assert feed(author={"name": "Cy"}, items=[{"author": own}]).entries[0].authors == ("Cy",)
    assert feed(authors=authors, items=[{"author": {"name": "Dee"}}]).entries[0].authors == ("Dee",)


@pytest.mark.parametrize(
    ("size", "number"), [(12, 12), (12.0, 12), ("12", 12), (-1, None), ("big", None), (True, None)]
)
def test_sizes_and_durations_are_whole_numbers_of_any_type(size: Any, number: int | None) -> None:
    attachment = {"url": "a.mp3", "size_in_bytes": size, "duration_in_seconds": size}
    item = {"image": "", "banner_image": "b.png", "attachments": [attachment, {"url": ""}, {}]}
    body = json.dumps({"version": "https://jsonfeed.org/version/1", "items": [item]})

    (entry,) = read_json_feed(FeedDocument(body.encode(), URL)).entries

    assert [enclosure.length for enclosure in entry.enclosures] == [number]
    assert (entry.duration, entry.image) == (number, "b.png")


def test_extensions_are_left_out() -> None:
    assert feed(_x={"title": "x"}, items=[{"id": "1", "_y": {"title": "y"}}]).entries[0].title is None


def test_a_feed_without_items_is_empty() -> None:
    assert (feed(title="T").title, feed(title="T").entries) == ("T", ())


@pytest.mark.parametrize("version", ["1", "1.0", "1.1", 1, 1.1])
def test_a_version_may_be_a_number_where_there_are_items(version: str | float) -> None:
    assert [entry.key for entry in feed(version=version, items=[{"id": "1"}]).entries] == ["1"]


@pytest.mark.parametrize(
    "members", [{"version": "1.1"}, {"version": "1", "items": ["x"]}, {"version": "2", "items": [{}]}]
)
def test_without_items_it_is_any_json(members: dict[str, Any]) -> None:
    with pytest.raises(FeedFailed, match="no JSON Feed"):
        feed(**members)


FAULTY = """{"version": "https://jsonfeed.org/version/1.1", "title": "a, ] // b",
"items": [{"id": "1", "content_text": "x /* y */"}, {"id": 2, "tags": ["a", "b"]}]}"""


@pytest.mark.parametrize(
    ("sound", "faulty"),
    [
        ('"x /', '"x\t\n\x02 /'),
        ('"x /', '"x\x0c /'),
        ('"b"]', '"b" , \n]'),
        ('"b"]}]}', '"b",],},],}'),
        ('"items"', '// a comment, with "quotes\n"items"'),
        ('"items"', '/* a "comment" */ "items" /**/'),
        ('"b"]}]}', '"b"]}]}\n<!-- made by x -->'),
        ('"b"]}]}', '"b"]}]}}'),
        ('"b"]}]}', '"b"]}'),
        ('"b"]}]}', '"b"]}, {"id": 3, "title": "cut'),
        ('"b"]}]}', '"b"]}, {"id": 3, "authors": [{"name": "A"}'),
    ],
)
def test_everyday_faults_cost_nothing_that_is_whole(sound: str, faulty: str) -> None:
    whole = parse(FAULTY)
    found = parse(FAULTY.replace(sound, faulty))

    assert (found.title, found.repaired, whole.repaired) == (whole.title, True, False)
    assert [(entry.key, entry.tags) for entry in found.entries] == [("1", ()), ("2", ("a", "b"))]
    assert (found.entries[0].content or "").endswith("/* y */")


def test_a_bad_byte_costs_only_itself() -> None:
    found = parse(FAULTY.replace("a, ]", "\u0416\u0443\u043a").encode().replace(b'"x', b'"x\xff'))

    assert (found.title, found.repaired) == ("\u0416\u0443\u043a // b", True)
    assert found.entries[0].content == "x\ufffd /* y */"


@pytest.mark.parametrize(
    "pattern", ['"', "/*", "//", ",", ", ", "[", "{", '"\\\\', "[1,", '{"a":', "]", "},"]
)
def test_no_pattern_takes_quadratic_time(pattern: str) -> None:
    """It would be an hour."""
    with pytest.raises(FeedFailed):
        parse('{"version": "x", "items": [' + pattern * 500_000)


def test_more_parts_than_memory_is_meant_for_are_no_feed() -> None:
    with pytest.raises(FeedFailed):
        parse("{" + VERSION + ', "items": [' + "{}," * 2_000_001 + "{}]}")


def test_nul_and_lone_surrogates_never_reach_a_record() -> None:
    entry = parse(
        r"""{"version": "https://jsonfeed.org/version/1", "title": "\ud800", "items":
        [{"id": "a\u0000", "content_html": "<p>\udfff\u0000", "tags": ["\ud83d"], "url": "\ud800"}]}"""
    ).entries[0]

    assert (entry.key, entry.content, entry.tags) == ("a\ufffd", "<p>\ufffd\ufffd</p>", ("\ufffd",))
    assert entry.link == "http://feeds.test/dir/\ufffd"


@pytest.mark.parametrize("number", ["1e999", "NaN", "-Infinity", "9" * 10_000, "0.1e-400"])
def test_a_number_of_any_size_is_a_text(number: str) -> None:
    body = f'{{"version": "https://jsonfeed.org/version/1", "items": [{{"title": {number}}}]}}'

    assert parse(body).entries[0].title == number


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        '{"version": "1.0", "items": []}',
        '{"version": 1}',
        '{"version": "https://jsonfeed.org.evil.test/version/1"}',
        '{"type": "FeatureCollection", "features": []}',
    ],
)
def test_json_that_is_no_feed_is_told_so(body: str) -> None:
    with pytest.raises(FeedFailed) as caught:
        parse(body)

    assert (caught.value.reason, caught.value.detail) == (
        "not-a-feed",
        "the document is JSON, but no JSON Feed",
    )


VERSION = '"version": "https://jsonfeed.org/version/1.1"'


@pytest.mark.parametrize(
    "body",
    [
        "{" + VERSION,
        "{" + VERSION + ', "items": [',
        "{" + VERSION + ', "items": [}]}',
        "{" + VERSION + ', "items": ' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
)
def test_a_broken_json_feed_is_malformed(body: str) -> None:
    with pytest.raises(FeedFailed) as caught:
        parse(body)

    assert caught.value.reason == "malformed"


@pytest.mark.parametrize(
    "items",
    ['{"id": "1"}', '{"0": {"id": "1"}}', '{"3": {"id": "1"}, "4": null}', '[{"id": "1"}, "2", null, [3]]'],
)
def test_items_that_are_no_list(items: str) -> None:
    found = parse(f'{{"version": "https://jsonfeed.org/version/1", "items": {items}}}')

    assert [entry.key for entry in found.entries] == ["1"]


@pytest.mark.parametrize(
    "version",
    ["https://jsonfeed.org/version/1.1", " HTTP://www.JSONFeed.org/version/1 ", "jsonfeed.org/version/1"],
)
def test_a_version(version: str) -> None:
    assert parse(json.dumps({"version": version, "title": "T"})).title == "T"


@pytest.mark.parametrize("version", [None, 1.1, "1.1", "https://other.test/jsonfeed.org/version/1", {}])
def test_what_is_no_version_is_no_feed(version: Any) -> None:
    with pytest.raises(FeedFailed) as failure:
        parse(json.dumps({"version": version, "title": "T"}))

    assert failure.value.reason == "not-a-feed"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (r"it\'s", "it's"),
        (r"C:\d \x41", r"C:\d \x41"),
        (r"\u12", r"\u12"),
        (r"a\\'b \u0041\n", "a\\'b A"),
        ("a\tb\nc", "a b c"),
    ],
)
def test_escapes_that_json_does_not_have(text: str, title: str) -> None:
    found = parse(f'{{"version": "https://jsonfeed.org/version/1", "title": "{text}", }}')

    assert (found.title, found.repaired) == (title, True)


def test_superfluous_commas() -> None:
    found = parse('{"version": "https://jsonfeed.org/version/1",, "items": [{"id": "a,,b",},,{"id": "2"},]}')

    assert [entry.key for entry in found.entries] == ["a,,b", "2"]
