"""A program: serves a world on 127.0.0.1 under every name, and says at which port; see `world.py`.

Its argument is the folder. A host's number says which document it has; those beyond the last begin again
with the first. Every document has validators, and a request that knows its ETag is answered with 304.
"""

import asyncio
import json
import sys
from pathlib import Path

BACKLOG = 4096
LAST_MODIFIED = b"Thu, 09 Oct 2025 08:53:20 GMT"


class Answer:
    """What is sent for one document."""

    def __init__(self, content_type: str, etag: str, body: bytes) -> None:
        self.etag = etag.encode()
        head = b"ETag: %s\r\nLast-Modified: %s\r\n" % (self.etag, LAST_MODIFIED)
        about = b"Content-Type: %s\r\nContent-Length: %d\r\n" % (content_type.encode(), len(body))
        self.whole = b"HTTP/1.1 200 OK\r\n%s%s\r\n%s" % (head, about, body)
        self.unmodified = b"HTTP/1.1 304 Not Modified\r\n%s\r\n" % head


class Connection(asyncio.Protocol):
    """A client, and what it has sent of its next request."""

    def __init__(self, answers: list[Answer]) -> None:
        self._answers = answers
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            request, _, self._received = self._received.partition(b"\r\n\r\n")
            self._respond(request.split(b"\r\n")[1:])

    def _respond(self, lines: list[bytes]) -> None:
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        number = int(headers[b"host"].partition(b".")[0][1:])
        answer = self._answers[number % len(self._answers)]
        known = headers.get(b"if-none-match") == answer.etag
        self._transport.write(answer.unmodified if known else answer.whole)
        if headers.get(b"connection", b"").lower() == b"close":
            self._transport.close()


def read_answers(folder: Path) -> list[Answer]:
    documents = json.loads((folder / "documents.json").read_text())
    with (folder / "documents").open("rb") as file:
        return [
            Answer(document["content_type"], document["etag"], file.read(document["size"]))
            for document in documents
        ]


async def main(folder: Path) -> None:
    answers = read_answers(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(answers), "127.0.0.1", 0, backlog=BACKLOG)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
