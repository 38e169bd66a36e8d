"""Sites of the demo, by what they do."""

from __future__ import annotations

from trioscrape._demo.sites import Site, sites


def site_that(**wanted: object) -> Site:
    """The first site with these attributes."""
    return next(s for s in sites() if all(getattr(s, name) == value for name, value in wanted.items()))
