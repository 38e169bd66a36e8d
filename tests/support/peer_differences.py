"""Where trioscrape finds fewer entries than a peer, or other fields than feed-rs expects, and by which rule.

A rule is one of "What a feed means to trioscrape" in the README. What no row explains is a fault, and so is a
row that explains nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from trioscrape._parse.html import absolute, one_line, plain
from trioscrape._parse.json_feed import looks_like_json
from trioscrape._records import Entry, ParsedFeed

from .peer_documents import URL, PeerDocument


@dataclass(frozen=True)
class Fewer:
    """A document in which a peer finds entries that are none of the feed."""

    name: str
    """The end of its path."""
    ours: int
    theirs: int
    rule: int
    why: str


_CONFLICT: Final = "A version that lost a conflict is inside of its item: sx:conflicts"
FEWER: Final = (
    Fewer("rome-modules/src/test/resources/os/sample1.xml", 1, 10, 4, "It is one item, ten times"),
    *(
        Fewer(f"rome-modules/src/test/resources/xml/{name}.xml", 17, 18, 1, _CONFLICT)
        for name in ("ep/ep1_v4a", "ep/ep2_v4a", "v/v4", "v/v5", "v/v6")
    ),
)


class Difference(NamedTuple):
    """One field of one entry."""

    field: str
    ours: Any
    theirs: Any
    entry: Entry
    their_entry: Mapping[str, Any]
    """As feed-rs has written it."""
    document: PeerDocument


@dataclass(frozen=True)
class Row:
    """A kind of differences from feed-rs."""

    rule: int
    field: str
    why: str
    """What is wrong about its answer."""
    explains: Callable[[Difference], bool]


def _names(of: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one_line(person["name"]) for person in of["authors"]))


def _feeds_authors(difference: Difference) -> bool:
    feed = difference.document.expected or {}
    return feed["feed_type"] == "Atom" and not difference.theirs and difference.ours == _names(feed)


def _is_of_itunes(difference: Difference) -> bool:
    body = difference.document.document.body.decode()
    return not difference.theirs and all(
        f"<itunes:author>{name}</itunes:author>" in body for name in difference.ours
    )


def _is_in_the_address(difference: Difference) -> bool:
    """feed-rs puts all of RSS's author into the address of somebody who is called "author"."""
    addresses = [person["email"] or "" for person in difference.their_entry["authors"]]
    return difference.theirs == ("author",) and all(
        name in address for name, address in zip(difference.ours, addresses, strict=True)
    )


def _is_deprecated(difference: Difference) -> bool:
    is_json = looks_like_json(difference.document.document.body)
    return is_json and len(difference.ours) > 0 and set(difference.ours) < set(difference.theirs)


def _is_pubdate(difference: Difference) -> bool:
    ours, theirs = difference.ours, difference.theirs
    return ours is None and theirs is not None and theirs == difference.entry.published


def _is_a_word(difference: Difference) -> bool:
    if difference.ours is not None or difference.theirs is None:
        return False
    word = difference.theirs.removeprefix(absolute(".", URL) or "")
    return not set(word) & set("./?#:")


def _is_rewritten(difference: Difference) -> bool:
    ours, theirs = difference.ours, difference.theirs
    return bool(ours and theirs) and ours.lower().rstrip("/") == theirs.lower().rstrip("/")


ROWS: Final = (
    Row(
        2,
        "updated",
        "pubDate says when an item was published, and not that it was updated",
        _is_pubdate,
    ),
    Row(
        2,
        "updated",
        "dc:date beside another date says when an item was updated",
        lambda difference: difference.theirs is None and b"<dc:date>" in difference.document.document.body,
    ),
    Row(
        2,
        "published",
        "A date may be one of those that blogs write",
        lambda difference: (
            difference.theirs is None and b" PM</pubDate>" in difference.document.document.body
        ),
    ),
    Row(
        6,
        "link",
        "A permalink is the link where there is none",
        lambda difference: difference.theirs is None and difference.ours == difference.their_entry["id"],
    ),
    Row(6, "link", "A link is as the document has it: case and slash stay", _is_rewritten),
    Row(6, "link", "A word alone is no URL", _is_a_word),
    Row(8, "authors", "An entry has the authors of its feed (RFC 4287 §4.2.1)", _feeds_authors),
    Row(8, "authors", "itunes:author is an author", _is_of_itunes),
    Row(8, "authors", "An author of RSS has a name beside the address", _is_in_the_address),
    Row(8, "authors", "JSON Feed 1.1 has authors, and author only where there are none", _is_deprecated),
)


def differences(ours: ParsedFeed, document: PeerDocument) -> Iterator[Difference]:
    """The fields that are not as feed-rs expects them; of documents with as many entries as it expects."""
    for entry, other in zip(ours.entries, (document.expected or {})["entries"], strict=True):
        for name, value in _fields(other).items():
            if getattr(entry, name) != value:
                yield Difference(name, getattr(entry, name), value, entry, other, document)


def _fields(of: Mapping[str, Any]) -> Mapping[str, Any]:
    """Titles, dates, links and authors, in the form of ours: on one line, whole seconds, absolute."""
    title, pages = of["title"], (link for link in of["links"] if link["rel"] in {None, "alternate"})
    page = next(pages, None)
    as_text = plain if title and title["content_type"] == "text/html" else one_line
    return {
        "title": title and (as_text(title["content"]) or None),
        "link": page and absolute(page["href"], URL),
        "authors": _names(of),
        "published": _moment(of["published"]),
        "updated": _moment(of["updated"]),
    }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).replace(microsecond=0) if text else None


def explained(difference: Difference) -> Row | None:
    """The first row that explains a difference."""
    rows = (row for row in ROWS if row.field == difference.field)
    return next((row for row in rows if row.explains(difference)), None)
