"""Archives: what servers have sent, in WARC files (ISO 28500), and reading it again."""
