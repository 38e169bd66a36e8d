"""Rule 8: authors are named, and inherited where their format says so."""

from __future__ import annotations

import pytest

from trioscrape._parse._fast.people import split

from support.feeds import entry, item, parse, rss


@pytest.mark.parametrize(
    ("author", "names"),
    [
        ("Ann Lee", ["Ann Lee"]),
        ("ann@a.test (Ann Lee)", ["Ann Lee"]),
        ("ann@a.test (Ann (Dr.) Lee)", ["Ann (Dr.) Lee"]),
        ("Ann Lee <ann@a.test>", ["Ann Lee"]),
        ('"Ann Lee" <ann@a.test>', ["Ann Lee"]),
        ("Ann Lee (ann@a.test)", ["Ann Lee"]),
        ("ann@a.test Ann Lee", ["Ann Lee"]),
        ("ann@a.test - Ann Lee", ["Ann Lee"]),
        ("ann@a.test", ["ann@a.test"]),
        ("<ann@a.test>", ["ann@a.test"]),
        ("mailto:ann@a.test", ["ann@a.test"]),
        ("ann@a.test ()", ["ann@a.test"]),
        ("(Ann Lee)", ["Ann Lee"]),
        ("a@a.test (Ann), b@a.test (Bob)", ["Ann", "Bob"]),
        ("Ann Lee (she/her)", ["Ann Lee (she/her)"]),
        ("@ann@social.test", ["@ann@social.test"]),
        ("Ann @ Work", ["Ann @ Work"]),
        ("Ann, Bob and Carl", ["Ann, Bob and Carl"]),
    ],
)
def test_names_in_a_text(author: str, names: list[str]) -> None:
    assert list(split(author)) == names


@pytest.mark.parametrize(
    ("inside", "authors"),
    [
        ("<author>ann@a.test (Ann)</author><dc:creator>Ann</dc:creator>", ("Ann",)),
        (
            "<dc:creator>Ann</dc:creator><dc:creator>Bob</dc:creator><dc:creator>Ann</dc:creator>",
            ("Ann", "Bob"),
        ),
        ("<itunes:author>It</itunes:author><author>Ann</author>", ("It", "Ann")),
        (
            "<atom:author><atom:name>Ann</atom:name><atom:uri>http://a.test/</atom:uri></atom:author>",
            ("Ann",),
        ),
        ("<author><name>Ann</name><email>ann@a.test</email></author>", ("Ann",)),
        ("<author>Jane &lt;jane@a.test&gt;</author>", ("Jane",)),
        ("<dc:creator><![CDATA[O&#039;Brien &amp; Co]]></dc:creator>", ("O'Brien & Co",)),
        ("<dc:contributor>Con</dc:contributor><contributor><name>Con</name></contributor>", ()),
        ("<managingEditor>Ed</managingEditor><author/>", ()),
        ("<author><homepage>http://a.test/</homepage></author>", ()),
    ],
)
def test_authors_of_an_item(inside: str, authors: tuple[str, ...]) -> None:
    assert item(f"<guid>1</guid>{inside}").authors == authors


@pytest.mark.parametrize(
    ("inside", "authors"),
    [
        ("", ("Feed",)),
        ("<author><name>Own</name></author>", ("Own",)),
        ("<author><name/><email>own@a.test</email></author>", ("own@a.test",)),
        ("<author>Just text</author>", ("Just text",)),
        ("<author><uri>http://own.test/</uri></author>", ()),
        ("<author><name/></author>", ("Feed",)),
        ("<contributor><name>Con</name></contributor>", ("Feed",)),
        ("<source><author><name>Source</name></author></source>", ("Source",)),
        ("<source><title>S</title></source>", ("Feed",)),
        ("<source><author><name>Source</name></author></source><author><name>Own</name></author>", ("Own",)),
        ("<author><name>One</name></author><author><name>Two</name></author>", ("One", "Two")),
    ],
)
def test_authors_of_an_entry_are_its_own_else_of_its_source_else_of_the_feed(
    inside: str, authors: tuple[str, ...]
) -> None:
    """RFC 4287 §4.2.1."""
    assert entry(f"<id>1</id>{inside}", feed="<author><name>Feed</name></author>").authors == authors


def test_items_of_rss_inherit_nothing() -> None:
    channel = "<itunes:author>It</itunes:author><dc:creator>C</dc:creator><managingEditor>E</managingEditor>"

    assert parse(rss(channel, "<guid>1</guid>")).entries[0].authors == ()
