from datetime import UTC, datetime

from trioscrape._records import Enclosure, Entry, ParsedFeed

expected = ParsedFeed(
    title="The Daily Beetle & Co.",
    link="http://feeds.test/home",
    entries=(
        Entry(
            key="beetle-1",
            hash="",
            link="http://feeds.test/dir/stag.html",
            title="Stag beetles <3 oak",
            summary='A <i>short</i> one, see <a href="http://feeds.test/dir/more">more</a>.',
            summary_type="html",
            content='<p>Long <img src="http://feeds.test/stag.jpg"></p>',
            content_type="html",
            authors=("Ada",),
            published=datetime(2010, 9, 6, 0, 1, tzinfo=UTC),
            tags=("insects", "oak"),
            enclosures=(Enclosure("http://feeds.test/dir/stag.mp3", "audio/mpeg", 1234),),
        ),
        Entry(
            key="hash:b989d56a15e63b973b5a332edc03d196",
            hash="",
            summary="No guid, no link; 1 &lt; 2",
            summary_type="html",
        ),
    ),
    parser="first-pass",
)
