"""Parsing in worker processes."""
