"""A program: runs another one, and writes its exit status and its peak of memory to a file.

Arguments: the file, then the command. The peak is that of the largest process among the other one and its
children, in KiB. This is a program of its own because a process begins with the peak of the one that has
started it, and that of a test run is larger than what is to be measured.
"""

import os
import sys

report, *command = sys.argv[1:]
_, status, usage = os.wait4(os.posix_spawn(command[0], command, os.environ), 0)
with open(report, "w") as file:  # pathlib would take as much memory again
    print(os.waitstatus_to_exitcode(status), usage.ru_maxrss, file=file)
