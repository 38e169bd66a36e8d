"""Feeds made at random of everything that means something to feedparser, in places where it may be or not."""

from __future__ import annotations

from random import Random
from typing import Final
from xml.sax.saxutils import escape, quoteattr

NAMESPACES: Final = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "gd": "http://schemas.google.com/g/2005",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
    "x": "http://unknown.test/",
    "xhtml": "http://www.w3.org/1999/xhtml",
}
USUAL: Final = """title link description guid id summary content content:encoded author dc:creator dc:date
    dc:title dc:description dc:subject dc:language media:title media:description media:group media:content
    media:thumbnail media:keywords media:category media:credit itunes:author itunes:summary itunes:subtitle
    itunes:keywords itunes:category itunes:image pubDate published updated modified issued category keywords
    enclosure atom:link atom:updated x:foo x:title gd:image comments source image rights generator subtitle
    tagline language ttl skipHours sy:updatePeriod lastBuildDate contributor webMaster managingEditor
    dcterms:modified dcterms:issued dcterms:created cloud docs x:group expirationDate""".split()  # noqa: SIM905
UNUSUAL: Final = (
    "name email uri url body xhtml:body width itunes:owner links authors tags textInput div b".split()  # noqa: SIM905
)
INSIDE: Final = """name email uri title link url media:title media:description media:keywords media:thumbnail
    x:foo id updated description""".split()  # noqa: SIM905
CONTAINERS: Final = {"author", "contributor", "image", "media:content", "media:group", "source", "x:group"}
ATTRIBUTES: Final = {
    "type": ("html", "text", "xhtml", "text/plain", "image/png", "TEXT", ""),
    "rel": ("self", "alternate", "enclosure", "hub", "Self"),
    "href": ("http://h.test/l", "/l", "", "x y"),
    "url": ("http://h.test/u", "u.mp3", ""),
    "isPermaLink": ("true", "false", "True"),
    "term": ("t1", "t2"),
    "label": ("l",),
    "scheme": ("s",),
    "domain": ("d",),
    "xml:base": ("http://base.test/", "sub/", ""),
    "xml:lang": ("de", "en_US", ""),
    "lang": ("fr",),
    "base": ("b/",),
    "mode": ("escaped", "xml"),
    "text": ("cat",),
    "x:a": ("1",),
}
TEXTS: Final = (
    *("", "x", " A title ", "<b>bold</b>", "a &lt; b", "Ada", "ada@a.test (Ada)", "bob@b.test", "a,b, c"),
    *("http://h.test/a?b=1&c=2", "/rel/link", "http://h.test/x y", "tag:a,1:1", "http://h.test/?a&amp;b;"),
    *("2010-09-06T01:02:03Z", "Mon, 06 Sep 2010 02:01:00 +0200", "2010-09-06", "en_US", "60", "daily"),
    *("café", "cafÃ©", "\x80\x93", "\u2028 z ", "&amp;&copy;", "<p>x</p>", '"q"', "Жук"),
)
XHTML: Final = (
    "<div>a <b>c</b></div>",
    " <div xmlns='http://www.w3.org/1999/xhtml'>a <i class='x'>c&lt;</i><br/></div>\n",
    "<div>a</div><div>b</div>",
    "<p>x</p> tail",
    "<xhtml:div>z<xhtml:br/></xhtml:div>",
    "<div><title>x</title></div>",
)


def random_feed(random: Random) -> str:
    """A well-formed document without an XML declaration."""
    declared = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in _shuffled(random, NAMESPACES))
    declared += random.choice(["", "", "", " xml:base='http://root.test/d/'", " xml:lang='en'", " lang='nl'"])
    names = USUAL if random.random() < 0.8 else USUAL + UNUSUAL
    of_feed = _elements(random, names, 4)
    kind = random.choice(["rss", "atom", "rdf"])
    name = "entry" if kind == "atom" else "item"
    attributes = ["", "", " xml:lang='it'", " xml:base='i/'"] + [" rdf:about='http://h.test/1'"] * (
        kind == "rdf"
    )
    entries = "".join(
        f"<{name}{random.choice(attributes)}>{_elements(random, names, 7)}</{name}>"
        for _ in range(random.randrange(4))
    )
    if kind == "rss":
        return f"<rss version='2.0'{declared}><channel>{of_feed}{entries}</channel></rss>"
    if kind == "atom":
        return f"<feed xmlns='http://www.w3.org/2005/Atom'{declared}>{of_feed}{entries}</feed>"
    return (
        f"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'"
        f"{declared}><channel>{of_feed}</channel>{entries}</rdf:RDF>"
    )


def _shuffled(random: Random, items: dict[str, str]) -> list[tuple[str, str]]:
    return random.sample(list(items.items()), len(items))


def _elements(random: Random, names: list[str], most: int, depth: int = 0) -> str:
    return "".join(_element(random, random.choice(names), depth) for _ in range(random.randrange(most)))


def _element(random: Random, name: str, depth: int) -> str:
    chosen = random.sample(list(ATTRIBUTES), random.choice([0, 0, 0, 1, 1, 2]))
    attributes = {key: random.choice(ATTRIBUTES[key]) for key in chosen}
    text = escape(random.choice(TEXTS))
    if name in CONTAINERS and depth < 3 and random.random() < 0.6:
        inside = (text if random.random() < 0.1 else "") + _elements(random, INSIDE, 4, depth + 1)
    elif attributes.get("type") == "xhtml":
        inside = random.choice(XHTML)
    else:
        inside = text if random.random() < 0.9 else f"{text}<!-- c -->tail"
    written = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{written}>{inside}</{name}>"
