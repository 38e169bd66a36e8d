"""Politeness: how many feeds of a host are fetched at once, and when."""
