"""Feeds that are whole, one fault planted at random in the bytes of each, and what may be other afterwards.

    python tests/support/random_faults.py DRAWS [SEED]

takes real feeds where they are at hand (``$TRIOSCRAPE_CORPUS``). Exit status 0: entries kept their keys, and
only the text that was damaged is another one.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from random import Random
from typing import Final, NamedTuple

from trioscrape._errors import FeedFailed
from trioscrape._parse import FeedDocument, parse_document, read_document
from trioscrape._records import Entry, ParsedFeed

from support.conformance import CORPUS, URL

Fault = Callable[[Random, bytes], bytes]

_TEXT: Final = re.compile(rb"(?<=>)[^<>]+(?=<)")
_END: Final = re.compile(rb"</[^>]+>")
_END_OF_ENTRY: Final = re.compile(rb"</(?:item|entry)>")
_END_OF_STRUCTURE: Final = re.compile(rb"</(?:item|entry|channel)>")
_TAG: Final = re.compile(rb'(?<=<)[\w:]+(?: [^<>]*)?="[^"<>]*"[^<>]*>')
_UNQUOTED: Final = re.compile(rb"(?<=\w)=\"([^\"<>\s'=/>&]+)\"")
_NAMESPACE: Final = re.compile(
    rb"\sxmlns:(?:atom|content|dc|georss|itunes|media|slash|sy|thr|wfw)=(?:\"[^\"]*\"|'[^']*')"
)


def _in_a_character(document: bytes, at: int) -> bool:
    return at < len(document) and document[at] & 0xC0 == 0x80


def _insert(*inserted: bytes) -> Fault:
    """Anywhere between two tags, but in no character."""

    def plant(random: Random, document: bytes) -> bytes:
        text = random.choice(list(_TEXT.finditer(document)))
        at = random.randint(text.start(), text.end())
        while _in_a_character(document, at):
            at += 1
        return document[:at] + random.choice(inserted) + document[at:]

    return plant


def _changed(pattern: re.Pattern[bytes], *others: Callable[[bytes], bytes]) -> Fault:
    """One of the places that a pattern finds, written in another way."""

    def plant(random: Random, document: bytes) -> bytes:
        places = list(pattern.finditer(document))
        if not places:
            return document
        place = random.choice(places)
        return document[: place.start()] + random.choice(others)(place[0]) + document[place.end() :]

    return plant


def _before(*inserted: bytes) -> Fault:
    return lambda random, document: random.choice(inserted) + document


def _after(*inserted: bytes) -> Fault:
    return lambda random, document: document + random.choice(inserted)


def _attribute(random: Random, document: bytes) -> bytes:
    """A quote too many, an ampersand or a less-than sign in an attribute."""
    tags = list(_TAG.finditer(document))
    if not tags:
        return document
    tag = random.choice(tags)
    value = random.choice(list(re.finditer(rb'"([^"<>]*)"', tag[0])))
    at = tag.start() + random.randint(value.start(1), value.end(1))
    while _in_a_character(document, at):
        at += 1
    return document[:at] + random.choice((b"<", b'"x"', b"&x=1", b'" ', b"&")) + document[at:]


def _doctype(random: Random, document: bytes) -> bytes:
    at = document.find(b"?>") + 2 if document.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"<?xml") else 0
    kinds = (
        b"<!DOCTYPE rss [<!ENTITY % a SYSTEM 'x'> %a; <!ENTITY nbsp '&#160;'>]>",
        b'<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://a.test/rss.dtd">',
        b"<!DOCTYPE html>",
    )
    return document[:at] + random.choice(kinds) + document[at:]


def _cut(random: Random, document: bytes) -> bytes:
    return document[: random.randrange(document.index(b"<title"), len(document))]


CUT: Final = "a cut end"
FAULTS: Final[dict[str, Fault]] = {
    "a bad byte": _insert(b"\xff", b"\xc3", b"\x80", b"\xe2\x80", b"\xed\xa0\x80", b"\x92"),
    "an ampersand": _insert(b"&", b"& ", b"&x=1", b"&&"),
    "a reference": _insert(b"&nbsp;", b"&foo;", b"&#8217", b"&#xD83D;", b"&#0;", b"&rsquo;"),
    "a less-than sign": _insert(b"<", b"< ", b"<3", b"<-", b"<=", b"<>"),
    "a control character": _insert(b"\x02", b"\x0b", b"\x1f", b"\xef\xbf\xbf", b"\x00", b"\x1b"),
    "an end that is missing": _changed(_END, lambda tag: b""),
    "an end of an entry that is missing": _changed(_END_OF_STRUCTURE, lambda tag: b""),
    "an end that is misspelt": _changed(
        _END,
        lambda tag: b"</x>",
        bytes.upper,
        lambda tag: tag[:-1],
        lambda tag: b"<" + tag[2:],
        lambda tag: b"</ " + tag[2:],
        lambda tag: tag[:-2] + b">",
    ),
    "an end of nothing": _insert(b"</b>", b"</x:y>", b"</title >", b"</p>", b"</div>", b"]]>"),
    "a start of nothing": _insert(
        b"<b>", b"<br>", b"<p>", b"<foo>", b"<title>", b"<x:y>", b"<!--", b"<![CDATA["
    ),
    "an attribute": _attribute,
    "an attribute without quotes": _changed(_UNQUOTED, lambda found: b"=" + found[2:-1]),
    "an unknown prefix": _changed(_END_OF_ENTRY, lambda tag: b"<zz:foo zz:a='1'>bar</zz:foo>" + tag),
    "a namespace that is missing": _changed(_NAMESPACE, lambda declaration: b""),
    "junk before": _before(
        b"\n\n",
        b"<br />\n<b>Warning</b>: x() in <b>/a</b> on line <b>3</b><br />\n",
        b"<?xml version='1.0'?>\n",
        b"Notice: x < y & z\n",
        b"\xef\xbb\xbf\xef\xbb\xbf",
        b"<!-- c -->\n",
        b"\x00",
        b"<script>var a='<b>';</script>",
    ),
    "junk after": _after(
        b"<!-- x -- y -->",
        b"<script>if (a<b && c) {}</script>",
        b"</html>",
        b"0",
        b"\x00",
        b"<b>Warning</b>: &x",
        b"</channel></rss>",
    ),
    "a DOCTYPE": _doctype,
    CUT: _cut,
}

_NAMES: Final = [field.name for field in fields(Entry) if field.name != "hash"]
_TEXTS: Final = {"summary", "summary_type", "content", "content_type"}
"""One of them is left out where both are the same, so damage to one may be seen in the other."""
_FIELDS_OF_ONE_TEXT: Final = 2
"""A permalink guid is key and link, a text has its type, a category may be a tag as well."""


def parse(document: bytes, before: ParsedFeed | None = None) -> ParsedFeed:
    """What it says, at the URL of all these documents, when `before` is what that URL has said before."""
    known = FeedDocument(document, URL, "application/xml")
    if before is not None:
        known = replace(known, shared_keys=before.shared_keys, distrusts_ids=before.distrusts_ids)
    return parse_document(known)


def problem(before: ParsedFeed, after: ParsedFeed) -> str | None:
    """What is wrong after one fault, in words; None if at most one text is another one."""
    if after.parser == "feedparser":
        return "it could not be repaired"
    if len(before.entries) != len(after.entries):
        return f"{len(after.entries)} entries instead of {len(before.entries)}"
    damaged = [names for names in map(_differing, before.entries, after.entries) if names]
    if all(names == ["authors"] for names in damaged):
        del damaged[1:]  # Those who have none inherit them from the feed.
    around = replace(before, entries=(), repaired=True) != replace(after, entries=(), repaired=True)
    if len(damaged) + around > 1 or any(map(_is_more_than_one_text, damaged)):
        return f"more than one text is damaged: {damaged[:3]}{', and the feed' if around else ''}"
    return None


def problem_of_a_cut(before: ParsedFeed, after: ParsedFeed, whole: int) -> str | None:
    """The same where the end was cut off.

    Args:
      before: what the document said.
      after: what it says now.
      whole: entries that are before the cut.
    """
    if len(after.entries) < min(whole, len(before.entries)):
        return f"{len(after.entries)} entries, though {whole} are whole"
    changed = map(_differing, before.entries[:whole], after.entries[:whole])
    if damaged := [names for names in changed if names]:
        return f"entries before it are damaged: {damaged[:3]}"
    known = {key for entry in before.entries for key in (entry.key, entry.link)}
    made_up = [entry.key for entry in after.entries if entry.key not in known]
    return f"a key was made up: {made_up}" if made_up and whole else None


def _differing(one: Entry, other: Entry) -> list[str]:
    return [name for name in _NAMES if getattr(one, name) != getattr(other, name)]


def _is_more_than_one_text(names: Sequence[str]) -> bool:
    return len(names) > _FIELDS_OF_ONE_TEXT and not set(names) <= _TEXTS


class Whole(NamedTuple):
    """A document without a fault."""

    name: str
    document: bytes
    says: ParsedFeed


def real_feeds() -> Iterator[Whole]:
    """The well-formed XML of the corpus; without those that have an entry twice, or ids that several have.

    Which of these are there changes the keys of others, and a feed's state remembers them.
    """
    for path in sorted(CORPUS.iterdir()) if CORPUS.is_dir() else ():
        document = path.read_bytes()
        try:
            says = parse(document)
        except FeedFailed:
            continue
        raw = read_document(FeedDocument(document, URL, "application/xml"))
        if says.parser == "first-pass" and not says.repaired and says.entries:  # noqa: SIM102
            if len(raw.entries) == len(says.entries) and not says.shared_keys:
                yield Whole(path.name, document, says)


@dataclass(frozen=True)
class Draw:
    """One fault in one document, which the same seed plants again."""

    whole: Whole
    fault: str
    seed: int

    def damaged(self) -> bytes:
        """The document with its fault."""
        return FAULTS[self.fault](Random(self.seed), self.whole.document)

    def problem(self) -> str | None:
        """What is wrong about what is read in it."""
        document, before = self.damaged(), self.whole.says
        whole = len(_END_OF_ENTRY.findall(document)) if self.fault == CUT else len(before.entries)
        try:
            after = parse(document, before)
        except FeedFailed as failure:
            return f"{failure.reason}, though {whole} entries are whole" if whole else None
        return problem_of_a_cut(before, after, whole) if self.fault == CUT else problem(before, after)


def draws(feeds: Sequence[Whole], number: int, seed: int) -> Iterator[Draw]:
    """Faults in any of these feeds; the same ones for the same seed."""
    random = Random(seed)
    for _ in range(number):
        yield Draw(random.choice(feeds), random.choice(list(FAULTS)), random.randrange(2**32))


def main() -> int:
    """Plant so many faults, and show what came of them."""
    number, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns()
    feeds = list(real_feeds())
    print(f"{number} faults in {len(feeds)} real feeds, seed {seed}")
    planted: Counter[str] = Counter()
    found: dict[str, list[str]] = defaultdict(list)
    for draw in draws(feeds, number, seed) if feeds else ():
        planted[draw.fault] += 1
        if words := draw.problem():
            found[draw.fault].append(f"{draw.whole.name}, seed {draw.seed}: {words}")
    for fault in FAULTS:
        print(f"{fault:36}{planted[fault]:7} planted{len(found[fault]):5} wrong", *found[fault], sep="\n    ")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
