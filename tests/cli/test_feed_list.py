"""Feed lists: text and OPML, good and bad."""

from __future__ import annotations

import io
import os
import sys
import threading
import tracemalloc
from pathlib import Path

import pytest

from trioscrape._cli.feed_list import open_feed_list
from trioscrape._errors import UsageError
from trioscrape._records import Feed


@pytest.fixture
def write(tmp_path):
    def write(content: bytes | str, name: str = "feeds.txt") -> str:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return write


def read(path: str) -> list[Feed]:
    with open_feed_list(path) as feeds:
        return list(feeds)


def problem(path: str) -> str:
    with pytest.raises(UsageError) as caught, open_feed_list(path):
        pass
    text = str(caught.value)
    assert "\n" not in text
    return text


OPML = """<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0">
  <head><title>mine</title></head>
  <body>
    <outline text="folder">
      <outline type="rss" text="A" title="Ay &amp; A" xmlUrl="http://a.test/feed"/>
      <outline text="deeper"><outline text="B"
         xmlurl=" http://b.test/ "/></outline>
    </outline>
    <outline text="no feed" url="http://c.test/"/>
    <outline text="none either" xmlUrl=""/>
    <outline text="no URL" xmlUrl="gopher://d.test"/>
  </body>
</opml>
"""


class TestText:
    def test_urls_titles_comments_and_blank_lines(self, write):
        path = write("# mine\n\nhttp://a.test/\n  https://b.test/x\tThe  B list \n# http://c.test/\n")

        assert read(path) == [
            Feed("http://a.test/", line=3),
            Feed("https://b.test/x", title="The  B list", line=4),
        ]

    def test_a_line_that_is_no_url_is_handed_on_whole(self, write):
        path = write("http://a.test/\nftp://b.test/ of old\nsee my blog\n")

        assert read(path)[1:] == [Feed("ftp://b.test/ of old", line=2), Feed("see my blog", line=3)]

    def test_byte_order_mark_and_windows_line_ends(self, write):
        assert read(write(b"\xef\xbb\xbfhttp://a.test/ A\r\nhttp://b.test/\r\n")) == [
            Feed("http://a.test/", title="A", line=1),
            Feed("http://b.test/", line=2),
        ]

    def test_a_line_that_is_not_utf8_is_read_as_windows_1252(self, write):
        path = write(b"http://a.test/ Caf\xe9\nhttp://b.test/ Caf\xc3\xa9\n")

        assert [feed.title for feed in read(path)] == ["Café", "Café"]

    def test_an_endless_line_is_cut_off_and_the_next_one_read(self, write):
        path = write(b"x" * 200_000 + b"\nhttp://a.test/\n")

        monster, good = read(path)

        assert len(monster.url) == 2**16
        assert good == Feed("http://a.test/", line=2)

    def test_it_can_be_read_again(self, write):
        with open_feed_list(write("http://a.test/\nhttp://b.test/\n")) as feeds:
            assert list(feeds) == list(feeds)
            assert feeds.count == 2

    def test_a_long_list_is_not_held_in_memory(self, write):
        path = write(b"".join(b"http://host%d.test/feed.xml\n" % n for n in range(10_000)))
        tracemalloc.start()
        try:
            with open_feed_list(path) as feeds:
                assert sum(1 for _ in feeds) == feeds.count == 10_000
            assert tracemalloc.get_traced_memory()[1] < 2**20
        finally:
            tracemalloc.stop()


