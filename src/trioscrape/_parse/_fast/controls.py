"""Documents that would be well-formed without their control characters (XML 1.0 §2.2).

They come from word processors and databases, one in a hundred real feeds has some, and expat stops at the
first. feedparser then begins again with its loose parser, of SGML and in pure Python. Its answers differ from
those of the strict one in few things; where these can be excluded, a document is read from a tree as well, in
a sixth of the time.
"""

from __future__ import annotations

import re
from typing import Any, Final

from ..feedparser_private import VOID_ELEMENTS
from .names import KNOWN, Declarations, Unsupported

_NO_CONTROLS: Final = bytes(code for code in range(256) if code >= 32 or code in b"\t\n\r")
_STAND_INS: Final = 0xFDD0
"""The first of 32 characters that Unicode leaves to programs: one for each control character."""
_SHORT_TAG: Final = re.compile(r"<([^<>\s]+?)\s*/>")
_DECLARATION: Final = re.compile(r"<!(?!DOCTYPE|--|\[)", re.IGNORECASE)
_SAME_IN_SGML: Final = re.compile(
    r"""(?:
      [^<]+
    | < (?:
            /?[A-Za-z][\w:.-]*
            (?:\s+
                (?: (?:rdf:|xml:)?(?!(?i:xmlns))[A-Za-z_][\w.-]*=
                |   xmlns(?::(?!(?i:xml)=)[A-Za-z_][\w.-]*)?=(?!''|"")
                )
                (?: "[^"<>&\0-\x1f]*(?:&amp;[^"<>&\0-\x1f]*){0,999}"
                |   '[^'<>&\0-\x1f]*(?:&amp;[^'<>&\0-\x1f]*){0,999}'
                )
            ){0,99}
            \s*/?>
        |   \?[^<>]*\?>
        |   !--.*?-->
        |   !\[CDATA\[.*?\]\]>
        )
    ){0,1000}""",
    re.ASCII | re.DOTALL | re.VERBOSE,
)
"""Texts, and tags in ASCII, whose attributes are of no module, in quotes, on one line, and have no reference
but ``&amp;``; declarations that are some in XML too. Counted, because what is repeated takes memory: without
limits 100 bytes for one of ``<a b='' b='' ...``."""
_OTHER_REFERENCES: Final = re.compile("&#(?:0+38|[xX]0+26);[#A-Za-z<&]|&#0*6(?:49|500)|&#[xX]0*[fF][dD]")
"""``&#038;lt;`` is ``<`` to the loose parser, as ``&#38;lt;`` is not; and those to stand-ins."""


def without_controls(data: bytes) -> tuple[bytes, frozenset[int]]:
    """`data` in UTF-8 as the loose parser prepares it, with stand-ins; and the control characters themselves.

    Raises:
      Unsupported: it has none, or markup that may be something else to an SGML parser.
    """
    controls = frozenset(data.translate(None, _NO_CONTROLS))
    if not controls:
        raise Unsupported("not well-formed")
    try:
        text = _SHORT_TAG.sub(_whole_tag, _DECLARATION.sub("&lt;!", data.decode()))
    except UnicodeDecodeError as error:  # feedparser tries other charsets then
        raise Unsupported("control characters, and what is no UTF-8") from error
    text = text.replace("&#39;", "'").replace("&#34;", '"')
    if not _is_the_same_in_sgml(text) or _OTHER_REFERENCES.search(text):
        raise Unsupported("control characters, and markup that may be something else in SGML")
    # XML changes line ends. And no character may look like a stand-in.
    if b"\r" in data or b"\xef\xb7" in data:
        raise Unsupported("control characters, and others that would be taken for them or lost")
    for code in controls:
        text = text.replace(chr(code), chr(_STAND_INS + code))
    return text.encode(), controls


def restored(text: str, controls: frozenset[int]) -> str:
    """`text` with its control characters; some of them are white space at its ends."""
    if text.isascii():
        return text
    for code in controls:
        text = text.replace(chr(_STAND_INS + code), chr(code))
    return text.strip()


def require_plain_prefixes(root: Any, declared: Declarations, of_root: int) -> None:
    """Prefixes are all that the loose parser knows: it has neither scopes nor a default namespace.

    Raises:
      Unsupported: something would have another name without these.
    """
    uris = [uri.lower() for _, uri in declared]
    if len(declared) > of_root or len(set(uris)) < len(uris):
        raise Unsupported("control characters, and namespaces with scopes or two prefixes")
    for prefix, uri in declared:
        known = KNOWN.get(uri.lower())
        if (prefix is None and known) or ((prefix or "").lower() == "rdf" and known != "rdf"):
            raise Unsupported("control characters, and a well-known name that is none without its namespace")
    if root.prefix and root.prefix.lower() != "rdf":
        raise Unsupported("control characters, and a root with a prefix")


def _is_the_same_in_sgml(text: str) -> bool:
    at = 0
    # A thousand tags and texts at a time: one match of all of them would hold them all.
    while (found := _SAME_IN_SGML.match(text, at)) and found.end() > at:
        at = found.end()
    return at == len(text)


def _whole_tag(tag: re.Match[str]) -> str:
    name = tag[1]
    return f"<{name} />" if name in VOID_ELEMENTS else f"<{name}></{name}>"
