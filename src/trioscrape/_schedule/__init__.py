"""When a feed is fetched again, and where. Pure functions."""
