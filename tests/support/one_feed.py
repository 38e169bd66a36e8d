"""A world in which every host serves the same feed, and the program in it: for counting and for profiles.

Every name in ``.test`` is this machine, in that one process; no other name is looked up.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ENTRIES = 20
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


def document(size: int) -> bytes:
    """An RSS feed of about so many bytes."""
    sentence = "One <b>paragraph</b> of text, with <a href='https://feed.test/a'>a link</a> in it. "
    item = (
        "<item><title>Item {0}</title><link>https://feed.test/{0}</link><guid>https://feed.test/{0}</guid>"
        "<pubDate>Sun, 01 Mar 2026 00:{0:02}:00 GMT</pubDate>"
        "<description><![CDATA[{1}]]></description></item>"
    )
    head = '<rss version="2.0"><channel><title>A feed</title><link>https://feed.test/</link>'
    room = size // ENTRIES - len(item)
    text = f"<p>{sentence * (room // len(sentence) + 1)}"[:room].rpartition(". ")[0]
    items = [item.format(n, f"{text}.</p>") for n in range(ENTRIES)]
    return f"{head}{''.join(items)}</channel></rss>".encode()


@contextmanager
def serving(feed: bytes) -> Iterator[int]:
    """A process that serves it under every name and path; its port."""
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(feed)
            process.stdin.close()
            yield int(process.stdout.readline())
        finally:
            process.kill()


def write_list(path: Path, feeds: int, port: int) -> Path:
    """A list of so many feeds, each on a host of its own."""
    path.write_text("".join(f"http://feed-{n}.test:{port}/feed\n" for n in range(feeds)))
    return path
