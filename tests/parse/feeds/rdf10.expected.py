from datetime import UTC, datetime

from trioscrape._records import Entry, ParsedFeed

expected = ParsedFeed(
    title="Triples",
    link="http://rdf.test/",
    entries=(
        Entry(
            key="http://rdf.test/one",
            hash="",
            link="http://rdf.test/one",
            title="One",
            authors=("Tim",),
            published=datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC),
            tags=("webs",),
        ),
    ),
    parser="first-pass",
)
