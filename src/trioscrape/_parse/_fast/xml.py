"""Bytes to a tree, as feedparser's strict parser would see them, or not at all."""

from __future__ import annotations

import re
from typing import Any, Final

from lxml import etree

from ..feedparser_private import convert_to_utf8, parse_content_type, replace_doctype
from ..protocol import FeedDocument
from .controls import require_plain_prefixes, without_controls
from .names import Declarations, Unsupported

_PLAIN_UTF8: Final = re.compile(
    rb"""(?:\xef\xbb\xbf)?<\?xml\s+version=["']1\.0["']\s+encoding=["']utf-8["']"""
    rb"""(?:\s+standalone=["'](?:yes|no)["'])?\s*\?>""",
    re.IGNORECASE,
)
_C1: Final = re.compile(rb"\xc2[\x80-\x9f]")
_REFERENCE_TO_C1: Final = re.compile(rb"&#(?:[xX]0*[89][0-9a-fA-F]|0*1[2-5][0-9]);")
_XLINK: Final = "http://www.w3.org/1999/xlink"


class Tree:
    """A well-formed document."""

    def __init__(self, root: Any, declared: Declarations, *, has_c1: bool, controls: frozenset[int]) -> None:
        self.root = root
        self.of_root = _declared_by(root)
        """How many of `declared` the root has."""
        self.declared = declared
        """All namespace declarations, in the document's order."""
        self.has_c1 = has_c1
        """Whether its texts may have C1 control characters, which feedparser takes for windows-1252."""
        self.controls = controls
        """Control characters that have stand-ins in it, see `without_controls`."""


def read_tree(document: FeedDocument) -> Tree:
    """The document's tree, without comments and processing instructions.

    Raises:
      Unsupported: it is not well-formed, has a DTD that says something, or is larger than libxml2 allows
        (10 MB of one text, 256 levels).
    """
    data = _without_doctype(_utf8(document))
    try:
        controls = frozenset[int]()
        root, declared = _parsed(data)
    except etree.LxmlError:
        data, controls = without_controls(data)
        root, declared = _parsed_again(data)
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unsupported("a DTD")
    if any(uri == _XLINK for _, uri in declared[_declared_by(root) :]):
        raise Unsupported("XLink inside of the document")
    return Tree(root, declared, has_c1=_has_c1(data), controls=controls)


def _parsed_again(data: bytes) -> tuple[Any, Declarations]:
    try:
        root, declared = _parsed(data)
    except etree.LxmlError as error:
        raise Unsupported("not well-formed") from error
    require_plain_prefixes(root, declared, _declared_by(root))
    return root, declared


def _parsed(data: bytes) -> tuple[Any, Declarations]:
    """Its root, and all namespace declarations in their order."""
    parser = etree.XMLPullParser(
        ("start-ns",),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    parser.feed(data)
    root = parser.close()
    return root, [(prefix or None, uri) for _, (prefix, uri) in parser.read_events() if uri]


def _declared_by(root: Any) -> int:
    # lxml has the empty one of xmlns="" there, which declares nothing.
    return sum(map(bool, root.nsmap.values()))


def _utf8(document: FeedDocument) -> bytes:
    """The document in UTF-8, by feedparser's rules (RFC 3023 and what servers really do)."""
    _, charset = parse_content_type(document.content_type or "")
    if charset.lower() in {"", "utf-8"} and _PLAIN_UTF8.match(document.body):
        # All that could be tried first is US-ASCII: the same where it succeeds. libxml2 itself
        # stops at the first byte that is no UTF-8.
        return document.body
    headers = {"content-location": document.url}
    if document.content_type is not None:
        headers["content-type"] = document.content_type
    result: dict[str, str] = {}
    try:
        data = convert_to_utf8(headers, document.body, result)
    except ValueError as error:  # A NUL in the name of a charset.
        raise Unsupported("no charset") from error
    if not result["encoding"]:
        raise Unsupported("no charset fits")
    return data


def _without_doctype(data: bytes) -> bytes:
    element = re.search(rb"<\w", data)
    head = data[: element.start()] if element else b""
    if b"<!DOCTYPE" not in head and b"<!ENTITY" not in head:
        return data
    _, data, entities = replace_doctype(data)
    if entities:
        raise Unsupported("entities of its own")
    return data


def _has_c1(data: bytes) -> bool:
    return bool(_C1.search(data) or _REFERENCE_TO_C1.search(data))
