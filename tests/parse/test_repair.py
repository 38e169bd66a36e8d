"""Documents that are not well-formed: what is whole in them stays what it is."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from trioscrape._parse.charset import in_utf_8
from trioscrape._parse.repair import Repaired, repaired

from support.planted_faults import FAULTS, WHOLE, fields

FEEDS = sorted(Path(__file__).with_name("feeds").glob("*.xml"))


def repair(document: str) -> str:
    """The document after its repair, which is well-formed."""
    result = repaired(document.encode("utf-8", "surrogatepass"))
    assert result is not None
    etree.fromstring(result.data)
    return result.data.decode()


def item(inner: str, *, faults: set[str] | None = None) -> str:
    """What becomes of the inside of an item."""
    result = repaired(f"<rss><channel><item>{inner}</item></channel></rss>".encode("utf-8", "surrogatepass"))
    assert result is not None
    etree.fromstring(result.data)
    assert faults is None or result.faults == faults
    return result.data.decode().removeprefix("<rss><channel><item>").removesuffix("</item></channel></rss>")


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_document_stays_what_it_is(name: str) -> None:
    document = WHOLE[name].encode()

    result = repaired(document)

    assert result is not None
    assert result.faults == set()
    assert fields(result.data) == fields(document)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", WHOLE)
@given(seed=st.integers(0, 2**32))
def test_one_fault_damages_one_text(name: str, fault: str, seed: int) -> None:
    """A control character, a reference, a tag: entries, their keys and all other texts are the same."""
    document = WHOLE[name]
    before = fields(document.encode())

    after = fields(repair(FAULTS[fault](Random(seed), document)).encode())

    assert len(after) == len(before)
    damaged = [(one, other) for one, other in zip(before, after, strict=True) if one != other]
    assert len(damaged) <= 1
    for one, other in damaged:
        assert sum(field not in other for field in one) <= 1


@pytest.mark.parametrize("name", WHOLE)
@given(data=st.data())
def test_a_cut_end_costs_what_is_missing(name: str, data: st.DataObject) -> None:
    document = WHOLE[name]
    cut = data.draw(st.integers(document.index("<title>"), len(document)))
    _, *before = fields(document.encode())

    _, *after = fields(repair(document[:cut]).encode())

    complete = sum(document.count(f"</{tag}>", 0, cut) for tag in ("item", "entry"))
    assert after[:complete] == before[:complete]
    assert len(after) - complete in {0, 1}
    for part, whole in zip(after[complete:], before[complete:], strict=False):
        keys = [field for field in part if field[0] in {"guid", "id", "link", "pubDate", "published"}]
        assert all(key in whole for key in keys)
        assert complete == 0 or any(name in {"guid", "id", "link"} for name, _ in part)


@pytest.mark.parametrize(
    ("inner", "after", "faults"),
    [
        ("<title>AT&T & R&amp;D</title>", "<title>AT&amp;T &amp; R&amp;D</title>", {"references"}),
        ("<link>?a=1&b=2&copy=3&amp;c</link>", "<link>?a=1&amp;b=2&amp;copy=3&amp;c</link>", {"references"}),
        ("<title>caf&eacute;&nbsp;&rsquo;</title>", "<title>caf\u00e9\u00a0\u2019</title>", {"references"}),
        ("<title>&bogus; &LT;b&GT;</title>", "<title>&amp;bogus; &lt;b&gt;</title>", {"references"}),
        ("<title>&#8217; &#8217s &#x2014;</title>", "<title>&#8217; &#8217;s &#x2014;</title>", set()),
        ("<title>&#xD83D;&#xDE00; &#xD83D;</title>", "<title>\U0001f600 \ufffd</title>", {"references"}),
        ("<t>&#0;&#2;&#x110000;&#99999999999;</t>", "<t>\ufffd\ufffd\ufffd</t>", {"references"}),
        ("<a b='x&y&nbsp;&amp;'/>", "<a b='x&amp;y\u00a0&amp;'/>", {"references"}),
        ("<title>a\x00b\x0bc\x1fd\ufffe</title>", "<title>ab c d</title>", {"control characters"}),
        ("<title><![CDATA[a & b < c]]></title>", "<title><![CDATA[a & b < c]]></title>", set()),
        ("<title>a ]]> b</title>", "<title>a ]]&gt; b</title>", {"tags"}),
        ("<title>5 < 6 <3</title>", "<title>5 &lt; 6 &lt;3</title>", {"tags"}),
        ("<title>one<link>l</link>", "<title>one</title><link>l</link>", {"tags"}),
        ("<title>one</titel><link>l</link>", "<title>one</title><link>l</link>", {"tags"}),
        ("<title>one</TITLE>", "<title>one</title>", set()),
        ("<guid>g<title>t</guid></title>", "<guid>g<title>t</title></guid>", {"tags"}),
        ("<a><b>x</a></b>", "<a><b>x</b></a>", {"tags"}),
        ("<content>a<br>b<p>c<p>d</content>", "<content>a<br/>b<p>c</p><p>d</p></content>", {"tags"}),
        ("<a b=c d e='1' e='2' <link>l</link>", "&lt;a b=c d e='1' e='2' <link>l</link>", {"tags"}),
        ("<a b=c d e='1' e='2'>x</a>", '<a b="c" d="" e="1">x</a>', {"tags"}),
        ("<a b='1<2' c=\"x y\"/>", '<a b="1&lt;2" c="x y"/>', {"tags"}),
        ("<title one</title><link>l</link>", '<title one="">' "</title><link>l</link>", {"tags"}),
        ("a<!-- -- > <x> -->b<?php echo '<b>' ?>c", "abc", set()),
        ("<a><![CDATA[a</a><b><![CDATA[l]]></b>", "<a><![CDATA[a]]></a><b><![CDATA[l]]></b>", {"tags"}),
        ("<a>x<![CDATA[a</a><b>l</b>", "<a>x<![CDATA[a]]></a><b>l</b>", {"tags"}),
        ("<![CDATA[<a>x</a><b><![CDATA[l]]></b>", "<a>x</a><b><![CDATA[l]]></b>", {"tags"}),
        ("<a>x<!--y</a><b>l<!--z--></b>", "<a>xy</a><b>l</b>", {"tags"}),
        ("<!--<a>x</a><b>l<!--z--></b>", "<a>x</a><b>l</b>", {"tags"}),
        ("<!-- <a>x</a> --><b>l</b>", "<b>l</b>", set()),
        ("<enclosure length=1/><link>l</link>", '<enclosure length="1"/><link>l</link>', {"tags"}),
        ("<a href=http://a.test/>x</a>", '<a href="http://a.test/">x</a>', {"tags"}),
        ("<link a=&\"http://a.test/\"/>", '<link a="&amp;&quot;http://a.test/"/>', {"tags", "references"}),
        ("<link a=\" \"http://a.test/\"/>", '<link a=" " a.test=""/>', {"tags"}),
        ("<a xml:id='1' b='2'>x</a>", "<a b='2'>x</a>", {"tags"}),
    ],
)  # fmt: skip
def test_faults_inside_of_an_item(inner: str, after: str, faults: set[str]) -> None:
    assert item(inner, faults=faults) == after


RSS = "<rss><channel><title>T</title><item><guid>1</guid></item></channel></rss>"


@pytest.mark.parametrize(
    ("document", "after", "faults"),
    [
        ("\n\n<?xml version='1.0'?>" + RSS, RSS, set()),
        ("<?xml version='1.0' encoding='utf-8'>" + RSS, RSS, set()),
        ("<br />\n<b>Warning</b>: x() in <b>/a</b><?xml version='1.0'?>" + RSS, RSS, {"junk", "tags"}),
        ("<!-- <rss> --><!DOCTYPE rss SYSTEM 'x.dtd'>" + RSS, RSS, set()),
        (RSS + "<script>x</script>\n&", RSS, {"junk", "tags"}),
        (RSS[:-16], RSS, {"end", "tags"}),
        (RSS[:-6] + "<", RSS, {"end", "tags"}),
        ("<feed/>" + RSS, RSS, set()),
        (RSS + RSS, RSS[:-16] + RSS[14:], {"roots"}),
        (RSS[:-16] + RSS, RSS[:-16] + RSS[14:], {"roots", "tags"}),
        (RSS + "<item>2</item>", RSS[:-16] + "<item>2</item></channel></rss>", {"roots", "end", "tags"}),
        (
            "<rss><channel><item><dc:date>1</dc:date><y:z a:b='1'/></item></channel></rss>",
            '<rss xmlns:a="urn:undeclared:a" xmlns:dc="http://purl.org/dc/elements/1.1/" '
            'xmlns:y="urn:undeclared:y">'
            "<channel><item><dc:date>1</dc:date><y:z a:b='1'/></item></channel></rss>",
            {"namespaces"},
        ),
    ],
)  # fmt: skip
def test_faults_around_the_items(document: str, after: str, faults: set[str]) -> None:
    assert repair(document) == after
    assert repaired(document.encode()) == Repaired(after.encode(), frozenset(faults))


@pytest.mark.parametrize(
    ("declaration", "repaired_to"),
    [
        ("xmlns:dc=' http://purl.org/dc/elements/1.1/ '", 'xmlns:dc="http://purl.org/dc/elements/1.1/"'),
        ("xmlns:dc='http://purl.org/dc elements'", 'xmlns:dc="http://purl.org/dc/elements/1.1/"'),
        ("xmlns:dc=''", 'xmlns:dc="http://purl.org/dc/elements/1.1/"'),
        ("xmlns:dc='http://a.test:port/'", 'xmlns:dc="http://purl.org/dc/elements/1.1/"'),
        ("xmlns:dc='x&amp;y:z'", 'xmlns:dc="http://purl.org/dc/elements/1.1/"'),
        ("xmlns:dc='urn:x?a=1&amp;b#c'", 'xmlns:dc="urn:x?a=1&amp;b#c"'),
        ("dc='1'", """dc='1' xmlns:dc="http://purl.org/dc/elements/1.1/\""""),
        ("xmlns='http://a b'", 'xmlns:dc="http://purl.org/dc/elements/1.1/"'),
        ("xmlns:xml='urn:x' xmlns:1='urn:y'", 'xmlns:dc="http://purl.org/dc/elements/1.1/"'),
    ],
)
def test_namespaces_that_libxml2_refuses(declaration: str, repaired_to: str) -> None:
    inside = "<channel><item><dc:date>1</dc:date></item></channel></rss>"

    assert repair(f"<rss {declaration}>{inside}") == f"<rss {repaired_to}>{inside}"


