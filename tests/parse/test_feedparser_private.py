"""feedparser's private parts are what they were; what needs them is `feedparser_private`."""

from __future__ import annotations

import inspect
import re
from importlib.metadata import version
from pathlib import Path
from time import struct_time

import pytest

import trioscrape
from trioscrape._parse import feedparser_private as private

SOURCE = Path(trioscrape.__file__).parent


def test_the_version_is_the_one_that_they_are_of() -> None:
    assert version("feedparser").startswith("6.0.")


def test_nothing_else_uses_them() -> None:
    """Everything but ``import feedparser`` and the names that its documentation has."""
    for path in SOURCE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        used = re.findall(r"from feedparser|import feedparser\.|\bfeedparser\._\w+|_FeedParserMixin", text)
        assert not used or path.name == "feedparser_private.py", path


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (private.parse_date, ["date_string"]),
        (private.convert_to_utf8, ["http_headers", "data", "result"]),
        (private.parse_content_type, ["line"]),
        (private.replace_doctype, ["data"]),
        (private.looks_like_html, ["s"]),
        (private.join_url, ["base", "uri"]),
        (private.join_base, ["base", "rel"]),
    ],
)
def test_functions_take_what_they_took(function: object, parameters: list[str]) -> None:
    assert list(inspect.signature(function).parameters) == parameters  # type: ignore[arg-type]


def test_functions_give_what_they_gave() -> None:
    found: dict[str, object] = {}

    assert isinstance(private.parse_date("2026-03-10"), struct_time)
    assert private.convert_to_utf8({"content-type": "text/xml; charset=latin-1"}, b"<a>\xe9</a>", found) == (
        "<?xml version='1.0' encoding='utf-8'?>\n<a>é</a>".encode()
    )
    assert found["encoding"] == "latin-1"
    assert private.parse_content_type("text/xml; charset=utf-8") == ("text/xml", "utf-8")
    assert private.replace_doctype(b"<!DOCTYPE rss><rss/>")[1:] == (b"<rss/>", {})
    assert private.looks_like_html("<b>x</b>")
    assert not private.looks_like_html("<x>")
    assert private.join_url("http://a.test/b/", "c") == "http://a.test/b/c"
    assert private.join_base("http://a.test/b/", "javascript:x") == ""
    assert private.split_author("ann@a.test (Ann)") == {"name": "Ann", "email": "ann@a.test"}


def test_tables_hold_what_they_held() -> None:
    assert private.DECLARED_ENCODING.match(b"<?xml version='1.0' encoding='x'?>")[1] == b"x"  # type: ignore[index]
    assert private.NAMESPACES["http://www.w3.org/2005/Atom"] == ""
    assert private.NAMESPACES["http://purl.org/dc/elements/1.1/"] == "dc"
    assert {"title", "dc_creator", "media_content"} <= private.STARTED
    assert {"title", "guid", "media_title"} <= private.ENDED
    assert {"br", "img"} <= private.VOID_ELEMENTS
    assert private.CP1252[0x93] == "\u201c"
