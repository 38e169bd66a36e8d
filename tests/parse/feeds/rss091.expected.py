from trioscrape._records import Entry, ParsedFeed

expected = ParsedFeed(
    title="Käferpost",
    link="http://kaefer.test/",
    entries=(
        Entry(
            key="http://kaefer.test/1",
            hash="",
            link="http://kaefer.test/1",
            title="Hirschkäfer",
            summary="Groß",
            summary_type="html",
        ),
    ),
    parser="first-pass",
)
