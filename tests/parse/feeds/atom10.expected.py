from datetime import UTC, datetime

from trioscrape._records import Category, Enclosure, Entry, ParsedFeed

expected = ParsedFeed(
    title="Rock & Roll",
    link="http://atom.test/",
    entries=(
        Entry(
            key="tag:atom.test,2020:1",
            hash="",
            link="http://atom.test/blog/1",
            title="if a < b: swap(a, b)",
            summary="1 < 2 & 3",
            summary_type="text",
            content='<img src="http://atom.test/blog/img/a.png"><a>x</a>',
            content_type="html",
            authors=("Bea", "Cy"),
            published=datetime(2019, 12, 31, 23, tzinfo=UTC),
            updated=datetime(2020, 1, 2, tzinfo=UTC),
            tags=("t1",),
            enclosures=(Enclosure("http://atom.test/blog/1.ogg", "audio/ogg"),),
            categories=(Category("t1", label="Label 1"),),
        ),
    ),
    self_link="http://atom.test/blog/feed.atom",
    parser="first-pass",
)
