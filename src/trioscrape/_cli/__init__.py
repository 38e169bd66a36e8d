"""The command line: options, feed lists, progress, reports, and what becomes of signals."""
