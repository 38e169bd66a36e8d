"""CPU time of a feed on its whole way, from the list to the store, where nothing goes wrong.

1,000 feeds of 8 KB, each on a host of its own, go into a new SQLite store (*new*), and once more (*304*: all
of them are as before). CPU time is that of the program and of its parsers together, starting included.
Beside it stands a bare loop that only fetches the same documents with httpx, a host after the other, and
throws them away.

``--against REVISION`` (anything that git knows) measures the code of that revision in the same run, turn
by turn: ``nox -s bench -- feeds --against v0.1.0``. The last column is the median of the ratios of
neighbours, which a machine with other work disturbs less than the medians themselves.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

FEEDS = 1000
SIZE = 8_000
SERVER = """
import socket, sys, threading

feed = sys.stdin.buffer.read()
head = b'ETag: "1"\\r\\nCache-Control: max-age=300\\r\\nContent-Type: application/rss+xml\\r\\n'
whole = b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n%s\\r\\n%s" % (len(feed), head, feed)
same = b"HTTP/1.1 304 Not Modified\\r\\n%s\\r\\n" % head

def serve(connection):
    received = b""
    with connection:
        while data := connection.recv(65536):
            received += data
            while b"\\r\\n\\r\\n" in received:
                request, _, received = received.partition(b"\\r\\n\\r\\n")
                connection.sendall(same if b"if-none-match" in request.lower() else whole)

with socket.create_server(("127.0.0.1", 0), backlog=1000) as listener:
    print(listener.getsockname()[1], flush=True)
    while True:
        threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()
"""
LOOPBACK = """
import runpy, socket, sys

real = socket.getaddrinfo
def getaddrinfo(host, port, *args, **kwargs):
    if str(host).endswith(".test"):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", int(port or 0)))]
    return real(host, port, *args, **kwargs)
socket.getaddrinfo = getaddrinfo
"""
PROGRAM = f"{LOOPBACK}\nrunpy.run_module('trioscrape', run_name='__main__', alter_sys=True)"
BARE = f"""{LOOPBACK}
import httpx, trio

async def main():
    limit = trio.CapacityLimiter(100)

    async def fetch(url):
        async with limit:
            (await client.get(url)).raise_for_status()

    async with httpx.AsyncClient() as client, trio.open_nursery() as nursery:
        for url in open(sys.argv[1]).read().split():
            nursery.start_soon(fetch, url)

trio.run(main)
"""


def document() -> bytes:
    """An RSS feed of about `SIZE` bytes."""
    head = '<rss version="2.0"><channel><title>A feed</title><link>https://feed.test/</link>'
    items: list[str] = []
    while sum(map(len, items)) < SIZE:
        n = len(items)
        items.append(
            f"<item><title>Item {n}</title><link>https://feed.test/{n}</link><guid>https://feed.test/{n}</guid>"
            f"<pubDate>Sun, 01 Mar 2026 00:{n:02}:00 GMT</pubDate>"
            "<description>&lt;p&gt;One &lt;b&gt;paragraph&lt;/b&gt; of text.&lt;/p&gt;</description></item>"
        )
    return f"{head}{''.join(items)}</channel></rss>".encode()


@contextmanager
def serving() -> Iterator[int]:
    """A process that serves `document()` under every name and path; its port."""
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(document())
            process.stdin.close()
            yield int(process.stdout.readline())
        finally:
            process.kill()


def milliseconds(command: Sequence[str], source: Path | None) -> float:
    """CPU time a feed of a program and of all that it starts."""
    path = [str(source)] if source else []
    env = os.environ | {"PYTHONPATH": os.pathsep.join(path)}
    process = subprocess.Popen([sys.executable, "-c", *command], env=env)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"exit status {process.returncode}")
    return (used.ru_utime + used.ru_stime) / FEEDS * 1e3


def unpacked(revision: str, folder: Path) -> Path:
    """The package as it was in a revision."""
    archive = subprocess.run(["git", "archive", revision, "src"], stdout=subprocess.PIPE, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return folder / "src"


def table(figures: dict[str, list[float]], against: str | None) -> Iterator[str]:
    yield f"{'ms CPU a feed':40} median  least"
    for name, values in figures.items():
        yield f"{name:40} {statistics.median(values):6.2f} {min(values):6.2f}"
    for what in ("new", "304") if against else ():
        ratios = [
            ours / theirs
            for ours, theirs in zip(figures[f"{what}, this code"], figures[f"{what}, {against}"], strict=True)
        ]
        yield f"{what}: this code takes {statistics.median(ratios):.3f} times as much as {against}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--against", metavar="REVISION")
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    figures: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder, serving() as port:
        urls = Path(folder, "feeds.txt")
        urls.write_text("".join(f"http://feed-{n}.test:{port}/feed\n" for n in range(FEEDS)))
        codes: dict[str, Path | None] = {"this code": None}
        if given.against:
            codes[given.against] = unpacked(given.against, Path(folder))
        for turn in range(given.rounds):
            for name, source in sorted(codes.items(), reverse=turn % 2 == 1):
                store = f"sqlite:{folder}/{turn}-{name != 'this code'}.db"
                options = (str(urls), "--store", store, "--all", "--quiet", "--address-policy", "any")
                for what in "new", "304":
                    figures[f"{what}, {name}"].append(milliseconds([PROGRAM, *options], source))
            figures["httpx alone"].append(milliseconds([BARE, str(urls)], None))
    print("\n".join(table(figures, given.against)))


if __name__ == "__main__":
    main()
