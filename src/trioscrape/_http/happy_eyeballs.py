"""TCP connections to addresses that the dns lane has resolved and the policy has let through."""

from __future__ import annotations

import errno
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import trio

from .._errors import FeedFailed, ResourceError
from .._exception_groups import ungrouped

Connector = Callable[[str, int], Awaitable[trio.abc.Stream]]
"""Opens a connection to an IP address and port, or raises OSError. Cancellation: leaves no socket."""

HEAD_START: Final = 0.25
"""Seconds before the next address is tried beside the ones under way (RFC 8305 §5)."""

TRIED: Final = 6
"""Addresses of one name that are tried at the most: each is a socket, and strangers choose how many."""

_OURS: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
"""What this machine lacks; no server can do anything about it."""
_UNREACHABLE: Final = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


class ConnectorBug(Exception):
    """Carries what no connector may raise past httpcore, some of whose own errors have the same type."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


async def open_tcp(address: str, port: int) -> trio.abc.Stream:
    """The default connector: a TCP connection to an IP address. No name is looked up."""
    family = trio.socket.AF_INET6 if ":" in address else trio.socket.AF_INET
    sock = trio.socket.socket(family, trio.socket.SOCK_STREAM)
    try:
        await sock.connect((address, port))
    except OSError as error:
        sock.close()
        # trio's own text has the address in it, as a tuple of Python.
        raise OSError(error.errno, os.strerror(error.errno or 0)) from error
    except BaseException:
        sock.close()
        raise
    return trio.SocketStream(sock)


async def connect_fastest(
    addresses: Sequence[str], port: int, connector: Connector
) -> tuple[str, trio.abc.Stream]:
    """Happy Eyeballs (RFC 8305): the first of `addresses` that answers, and the connection to it.

    `trio.open_tcp_stream` does the same, but looks the name up itself, so the address policy could not
    check the addresses.

    Raises:
      FeedFailed: ``connection-refused``, ``unreachable``, ``connect-timeout`` or ``connection-lost``.
      ResourceError: this process may not open any more files.
      ConnectorBug: the connector has raised something else.

    Cancellation: closes every connection, also one that was made in the same tick.
    """
    if len(addresses) == 1:  # nobody to race against
        return addresses[0], await _connect(addresses[0], port, connector)
    failures: list[tuple[str, Exception]] = []
    won: list[tuple[str, trio.abc.Stream]] = []

    async def attempt(address: str, failed: trio.Event) -> None:
        try:
            stream = await connector(address, port)
        except (OSError, trio.BrokenResourceError) as error:
            failures.append((address, error))
            failed.set()
        except Exception as error:
            raise ConnectorBug(error) from error
        else:
            won.append((address, stream))
            race.cancel_scope.cancel(reason="another address has answered")

    try:
        with ungrouped():
            async with trio.open_nursery() as race:
                for address in _interleaved(addresses)[:TRIED]:
                    failed = trio.Event()
                    race.start_soon(attempt, address, failed)
                    with trio.move_on_after(HEAD_START):
                        await failed.wait()
    except BaseException:
        await _close_all(won)  # noqa: ASYNC102 - waits for nobody
        raise
    await _close_all(won[1:])
    if not won:
        raise _worst(failures)
    return won[0]


async def _connect(address: str, port: int, connector: Connector) -> trio.abc.Stream:
    try:
        return await connector(address, port)
    except (OSError, trio.BrokenResourceError) as error:
        raise _worst([(address, error)]) from error
    except Exception as error:
        raise ConnectorBug(error) from error


async def _close_all(won: Sequence[tuple[str, trio.abc.Stream]]) -> None:
    # Shielded: aclose_forcefully waits for nobody, but raises in a cancelled scope when it is done,
    # and the streams after the first would stay open.
    with trio.CancelScope(shield=True):
        for _, stream in won:
            await trio.aclose_forcefully(stream)


def _interleaved(addresses: Sequence[str]) -> list[str]:
    """The families in turn, beginning with that of the first address (RFC 8305 §4)."""
    first = [a for a in addresses if (":" in a) == (":" in addresses[0])]
    other = [a for a in addresses if (":" in a) != (":" in addresses[0])]
    shared = min(len(first), len(other))
    pairs = [a for pair in zip(first, other, strict=False) for a in pair]
    return pairs + first[shared:] + other[shared:]


def _worst(failures: Sequence[tuple[str, Exception]]) -> Exception:
    """One reason for several failed addresses: the one that says most about the server."""
    numbers = {getattr(error, "errno", None) for _, error in failures}
    text = _in_words(failures)
    if numbers & _OURS:
        return ResourceError(f"{text}: raise the limit of open files (ulimit -n), or lower http_width")
    if errno.ECONNREFUSED in numbers:
        return FeedFailed("connection-refused", text)
    if errno.ETIMEDOUT in numbers:
        return FeedFailed("connect-timeout", text)
    return FeedFailed("unreachable" if numbers <= _UNREACHABLE else "connection-lost", text)


def _in_words(failures: Sequence[tuple[str, Exception]]) -> str:
    """``Connection refused (192.0.2.1, 192.0.2.2); Network is unreachable (2001:db8::1)``."""
    by_text: dict[str, list[str]] = {}
    for address, error in failures:
        text = getattr(error, "strerror", None) or str(error)
        by_text.setdefault(text, []).append(address)
    return "; ".join(f"{text} ({', '.join(addresses)})" for text, addresses in by_text.items())
