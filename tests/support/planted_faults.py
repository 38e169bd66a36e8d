"""Feeds that are whole, one fault planted in each, and what their entries say. For tests of the repair."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Any, Final

from lxml import etree

ITEMS: Final = """
<item><title>One &amp; only</title><link>http://a.test/1?a=1&amp;b=2</link>
<guid isPermaLink="false">g&amp;1</guid>
<pubDate>Tue, 10 Mar 2026 10:00:00 GMT</pubDate><category>R&amp;D</category><category>x</category>
<description>&lt;p&gt;one &lt;b&gt;bold&lt;/b&gt;&lt;/p&gt;</description>
<media:group><media:title>m</media:title><media:content url="http://a.test/1.jpg"/></media:group></item>
<item><guid>http://a.test/2</guid><title>Zwei – ö</title><dc:creator>Ann</dc:creator>
<content:encoded><![CDATA[<p>two & more <i>text</i> with <br> and 5 < 6</p>]]></content:encoded>
<source url="http://b.test/">Elsewhere</source><enclosure url="http://a.test/2.mp3" length="1"/></item>
<item><link>http://a.test/3</link><guid>http://a.test/3</guid><description>three</description>
<title>Three</title><comments>http://a.test/3#c</comments></item>
"""
DECLARED: Final = """xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/"
xmlns:content="http://purl.org/rss/1.0/modules/content/\""""
WHOLE: Final = {
    "RSS": f"""<?xml version="1.0" encoding="utf-8"?><rss version="2.0" {DECLARED}><channel>
<title>Feed</title><link>http://a.test/</link><description>About</description>
<image><url>http://a.test/i.png</url><title>Feed</title><link>http://a.test/</link></image>{ITEMS}
</channel></rss>""",
    "RSS 1.0": f"""<rdf:RDF xmlns="http://purl.org/rss/1.0/" {DECLARED}
xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><channel rdf:about="http://a.test/"><title>Feed</title>
<link>http://a.test/</link><items><rdf:Seq><rdf:li rdf:resource="x"/></rdf:Seq></items></channel>{ITEMS}
</rdf:RDF>""",
    "Atom": """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Feed</title><id>urn:f</id>
<author><name>Ann</name><uri>http://a.test/ann</uri></author><updated>2026-03-10T10:00:00Z</updated>
<entry><id>urn:1</id><title type="html">One &amp;amp; only</title><link href="http://a.test/1?a=1&amp;b=2"/>
<author><name>Bob</name><email>bob@a.test</email></author><published>2026-03-10T10:00:00Z</published>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>one <b>bold</b></p><ul><li>a</li><li>b</li>
</ul><hr/></div></content></entry>
<entry><title>Two</title><link href="http://a.test/2"/><id>urn:2</id>
<source><id>urn:s</id><title>Elsewhere</title></source><summary>two</summary><category term="t"/></entry>
<entry><id>urn:3</id><title>Three</title><link rel="enclosure" href="http://a.test/3.mp3"/>
<link href="http://a.test/3"/><updated>2026-03-10T10:00:00Z</updated><content>three</content></entry></feed>""",
}

Field = tuple[str, str]


def fields(document: bytes) -> list[list[Field]]:
    """Of the feed first, then of each entry: names, and what the elements say."""
    root = etree.fromstring(document)
    entries = [element for element in root.iter() if _name(element) in {"item", "entry"}]
    around = root if _name(root) == "feed" else root[0]
    return [_fields(around), *map(_fields, entries)]


def _fields(element: Any) -> list[Field]:
    return [(_name(child), _said(child)) for child in element if _name(child) not in {"item", "entry"}]


def _said(element: Any) -> str:
    parts = [str(sorted(element.items())), (element.text or "").strip()]
    for child in element:
        parts += _name(child), _said(child), (child.tail or "").strip()
    return "|".join(parts)


def _name(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _insert(*inserted: str) -> Callable[[Random, str], str]:
    """Into a text, anywhere between tags."""

    def plant(random: Random, document: str) -> str:
        text = random.choice(list(re.finditer("(?<=>)[^<>]+(?=<)", document)))
        at = random.randint(text.start(), text.end())
        return document[:at] + random.choice(inserted) + document[at:]

    return plant


def _without_an_end(random: Random, document: str) -> str:
    tag = random.choice(list(re.finditer("</[^>]+>", document)))
    return document[: tag.start()] + document[tag.end() :]


FAULTS: Final = {
    "an ampersand": _insert("&", "& ", "&x=1"),
    "a reference": _insert("&bogus;", "&nbsp;", "&#8217", "&#xD83D;", "&#0;"),
    "a control character": _insert("\x02", "\x0b", "\x1f", "\uffff"),
    "a less-than sign": _insert("< ", "<3", "<-"),
    "an end that is missing": _without_an_end,
    "an end of nothing": _insert("</b>", "</x:y>", "</title >"),
}
