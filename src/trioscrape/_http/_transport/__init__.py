"""The network under a fetch: it connects to what the dns lane resolved."""

from __future__ import annotations

from .request import Request
from .tls import SharedContext, client_context
from .transport import PARKED, Answer, BodyStream, LaneTransport

__all__ = ["PARKED", "Answer", "BodyStream", "LaneTransport", "Request", "SharedContext", "client_context"]