@pytest.mark.parametrize(
    ("tags", "after"),
    [
        ("<a:b:c>x</a:b:c>", "<a-b-c>x</a-b-c>"),
        ("<a:1>x</a:1>", "<a-1>x</a-1>"),
        ("<a:>x</a:>", "<a>x</a>"),
        ("<xmlns:b>x</xmlns:b>", "<xmlns-b>x</xmlns-b>"),
        ("<a b:='1' c:d:e='2' f='3'/>", "<a f='3'/>"),
    ],
)
def test_names_with_too_many_colons(tags: str, after: str) -> None:
    assert after in repair(f"<rss><channel>{tags}</channel></rss>")


@pytest.mark.parametrize(
    ("items", "after"),
    [
        ("<item><a/><item><item><b/></item>", "<item><a/></item><item><b/></item>"),
        ("<item><a/></item><item><b/><item>", "<item><a/></item><item><b/></item>"),
        ("<item><a/></item><item></item>&", "<item><a/></item><item></item>&amp;"),
    ],
)
def test_a_start_tag_that_was_to_be_an_end_tag_is_no_entry(items: str, after: str) -> None:
    assert repair(f"<rss><channel>{items}</channel></rss>") == f"<rss><channel>{after}</channel></rss>"


@pytest.mark.parametrize("document", ["", "no tags", "<html><body>x</body></html>", "<opml/>", "<rss"])
def test_what_has_no_root_of_a_feed_is_left(document: str) -> None:
    assert repaired(document.encode()) is None


