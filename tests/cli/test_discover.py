"""``trioscrape discover`` as a user has it: 500 lines, and what becomes of each of them."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from support.bench import loopback
from support.command_line import Site, run, running

PAGE = "<!doctype html><html><head><title>Site</title>{}</head><body>Welcome</body></html>"
LINK = '<link rel="alternate" type="application/rss+xml" href="{}">'


class Sites(BaseHTTPRequestHandler):
    """By host: ``feed7.test`` is a feed, ``page7.test`` a page with one, ``bare7.test`` a page without.

    ``www.`` and a slash at the end make no difference, ``moved7.test`` redirects to ``feed7.test``, and
    ``copy7.test`` serves what is there.
    """

    def do_GET(self) -> None:
        host, _, port = self.headers["Host"].removeprefix("www.").partition(":")
        kind, number = re.fullmatch(r"([a-z]+)([0-9]*)\.test", host).groups()  # type: ignore[union-attr]
        if kind == "moved":
            self.send_response(302)
            self.send_header("Location", f"http://feed{number}.test:{port}/feed")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(500 if kind == "broken" else 200)
        body = self._body(kind, number, port).encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self, kind: str, number: str, port: str) -> str:
        if kind == "bare":
            return PAGE.format("")
        if kind == "page" and "feed" not in self.path:
            return PAGE.format(LINK.format("/feed.xml"))
        if kind == "broken":
            return "no"
        name = "feed" if kind == "copy" else kind
        own = (
            f'<atom:link rel="self" href="http://{name}{number}.test:{port}/feed"/>' if name == "feed" else ""
        )
        return (
            '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel>'
            f"<title>{name} {number}</title>{own}<item><guid>{name}{number}</guid></item></channel></rss>"
        )

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[int]:
    """Its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Sites) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def port() -> Iterator[int]:
    with serving() as port:
        yield port


