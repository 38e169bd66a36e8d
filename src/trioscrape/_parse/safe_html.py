"""Whether HTML is as the sanitiser writes it, without an HTML parser. Pure.

For HTML that comes from a process which may have been taken over. To sanitise it again takes ten times as
long, and there is markup that keeps an HTML parser busy for minutes. What the sanitiser writes has a simple
form: text, and tags that end, of known elements with known attributes in quotes. Which elements are in one
another is not looked at: that leads nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

from .html import ATTRIBUTES, SCHEMES, TAGS

_FREQUENT: Final = "span p code a li div pre strong br h2 em img td".split()  # noqa: SIM905
"""Elements, most frequent first: alternatives are tried in their order."""
_WITH_URL: Final = "href src poster".split()  # noqa: SIM905


def is_safe(html: str) -> bool:
    """Whether `html` could come from `html.sanitised`."""
    return are_safe((html,))


def are_safe(texts: Iterable[str]) -> bool:
    """Whether each of `texts` could."""
    return all(map(_pattern().fullmatch, texts))


@cache
def _pattern() -> re.Pattern[str]:
    elements = "|".join([f"{name}(?=[ >])" for name in (*_FREQUENT, *sorted(TAGS - set(_FREQUENT)))])
    others = sorted({name for names in ATTRIBUTES.values() for name in names} - set(_WITH_URL))
    # Line ends and tabs in a URL, and what stands before it, count for nothing (URL Standard §4.4).
    schemes = "|".join("[\t\n\r]*+".join(f"{scheme}:") for scheme in sorted(SCHEMES, reverse=True))
    url = rf'(?:{"|".join(_WITH_URL)})="(?i:[\x00-\x20]*+(?:{schemes}))[^"]*+"'
    other = rf'(?:{"|".join(others)})="[^"]*+"'
    # Possessive, so that nothing is looked at twice.
    return re.compile(rf"[^<]*+(?:<(?:/(?:{elements})|(?:{elements})(?: (?:{url}|{other}))*+)>[^<]*+)*+")