def test_more_levels_than_libxml2_takes_are_left() -> None:
    assert repaired(("<rss>" + "<a>" * 300).encode()) is None


def test_entities_of_the_document_are_text_and_expanded_once() -> None:
    own = """<!DOCTYPE rss [<!ENTITY us "Ann &#38; Bob"><!ENTITY nbsp '&#160;'><!ENTITY us "later">
    <!ENTITY a "lol"><!ENTITY b "&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd"><!ENTITY d "<b>">]>"""
    document = f"{own}<rss><channel><title>&us;&nbsp;&a; &b; &c; &d;</title></channel></rss>"

    title = "Ann &amp; Bob\u00a0lol &amp;b; &amp;c; &amp;d;"
    assert repair(document) == f"<rss><channel><title>{title}</title></channel></rss>"


def test_entities_make_a_document_no_more_than_twice_as_large() -> None:
    own = f"<!DOCTYPE rss [<!ENTITY a '{'x' * 900}'>]>"
    document = f"{own}<rss><channel><title>{'&a;' * 100_000}</title></channel></rss>"

    assert len(repair(document)) < 4 * len(document)


@pytest.mark.parametrize(
    ("declared", "meant"),
    [
        ("xmlns:a=' http://a.test/#x\n'", {"a": "http://a.test/#x"}),
        ('xmlns = "\thttp://a.test:80/?b&amp;c"', {None: "http://a.test:80/?b&c"}),
        ("xmlns:a='http://www .w3.org/'", {}),
        ("xmlns:a='http://ä.test/' xmlns:b=''", {}),
        ("xmlns='http://a:port/'", {}),
        ("xmlns:a='[' b=' [ '", {}),
        ("xmlns=''", {None: ""}),
        ("xmlns:a='urn:b'", {"a": "urn:b"}),
        ("xmlns:a='http://a.test:80/b-c/?d=e#f'", {"a": "http://a.test:80/b-c/?d=e#f"}),
    ],
)
def test_a_namespace_is_a_uri(declared: str, meant: dict[str | None, str]) -> None:
    """libxml2 takes no other, and reads no further."""
    result = repaired(f"<rss {declared}/>".encode())

    assert result is not None
    assert etree.fromstring(result.data).nsmap == meant


