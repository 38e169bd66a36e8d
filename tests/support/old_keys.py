"""Keys as versions of trioscrape before schema version 4 made them, and the entries that had them.

They had an id resolved as if it were a link; put a link, and then a number, behind a key that another entry
of the document had; and made the key of an entry without id and link of its title, date and content.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

from trioscrape import Entry


def _entry(number: int, link: str | None = "http://a.test/{}", *, content: str | None = None) -> Entry:
    published = datetime(2024, 1, number, tzinfo=UTC)
    made = link.format(number) if link else None
    return Entry("", "", made, f"Title {number}", published=published, content=content)


def _hash(entry: Entry) -> str:
    published = entry.published and entry.published.isoformat()
    fields = json.dumps([entry.title, published, entry.content], ensure_ascii=False, separators=(",", ":"))
    return "hash:" + hashlib.blake2b(fields.encode(), digest_size=16).hexdigest()


PAGE = "http://a.test/"
ONE, TWO, THREE = (_entry(number, PAGE) for number in (1, 2, 3))
BARE, LONG = _entry(1, None), _entry(2, None, content="<p>long</p>")

OLD_KEYS: dict[str, tuple[list[str], list[tuple[str | None, Entry]]]] = {
    "ids that were resolved": (
        ["https://a.test/1", "https://a.test/2", "http://elsewhere.test/base/3"],
        [("1", _entry(1)), ("/2", _entry(2)), ("3", _entry(3))],
    ),
    "ids that were resolved, and were the links too": (
        ["https://a.test/1", "https://a.test/2"],
        [("1", _entry(1, None)), ("2", _entry(2, None))],
    ),
    "an id that several have, with a link behind it": (
        ["N/A", "N/A http://a.test/2", "N/A http://a.test/3", "id 4"],
        [("N/A", _entry(1)), ("N/A", _entry(2)), ("N/A", _entry(3)), ("id 4", _entry(4))],
    ),
    "a link that several have, with a number behind it": (
        [PAGE, f"{PAGE} {PAGE}", f"{PAGE} {PAGE} 2"],
        [(None, ONE), (None, TWO), (None, THREE)],
    ),
    "an id and a link that several have": (
        ["N/A", f"N/A {PAGE}", f"N/A {PAGE} 2"],
        [("N/A", ONE), ("N/A", TWO), ("N/A", THREE)],
    ),
    "texts": ([_hash(BARE), _hash(LONG)], [(None, BARE), (None, LONG)]),
}
"""By what is special about them, the keys and the entries, with their ids."""
