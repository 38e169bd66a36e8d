from datetime import UTC, datetime

from trioscrape._records import Enclosure, Entry, ParsedFeed

expected = ParsedFeed(
    title="The Daily Beetle & Co.",
    link="http://feeds.test/home",
    subtitle="Beetles, <i>daily</i>",
    language="en-GB",
    self_link="http://feeds.test/feed.json",
    hub="http://hub.test/",
    entries=(
        Entry(
            key="beetle-1",
            hash="",
            link="http://feeds.test/dir/stag.html",
            title="Stag beetles <3 oak",
            summary="A short one, 1 < 2",
            summary_type="text",
            content='<p>Long <img src="http://feeds.test/stag.jpg"></p>',
            content_type="html",
            authors=("Ada", "Bea"),
            published=datetime(2010, 9, 6, 0, 1, tzinfo=UTC),
            updated=datetime(2010, 9, 7, tzinfo=UTC),
            tags=("insects", "oak", "7"),
            enclosures=(Enclosure("http://feeds.test/dir/stag.mp3", "audio/mpeg", 1234),),
            language="de",
            duration=7,
        ),
        Entry(
            key="123456789012345678901234567890",
            hash="",
            link="http://elsewhere.test/2",
            content="1 < 2 & 3",
            content_type="text",
            authors=("Cy",),
        ),
        Entry(key="hash:ff43217084926591c71bf42219c83e63", hash="", title="5", tags=("none",)),
    ),
    parser="jsonfeed",
)