PATTERNS = """< <! <!-- <![CDATA[ <? <?a> </ </a> <a <a" <a' <a_b=" <a> <p> <p></b> <title> <item><title>
    <item/> & &# &a; &#xD83D; </channel><channel> </rss><rss> <!DOCTYPE[ <!ENTITY_a_"b">&a; <x:y> <a_"<a"_
    ]]> <rss> <author><name> <li> <![CDATA[a</title>""".split()  # noqa: SIM905


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("end", ["", ">", "]]>", "?></rss>"])
def test_no_pattern_takes_quadratic_time(pattern: str, end: str) -> None:
    """It would be hours."""
    repaired(f"<rss><channel><item><title>{pattern.replace('_', ' ') * 20_000}{end}".encode())


@given(
    st.lists(
        st.sampled_from([*PATTERNS, "<rss>", "<feed>", "</feed>", "a", "=", ">", "'", "\x0c", "</item>"])
    )
)
def test_any_tags_are_well_formed_in_the_end_or_left(tags: list[str]) -> None:
    result = repaired("".join(tags).replace("_", " ").encode())

    if result is not None:
        etree.fromstring(result.data)


CORPUS = Path(os.environ.get("TRIOSCRAPE_CORPUS", Path(__file__).parents[3] / "shared/corpus/real"))


@pytest.mark.skipif(not CORPUS.is_dir(), reason="needs the corpus of real feeds")
def test_real_feeds_that_are_whole_have_no_faults() -> None:
    for path in sorted(CORPUS.iterdir()):
        data = in_utf_8(path.read_bytes()).data
        try:
            etree.fromstring(data)
        except (etree.LxmlError, ValueError):
            continue
        result = repaired(data)
        assert result is None or not result.faults, path
