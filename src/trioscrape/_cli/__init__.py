"""The command line: one module for each command, and ``command`` with the table of them all."""
