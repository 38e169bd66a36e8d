"""Tests that take minutes have a short form too, and are run in full by a session of ``nox`` of their own."""

from __future__ import annotations

import os

import pytest

LONG = bool(os.environ.get("TRIOSCRAPE_TEST_LONG"))
"""Whether this is such a session."""


def only_in(session: str) -> pytest.MarkDecorator:
    """A mark for what no other session runs."""
    return pytest.mark.skipif(not LONG, reason=f"it takes minutes: nox -s {session}")