class TestAsPeopleWrite:
    """Lines of lists that were typed, pasted from elsewhere, or saved by other programs."""

    @pytest.mark.parametrize(
        ("line", "url", "title"),
        [
            ("feed://a.test/x", "http://a.test/x", None),
            ("feed:https://a.test/x Ay", "https://a.test/x", "Ay"),
            ("FEED:http://a.test/x", "http://a.test/x", None),
            ("feed://https://a.test/x", "https://a.test/x", None),
            ("feed:a.test/x", "http://a.test/x", None),
            ("itpc://a.test/cast", "http://a.test/cast", None),
            ("<http://a.test/x> Ay", "http://a.test/x", "Ay"),
            ("<http://a.test/my feed>", "http://a.test/my%20feed", None),
            ('"http://a.test/x", "Ay"', "http://a.test/x", '"Ay"'),
            ("'http://a.test/x'", "http://a.test/x", None),
            ("\u201chttp://a.test/x\u201d", "http://a.test/x", None),
            ("- http://a.test/x Ay", "http://a.test/x", "Ay"),
            ("* <feed:a.test/x>", "http://a.test/x", None),
            ("12. http://a.test/x", "http://a.test/x", None),
            ("\u2022 http://a.test/x", "http://a.test/x", None),
            ("a.test/x Ay", "https://a.test/x", "Ay"),
            ("www.a.test", "https://www.a.test", None),
            ("//a.test/x", "https://a.test/x", None),
            ("a.test:8080/x?y", "https://a.test:8080/x?y", None),
            ("localhost:8000/x", "https://localhost:8000/x", None),
            ("127.0.0.1/x", "https://127.0.0.1/x", None),
            ("b\xfccher.example", "https://b\xfccher.example", None),
        ],
    )
    def test_what_is_meant(self, write, line, url, title):
        guessed = url.startswith("https:") and "https:" not in line
        assert read(write(f"{line}\n")) == [Feed(url, title=title, line=1, without_scheme=guessed)]

    @pytest.mark.parametrize(
        "line",
        [
            "tea",
            "see my blog",
            "e.g. this",
            "ftp://a.test/",
            "mailto:me@a.test",
            "a_b",
            "1.5",
            "- tea",
            "Node.js weekly: http://a.test/",
            "feed:",
            "feed://",
            "a..test",
            "http://",
            "me@a.test",
        ],
    )
    def test_what_is_no_url(self, write, line):
        assert read(write(f"{line}\nhttp://a.test/\n"))[0] == Feed(line, line=1)

    @pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
    def test_encodings_and_line_ends(self, write, encoding, end):
        text = end.join(["# Caf\xe9", "http://a.test/ Caf\xe9", "", "http://b.test/"])

        assert read(write(text.encode(encoding))) == [
            Feed("http://a.test/", title="Caf\xe9", line=2),
            Feed("http://b.test/", line=4),
        ]

    @pytest.mark.parametrize(
        ("header", "row"),
        [
            ("title,xmlUrl,url", "Ay,http://a.test/x,http://a.test/"),
            ("Name;Feed URL;Tags", '"Ay";"http://a.test/x";a, b'),
            ("id\turl\ttitle", "7\thttp://a.test/x\tAy"),
            ("feed_url, title", '"feed://a.test/x", "Ay"'),
            ("URL,Title", "<http://a.test/x>,Ay"),
        ],
    )
    def test_tables_with_a_header(self, write, header, row):
        assert read(write(f"{header}\n{row}\n\n{row}")) == [
            Feed("http://a.test/x", title="Ay", line=2),
            Feed("http://a.test/x", title="Ay", line=4),
        ]

    def test_a_row_without_a_url_is_handed_on_whole(self, write):
        path = write('url,title\n"http://a.test/,x","Ay, or ""Aye"""\nnone,Bee\n"unclosed\nhttp://c.test/\n')

        assert read(path) == [
            Feed("http://a.test/,x", title='Ay, or "Aye"', line=2),
            Feed("none,Bee", line=3),
            Feed('"unclosed', line=4),
            Feed("http://c.test/", line=5),
        ]

    def test_a_header_alone_is_a_column_of_urls(self, write):
        assert read(write("url\nhttp://a.test/\n")) == [Feed("http://a.test/", line=2)]

    @pytest.mark.parametrize("url", ["https://a.test/feed", "feed://a.test/feed", "http://127.0.0.1:1/"])
    def test_a_url_is_a_list_of_one(self, url):
        assert read(url) == [Feed(url.replace("feed:", "http:"), line=1)]


