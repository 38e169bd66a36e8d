"""Archives: write what servers send to WARC files (ISO 28500), and read it back."""
