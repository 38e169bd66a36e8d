r"""Markup that would run, load or send something, or take in what comes after it, in each kind of text.

A new vector is a line of `MARKUP`; ``kept`` in it has to be there still, as text. A URL that means harm is a
line of `URLS`: it goes into all links there are, in markup and outside of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path

import html5lib
import pytest

from support.adversary import (
    LONG,
    STORES,
    Sites,
    Stored,
    assert_none,
    broken_promises,
    broken_promises_to,
    document,
    open_sites,
    read,
    scrape,
    some,
)

MARKUP: dict[str, str] = {
    # Elements and handlers
    "script": "<script>steal()</script>kept",
    "script, odd tag": "<ScRiPt\x0b/x\r\n>steal()</sCrIpT\t>kept",
    "script, not closed": "kept<script>steal(",
    "script in script": "<scr<script>ipt>steal()</scr</script>ipt>",
    "script after a NUL": "<\0script>steal()</script><scr\0ipt>steal()</script>",
    "script, full width": "\uff1cscript\uff1esteal()\uff1c/script\uff1ekept",
    "handler": "<img src=http://a.test/i onerror=steal()>kept",
    "handler without space": "<img/src='http://a.test/i'/onerror=steal()>kept",
    "handler after a quote": "<img src='http://a.test/i'onerror='steal()'>kept",
    "handler after backquotes": "<img src=`http://a.test/i` onerror=`steal()`>kept",
    "handler behind control characters": "<p \x0conclick=steal() \x1bonfocus=steal() tabindex=0>kept",
    "handler after =": "<p =onclick=steal()>kept<p a='=' ='onclick=steal()'>",
    "handler, unknown": "<p onwhatever=steal() onbeforematch=steal()>kept",
    "handler on details": "<details open ontoggle=steal()>kept</details>",
    "handler on video": "<video><source onerror=steal()></video>kept",
    "autofocus": "<input autofocus onfocus=steal()>kept",
    "iframe": "<iframe src='javascript:steal()'></iframe>kept",
    "iframe srcdoc": "<iframe srcdoc='&lt;script>steal()&lt;/script>'></iframe>kept",
    "object": "<object data='javascript:steal()'><embed src='javascript:steal()'></object>kept",
    "applet, portal": "<applet code=x></applet><portal src='javascript:steal()'></portal>kept",
    "form": "<form action='http://a.test/'><input name=password><button formaction=javascript:x>kept",
    "isindex": "<isindex action=javascript:steal() type=image>kept",
    "base": "<base href='http://evil.test/'><a href='x'>kept</a>",
    "meta refresh": "<meta http-equiv=refresh content='0;url=javascript:steal()'>kept",
    "link": "<link rel=stylesheet href='http://evil.test/x.css'>kept",
    "style": "<style>@import 'http://evil.test/x.css';</style>kept",
    "style attribute": "<p style='background:url(http://evil.test/)' class=x id=x name=x>kept",
    "srcset": "<img srcset='javascript:steal() 2x'><picture><source srcset='http://a.test/'></picture>kept",
    "ping": "<a href='http://a.test/' ping='http://evil.test/' target=x>kept</a>",
    "background": "<table background='javascript:steal()'><td background=javascript:x>kept</table>",
    "custom element": "<x-evil is=x onclick=steal()>kept</x-evil>",
    "shadow root": "<div><template shadowrootmode=open><script>steal()</script></template></div>kept",
    # Nesting that is read in two ways (mutation XSS)
    "math": "<math><mi//xlink:href='data:x,<script>steal()</script>'>",
    "math, mglyph": "<math><mtext><table><mglyph><style><!--</style><img title='--><img src onerror=x>'>",
    "math, annotation": "<math><annotation-xml encoding='text/html'><script>steal()</script></math>",
    "svg": "<svg><script>steal()</script><animate onbegin=steal() attributeName=x></svg>kept",
    "svg, style": "<svg><style><img src=x onerror=steal()></style></svg>kept",
    "svg, desc": "<svg><desc><a id='</desc><img src onerror=steal()>'></a></desc></svg>kept",
    "svg, use": "<svg><use href='data:image/svg+xml,<svg id=x onload=steal()>#x'></use></svg>kept",
    "svg, a": "<svg><a xlink:href='javascript:steal()'><text>x</text></a></svg>kept",
    "svg, CDATA": "<svg><![CDATA[><img src onerror=steal()>]]></svg>kept",
    "svg, foreignObject": "<svg><foreignObject><p><style><a title='</style><img src onerror=steal()>'>",
    "noscript": "<noscript><p title='</noscript><img src onerror=steal()>'>kept",
    "noscript, style": "<noscript><style></noscript><img src onerror=steal()></style>kept",
    "template": "kept<template><script></template><p title='</template><img src onerror=x>'>",
    "title": "<title><p title='</title><img src onerror=steal()>'>kept",
    "textarea": "<textarea><p title='</textarea><img src onerror=steal()>'>kept",
    "xmp": "<xmp><p title='</xmp><img src onerror=steal()>'>kept",
    "noembed": "<noembed><img title='</noembed><img src onerror=steal()>'></noembed>kept",
    "plaintext": "kept<plaintext><img src onerror=steal()>",
    "select": "kept<select><iframe></select><img src onerror=steal()>",
    "form in form": "<form><div></form><form><math><mtext></form><mglyph><style></math><img src onerror=x>",
    "table": "<table><a href='javascript:steal()'><tr><td><a href='javascript:steal()'>kept",
    "frameset": "<frameset onload=steal()><frame src='javascript:steal()'>",
    "nested p in button": "<p><button><p></button><svg></p><style><a id='</style><img src onerror=steal()>'>",
    # Comments, declarations, what is not closed
    "comment": "<!--><img src onerror=steal()>-->kept",
    "comment, odd end": "<!-- --!><img src onerror=steal()> --><!---><img src onerror=x>kept",
    "conditional comment": "<!--[if gte IE 4]><script>steal()</script><![endif]-->kept",
    "CDATA": "<![CDATA[<img src onerror=steal()>]] >kept",
    "processing instruction": "<?xml-stylesheet href='javascript:steal()'?><?php x ?>kept",
    "DOCTYPE": "<!DOCTYPE x [<!ENTITY e '<script>steal()</script>'>]>&e;kept",
    "comment, not closed": "kept<!-- ",
    "CDATA, not closed": "kept<svg><![CDATA[ ",
    "tag, not closed": "kept<p title=",
    "quote, not closed": 'kept<p title="><img src onerror=steal()>',
    "name, not closed": "kept<im",
    "end, not closed": "kept</p ",
    "entity, not closed": "kept&lt",
    "style, not closed": "kept<style>",
    "textarea, not closed": "kept<textarea>",
    # Encoded
    "encoded twice": "&lt;script&gt;steal()&lt;/script&gt;kept",
    "encoded three times": "&amp;lt;img src onerror=steal()&amp;gt;kept",
    "encoded by number": "&#60;img src onerror=steal()&#62;kept &#x3c;script>",
    "UTF-7": "+ADw-script+AD4-steal()+ADw-/script+AD4-kept",
    "a long attribute": f"<p title='{'x' * 100_000}' onclick=steal()>kept",
    "bidi overrides": "<p title='\u202etxet\u2066'>kept\u202e\u2067</p>",
}

URLS: dict[str, str] = {
    "javascript": "javascript:steal()",
    "upper case": "JaVaScRiPt:steal()",
    "space before": " \n\tjavascript:steal()",
    "tab inside": "java\tscript:steal()",
    "line ends inside": "j\na\rv\r\nascript:steal()",
    "control characters before": "\x01\x08\x1fjavascript:steal()",
    "NUL inside": "java\0script:steal()",
    "no-break space before": "\xa0javascript:steal()",
    "references": "&#106;avascript&colon;steal()",
    "reference without semicolon": "&#0000106avascript:steal()",
    "a reference to a tab": "java&Tab;script:steal()",
    "percent": "%6aavascript:steal()",
    "comment": "javascript://a.test/%0asteal()",
    "feed": "feed:javascript:steal()",
    "view-source": "view-source:javascript:steal()",
    "data": "data:text/html,<script>steal()</script>",
    "data, base64": "data:text/html;base64,PHNjcmlwdD5zdGVhbCgpPC9zY3JpcHQ+",
    "data, svg": "data:image/svg+xml,<svg onload='steal()'/>",
    "vbscript": "vbscript:steal()",
    "livescript": "livescript:steal()",
    "file": "file:///etc/passwd",
    "blob": "blob:http://a.test/1",
    "about": "about:blank",
    "intent": "intent://a.test/#Intent;end",
    "cid": "cid:1@a.test",
    "ws": "ws://a.test/",
    "jar": "jar:http://a.test/!/x",
    "quotes": "http://a.test/'onclick='steal()\"onclick=\"steal()",
}


# Where a text or a link may stand. Each is a document with an entry for each row.


def rss(markup: dict[str, str], item: str, channel: str = "") -> bytes:
    items = "".join(
        f"<item><guid isPermaLink='false'>{escape(name)}</guid>{item.format(escape(text))}</item>"
        for name, text in markup.items()
    )
    spaces = "".join(
        f" xmlns:{prefix}='{uri}'"
        for prefix, uri in {
            "content": "http://purl.org/rss/1.0/modules/content/",
            "media": "http://search.yahoo.com/mrss/",
            "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
            "podcast": "https://podcastindex.org/namespace/1.0",
            "atom": "http://www.w3.org/2005/Atom",
        }.items()
    )
    return f"<rss version='2.0'{spaces}><channel><title>T</title>{channel}{items}</channel></rss>".encode()


def atom(markup: dict[str, str], entry: str, *, raw: bool = False) -> bytes:
    entries = "".join(
        f"<entry><id>{escape(name)}</id>{entry.format(text if raw else escape(text))}</entry>"
        for name, text in markup.items()
    )
    return f"<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title>{entries}</feed>".encode()


def json_feed(markup: dict[str, str], *fields: str) -> bytes:
    items = [{"id": name, **dict.fromkeys(fields, text)} for name, text in markup.items()]
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": items}).encode()


XHTML = "<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>{}</div></content>"
Form = Callable[[dict[str, str]], bytes]

TEXTS: dict[str, Form] = {
    "rss": lambda rows: rss(rows, "<description>{0}</description><title>{0}</title>"),
    "rss-content": lambda rows: rss(
        rows, "<description>d</description><content:encoded>{}</content:encoded>"
    ),
    "rss-broken": lambda rows: rss(rows, "<description>{}</description>", channel="<a & b>"),
    "media": lambda rows: rss(rows, "<media:description type='html'>{}</media:description>"),
    "itunes": lambda rows: rss(
        rows, "<itunes:summary>{0}</itunes:summary><itunes:author>{0}</itunes:author>"
    ),
    "atom-html": lambda rows: atom(rows, "<content type='html'>{0}</content><title type='html'>{0}</title>"),
    "atom-summary": lambda rows: atom(rows, "<summary type='html'>{}</summary>"),
    "atom-text": lambda rows: atom(rows, "<content type='text'>{0}</content><title>{0}</title>"),
    "atom-xhtml": lambda rows: atom(rows, XHTML.replace("{}", "<p>kept</p><i>{}</i>")),
    "json": lambda rows: json_feed(rows, "content_html", "title", "summary"),
}
ALONE: dict[str, Form] = {
    "xhtml-raw": lambda rows: atom(rows, XHTML, raw=True),
    "rss-cdata": lambda rows: rss(rows, "", "").replace(
        b"</guid>", f"</guid><description><![CDATA[{next(iter(rows.values()))}]]></description>".encode()
    ),
}
"""Where markup can break the document around it: a document for each row."""

LINKED = "<a href='{0}'>kept</a><img src='{0}'><video poster='{0}' src=\"{0}\"></video><q cite='{0}'>q</q>"
LINKS: dict[str, Form] = {
    "link-rss": lambda rows: rss(
        rows,
        "<link>{0}</link><enclosure url='{0}' length='1' type='audio/mpeg'/><comments>{0}</comments>"
        "<source url='{0}'>S</source><itunes:image href='{0}'/><podcast:chapters url='{0}' type='x'/>"
        "<podcast:transcript url='{0}' type='text/vtt'/><media:content url='{0}'/>"
        "<media:thumbnail url='{0}'/>",
    ),
    "link-guid": lambda rows: rss(rows, "").replace(b" isPermaLink='false'", b" isPermaLink='true'"),
    "link-atom": lambda rows: atom(
        rows,
        "<link href='{0}'/><link rel='enclosure' href='{0}'/><link rel='replies' href='{0}'/>"
        "<source><id>s</id><link href='{0}'/></source><author><name>A</name><uri>{0}</uri></author>",
    ),
    "link-base": lambda rows: atom(
        rows, "<content type='html' xml:base='{0}'>&lt;a href='x'>kept&lt;/a></content><link href='x'/>"
    ),
    "link-base-rss": lambda rows: rss(rows, "<link xml:base='{}'>x</link>"),
    "link-json": lambda rows: json_feed(rows, "url", "external_url", "image", "banner_image"),
    "link-html": lambda rows: rss(
        {name: LINKED.format(url.replace("'", "&#39;").replace('"', "&quot;")) for name, url in rows.items()},
        "<description>{}</description>",
    ),
}
CHANNELS: dict[str, Form] = {
    "channel": lambda rows: rss(
        {"x": "y"},
        "<title>{}</title>",
        "<link>{0}</link><image><url>{0}</url></image><atom:link rel='hub' href='{0}'/>"
        "<atom:link rel='self' href='{0}'/>".format(escape(next(iter(rows.values())))),
    )
}


def documents() -> Iterator[tuple[str, bytes]]:
    """A label for its host, and what it serves."""
    markup, urls = dict(some([*MARKUP.items()])), dict(some([*URLS.items()]))
    for forms, rows in (TEXTS, markup), (LINKS, urls):
        for label, form in forms.items():
            yield label, form(rows)
    for forms, rows in (ALONE, markup), (CHANNELS, urls):
        for label, form in forms.items():
            for number, (name, text) in enumerate(rows.items()):
                yield f"{label}-{number}", form({name: text})

    if LONG:
        # Longer than a summary may be; where it would be cut is inside of a tag.
        yield (
            "cut",
            rss({"cut": f"{'x' * (2**21 - 20)}<p title='{'y' * 999}'>"}, "<description>{}</description>"),
        )


def lost(sites: Sites, stored: Stored) -> list[str]:
    """Texts of which a harmless part has gone too."""
    wrong = []
    for label in TEXTS:
        entries = stored.of(sites.url(label))
        for name, text in some([*MARKUP.items()]):
            found = entries[name].entry if name in entries else None
            shown = found and " ".join(filter(None, (found.content, found.summary, *found.authors)))
            if "kept" in text and "kept" not in visible(shown or ""):
                wrong.append(f"{label}: {name}: {shown!r:.200}")
    return wrong


def visible(markup: str) -> str:
    return "".join(html5lib.parseFragment(markup).itertext())


@pytest.mark.parametrize("store", STORES)
async def test_markup(store: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'x.db'}" if store == "sqlite" else request.getfixturevalue("mongodb_url")
    handlers = {
        label: document(body, "application/json" if "json" in label else "application/xml")
        for label, body in documents()
    }
    async with open_sites(handlers) as sites:
        ended = await scrape(sites, tmp_path, url)
        stored = await read(url)

    assert_none(broken_promises(ended, 0) + broken_promises_to(sites, ended))
    assert set(ended.ends.values()) <= {"new", "malformed", "not-a-feed"}
    assert_none(stored.dangers())
    assert_none(lost(sites, stored))
