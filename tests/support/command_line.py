"""``python -m trioscrape`` as a process, and a web site for it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FEED = (
    b'<rss version="2.0"><channel><title>T</title>'
    b"<item><guid>1</guid><title>one</title></item></channel></rss>"
)


class Site(ThreadingHTTPServer):
    """Serves a feed at every path; below ``/stall/`` not before `go_on` is set."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requested = threading.Event()
        self.go_on = threading.Event()
        self.paths: list[str] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{path}"


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        self.server.requested.set()
        if "/stall/" in self.path:  # the whole URL of a proxied request
            self.server.go_on.wait(30)
        try:
            self.send_response(200)
            self.send_header("Content-Length", str(len(FEED)))
            self.end_headers()
            self.wfile.write(FEED)
        except OSError:  # the client was cancelled
            pass

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Site]:
    """A `Site` that is served from a thread."""
    with Site() as site:
        thread = threading.Thread(target=site.serve_forever, args=[0.01])
        thread.start()
        try:
            yield site
        finally:
            site.go_on.set()
            site.shutdown()
            thread.join()


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "trioscrape", *arguments]


def run(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """The command, from its begin to its end."""
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=60, check=False, **more
    )


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command while it works. It is killed at the end of the block, or after a minute."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command(*arguments), text=True, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def records(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]
