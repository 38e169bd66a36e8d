from trioscrape._records import Entry, ParsedFeed

expected = ParsedFeed(
    title="Cut & dried",
    link=None,
    entries=(
        Entry(key="1", hash="", title="Fish & chips", summary="half � an emoji", summary_type="html"),
        Entry(key="2", hash="", title="Cut"),
    ),
    repaired=True,
    parser="first-pass",
)
