"""Rule 8: enclosures, pictures, sources and categories; and what is said of episodes."""

from __future__ import annotations

from typing import Any

import pytest

from trioscrape._parse._fast.media import length
from trioscrape._parse._fast.podcast import seconds
from trioscrape._records import Category, Enclosure, EntrySource, Transcript

from support.feeds import entry, item, raw_entry, raw_item

MP3 = Enclosure("http://a.test/1.mp3", "audio/mpeg", 5)


@pytest.mark.parametrize(
    ("inside", "enclosures"),
    [
        ("<enclosure url='http://a.test/1.mp3' type='audio/mpeg' length='5'/>", [MP3]),
        ("<Enclosure URL='http://a.test/1.mp3' Type='audio/mpeg' Length='5'/>", [MP3]),
        ("<enclosure url=' http://a.test/1.mp3 ' type=' audio/mpeg' length=' 5 '/>", [MP3]),
        ("<atom:link rel='enclosure' href='http://a.test/1.mp3' type='audio/mpeg' length='5'/>", [MP3]),
        ("<media:content url='http://a.test/1.mp3' type='audio/mpeg' fileSize='5' medium='audio'/>", [MP3]),
        ("<enclosure>http://a.test/1.mp3</enclosure>", [Enclosure("http://a.test/1.mp3")]),
        ("<enclosure url='/1.mp3?a=1&amp;b=2'/>", [Enclosure("http://feeds.test/1.mp3?a=1&b=2")]),
        ("<enclosure url='/1.mp3?a=1&amp;amp;b=2'/>", [Enclosure("http://feeds.test/1.mp3?a=1&b=2")]),
        ("<enclosure url='//a.test/1.mp3'/>", [Enclosure("http://a.test/1.mp3")]),
        ("<enclosure/><enclosure url=''/><enclosure url='data:x'/>", []),
        (
            "<enclosure url='http://a.test/1.mp3' type='audio/mpeg' length='5'/>"
            "<media:content url='http://a.test/1.mp3' type='audio/mpeg' fileSize='6'/>"
            "<atom:link rel='enclosure' href='http://a.test/1.mp3'/>",
            [MP3],
        ),
        (
            "<media:group><media:content url='http://a.test/1.mp3' type='audio/mpeg' fileSize='5'/>"
            "<media:content url='http://a.test/2.ogg'/></media:group>",
            [MP3, Enclosure("http://a.test/2.ogg")],
        ),
        ("<media:content medium='image'/><media:player url='http://a.test/p'/>", []),
        ("<v:media><enclosure url='http://a.test/1.mp3'/></v:media>", []),
    ],
)
def test_enclosures_of_an_item_each_once(inside: str, enclosures: list[Enclosure]) -> None:
    assert item(f"<guid>1</guid>{inside}").enclosures == tuple(enclosures)


def test_enclosures_of_an_entry() -> None:
    link = "<link rel='enclosure' href='http://a.test/1.mp3' type='audio/mpeg' length='5'/>"
    text = "<link rel='enclosure' type='image/jpeg'>http://a.test/4.jpg</link>"

    assert entry(f"<id>1</id>{link}{text}").enclosures == (
        MP3,
        Enclosure("http://a.test/4.jpg", "image/jpeg"),
    )


@pytest.mark.parametrize(
    ("claimed", "expected"),
    [
        ("0", 0),
        (" 12 ", 12),
        ("1,234", 1234),
        ("12.0", 12),
        ("-1", None),
        ("1.5", None),
        ("12 MB", None),
        ("١٢", None),
        (str(2**63 - 1), 2**63 - 1),
        ("9" * 5000, None),
        ("", None),
        (None, None),
    ],
)
def test_lengths_are_whole_numbers(claimed: str | None, expected: int | None) -> None:
    assert length(claimed) == expected


def test_a_length_is_one_that_a_store_can_hold() -> None:
    assert item(f"<enclosure url='http://a.test/x' length='{2**63}'/>").enclosures[0].length is None


@pytest.mark.parametrize(
    ("inside", "image"),
    [
        ("<itunes:image href='/i.jpg'/><media:thumbnail url='/t.jpg'/>", "http://feeds.test/i.jpg"),
        ("<media:thumbnail url='/t.jpg'/>", "http://feeds.test/t.jpg"),
        ("<media:group><media:thumbnail url='/t.jpg'/></media:group>", "http://feeds.test/t.jpg"),
        (
            "<media:content url='/v'><media:thumbnail url='/t.jpg'/></media:content>",
            "http://feeds.test/t.jpg",
        ),
        ("<image><title>x</title><url>/u.png</url></image>", "http://feeds.test/u.png"),
        ("<image>/u.png</image>", "http://feeds.test/u.png"),
        ("<image href='/u.png'/>", "http://feeds.test/u.png"),
        ("<image url='/u.png?a&amp;amp;b'/>", "http://feeds.test/u.png?a&b"),
        ("<image xml:base='http://b.test/'><url>u.png</url></image>", "http://b.test/u.png"),
        ("<image>A beetle</image>", None),
        ("<media:content url='/c.jpg' medium='image'/>", None),
        ("<image/>", None),
    ],
)
def test_the_picture_of_an_item(inside: str, image: str | None) -> None:
    assert raw_item(inside).image == image