class TestOpml:
    def test_urls_as_people_write_them(self, write):
        outlines = "".join(
            f'<outline xmlUrl="{url}"/>'
            for url in (" http://a.test/my feed\n", "feed://b.test/", "c.test/x", "http://d.test/\n   x")
        )

        assert [feed.url for feed in read(write(f"<opml>{outlines}</opml>"))] == [
            "http://a.test/my%20feed",
            "http://b.test/",
            "https://c.test/x",
            "http://d.test/%20%20%20%20x",
        ]

    def test_outlines_at_any_depth_with_title_and_line(self, write):
        assert read(write(OPML, "feeds.opml")) == [
            Feed("http://a.test/feed", title="Ay & A", line=6, tags=("folder",)),
            Feed("http://b.test/", title="B", line=7, tags=("folder", "deeper")),
            Feed("gopher://d.test", title="no URL", line=12),
        ]

    def test_the_content_decides_not_the_name(self, write):
        assert len(read(write("\ufeff\n  " + OPML.partition("\n")[2], "feeds.txt"))) == 3

    @pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1"])
    def test_other_encodings(self, write, encoding):
        text = OPML.replace("UTF-8", encoding).replace("Ay", "Äy")

        assert read(write(text.encode(encoding)))[0].title == "Äy & A"

    def test_a_doctype_without_entities_is_fine(self, write):
        assert len(read(write(OPML.replace("<opml", '<!DOCTYPE opml SYSTEM "opml.dtd"><opml', 1)))) == 3

    def test_a_long_list_is_not_held_in_memory(self, write):
        body = "".join(f'<outline xmlUrl="http://host{n}.test/feed.xml"/>\n' for n in range(10_000))
        path = write(f"<opml>{body}</opml>")
        tracemalloc.start()
        try:
            with open_feed_list(path) as feeds:
                assert sum(1 for _ in feeds) == feeds.count == 10_000
            assert tracemalloc.get_traced_memory()[1] < 2**20
        finally:
            tracemalloc.stop()


class TestBadLists:
    @pytest.mark.parametrize("content", ["", "\n \n", "# nothing\n", "<opml><body/></opml>"])
    def test_empty(self, write, content):
        path = write(content)

        assert problem(path) == f"{path}: it contains no feeds"

    def test_missing(self, tmp_path):
        path = str(tmp_path / "none.txt")

        assert problem(path) == f"{path}: No such file or directory"

    def test_missing_and_the_name_of_a_site(self) -> None:
        assert problem("a.test/feed") == (
            "a.test/feed: No such file or directory;"
            " for the feed at this address, give its URL: https://a.test/feed"
        )

    @pytest.mark.parametrize("content", ["tea\nftp://me:secret@a.test/\n", "tea", "url,title\n,Tea\n"])
    def test_without_one_url_it_is_no_list(self, write, content):
        text = problem(write(content))

        assert "no line has the URL of a feed; line " in text
        assert "secret" not in text

    def test_directory(self, tmp_path):
        assert problem(str(tmp_path)) == f"{tmp_path}: Is a directory"

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_unreadable(self, write):
        path = write("http://a.test/")
        Path(path).chmod(0)

        assert problem(path) == f"{path}: Permission denied"

    def test_malformed_opml_with_its_line(self, write):
        path = write(OPML.replace("</outline>", "</outlin>", 1))

        assert problem(path) == f"{path}, line 8: malformed OPML: mismatched tag"

    def test_opml_that_ends_too_early(self, write):
        assert "malformed OPML: it ends too early" in problem(write(OPML.partition("  </body>")[0]))

    def test_a_feed_is_no_feed_list(self, write):
        path = write('<?xml version="1.0"?><rss version="2.0"><channel/></rss>')

        assert problem(path) == f"{path}: it is XML, but not OPML: its root element is <rss>"

    def test_entities_are_refused_before_they_expand(self, write):
        bomb = (
            '<!DOCTYPE opml [\n<!ENTITY a "aaaa">\n<!ENTITY b "&a;&a;">]><opml><outline xmlUrl="&b;"/></opml>'
        )
        path = write(bomb)

        assert (
            problem(path) == f"{path}, line 2: it declares an XML entity, which is not allowed in a feed list"
        )

    def test_binary(self, write):
        assert "a NUL byte" in problem(write(b"http://a.test/\n\0\1\2"))


class TestPipes:
    def test_standard_input(self, monkeypatch):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"http://a.test/ A\n")))

        assert read("-") == [Feed("http://a.test/", title="A", line=1)]

    def test_empty_standard_input(self, monkeypatch):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))

        assert problem("-") == "standard input: it contains no feeds"

    def test_closed_standard_input(self, monkeypatch):
        monkeypatch.setattr(sys, "stdin", None)

        assert problem("-") == "standard input: it is closed"

    def test_a_named_pipe_is_copied_to_a_file_first(self, tmp_path):
        path = tmp_path / "pipe"
        os.mkfifo(path)
        producer = threading.Thread(target=path.write_bytes, args=[b"http://a.test/\nhttp://b.test/\n"])
        producer.start()

        assert len(read(str(path))) == 2
        producer.join()
