"""What the README describes: stores, filled by a scrape of four feeds with known answers, and entries."""

from __future__ import annotations

from trioscrape.testing import Internet, Site

FEED = "http://example.org/feed.xml"
FEEDS = [FEED, "http://lost.example/feed", "http://closed.example/feed", "http://quiet.example/feed"]

EXAMPLE = b"""<?xml version="1.0"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:dc="http://purl.org/dc/elements/1.1/"
     xmlns:content="http://purl.org/rss/1.0/modules/content/"
     xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:podcast="https://podcastindex.org/namespace/1.0">
 <channel>
  <title>The Example</title><link>https://example.org/</link><language>en-GB</language>
  <description>News of examples</description>
  <lastBuildDate>Sat, 28 Feb 2026 12:00:00 GMT</lastBuildDate><ttl>60</ttl>
  <atom:link rel="self" href="https://example.org/feed.xml"/>
  <atom:link rel="hub" href="https://hub.example/"/>
  <cloud domain="rpc.example" port="80" path="/notify" registerProcedure="" protocol="http-post"/>
  <skipDays><day>Sunday</day></skipDays>
  <item>
   <guid isPermaLink="false">tag:example.org,2026:2</guid><link>https://example.org/2?a=b</link>
   <title>Python 3.11 &amp; trio</title>
   <description>How to wait for many things at once</description>
   <content:encoded>&lt;p&gt;How to wait. &lt;a href="/1"&gt;Before&lt;/a&gt;&lt;/p&gt;</content:encoded>
   <dc:creator>Ann</dc:creator><pubDate>Sat, 28 Feb 2026 11:30:00 GMT</pubDate>
   <category>python</category><category domain="https://example.org/tags">trio</category>
   <enclosure url="https://example.org/2.mp3" type="audio/mpeg" length="7340032"/>
   <comments>https://example.org/2#comments</comments>
   <source url="https://elsewhere.example/feed.xml">Elsewhere</source>
   <itunes:image href="https://example.org/2.jpg"/><itunes:duration>30:00</itunes:duration>
   <itunes:season>2</itunes:season><itunes:episode>12</itunes:episode><itunes:explicit>no</itunes:explicit>
   <podcast:chapters url="https://example.org/2.json"/>
   <podcast:transcript url="https://example.org/2.vtt" type="text/vtt"/>
  </item>
  <item><guid>https://example.org/1</guid><title>Before that</title>
   <pubDate>Fri, 27 Feb 2026 09:00:00 GMT</pubDate></item>
 </channel>
</rss>"""
QUIET = (
    b'<rss version="2.0"><channel><title>Quiet</title><item><guid>1</guid><title>Once</title>'
    b"<pubDate>Tue, 01 Jan 2019 00:00:00 GMT</pubDate></item></channel></rss>"
)


def internet() -> Internet:
    return Internet(
        {
            "example.org": Site(body=EXAMPLE, headers={"ETag": '"33a6"', "Cache-Control": "max-age=1800"}),
            "lost.example": Site(status=404),
            "closed.example": Site(status=410),
            "quiet.example": Site(body=QUIET),
        }
    )


# One entry for each column of the README's table of fields, with every element that the column names.

EXTENSIONS = """<dc:creator>Ann</dc:creator><dc:subject>trio</dc:subject><itunes:image href="/1.jpg"/>
  <media:content url="/1.mp3"/><itunes:duration>9</itunes:duration><itunes:episode>1</itunes:episode>
  <itunes:season>1</itunes:season><itunes:explicit>no</itunes:explicit><dcterms:issued>2026-02-27</dcterms:issued>
  <dc:date>2026-02-28</dc:date><dc:title>One</dc:title><dc:description>Short</dc:description>
  <podcast:chapters url="/1.json"/><podcast:transcript url="/1.vtt"/>
  <media:category scheme="/tags" label="Trio">trio</media:category>
  <content:encoded>Long</content:encoded><dc:language>en-GB</dc:language>"""
NAMESPACES = """xmlns:content="http://purl.org/rss/1.0/modules/content/"
  xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"
  xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:media="http://search.yahoo.com/mrss/"
  xmlns:podcast="https://podcastindex.org/namespace/1.0" """
IN_RSS = """<guid>1</guid><link>/1</link><title>One</title><description>Short</description>
  <author>Ann</author><pubDate>Sat, 28 Feb 2026 11:30:00 GMT</pubDate><category domain="/tags">trio</category>
  <enclosure url="/1.mp3"/><comments>/1#c</comments><source url="/all">All</source>"""
IN_ATOM = """<id>1</id><link href="/1"/><title>One</title><summary>Short</summary><content>Long</content>
  <author><name>Ann</name></author><published>2026-02-27T00:00:00Z</published>
  <updated>2026-02-28T00:00:00Z</updated><category term="trio" scheme="/tags"/>
  <link rel="enclosure" href="/1.mp3"/><link rel="replies" type="text/html" href="/1#c"/>
  <source><title>All</title></source>"""
IN_RDF = "<link>/1</link><title>One</title><description>Short</description>"
RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"'
IN_JSON = """{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "url": "/1",
  "title": "One", "summary": "Short", "content_html": "Long", "authors": [{"name": "Ann"}],
  "tags": ["trio"], "language": "en-GB",
  "date_published": "2026-02-27T00:00:00Z", "date_modified": "2026-02-28T00:00:00Z", "image": "/1.jpg",
  "attachments": [{"url": "/1.mp3", "mime_type": "audio/mpeg", "duration_in_seconds": 9}]}]}"""


def document(column: str, *, extensions: bool = False) -> bytes:
    """The document of a column of the README's table of fields."""
    more = EXTENSIONS if extensions else ""
    rss, atom, rdf = IN_RSS + more, IN_ATOM + more, IN_RDF + more
    return {
        "RSS 2.0": f'<rss version="2.0" {NAMESPACES}><channel><item>{rss}</item></channel></rss>',
        "Atom": f'<feed xmlns="http://www.w3.org/2005/Atom" {NAMESPACES}><entry>{atom}</entry></feed>',
        "RSS 1.0 (RDF)": f'<rdf:RDF {RDF} {NAMESPACES}><item rdf:about="1">{rdf}</item></rdf:RDF>',
        "JSON Feed": IN_JSON,
    }[column].encode()