@pytest.mark.parametrize(
    ("inside", "source"),
    [
        ("<source url='http://b.test/rss'>B &amp;amp; C</source>", EntrySource("B & C", "http://b.test/rss")),
        ("<source>B</source>", EntrySource("B", None)),
        ("", None),
    ],
)
def test_the_source_of_an_item(inside: str, source: EntrySource | None) -> None:
    assert raw_item(inside).source == source


@pytest.mark.parametrize(
    ("inside", "source"),
    [
        ("<title>B</title><link href='http://b.test/'/><link rel='self' href='/s'/>", "http://b.test/"),
        ("<title>B</title><link rel='self' href='http://b.test/atom'/>", "http://b.test/atom"),
        ("<title type='html'>&lt;b>B&lt;/b></title>", None),
    ],
)
def test_the_source_of_an_entry(inside: str, source: str | None) -> None:
    assert raw_entry(f"<source>{inside}</source>").source == EntrySource("B", source)


@pytest.mark.parametrize(
    ("inside", "categories"),
    [
        ("<category>a</category><dc:subject>b, c</dc:subject>", ["a", "b, c"]),
        ("<category domain='http://d.test/'>a</category>", [Category("a", "http://d.test/")]),
        ("<media:keywords>a, b,,c</media:keywords>", ["a", "b", "c"]),
        ("<itunes:keywords>a,b</itunes:keywords><category>c</category>", ["a", "b", "c"]),
        ("<media:group><media:category scheme='s'>a</media:category></media:group>", [Category("a", "s")]),
        ("<itunes:category text='a'><itunes:category text='b'/></itunes:category>", ["a", "b"]),
        ("<category>a<image><title>t</title></image></category>", ["a"]),
    ],
)
def test_categories_of_an_item(inside: str, categories: list[str | Category]) -> None:
    assert [each for each in map(_stripped, raw_item(inside).categories) if each] == categories


def _stripped(category: str | Category) -> str | Category:
    return category.strip() if isinstance(category, str) else category


def test_categories_of_an_entry() -> None:
    inside = (
        "<category term='t' scheme='s' label='L'/><category label='only'/><category term='u' label='u'/>"
        "<category>text</category>"
    )

    assert list(raw_entry(inside).categories) == [Category("t", "s", "L"), "only", "u", "text"]
    assert entry(f"<id>1</id>{inside}").tags == ("t", "only", "u", "text")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3723", 3723),
        ("62:03", 3723),
        ("1:02:03", 3723),
        ("01:02:03.5", 3723),
        ("90:00", 5400),
        ("0", None),
        ("", None),
        ("about an hour", None),
        ("1:2:3:4", None),
        ("-5", None),
    ],
)
def test_durations(text: str, expected: int | None) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize(
    ("inside", "fields"),
    [
        ("", {"duration": None, "explicit": None, "transcripts": ()}),
        ("<itunes:duration>10:00</itunes:duration>", {"duration": 600}),
        ("<media:content url='/x' duration='30'/>", {"duration": 30}),
        ("<media:content url='/x' duration='30'/><itunes:duration>31</itunes:duration>", {"duration": 31}),
        ("<itunes:episode>07</itunes:episode><itunes:season>2</itunes:season>", {"episode": 7, "season": 2}),
        (
            "<podcast:episode>3</podcast:episode><podcast:season name='x'>1</podcast:season>",
            {"episode": 3, "season": 1},
        ),
        ("<itunes:episode>bonus</itunes:episode><podcast:episode>4</podcast:episode>", {"episode": 4}),
        ("<itunes:explicit>Yes</itunes:explicit>", {"explicit": True}),
        ("<itunes:explicit>clean</itunes:explicit>", {"explicit": False}),
        ("<itunes:explicit>?</itunes:explicit>", {"explicit": None}),
        (
            "<podcast:chapters url='/c.json' type='application/json+chapters'/>",
            {"chapters": "http://feeds.test/c.json"},
        ),
        (
            "<podcast:transcript url='/t.vtt' type='text/vtt' language='en'/><podcast:transcript/>",
            {"transcripts": [Transcript("http://feeds.test/t.vtt", "text/vtt", "en")]},
        ),
    ],
)
def test_what_is_said_of_an_episode(inside: str, fields: dict[str, Any]) -> None:
    raw = raw_item(inside)

    assert {name: getattr(raw, name) for name in fields} == fields
