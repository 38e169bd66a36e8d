"""The network under a fetch: an httpx transport that connects to what the dns lane resolved."""

from __future__ import annotations

from .tls import SharedContext, client_context
from .transport import ADDRESSES, PARKED, PROXY, BodyStream, LaneTransport

__all__ = ["ADDRESSES", "PARKED", "PROXY", "BodyStream", "LaneTransport", "SharedContext", "client_context"]
