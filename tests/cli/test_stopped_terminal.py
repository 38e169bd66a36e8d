"""A terminal that takes nothing: stopped, or at the far end of a line that has died."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from support.terminals import fill, read_terminal


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["live", "lines"])
def test_the_third_signal_ends_the_command(tmp_path: Path, more: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, read_terminal(threading.Event()) as (device, _):
        environment = os.environ | {"TERM": "xterm", "TRIOSCRAPE_STORE": "sqlite:feeds.db"}
        environment.pop("PYTHONUNBUFFERED", None)  # a buffer has a lock, which a stuck thread may hold
        process = subprocess.Popen(
            [sys.executable, "-m", "trioscrape", "-", *more],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=device,
            cwd=tmp_path,
            env=environment,
        )
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        assert process.stdin is not None
        assert process.stdout is not None
        with process, process.stdin as feeds:
            feeds.write(f"http://127.0.0.1:{server.getsockname()[1]}/\n".encode())
            feeds.close()
            server.settimeout(60)
            connection, _ = server.accept()
            connection.settimeout(60)
            with connection:
                fill(device)
                # Two different ones, as two of a kind may be taken for one.
                process.send_signal(signal.SIGINT)
                process.send_signal(signal.SIGTERM)
                while connection.recv(4096):
                    pass  # the second has arrived when the feed has been cut short
            process.send_signal(signal.SIGINT)
            process.wait()
        watchdog.cancel()

    assert process.returncode == 1
