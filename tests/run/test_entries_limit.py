"""Documents with more entries than are wanted: the first ones are taken, and the result says so."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest

from trioscrape import Config, EntryCounts, Outcome
from trioscrape._parse import FeedDocument, parse_document, read_document
from trioscrape._parse.document import shortened
from trioscrape.testing import Internet, MemoryStore, Site

from support.scenarios import run_virtual

URL = "http://a.test/feed"
RSS = "<rss version='2.0'><channel><title>T</title>{}<link>http://a.test/</link></channel></rss>"
ATOM = "<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title>{}<link href='http://a.test/'/></feed>"
RDF = (
    "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'>"
    "<channel><title>T</title><link>http://a.test/</link></channel>{}</rdf:RDF>"
)


def items(number: int, form: str = "<item><guid>{}</guid><title>t</title></item>\n") -> str:
    return "".join(form.format(index) for index in range(number))


DOCUMENTS = {
    "rss": RSS.format(items(10)),
    "atom": ATOM.format(items(10, "<entry><id>{}</id><title>t</title></entry>")),
    "rdf": RDF.format(items(10, "<item rdf:about='{}'><title>t</title></item>")),
    "prefix": ATOM.replace("<feed xmlns=", "<feed xmlns:a=").format(
        items(10, "<a:entry xmlns:a='http://www.w3.org/2005/Atom'><a:id>{}</a:id></a:entry>")
    ),
    "no end": RDF.format(items(10, "<item rdf:about='{}'/>")),
    "looks like items": RSS.format(
        items(10, "<item><guid>{}</guid><description><![CDATA[" + "<item>" * 5 + "]]></description></item>")
    ),
    "broken": RSS.format(items(10)).replace("<title>T", "<title>T & Co"),
    "broken behind": RSS.format(items(10)) + "</b>",
}


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("limit", [1, 2, 9, 10, 11])
def test_the_first_entries_are_those_of_the_whole_document(name: str, limit: int) -> None:
    document = FeedDocument(DOCUMENTS[name].encode(), URL)
    whole, cut = parse_document(document), parse_document(replace(document, entries_limit=limit))

    assert len(whole.entries) == 10
    assert not whole.has_more
    assert cut.entries == whole.entries[:limit]
    assert cut.has_more == (limit < 10)
    assert (cut.title, cut.link) == (whole.title, whole.link)


@pytest.mark.parametrize("name", ["rss", "atom", "rdf", "broken"])
def test_what_is_not_wanted_is_not_read(name: str) -> None:
    """One more than is wanted is, to know that there are more."""
    body = DOCUMENTS[name].encode()

    assert len(read_document(FeedDocument(body, URL, entries_limit=3)).entries) == 4
    assert len(read_document(FeedDocument(body, URL, entries_limit=10)).entries) == 10


@pytest.mark.parametrize("body", [b"", b"item>" * 99, b"<item/>" * 99, b"</item>" + b"<item/>" * 99])
def test_what_cannot_be_cut_is_left(body: bytes) -> None:
    assert shortened(body, 5) is None


def test_the_text_between_entries_goes_with_them() -> None:
    first, second = b"<item>the first</item>;", b"<item>the second</item>;"

    assert shortened(b"<a>%b%b<item/>;<item>4</item>;</a>" % (first, second), 2) == (
        b"<a>%b%b;</a>" % (first, second)
    )


@pytest.mark.usefixtures("autojump_clock")
async def test_the_result_says_so_and_the_first_ones_are_stored() -> None:
    numbers = count()
    site = Site(body=RSS.format(items(7)).encode())
    internet, store = Internet({"a.test": site}), MemoryStore()

    async def run() -> tuple[Outcome, str | None, str | None, EntryCounts, bool]:
        site.body += b"<!-- %d -->" % next(numbers)
        (result,), _ = await run_virtual([URL], internet, store, config=Config(entries_limit=5))
        return result.outcome, result.reason, result.detail, result.entries, result.stored

    cut = ("too-many-entries", "only its first 5 entries are taken")
    assert await run() == (Outcome.NEW, *cut, EntryCounts(new=5), True)
    assert await run() == (Outcome.NOT_MODIFIED, *cut, EntryCounts(unchanged=5), True)
    assert [set(entries) for entries in store.entries.values()] == [{str(n) for n in range(5)}]
    site.body = RSS.format(items(5)).encode()
    assert (await run())[:3] == (Outcome.NOT_MODIFIED, None, None)
