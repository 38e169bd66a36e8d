"""The program of a worker process that has been taken over: it sends what the document tells it to.

It runs in place of ``_parse/_pool/worker.py``, as a script, and speaks on the same socket.
"""

from __future__ import annotations

import pickle
import sys
import time
from socket import socket
from typing import Any

REQUEST = b"0123456789abcdef"
"""Stands for the name of the request, which has as many characters."""
READY = b'\0\0\0\7\0\0\0\0"ready"'
FEED = b'["feed","%s",["honest",null,false,{},null,null,null,null]]' % REQUEST
END = b'["end","%s",1]' % REQUEST


def frame(json: bytes, texts: bytes = b"") -> bytes:
    """A frame as an honest worker has it, but for its contents."""
    return len(json).to_bytes(4, "big") + len(texts).to_bytes(4, "big") + json + texts


HONEST = frame(FEED) + frame(END)


class Anything:
    """What stands for the classes in pickles, whose modules take long to import."""

    def __setstate__(self, state: object) -> None:
        pass


class Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return Anything


def main() -> None:
    """Send what is in the document, after a word that says what comes then: another document, or the end."""
    stream: Any = socket(fileno=int(sys.argv[1])).makefile("rwb")
    for _ in range(2):
        Unpickler(stream).load()
    stream.write(READY)
    stream.flush()
    while stream.read(8):
        request, _ = Unpickler(stream).load()
        body = stream.read(int.from_bytes(stream.read(8), "big"))
        what_then, _, answer = body.partition(b":")
        stream.write(answer.replace(REQUEST, request.encode()))
        stream.flush()
        if what_then == b"quit":
            break
        if what_then == b"hang":
            time.sleep(600)


if __name__ == "__main__":
    main()
