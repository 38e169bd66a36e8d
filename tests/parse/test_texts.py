"""Rule 7: titles and names are plain text, decoded once more only where the format says so; XHTML is HTML."""

from __future__ import annotations

import pytest

from support.feeds import atom, entry, item, parse, rss

XHTML = "<div xmlns='http://www.w3.org/1999/xhtml'>{}</div>"


@pytest.mark.parametrize(
    ("xml", "title"),
    [
        ("Fish &amp; chips", "Fish & chips"),
        ("Fish &amp;amp; chips", "Fish & chips"),
        ("&amp;amp;amp; thrice", "&amp; thrice"),
        ("It&amp;#8217;s &amp;quot;so&amp;quot; &amp;hellip;", 'It’s "so" …'),
        ("5&amp;nbsp;km", "5 km"),
        ("&lt;b&gt;Bold&lt;/b&gt;   move", "Bold move"),
        ("a &lt;em class='x'>big&lt;/em> &amp;amp; b", "a big & b"),
        ("<![CDATA[<p>One</p><p>Two</p>]]>", "One Two"),
        ("<![CDATA[One<br>Two<br/>Three]]>", "One Two Three"),
        ("One <![CDATA[& <b>two</b>]]>", "One & two"),
        ("<![CDATA[A ]]]]><![CDATA[> B]]>", "A ]]> B"),
        ("&lt;![CDATA[Twice &amp;amp; over]]&gt;", "Twice & over"),
        ("<b>Real</b> <i>elements</i>", "Real elements"),
        ("Un<!-- c -->broken", "Unbroken"),
        ("  \n two\n lines ", "two lines"),
        # What a title is about
        ("The &lt;head&gt; element", "The <head> element"),
        ("Vec&lt;u8&gt; and &amp;[u8] &amp;amp; more", "Vec<u8> and &[u8] & more"),
        ("&lt;script&gt;x()&lt;/script&gt; in the wild", "<script>x()</script> in the wild"),
        ("The &lt;pre&gt; element &amp;amp; &lt;/pre&gt;", "The <pre> element & </pre>"),
        ("&amp;lt;br&amp;gt; considered harmful", "<br> considered harmful"),
        ("I &lt;3 Python &amp; you", "I <3 Python & you"),
        ("3 &lt; 5 and 7 &gt; 2", "3 < 5 and 7 > 2"),
        ("if a&lt;b &amp;&amp; c&gt;d", "if a<b && c>d"),
        ("if a&lt;b &amp;amp; c", "if a<b & c"),
        ("&lt;?php echo 1; ?>", "<?php echo 1; ?>"),
        ("Q &amp;copy x &amp;notit;", "Q &copy x &notit;"),
        ("R&amp;D; AT&amp;T", "R&D; AT&T"),
    ],
)
def test_titles_of_rss(xml: str, title: str) -> None:
    assert item(f"<title>{xml}</title>").title == title
    assert parse(rss(f"<title>{xml}</title>")).title == title
    assert item(f"<dc:creator>{xml}</dc:creator>").authors == (title,)
    assert item(f"<category>{xml}</category>").tags == (title,)


@pytest.mark.parametrize(
    ("attributes", "xml", "title"),
    [
        ("", "AT&amp;T &lt;b> &amp;amp;", "AT&T <b> &amp;"),
        ("type='text'", "a &lt;i>b&lt;/i>", "a <i>b</i>"),
        ("type='TEXT'", "a &lt;i>b&lt;/i>", "a <i>b</i>"),
        ("type='text/plain'", "a &lt;i>b&lt;/i>", "a <i>b</i>"),
        ("type='html'", "The &amp;lt;pre&amp;gt; &lt;b>element&lt;/b>", "The <pre> element"),
        ("type='text/html'", "T &amp;amp; U", "T & U"),
        ("type='xhtml'", XHTML.format("Less: <em>&lt;</em> &amp;amp;"), "Less: < &amp;"),
        ("type='xhtml'", "no div", "no div"),
        ("type='xhtml'", "&lt;b&gt; &amp;amp;", "<b> &amp;"),
        ("type='application/xhtml+xml'", XHTML.format("old <i>style</i>"), "old style"),
        ("type='xhtml' xmlns:h='http://www.w3.org/1999/xhtml'", "<h:div>a <h:b>b</h:b></h:div>", "a b"),
        ("type='html' mode='base64'", "Jmx0Ozxi PmE8L2I+", "<a"),
        ("type='html' mode='base64'", "?", None),
        ("type='string'", "T &amp;amp; U, and what &lt;script> does", "T & U, and what <script> does"),
        ("type='application/octet-stream'", "VA==", None),
    ],
)
def test_titles_of_atom_are_what_their_type_says(attributes: str, xml: str, title: str | None) -> None:
    assert entry(f"<id>1</id><title {attributes}>{xml}</title>").title == title


