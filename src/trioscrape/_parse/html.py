"""Text and HTML from feeds: one policy for what may stay, links made absolute, depth bounded. Pure.

An HTML parser looks through the open elements at nearly every tag, and opens those again that only format
(``<b>``, ``<font>``) in each new paragraph (HTML Standard §13.2.4.3). So 200,000 open ``<div>`` take nh3
160 s, and 3,000 ``<font>`` before 10,000 ``<p>`` are 30,000,000 elements. No reader shows such depths, and
browsers cut them too: Chrome at 512.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from functools import lru_cache
from itertools import accumulate
from typing import Final, Literal
from urllib.parse import urljoin, urlsplit

import nh3

from .raw import RawText

# nh3's own list (no script, style, form, iframe or object) and what podcasts and galleries need.
TAGS: Final = nh3.ALLOWED_TAGS | {"audio", "picture", "source", "tfoot", "video"}
_MORE_ATTRIBUTES: Final = {
    "*": {"dir", "lang", "title"},
    "audio": {"controls", "src"},
    "source": {"src", "type"},
    "time": {"datetime"},
    "video": {"controls", "height", "poster", "src", "width"},
}
# Absent on purpose: srcset, which nh3 neither checks nor makes absolute; style; every on* handler.
# cite is dropped for the same reason: no browser shows it, and it would stay relative.
ATTRIBUTES: Final = {
    tag: (nh3.ALLOWED_ATTRIBUTES.get(tag, set()) | _MORE_ATTRIBUTES.get(tag, set())) - {"cite"}
    for tag in nh3.ALLOWED_ATTRIBUTES.keys() | _MORE_ATTRIBUTES.keys()
}
SCHEMES: Final = {"ftp", "http", "https", "magnet", "mailto", "tel"}
_LONGEST_BASE: Final = 2000
"""Characters: each link grows by it, and a document of 380 kB with a base of 60 kB would be gigabytes."""
_GROWTH: Final = 10
"""Times its size, and 4 KiB, that a text may become by absolute links and closed tags. Formatting that is
not closed is repeated in each paragraph, ``title`` and all: 72 kB can be made 320 MB."""
_WITHOUT_CONTENT: Final = {"iframe", "noembed", "noframes", "script", "style", "svg"}
"""Elements that go with all that is in them; of others the text stays."""
_NOSCRIPT: Final = re.compile("</?noscript[^<>]*>", re.I)
"""To an HTML parser that could run scripts, what is inside is text; here it is the picture to be shown."""
_BLOCK: Final = re.compile(
    r"</?(?:address|article|aside|blockquote|br|center|dd|div|dl|dt|figcaption|figure|footer|h[1-6]|header|hr|li|main"
    r"|nav|ol|p|pre|section|table|td|th|tr|ul)(?=[\s/>])",
    re.I,
)
"""Tags where a line ends."""
_NOT_TEXT: Final = re.compile("[\x00\ud800-\udfff]")
# What an HTML parser does not just repeat: references, tags, line ends, what is written as a reference.
_MARKUP: Final = re.compile("[<>&\r\xa0\ufeff]")
_BREAKS: Final = re.compile("[\t\n\r]")
_HTTP: Final = re.compile("https?:", re.I)
_PLAIN_LINK: Final = re.compile(
    r"https?://[\w.-]+(?::\d+)?(?:/[\w.~!$&'()*+,=:@%/-]*)?"
    r"(?:\?[\w.~!$&'()*+,;=:@%/?-]+)?(?:#[\w.~!$&'()*+,;=:@%/?-]+)?",
    re.ASCII,
)


def scrub(text: str) -> str:
    """`text` with what no store and no UTF-8 can hold, NUL and lone surrogates, as U+FFFD."""
    if "\x00" not in text:
        if text.isascii():
            return text
        try:
            text.encode()
        except UnicodeEncodeError:
            pass
        else:
            return text
    return _NOT_TEXT.sub("\N{REPLACEMENT CHARACTER}", text)


def needs_sanitiser(markup: str) -> bool:
    """Whether an HTML parser would do more with `markup` than repeat it."""
    return _MARKUP.search(markup) is not None


def sanitised(markup: str, base: str) -> str:
    """`markup` as a safe HTML fragment; its relative links are joined to `base`.

    A relative link is taken away when `base` is no absolute URL that could carry it. What is made to
    grow without bounds loses all of its tags.
    """
    if not needs_sanitiser(markup):
        return scrub(markup).strip()
    markup = shallow(markup)
    if "<noscript" in markup:
        markup = _NOSCRIPT.sub("", markup)
    cleaner = sanitiser(base)
    try:
        safe = cleaner.clean(markup if "\x00" not in markup else scrub(markup))
    except UnicodeEncodeError:
        safe = cleaner.clean(scrub(markup))
    if len(safe) > _GROWTH * len(markup) + 4096:
        safe = _BARE.clean(scrub(markup))
    return safe.strip()


def plain(markup: str) -> str:
    """What a reader sees of `markup`, in one line: no tags, no entities, single spaces."""
    if not needs_sanitiser(markup):
        return one_line(markup)
    return one_line(html.unescape(_BARE.clean(_BLOCK.sub(r" \g<0>", shallow(scrub(markup))))))


def plain_line(text: RawText) -> str:
    """What a reader sees of `text`, in one line."""
    return plain(text.value) if text.type == "html" else one_line(text.value)


def one_line(text: str) -> str:
    """`text` without white space at its ends, and single spaces inside."""
    return " ".join(scrub(text).split())


def is_plain_link(url: str) -> bool:
    """Whether `url` is an absolute link without anything to normalise: joined to any base it is itself."""
    return _PLAIN_LINK.fullmatch(url) is not None


def absolute(url: str, base: str) -> str | None:
    """`url` joined to `base`, or None when that is no link of an allowed scheme."""
    if is_plain_link(url):
        return url
    base = base if len(base) <= _LONGEST_BASE else ""
    try:
        # As in the URL Standard §4.4: neither line breaks and tabs count, nor which slash it is.
        url = _BREAKS.sub("", scrub(url).strip())
        joined = urljoin(base, url.replace("\\", "/") if _HTTP.match(url) else url)
        scheme = urlsplit(joined).scheme
    except ValueError:  # An IPv6 host without its bracket, for example.
        return None
    return joined if scheme in SCHEMES else None


_BARE: Final = nh3.Cleaner(tags=set(), attributes={}, clean_content_tags=_WITHOUT_CONTENT)


@lru_cache(maxsize=64)
def sanitiser(base: str) -> nh3.Cleaner:
    """What applies the policy to texts with that base."""
    # A base without authority (mailto:, urn:) can't be rejected here: nh3 itself drops the links then.
    # Of links that are joined nh3 does not look at the scheme: "javascript://x/" and "%0Aalert()".
    if len(base) > _LONGEST_BASE or absolute(base, "") is None:
        return _policy("deny")
    try:
        return _policy(("rewrite_with_base", base))
    except ValueError:
        return _policy("deny")


def _policy(relative: Literal["deny"] | tuple[Literal["rewrite_with_base"], str]) -> nh3.Cleaner:
    # link_rel: how a link opens is for the page that shows it, not for the store.
    return nh3.Cleaner(
        tags=TAGS,
        attributes=ATTRIBUTES,
        clean_content_tags=_WITHOUT_CONTENT,
        url_schemes=SCHEMES,
        link_rel=None,
        url_relative=relative,
    )


# Depth

DEEPEST: Final = 256
"""Elements inside of one another."""
FORMATTED: Final = 32
"""Of them, elements that only format."""
FEW: Final = 3000
"""Tags that take nh3 50 ms at the worst that was found (half of them ``<font>``, each with another
attribute, half ``<p>``), and 17 ms as ``<div>``."""
SHORTEST_TAG: Final = 3
"""Characters."""

_FORMATTING: Final = frozenset(
    ("b", "big", "code", "em", "font", "i", "s", "small", "strike", "strong", "tt", "u")
)
# Neither makes anything deeper by itself: what has no content, and what ends where the next one begins.
_VOID: Final = "area base basefont bgsound br col embed frame hr img input keygen link meta param source wbr"
_ENDED: Final = "a nobr caption colgroup dd dt li optgroup option p rb rp rt rtc tbody td tfoot th thead tr"
_FLAT: Final = frozenset(f"{_VOID} {_ENDED}".split())
_BEGINNING: Final = re.compile(r"</?[a-zA-Z][^\s/>]*")
_TAG: Final = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)")


def shallow(markup: str) -> str:
    """`markup` without the tags that would nest it more deeply than a parser can bear; all text stays.

    It reads tags as a parser would in most cases. Who hides end tags in comments can still keep a parser
    busy, until its timeout.
    """
    if len(markup) <= FEW * SHORTEST_TAG or markup.count("<") <= FEW or _is_plainly_shallow(markup):
        return markup
    return _TAG.sub(_Depth().tag, markup)


def _is_plainly_shallow(markup: str) -> bool:
    """Whether its tags are few inside of one another, and none ends that has not begun.

    That is true of nearly all markup, and seen without a step of Python for each tag.
    """
    tags = _BEGINNING.findall(markup)
    steps: dict[str, int] = {}
    open_: Counter[str] = Counter()
    for tag, number in Counter(tags).items():
        name = tag.lstrip("</").lower()
        steps[tag] = 0 if name in _FLAT else -1 if tag.startswith("</") else 1
        open_[name] += steps[tag] * number
    depths = list(accumulate(map(steps.__getitem__, tags), initial=0))
    return min(open_.values(), default=0) >= 0 <= min(depths) and max(depths) <= FORMATTED


class _Depth:
    """How deep a place in some markup is."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._depth = 0
        self._formatted = 0

    def tag(self, found: re.Match[str]) -> str:
        """The beginning of a tag as it was, or of one that is nothing in a text: ``<col``."""
        name = found[2].lower()
        if name in _FLAT:
            return found[0]
        stays = self._end(name) if found[1] else self._begin(name)
        return found[0] if stays else f"<{found[1]}col"

    def _begin(self, name: str) -> bool:
        formatting = name in _FORMATTING
        if self._depth >= DEEPEST or (formatting and self._formatted >= FORMATTED):
            self._dropped[name] += 1
            return False
        self._open[name] += 1
        self._depth += 1
        self._formatted += formatting
        return True

    def _end(self, name: str) -> bool:
        if self._dropped[name]:
            self._dropped[name] -= 1
            return False
        if self._open[name]:
            self._open[name] -= 1
            self._depth -= 1
            self._formatted -= name in _FORMATTING
        return True
