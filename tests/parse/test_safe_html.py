"""HTML is known as the sanitiser's by its form alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trioscrape._parse.html import ATTRIBUTES, TAGS, sanitised
from trioscrape._parse.safe_html import is_safe

URL = "https://a.test/dir/feed"

urls = st.lists(
    st.sampled_from(
        [
            "http",
            "HTTPS",
            "javascript",
            "mailto",
            "data",
            ":",
            "//",
            "a",
            "\t",
            "\n",
            " ",
            "\x01",
            "&amp;",
            "?",
            '"',
        ]
    )
).map("".join)
names = st.sampled_from(sorted(TAGS | {"script", "svg", "custom-element", "P", "BR"}))
attributes = st.sampled_from(
    [*sorted({name for names in ATTRIBUTES.values() for name in names}), "onclick", "style"]
)
values = urls | st.text(st.sampled_from("a\xa0<>&'`=\u2028é\r\n"), max_size=5)
tags = st.builds("<{} {}='{}'>".format, names, attributes, values) | st.builds("</{}>".format, names)
markup = st.lists(tags | st.text(max_size=5) | st.sampled_from(["<!--", "-->", "<", "&lt;"])).map("".join)


@given(markup, st.just(URL) | urls | urls.map("{}//a.test/".format))
def test_whatever_the_sanitiser_writes_is_safe(text: str, base: str) -> None:
    assert is_safe(sanitised(text, base))


@pytest.mark.parametrize("base", ["javascript://x/", "JavaScript://x/", "vbscript://x/", "data://x/"])
def test_no_base_makes_a_script_of_a_relative_link(base: str) -> None:
    assert sanitised('<a href="%0Aalert(1)">x</a>', base) == "<a>x</a>"


@pytest.mark.parametrize(
    "html",
    [
        "<", "<p", '<p title="a', "<p title='a'>", "<p title=a>", "<P>", '<p onclick="x">', '<p style="x">',
        "<script>", "</script>", "<pre/onclick=x>", "<a><!-- -->", "<!doctype html>", "<?x?>", "<svg>",
        '<a href="javascript:x">', '<a href=" java\tscript:x">', '<a href="x">', '<a href="//x">',
        '<a href="">', '<img src="data:x">', '<video poster="javascript:x">', '<p  title="x">', "<pp>",
        "<p/>", "<form>", "<iframe>", '<a href="http://x"onclick="x">', '<p title="x" title>',
    ],
)  # fmt: skip
def test_anything_else_is_not(html: str) -> None:
    assert not is_safe(html)
    assert not is_safe(f"<p>text</p>{html}<p>text</p>")


@pytest.mark.parametrize("part", ["<p>", '<a href="http://a.test/">', '<p title="', "<", '<a title="x" '])
def test_nothing_keeps_it_busy(part: str) -> None:
    """A pattern that looked at things twice would need an age of the universe for it."""
    assert is_safe(part * 100_000) == (part[-1] == ">")
