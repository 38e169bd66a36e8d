"""Options that mean the same in every command that has them."""

from __future__ import annotations

import argparse
import os
from typing import Final

from .parser import OptionSection

DEFAULT_STORE: Final = "sqlite:trioscrape.db"
STORE_VARIABLE: Final = "TRIOSCRAPE_STORE"

_STORES: Final = "sqlite:PATH or mongodb://HOST/DATABASE"
STORE: Final = "--store URL", f"{_STORES} (default: ${STORE_VARIABLE}, or {DEFAULT_STORE})"
JSON: Final = "--json", "print results as JSON, one object per line"
QUIET: Final = "-q, --quiet", "print errors only: no progress, no summary"
VERBOSE: Final = "add the lanes' figures to the summary"


def add_store_option(section: OptionSection, own: str | None = None) -> None:
    """``--store``; a command with a store of its `own` does not take the one in the environment."""
    text = f"{_STORES} (default: {own})" if own else STORE[1]
    section.add("--store", metavar="URL", text=text, default=own)


def add_required_store_option(section: OptionSection) -> None:
    """``--store`` without a default, for a command that must not change the usual store by mistake."""
    section.add("--store", metavar="URL", text=f"{_STORES}; required", required=True)


def store_url(given: argparse.Namespace) -> str:
    """The URL of the store, password included: never print it."""
    if given.store is not None:
        return str(given.store)
    return os.environ.get(STORE_VARIABLE) or DEFAULT_STORE


def add_verbose_option(section: OptionSection) -> None:
    """``--verbose``."""
    section.add("-v", "--verbose", text=VERBOSE)


def add_report_option(section: OptionSection) -> None:
    """``--report``."""
    section.add("--report", metavar="FILE", text="write a report of the run to this file, such as run.html")


def add_output_options(section: OptionSection, *, json: bool = True) -> None:
    """``--json`` if that is wanted, and ``--quiet``."""
    if json:
        section.add("--json", text=JSON[1])
    section.add("-q", "--quiet", text=QUIET[1])


def add_help_option(section: OptionSection) -> None:
    """``--help``."""
    section.add_help("-h", "--help", text="show this page")
