"""Documents that are small on the wire and large, deep or slow to read. Each costs its own feed at most.

A new one is a line of `BOMBS`: what makes it, what its content type is, and how its feed may end.
``tests/parse/test_pathological.py`` and ``tests/support/hostile_servers.py`` have those that break the
parser and the decoder alone.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import brotli
import pytest

from trioscrape._http._decode.codings import zstd

from support.adversary import (
    LONG,
    STORES,
    Handler,
    assert_none,
    broken_promises,
    broken_promises_to,
    document,
    open_sites,
    read,
    scrape,
    some,
)
from support.hostile_servers import BOMBS as CODED
from support.hostile_servers import encoded, gzip_bomb

SIZE = 64 * 2**20 if LONG else 16 * 2**20
"""Bytes of what is compressed: more than the body limit, and all that a test has to make."""
MANY = 100_000 if LONG else 20_000
ITEM = "<item><guid>1</guid><title>one</title></item>"
SECRET = "root:x:0:0"
"""What every /etc/passwd has in it."""


class Bomb(NamedTuple):
    body: Callable[[], bytes]
    ends: set[str]
    """Reasons or outcomes, one of which its feed has."""
    type: str = "application/xml"
    coding: str = ""
    """Content-Encoding."""


READ = {"new"}
NO_FEED = {"not-a-feed", "parse-timeout"}
READ_OR_NOT = {"new", "malformed", "not-a-feed", "parse-timeout", "parse-crash", "too-many-entries"}
"""Where a machine that is slow, or a parser that is less patient, may also give up."""
TOO_LARGE = {"too-large", "decompression-bomb"}


def rss(inner: str, prolog: str = "") -> bytes:
    return f"{prolog}<rss version='2.0'><channel><title>T</title>{inner}</channel></rss>".encode()


def entity(declarations: str, use: str = "&e;") -> Bomb:
    """An RSS document with these entities, which must not be there in what is stored."""
    text = rss(f"<item><guid>1</guid><title>{use}</title></item>", f"<!DOCTYPE rss [{declarations}]>")
    return Bomb(lambda: text, READ_OR_NOT)


def laughs(levels: str, times: int) -> str:
    steps = (f"<!ENTITY {name} '{f'&{before};' * times}'>" for before, name in pairwise(levels))
    return f"<!ENTITY {levels[0]} 'lol'>{''.join(steps)}<!ENTITY e '&{levels[-1]};'>"


def of_json(text: str | Callable[[], str], ends: set[str] = READ_OR_NOT) -> Bomb:
    """A JSON Feed with this for its items."""
    head = '{"version":"https://jsonfeed.org/version/1.1","title":"T","items":'

    def body() -> bytes:
        return f"{head}{text() if callable(text) else text}}}".encode()

    return Bomb(body, ends, "application/json")


def zeros(compress: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    return lambda: compress(rss(ITEM) + bytes(SIZE))


def nested(times: int) -> bytes:
    body = rss(ITEM)
    for _ in range(times):
        body = gzip.compress(body)
    return body


BOMBS: dict[str, Bomb] = {
    # Codings
    "gzip": Bomb(zeros(gzip.compress), TOO_LARGE, coding="gzip"),
    "deflate": Bomb(zeros(zlib.compress), TOO_LARGE, coding="deflate"),
    "br": Bomb(zeros(lambda data: brotli.compress(data, quality=1)), TOO_LARGE, coding="br"),
    "zstd": Bomb(zeros(zstd.compress), TOO_LARGE, coding="zstd"),
    "gzip in br": Bomb(lambda: brotli.compress(gzip_bomb(SIZE), quality=1), TOO_LARGE, coding="gzip, br"),
    "ten codings": Bomb(lambda: nested(10), {"bad-encoding"}, coding=", ".join(["gzip"] * 10)),
    "a gzip file": Bomb(zeros(gzip.compress), TOO_LARGE, "application/gzip"),
    "a gzip file in gzip": Bomb(lambda: nested(2), READ | {"not-a-feed"}, coding="gzip"),
    "a hundred gzip members": Bomb(lambda: gzip.compress(rss(ITEM)) * 100, READ_OR_NOT, coding="gzip"),
    # Entities
    "billion laughs": entity(laughs("abcdfghij", 10)),
    "quadratic": entity(f"<!ENTITY e '{'x' * 50_000}'>", "&e;" * 50_000),
    "entity that refers to itself": entity("<!ENTITY e '&e;'>"),
    "entities in a ring": entity("<!ENTITY e '&f;'><!ENTITY f '&e;'>"),
    "external entity": entity("<!ENTITY e SYSTEM 'file:///etc/passwd'>"),
    "external entity, public": entity("<!ENTITY e PUBLIC 'x' 'file:///etc/passwd'>"),
    "external entity, this server": entity("<!ENTITY e SYSTEM '/stolen'>"),
    "external entity, relative": entity("<!ENTITY e SYSTEM 'stolen'>"),
    "external entity, netdoc": entity("<!ENTITY e SYSTEM 'php://filter/resource=/etc/passwd'>"),
    "parameter entity": entity("<!ENTITY % p SYSTEM 'file:///etc/passwd'>%p;"),
    "parameter entity, this server": entity("<!ENTITY % p SYSTEM '/stolen'>%p;"),
    "parameter entities in a ring": entity("<!ENTITY % a '&#37;b;'><!ENTITY % b '&#37;a;'>%a;"),
    "external DTD": Bomb(lambda: rss(ITEM, "<!DOCTYPE rss SYSTEM '/stolen.dtd'>"), READ_OR_NOT),
    "unparsed entity": entity("<!NOTATION n SYSTEM '/stolen'><!ENTITY e SYSTEM '/stolen' NDATA n>"),
    "attribute defaults": entity(f"<!ATTLIST title a CDATA '{'x' * 100_000}'>", "x"),
    "XInclude": Bomb(
        lambda: rss(
            "<item><guid>1</guid><title><xi:include xmlns:xi='http://www.w3.org/2001/XInclude' "
            "parse='text' href='file:///etc/passwd'/></title></item>"
        ),
        READ_OR_NOT,
    ),
    "a style sheet": Bomb(lambda: rss(ITEM, "<?xml-stylesheet type='text/xsl' href='/stolen.xsl'?>"), READ),
    "a schema": Bomb(
        lambda: rss(ITEM).replace(
            b"<rss ",
            b"<rss xmlns:x='http://www.w3.org/2001/XMLSchema-instance' x:schemaLocation='x /stolen.xsd' ",
        ),
        READ,
    ),
    # Number and depth
    "attributes": Bomb(
        lambda: rss(f"<item {' '.join(f'a{n}=x' for n in range(2 * MANY))}><guid>1</guid></item>"),
        READ_OR_NOT,
    ),
    "attributes in quotes": Bomb(
        lambda: rss("<item " + " ".join(f'a{n}="x"' for n in range(2 * MANY)) + "><guid>1</guid></item>"),
        READ_OR_NOT,
    ),
    "attributes in HTML": Bomb(
        lambda: rss(
            f"<item><guid>1</guid><description>&lt;p {' '.join(f'a{n}=x' for n in range(2 * MANY))}>"
            "</description></item>"
        ),
        READ_OR_NOT,
    ),
    "depth": Bomb(lambda: rss(f"<item><guid>1</guid>{'<x>' * MANY}y{'</x>' * MANY}</item>"), READ_OR_NOT),
    "depth in HTML": Bomb(
        lambda: rss(f"<item><guid>1</guid><description>{'&lt;div>' * MANY}</description></item>"), READ_OR_NOT
    ),
    "entries": Bomb(
        lambda: rss("".join(f"<item><guid>{n}</guid></item>" for n in range(MANY))), {"too-many-entries"}
    ),
    "entries that are the same": Bomb(lambda: rss(ITEM * (MANY // 2)), READ_OR_NOT),
    "categories": Bomb(
        lambda: rss(f"<item><guid>1</guid>{'<category>x</category>' * MANY}</item>"), READ_OR_NOT
    ),
    "enclosures": Bomb(
        lambda: rss(
            "<item><guid>1</guid>"
            + "".join(f"<enclosure url='http://a.test/{n}'/>" for n in range(MANY))
            + "</item>"
        ),
        READ_OR_NOT,
    ),
    "a long title": Bomb(
        lambda: rss(f"<item><guid>1</guid><title>{'x' * 3_000_000}</title></item>"), READ_OR_NOT
    ),
    "a long key": Bomb(lambda: rss(f"<item><guid>{'x' * 3_000_000}</guid></item>"), READ_OR_NOT),
    "a long name": Bomb(lambda: rss(f"<{'x' * 1_000_000}/>{ITEM}"), READ_OR_NOT),
    "processing instructions": Bomb(lambda: rss("<?x?>" * MANY + ITEM), READ_OR_NOT),
    # JSON
    "JSON, depth": of_json("[" * MANY + "]" * MANY),
    "JSON, depth of objects": of_json('{"a":' * MANY + "1" + "}" * MANY),
    "JSON, depth that does not end": of_json("[" * MANY),
    "JSON, a number": of_json(f'[{{"id":{"9" * MANY}}}]'),
    "JSON, an exponent": of_json('[{"id":1e999999999,"date_published":-1e999999999}]'),
    "JSON, NaN": of_json('[{"id":NaN,"size_in_bytes":Infinity}]'),
    "JSON, a string": of_json(lambda: f'[{{"id":"1","content_text":"{"x" * 3_000_000}"}}]'),
    "JSON, escapes": of_json(
        lambda: f'[{{"id":"1","title":"{chr(92) + "u0000"}{(chr(92) + "ud83d") * MANY}"}}]'
    ),
    "JSON, entries": of_json(lambda: json.dumps([{"id": n} for n in range(MANY)]), {"too-many-entries"}),
    "JSON, keys": of_json(lambda: json.dumps([{"id": 1} | {str(n): n for n in range(MANY)}])),
    "JSON, the same key": of_json(lambda: '[{"id":1' + ',"title":"x"' * MANY + "}]"),
    "JSON, items of every kind": of_json('[null,1,"x",[],{},{"id":{}},{"id":[]},{"authors":5},{"tags":{}}]'),
    # What is no feed
    "HTML": Bomb(lambda: b"<!doctype html>" + b"<p>x" * MANY, NO_FEED, "text/html"),
    "OPML": Bomb(
        lambda: (
            b"<opml version='2.0'><body>"
            + b"<outline xmlUrl='http://127.0.0.1/'/>" * MANY
            + b"</body></opml>"
        ),
        NO_FEED,
    ),
    "a sitemap": Bomb(
        lambda: (
            b"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>"
            + b"<url><loc>http://127.0.0.1/</loc></url>" * MANY
            + b"</urlset>"
        ),
        NO_FEED,
    ),
    "SVG": Bomb(lambda: b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", NO_FEED, "image/svg+xml"),
    "a pickle": Bomb(lambda: b"\x80\x04cos\nsystem\n(S'touch stolen'\ntR.", NO_FEED),
    "a zip file": Bomb(lambda: b"PK\3\4" + bytes(1000), NO_FEED),
    "zeros": Bomb(lambda: bytes(1_000_000), NO_FEED),
    "escape sequences": Bomb(
        "<!doctype html><title>\x1b]0;stolen\x07\x9b31m\u202etxet\x1b[2J</title>".encode,
        NO_FEED,
        "text/html",
    ),
}


def handlers() -> dict[str, tuple[Handler, set[str]]]:
    """By label, what serves a row and how its feed may end; the long form has the decoder's own bombs too."""
    rows = dict(some([*BOMBS.items()]))
    served = {
        f"r{number}": (
            encoded(row.body, row.coding) if row.coding else document(row.body(), row.type),
            row.ends,
        )
        for number, row in enumerate(rows.values())
    }
    if LONG:
        served |= {name: (handler, {reason}) for name, (handler, reason) in CODED.items()}
    return served


@pytest.mark.parametrize("store", STORES)
async def test_bombs(store: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'x.db'}" if store == "sqlite" else request.getfixturevalue("mongodb_url")
    served = handlers()
    names = dict(zip(served, [*dict(some([*BOMBS.items()])), *CODED], strict=False))
    async with open_sites({label: handler for label, (handler, _) in served.items()}) as sites:
        ended = await scrape(sites, tmp_path, url, "--minimum-rate", "0", "--fetch-timeout", "120")
        stored = await read(url)

    assert_none(broken_promises(ended, 0) + broken_promises_to(sites, ended))
    found = {names[label]: ended.ends[sites.url(label)] for label in served}
    expected = {names[label]: ends for label, (_, ends) in served.items()}
    assert_none({name: end for name, end in found.items() if end not in expected[name]})
    assert_none(stored.dangers())
    assert SECRET not in repr(stored)
    assert "lollol" not in repr(stored)
    assert not (tmp_path / "stolen").exists()
