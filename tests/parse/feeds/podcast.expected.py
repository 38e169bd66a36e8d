from datetime import UTC, datetime

from trioscrape._records import Category, Enclosure, Entry, EntrySource, FeedTimers, ParsedFeed, Transcript

expected = ParsedFeed(
    title="Beetles, spoken",
    link="http://feeds.test/pod",
    subtitle="All about beetles",
    language="en-gb",
    updated=datetime(2010, 9, 6, 0, 1, tzinfo=UTC),
    self_link="http://feeds.test/pod.xml",
    hub="http://hub.test/",
    timers=FeedTimers(every=3600),
    entries=(
        Entry(
            key="http://feeds.test/1",
            hash="",
            link="http://feeds.test/1",
            title="Stag beetles",
            summary="In which <i>two</i> of them meet &amp; fight",
            summary_type="html",
            authors=("Ada & Bea",),
            published=datetime(2010, 9, 6, 3, 1, tzinfo=UTC),
            tags=("insects", "oak", "nature"),
            enclosures=(
                Enclosure("http://feeds.test/1.mp3", "audio/mpeg", 1234),
                Enclosure("http://feeds.test/1.mp4", "video/mp4"),
            ),
            language="en",
            image="http://feeds.test/1.png",
            duration=754,
            transcripts=(Transcript("http://feeds.test/1.vtt", "text/vtt"),),
        ),
        Entry(
            key="http://other.test/2",
            hash="",
            link="http://other.test/2",
            title="Hirschkäfer",
            authors=("Bea",),
            tags=("insects",),
            language="de",
            categories=(Category("insects", "http://tags.test/"),),
            source=EntrySource("Elsewhere", "http://elsewhere.test/feed.xml"),
        ),
    ),
    parser="first-pass",
)
