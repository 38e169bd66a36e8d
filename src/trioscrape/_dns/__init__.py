"""The dns lane: from a host name to the addresses that may be connected to."""
