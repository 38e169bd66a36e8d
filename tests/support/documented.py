"""The stores that the README describes: filled by a scrape of four feeds, whose answers are known."""

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