def discover(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, on a machine where each host of ``.test`` is this one."""
    command = [sys.executable, str(loopback.__file__), "trioscrape", "discover", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.heavy
def test_500_lines_become_400_feeds(port: int) -> None:
    plain = [f"http://feed{number}.test:{port}/feed" for number in range(300)]
    pages = [f"http://page{number}.test:{port}/" for number in range(100)]
    bare = [f"http://bare{number}.test:{port}/" for number in range(50)]
    spellings = [
        *(f"http://www.feed{number}.test:{port}/feed" for number in range(10)),
        *(f"http://feed{number}.test:{port}/feed/" for number in range(10, 20)),
        *(f"http://moved{number}.test:{port}/old" for number in range(20, 30)),
        *(f"http://copy{number}.test:{port}/feed" for number in range(30, 40)),
        *(f"HTTP://FEED{number}.test:{port}/feed#top" for number in range(40, 50)),
    ]
    Path("sites.txt").write_text("\n".join(plain + pages + bare + spellings))

    done = discover("sites.txt", "-o", "feeds.txt")

    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    feeds = Path("feeds.txt").read_text().splitlines()
    assert feeds[0] == f"http://feed0.test:{port}/feed feed 0"
    assert feeds[300] == f"http://page0.test:{port}/feed.xml page 0"
    assert [line.split()[0] for line in feeds] == plain + [f"{page}feed.xml" for page in pages]
    first, *others, last = done.stderr.splitlines()
    assert first == "Looking at 500 lines"
    assert (
        f"line 301: http://page0.test:{port}/: an HTML page that links to http://page0.test:{port}/feed.xml"
        in others
    )
    assert f"line 401: http://bare0.test:{port}/: an HTML page without a feed" in others
    assert (
        f"line 451: http://www.feed0.test:{port}/feed: the same feed as http://feed0.test:{port}/feed"
        in others
    )
    assert (
        f"line 461: http://feed10.test:{port}/feed/: the same feed as http://feed10.test:{port}/feed"
        in others
    )
    assert (
        f"line 471: http://moved20.test:{port}/old: the same feed as http://feed20.test:{port}/feed" in others
    )
    assert (
        f"line 481: http://copy30.test:{port}/feed: the same feed as http://feed30.test:{port}/feed" in others
    )
    assert f"line 491: HTTP://FEED40.test:{port}/feed#top: the same URL as line 41" in others
    assert Counter(" ".join(line.split(": ")[2].split()[:4]) for line in others if "so far" not in line) == {
        "an HTML page that": 100,
        "an HTML page without": 50,
        "the same feed as": 40,
        "the same URL as": 10,
    }
    assert last == (
        "500 lines: 400 feeds, 100 of them found on 100 pages;"
        " left out: 50 pages without a feed, 50 duplicates"
    )


def test_the_new_list_is_a_list(port: int) -> None:
    """`discover` has nothing to say of it."""
    Path("sites.txt").write_text(f"http://page1.test:{port}/\nhttp://feed1.test:{port}/feed My Title\n")
    first = discover("sites.txt", "--quiet")
    Path("feeds.txt").write_text(first.stdout)

    second = discover("feeds.txt")

    assert first.stdout == (
        f"http://page1.test:{port}/feed.xml page 1\nhttp://feed1.test:{port}/feed My Title\n"
    )
    assert first.stderr == ""
    assert second.stdout == first.stdout
    assert second.stderr.splitlines() == ["Looking at 2 lines", "2 lines: 2 feeds"]


def test_opml_keeps_folders_and_titles(port: int) -> None:
    Path("sites.opml").write_text(
        '<opml version="2.0"><body><outline text="News"><outline text="Tech">'
        f'<outline text="Mine" xmlUrl="http://feed1.test:{port}/feed"/>'
        f'<outline text="Page" xmlUrl="http://page2.test:{port}/"/></outline></outline></body></opml>'
    )

    done = discover("sites.opml", "--format", "opml")

    assert done.stdout.splitlines()[4:] == [
        '<outline text="News" title="News">',
        '<outline text="Tech" title="Tech">',
        f'<outline type="rss" text="Mine" title="Mine" xmlUrl="http://feed1.test:{port}/feed"/>',
        f'<outline type="rss" text="page 2" title="page 2" xmlUrl="http://page2.test:{port}/feed.xml"/>',
        "</outline>",
        "</outline>",
        "</body>",
        "</opml>",
    ]


def test_lines_that_fail(port: int) -> None:
    """They are left out, and said with their reasons; nothing but the new list is written."""
    Path("sites.txt").write_text(
        f"http://me:secret@feed1.test:{port}/feed\nhttp://broken.test:{port}/feed\nno URL at all\n"
    )

    done = discover("sites.txt")

    assert done.returncode == 0
    assert done.stdout == f"http://feed1.test:{port}/feed feed 1\n"
    assert done.stderr.splitlines()[1:] == [
        f"line 2: http://broken.test:{port}/feed: http-500: Internal Server Error",
        "line 3: no URL at all: not a URL: it does not begin with http:// or https://",
        "3 lines: 1 feed; left out: 2 lines that failed",
    ]
    assert {path.name for path in Path().iterdir()} == {"sites.txt"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("missing.txt",), "missing.txt: No such file or directory"),
        (("sites.txt", "--format", "csv"), "--format must be text or opml, not 'csv'"),
        (("sites.txt", "--fromat", "csv"), "did you mean --format?"),
    ],
)
def test_what_is_wrong_with_the_arguments(arguments: tuple[str, ...], said: str) -> None:
    Path("sites.txt").write_text("http://a.test/\n")

    done = run("discover", *arguments)

    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_when_it_is_interrupted_the_old_list_stays(site: Site) -> None:
    Path("sites.txt").write_text(site.url("stall/"))
    Path("feeds.txt").write_text("old")
    with running("discover", "sites.txt", "-o", "feeds.txt") as process:
        site.requested.wait(30)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()

    assert process.returncode == 1
    assert said.splitlines()[-1] == "interrupted; no list was written"
    assert Path("feeds.txt").read_text() == "old"
    assert {path.name for path in Path().iterdir()} == {"feeds.txt", "sites.txt"}


@pytest.mark.parametrize("kind", ["sqlite", "mongo"])
def test_a_run_that_merges_duplicates(kind: str, port: int, request: pytest.FixtureRequest) -> None:
    """Three URLs of one feed, in two runs."""
    store = "sqlite:x.db" if kind == "sqlite" else str(request.getfixturevalue("mongodb_url"))
    urls = [f"http://{host}1.test:{port}/feed" for host in ("feed", "www.feed", "moved")]
    Path("feeds.txt").write_text("\n".join(urls))
    command = [sys.executable, str(loopback.__file__), "trioscrape", "run", "feeds.txt", "--merge-duplicates"]
    for outcomes in ["new", "not_modified", "not_modified"], ["not_due", "not_due", "not_modified"]:
        done = subprocess.run(
            [*command, "--store", store, "--json"], capture_output=True, text=True, timeout=60, check=True
        )
        *results, total = map(json.loads, done.stdout.splitlines())
        assert sorted(result["outcome"] for result in results) == sorted(outcomes)
        assert sum(result["same_as"] is not None for result in results) == total["same_feeds"] == 2

    exported = run("export", "--store", store).stdout.splitlines()
    assert len(exported) == 1
