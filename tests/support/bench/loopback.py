"""A program: runs another one in which each host of ``.test`` is this machine.

Arguments: the name of a module, as for ``python -m``, or the path of a program, and that one's arguments.
"""

import os
import runpy
import socket
import sys

real = socket.getaddrinfo


def getaddrinfo(host, port, *args, **kwargs):  # type: ignore[no-untyped-def]
    if str(host).endswith(".test"):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", int(port or 0)))]
    return real(host, port, *args, **kwargs)


if __name__ == "__main__":
    socket.getaddrinfo = getaddrinfo
    del sys.argv[0]
    if sys.argv[0].endswith(".py"):
        sys.path.insert(0, os.path.dirname(sys.argv[0]))
        runpy.run_path(sys.argv[0], run_name="__main__")
    else:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
