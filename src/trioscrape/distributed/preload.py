"""Is imported by the workers of `local_cluster` when they start."""

import signal

# A terminal's Ctrl-C goes to the whole process group, and only the client decides what it means.
signal.signal(signal.SIGINT, signal.SIG_IGN)
