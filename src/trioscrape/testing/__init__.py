"""Fakes for tests of programs that embed trioscrape; trioscrape's own tests use the same."""