@pytest.mark.parametrize(
    ("inside", "content", "summary"),
    [
        ("<description>d</description>", None, "d"),
        ("<content:encoded>c</content:encoded><description>d</description>", "c", "d"),
        ("<content:encoded>a</content:encoded><content:encoded>b</content:encoded>", "a\nb", None),
        ("<itunes:summary>i</itunes:summary><description>d</description>", None, "d"),
        ("<description>d</description><itunes:summary>i</itunes:summary>", None, "d"),
        ("<content:encoded>c</content:encoded><itunes:summary>i</itunes:summary>", "c", None),
        ("<itunes:summary>i</itunes:summary>", None, "i"),
        ("<media:description>m</media:description><description>d</description>", None, "d"),
        ("<media:content><media:description>m</media:description></media:content><description/>", None, "m"),
        ("<dc:description>x</dc:description><description>d</description>", None, "d"),
        ("<dc:description>x</dc:description>", None, "x"),
        ("<description>d</description><atom:summary>s</atom:summary>", None, "d"),
        ("<description>d</description><atom:content type='html'>c</atom:content>", "c", "d"),
        ("<description>d</description><xhtml:body><xhtml:p>b</xhtml:p></xhtml:body>", "<p>b</p>", "d"),
        ("<content type='html'>&lt;p>c&lt;/p></content>", "<p>c</p>", None),
    ],
)
def test_which_element_is_the_content_and_which_the_summary(
    inside: str, content: str | None, summary: str | None
) -> None:
    one = item(f"<title>x</title>{inside}")

    assert (one.content, one.summary) == (content, summary)


@pytest.mark.parametrize(
    ("xml", "text", "kind"),
    [
        ("&lt;p>a &amp;amp; b&lt;/p>", "<p>a &amp; b</p>", "html"),
        ("<p>Hi <b>there</b> &amp; you</p><p>two</p>", "<p>Hi <b>there</b> &amp; you</p><p>two</p>", "html"),
        ("<![CDATA[<p>a</p>]]><br/>b", "<p>a</p><br>b", "html"),
        ("a &lt; b &amp;&amp; c", "a &lt; b &amp;&amp; c", "html"),
        (
            "See &lt;https://a.test/&gt; &amp;amp; List&lt;int&gt;",
            "See <https://a.test/> & List<int>",
            "text",
        ),
        ("Vec&lt;u8&gt; is &lt;b>bold&lt;/b>", "Vec is <b>bold</b>", "html"),
        ("&lt;x-card>a&lt;/x-card>", "a", "html"),
        ("&lt;![CDATA[&lt;p>a&lt;/p>]]&gt;", "<p>a</p>", "html"),
        ("&lt;pre>  a\n  b&lt;/pre>", "<pre>  a\n  b</pre>", "html"),
    ],
)
def test_descriptions_are_html_unless_their_tags_are_none(xml: str, text: str, kind: str) -> None:
    one = item(f"<description>{xml}</description>")

    assert (one.summary, one.summary_type) == (text, kind)


@pytest.mark.parametrize(
    ("xhtml", "html"),
    [
        ("one<br/>two<br />three<hr/>", "one<br>two<br>three<hr>"),
        ("<p/>a<b/>c", "<p></p>a<b></b>c"),
        ("<p><a id='n'/>after</p>", "<p><a></a>after</p>"),
        ("<p>a</p><script src='x'/><p>b</p>", "<p>a</p><p>b</p>"),
        ("<details><summary>S</summary>in</details>", "<details><summary>S</summary>in</details>"),
        ("<svg xmlns='http://www.w3.org/2000/svg'><title>T</title><path d='x'/></svg>a", "a"),
        ("<title>T</title><link href='http://x.test/'/>a", "Ta"),
        ("<p title='a &gt; b &quot;c&quot;'>d</p>", '<p title="a &gt; b &quot;c&quot;">d</p>'),
        ("a &lt;b&gt; &amp;amp;", "a &lt;b&gt; &amp;amp;"),
        ("<!-- c --><?pi x?><![CDATA[<i>]]>", "&lt;i&gt;"),
    ],
)
def test_xhtml_is_written_as_html(xhtml: str, html: str) -> None:
    content = f"<content type='xhtml'>{XHTML.format(xhtml)}</content>"

    assert entry(f"<id>1</id>{content}").content == html


