"""The network under a fetch: an httpx transport that connects to what the dns lane resolved."""

from __future__ import annotations

from .transport import ADDRESSES, PARKED, PHASES, PROXY, BodyStream, LaneTransport, client_context

__all__ = ["ADDRESSES", "PARKED", "PHASES", "PROXY", "BodyStream", "LaneTransport", "client_context"]
