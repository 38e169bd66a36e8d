"""Entries as hypothesis makes them up, and the documents that say so: RSS 2.0, Atom 1.0, JSON Feed 1.1."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from typing import Any

from hypothesis import strategies as st

from trioscrape._parse.html import sanitised
from trioscrape._records import Enclosure, Entry, EntrySource, Transcript

from .feeds import DECLARED

BASE = "http://a.test/dir/"
DECLARATION = "<?xml version='1.0' encoding='utf-8'?>"

# What could be UTF-8 that was taken for latin-1 is taken for just that, "Âª" for example.
latin_1 = "".join(map(chr, range(0x80, 0x100)))
letters = st.characters(categories=("L", "N"), max_codepoint=0xFFFF, exclude_characters=latin_1)
words = st.text(letters | st.sampled_from("-_!?'\"#%€…"), min_size=1, max_size=8)
lines = st.lists(words, min_size=1, max_size=5).map(" ".join)
"""Text on one line that nobody could take for HTML: RSS does not say which it is."""
any_lines = st.lists(words | st.sampled_from(["<", "&", ">", "<b>", "&amp;", "]]>", "</p>"]), min_size=1).map(
    " ".join
)
"""Text on one line where a format says that it is text."""
names = st.lists(st.text(letters, min_size=1, max_size=6), min_size=1, max_size=3).map(" ".join)
paths = st.text("abcäé-_~09", min_size=1, max_size=8)
links = paths.map("http://b.test/{}".format)
moments = st.datetimes(datetime(1971, 1, 1), datetime(2099, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0, fold=0, tzinfo=UTC)
)

markup = st.recursive(
    lines | st.just("<br>") | links.map('<img src="{}" alt="x">'.format),
    lambda inner: st.tuples(
        st.sampled_from(
            ["<p>{}</p>", "<b>{}</b>", "<ul><li>{}</li></ul>", '<a href="http://c.test/">{}</a>']
        ),
        st.lists(inner, min_size=1, max_size=3).map(" ".join),
    ).map(lambda pair: pair[0].format(pair[1])),
    max_leaves=6,
)
html = markup.map(lambda text: sanitised(f"<div>{text}</div>", BASE))
"""HTML in the form in which it is stored, and that cannot be taken for text."""

enclosures = st.lists(
    st.builds(
        Enclosure, links, st.sampled_from(["audio/mpeg", "video/mp4"]), st.none() | st.integers(0, 2**40)
    ),
    max_size=2,
    unique_by=lambda enclosure: enclosure.url,
).map(tuple)


sources = st.builds(EntrySource, lines, links)
of_xml: dict[str, st.SearchStrategy[Any]] = {
    "comments": st.none() | links,
    "source": st.none() | sources,
    "duration": st.none() | st.integers(1, 10**5),
}
of_episodes = st.fixed_dictionaries(
    {
        **of_xml,
        "episode": st.none() | st.integers(0, 999),
        "season": st.none() | st.integers(0, 99),
        "explicit": st.none() | st.booleans(),
        "chapters": st.none() | links,
        "transcripts": st.lists(
            st.builds(Transcript, links, st.sampled_from(["text/vtt", None]), st.sampled_from(["de", None])),
            max_size=2,
            unique=True,
        ).map(tuple),
    }
)


@st.composite
def entries(
    draw: st.DrawFn,
    titles: st.SearchStrategy[str],
    *,
    updated: bool = True,
    html_summary: bool = True,
    more: st.SearchStrategy[dict[str, Any]] | None = None,
) -> Entry:
    summary, content = draw(st.none() | (html if html_summary else any_lines)), draw(st.none() | html)
    if summary == content:
        summary = None
    return Entry(
        key="",
        hash="",
        link=draw(st.none() | links),
        title=draw(st.none() | titles),
        summary=summary,
        summary_type=None if summary is None else "html" if html_summary else "text",
        content=content,
        content_type=None if content is None else "html",
        authors=tuple(draw(st.lists(names, max_size=2, unique=True))),
        published=draw(st.none() | moments),
        updated=draw(st.none() | moments) if updated else None,
        tags=tuple(draw(st.lists(names, max_size=3, unique=True))),
        enclosures=draw(enclosures),
        image=draw(st.none() | links),
        **(draw(more) if more is not None else {}),
    )


def documents(one: st.SearchStrategy[Entry]) -> st.SearchStrategy[list[tuple[str | None, Entry]]]:
    """Pairs of an id and an entry."""
    ids = st.none() | st.integers(0, 5).map("tag:a.test,2020:{}".format)
    return st.lists(st.tuples(ids, one), max_size=6)


def element(name: str, text: str | None, attributes: str = "") -> str:
    return "" if text is None else f"<{name}{attributes}>{escape(text)}</{name}>"


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _kind(enclosure: Enclosure) -> str:
    length = "" if enclosure.length is None else f' length="{enclosure.length}"'
    return f'type="{enclosure.type}"{length}'


def rss(pairs: list[tuple[str | None, Entry]]) -> bytes:
    def item(guid: str | None, entry: Entry) -> str:
        parts = [
            element("guid", guid, ' isPermaLink="false"'),
            element("link", entry.link),
            element("title", entry.title),
            element("description", entry.summary),
            element("content:encoded", entry.content),
            *(element("dc:creator", author) for author in entry.authors),
            element("pubDate", None if entry.published is None else format_datetime(entry.published)),
            *(element("category", tag) for tag in entry.tags),
            *(f"<enclosure url='{each.url}' {_kind(each)}/>" for each in entry.enclosures),
            element("comments", entry.comments),
            ""
            if entry.source is None
            else element("source", entry.source.title, f' url="{entry.source.link}"'),
            *_episode(entry),
        ]
        return f"<item>{''.join(parts)}</item>"

    items = "".join(item(*pair) for pair in pairs)
    return (
        f"{DECLARATION}<rss version='2.0'{DECLARED}><channel><title>T</title>{items}</channel></rss>".encode()
    )


def _rss_source(source: EntrySource) -> str:
    return element("source", source.title, f' url="{source.link}"')


def _episode(entry: Entry) -> list[str]:
    numbers = {"duration": entry.duration, "episode": entry.episode, "season": entry.season}
    explicit = None if entry.explicit is None else str(entry.explicit).lower()
    return [
        *(
            element(f"itunes:{name}", None if number is None else str(number))
            for name, number in numbers.items()
        ),
        element("itunes:explicit", explicit),
        "" if entry.image is None else f'<itunes:image href="{entry.image}"/>',
        "" if entry.chapters is None else f'<podcast:chapters url="{entry.chapters}"/>',
        *(_transcript(each) for each in entry.transcripts),
    ]


def _transcript(each: Transcript) -> str:
    kind = f' type="{each.type}"' if each.type else ""
    language = f' language="{each.language}"' if each.language else ""
    return f'<podcast:transcript url="{each.url}"{kind}{language}/>'


def atom(pairs: list[tuple[str | None, Entry]]) -> bytes:
    def entry_of(guid: str | None, entry: Entry) -> str:
        parts = [
            element("id", guid),
            f'<link href="{entry.link}"/>' if entry.link else "",
            element("title", entry.title),
            element("summary", entry.summary, ' type="html"'),
            element("content", entry.content, ' type="html"'),
            *(f"<author>{element('name', author)}</author>" for author in entry.authors),
            element("published", _iso(entry.published)),
            element("updated", _iso(entry.updated)),
            *(f'<category term="{tag}"/>' for tag in entry.tags),
            *(f"<link rel='enclosure' href='{each.url}' {_kind(each)}/>" for each in entry.enclosures),
            "" if entry.comments is None else f'<link rel="replies" href="{entry.comments}"/>',
            "" if entry.image is None else f'<media:thumbnail url="{entry.image}"/>',
            "" if entry.duration is None else f'<media:content duration="{entry.duration}"/>',
            "" if entry.source is None else _source(entry.source),
        ]
        return f"<entry>{''.join(parts)}</entry>"

    entries = "".join(entry_of(*pair) for pair in pairs)
    root = f"<feed xmlns='http://www.w3.org/2005/Atom'{DECLARED}>"
    return f"{DECLARATION}{root}<title>T</title>{entries}</feed>".encode()


def _source(source: EntrySource) -> str:
    return f'<source>{element("title", source.title)}<link href="{source.link}"/></source>'


def json_feed(pairs: list[tuple[str | None, Entry]]) -> bytes:
    def item(guid: str | None, entry: Entry) -> dict[str, Any]:
        fields = {
            "id": guid,
            "url": entry.link,
            "title": entry.title,
            "summary": entry.summary,
            "content_html": entry.content,
            "authors": [{"name": author} for author in entry.authors],
            "date_published": _iso(entry.published),
            "date_modified": _iso(entry.updated),
            "tags": list(entry.tags),
            "attachments": [_attachment(each) for each in entry.enclosures],
            "image": entry.image,
        }
        return {name: value for name, value in fields.items() if value is not None}

    version = "https://jsonfeed.org/version/1.1"
    return json.dumps({"version": version, "title": "T", "items": [item(*pair) for pair in pairs]}).encode()


def _attachment(enclosure: Enclosure) -> dict[str, Any]:
    return {"url": enclosure.url, "mime_type": enclosure.type, "size_in_bytes": enclosure.length}


FORMATS: dict[str, tuple[Callable[[list[tuple[str | None, Entry]]], bytes], st.SearchStrategy[Any]]] = {
    "rss": (rss, documents(entries(lines, updated=False, more=of_episodes))),
    "atom": (atom, documents(entries(any_lines, more=st.fixed_dictionaries(of_xml)))),
    "json": (json_feed, documents(entries(any_lines, html_summary=False))),
}
