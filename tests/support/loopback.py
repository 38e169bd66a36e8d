"""Names that are this machine."""

from __future__ import annotations

import socket

import pytest


def loopback_names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names under .test are this machine; the list has all lookups, in order."""
    lookups: list[str] = []
    real = socket.getaddrinfo

    def getaddrinfo(host: str, *args: object, **kwargs: object) -> object:
        lookups.append(str(host))
        if str(host).endswith(".test"):
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]
        return real(host, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return lookups