@pytest.mark.parametrize(
    ("content", "text", "kind"),
    [
        ("<content type='html'>&lt;p>a&lt;/p></content>", "<p>a</p>", "html"),
        ("<content type='html'><p>a</p></content>", "<p>a</p>", "html"),
        (f"<content type='html'>{XHTML.format('a &lt;b>c&lt;/b>')}</content>", "a <b>c</b>", "html"),
        ("<content>a &lt;b&gt;</content>", "a <b>", "text"),
        ("<content type='text/markdown'># a\n* b</content>", "# a\n* b", "text"),
        ("<content type='CDATA'>&lt;p>a&lt;/p></content>", "<p>a</p>", "html"),
        ("<content type='text/html' src='http://a.test/'/>", None, None),
        ("<content type='CDATA' src='http://a.test/'>a</content>", None, None),
        ("<content type='application/octet-stream'>SGVsbG8=</content>", None, None),
        ("<content type='image/png'>iVBORw0KGgo=</content>", None, None),
        ("<content type='application/xml'><x xmlns='urn:x'>data</x></content>", None, None),
        ("<content>a</content><content type='html'>b</content>", "b", "html"),
        (
            f"<content type='xhtml'>{XHTML.format('a')}{XHTML.format('b')}</content>",
            "<div>a</div><div>b</div>",
            "html",
        ),
    ],
)
def test_contents_of_atom(content: str, text: str | None, kind: str | None) -> None:
    one = entry(f"<id>1</id>{content}")

    assert (one.content, one.content_type) == (text, kind)


def test_a_text_of_media_stands_in_where_an_entry_has_none() -> None:
    """As at YouTube: it is plain text there (Media RSS ``media:description``)."""
    group = (
        "<media:group><media:title>M</media:title>"
        "<media:description>One &lt;b>\nTwo</media:description></media:group>"
    )
    alone, with_own = (
        entry(f"<id>1</id>{group}"),
        entry(f"<id>1</id><title>T</title><summary>s</summary>{group}"),
    )
    html = entry("<id>1</id><media:description type='html'>&lt;p>a&lt;/p></media:description>")

    assert (alone.title, alone.summary, alone.summary_type) == ("M", "One <b>\nTwo", "text")
    assert (with_own.title, with_own.summary, with_own.content) == ("T", "s", None)
    assert (html.summary, html.summary_type) == ("<p>a</p>", "html")


@pytest.mark.parametrize(
    ("inside", "title", "summary"),
    [
        ("<itunes:title>i</itunes:title><itunes:subtitle>s</itunes:subtitle>", "i", "s"),
        ("<title>t</title><itunes:title>i</itunes:title><itunes:summary>s</itunes:summary>", "t", "s"),
        ("<itunes:subtitle>x</itunes:subtitle><itunes:summary>s</itunes:summary>", None, "s"),
        ("<itunes:subtitle>x</itunes:subtitle><description>d</description>", None, "d"),
        ("<itunes:summary>x</itunes:summary><content:encoded>c</content:encoded>", None, None),
    ],
)
def test_a_text_of_itunes_stands_in_where_an_entry_has_none(
    inside: str, title: str | None, summary: str | None
) -> None:
    one = item(f"<guid>1</guid>{inside}")

    assert (one.title, one.summary) == (title, summary)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("cafÃ©", "café"),
        ("â\x80\x99", "’"),
        ("\x93so\x94", "“so”"),
        ("&#147;so&#148; &#x85;", "“so” …"),
        ("Ã and É", "Ã and É"),
        ("Жук \x96", "Жук –"),
    ],
)
def test_texts_are_what_was_meant_by_their_charset(written: str, meant: str) -> None:
    assert item(f"<title>{written}</title>").title == meant
    assert parse(atom("", f"<id>1</id><title type='html'>{written}</title>")).entries[0].title == meant


@pytest.mark.parametrize(
    ("channel", "subtitle"),
    [
        (
            "<description>&lt;p>On &amp;amp; on&lt;/p></description><itunes:subtitle>i</itunes:subtitle>",
            "On & on",
        ),
        ("<itunes:subtitle>i</itunes:subtitle>", "i"),
        ("<itunes:summary>i</itunes:summary>", None),
    ],
)
def test_the_subtitle_of_a_feed(channel: str, subtitle: str | None) -> None:
    assert parse(rss(channel)).subtitle == subtitle
