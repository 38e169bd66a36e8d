"""What a service manager is told: that the watch is ready, alive, ending; see sd_notify(3).

Nothing is sent unless ``$NOTIFY_SOCKET`` names a socket, as systemd, podman and others set it.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import Final

import trio

_HALF: Final = 2
"""systemd's advice: twice as often as it expects a sign of life."""


def notify(*states: str) -> None:
    """Send states such as ``READY=1``; where nobody listens, nothing is lost. Does not block."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path.startswith(("/", "@")):
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.settimeout(0)
        sender.sendto("\n".join(states).encode(), path.replace("@", "\0", 1) if path[0] == "@" else path)


def watchdog_period() -> float | None:
    """Seconds from one sign of life to the next; None: nobody waits for one."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        microseconds = int(os.environ.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return microseconds / 1e6 / _HALF if microseconds > 0 else None


async def give_signs_of_life() -> None:
    """Tell the service manager that the event loop turns, until cancelled."""
    period = watchdog_period()
    while period is not None:
        notify("WATCHDOG=1")
        await trio.sleep(period)
