"""The demo's documents: RSS 2.0, Atom 1.0 and RDF (RSS 1.0), the same in every run."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from typing import Final

from .words import AUTHORS, TAGS, text, title

LAST_PUBLISHED: Final = datetime(2026, 1, 31, 18, 0, tzinfo=UTC)
"""When the latest entry was published. It is fixed, because a second run must find nothing new."""


@dataclass(frozen=True, slots=True)
class _Post:
    number: int
    title: str
    link: str
    html: str
    author: str
    tag: str
    published: datetime


def document(kind: str, name: str, entries: int, size: int) -> bytes:
    """A feed of about `size` bytes; `kind` is rss, atom or rdf."""
    rng = random.Random(name)  # noqa: S311 - not a secret
    site = f"http://{name}.demo.test/"
    posts = [_post(rng, site, entries - age, age, size // entries) for age in range(entries)]
    return _RENDERERS[kind](name.replace("-", " ").title(), site, posts).encode()


def _post(rng: random.Random, site: str, number: int, age: int, size: int) -> _Post:
    return _Post(
        number=number,
        title=escape(title(rng)),
        link=f"{site}{number}",
        # The markup around the text takes some 500 bytes per entry.
        html=escape(text(rng, size - 500)),
        author=rng.choice(AUTHORS),
        tag=escape(rng.choice(TAGS)),
        published=LAST_PUBLISHED - timedelta(hours=9 * age),
    )


def _rss(heading: str, site: str, posts: list[_Post]) -> str:
    items = "".join(
        f"<item><title>{p.title}</title><link>{p.link}</link>"
        f'<guid isPermaLink="false">tag:{site.split("/")[2]},2026:{p.number}</guid>'
        f"<pubDate>{format_datetime(p.published, usegmt=True)}</pubDate>"
        f"<dc:creator>{p.author}</dc:creator><category>{p.tag}</category>"
        f"<description>{p.html}</description></item>\n"
        for p in posts
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>'
        f"<title>{heading}</title><link>{site}</link><description>All about it</description>\n"
        f"{items}</channel></rss>\n"
    )


def _atom(heading: str, site: str, posts: list[_Post]) -> str:
    entries = "".join(
        f'<entry><id>{p.link}</id><title>{p.title}</title><link href="{p.link}"/>'
        f"<published>{p.published.isoformat()}</published><updated>{p.published.isoformat()}</updated>"
        f'<author><name>{p.author}</name></author><category term="{p.tag}"/>'
        f'<content type="html">{p.html}</content></entry>\n'
        for p in posts
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<feed xmlns="http://www.w3.org/2005/Atom"><id>{site}</id><title>{heading}</title>'
        f'<link href="{site}"/><updated>{LAST_PUBLISHED.isoformat()}</updated>\n{entries}</feed>\n'
    )


def _rdf(heading: str, site: str, posts: list[_Post]) -> str:
    listed = "".join(f'<rdf:li rdf:resource="{p.link}"/>' for p in posts)
    items = "".join(
        f'<item rdf:about="{p.link}"><title>{p.title}</title><link>{p.link}</link>'
        f"<dc:date>{p.published.isoformat()}</dc:date><dc:creator>{p.author}</dc:creator>"
        f"<dc:subject>{p.tag}</dc:subject><description>{p.html}</description></item>\n"
        for p in posts
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<rdf:RDF xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<channel rdf:about="{site}"><title>{heading}</title><link>{site}</link>'
        f"<description>All about it</description><items><rdf:Seq>{listed}</rdf:Seq></items></channel>\n"
        f"{items}</rdf:RDF>\n"
    )


_RENDERERS: Final[dict[str, Callable[[str, str, list[_Post]], str]]] = {
    "rss": _rss,
    "atom": _atom,
    "rdf": _rdf,
}
