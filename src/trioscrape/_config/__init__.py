"""The settings of a scrape, and what they are checked against."""
