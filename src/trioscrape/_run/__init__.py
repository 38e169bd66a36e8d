"""A scrape: admission, the way of a feed through the lanes, results."""
