"""Content-Encoding undone within a limit: a body never grows past it, whatever it claims to be."""

from __future__ import annotations

from .body import Body
from .codings import ACCEPT_ENCODING

__all__ = ["ACCEPT_ENCODING", "Body"]
