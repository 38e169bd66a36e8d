"""A server whose documents say where older entries are."""

from __future__ import annotations

from dataclasses import dataclass, field

from trioscrape.testing import Answer, Request, Site


@dataclass(kw_only=True)
class Pages(Site):
    """A server with a document for each target; all else is missing."""

    documents: dict[str, bytes | Answer] = field(default_factory=dict)

    def answer(self, request: Request) -> Answer:
        found = self.documents.get(request.target, Answer(status=404))
        return found if isinstance(found, Answer) else Answer(body=found)


def document(
    *numbers: int, links: dict[str, str] | None = None, generator: str = "", prefix: str = ""
) -> bytes:
    """An RSS document with these entries; each is dated by its number."""
    items = "".join(
        f"<item><guid>{prefix}{number}</guid><title>About {prefix}{number}</title>"
        f"<pubDate>Mon, 02 Mar 2026 {number // 60:02}:{number % 60:02}:00 GMT</pubDate></item>"
        for number in numbers
    )
    related = "".join(f"<atom:link rel='{rel}' href='{url}'/>" for rel, url in (links or {}).items())
    return (
        f"<rss version='2.0' xmlns:atom='http://www.w3.org/2005/Atom'><channel><title>T</title>"
        f"<generator>{generator}</generator>{related}{items}</channel></rss>"
    ).encode()
