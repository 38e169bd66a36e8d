"""The 500 sites of the demo, and how each of them behaves."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from .documents import document
from .words import ADJECTIVES, NOUNS

DOMAIN: Final = ".demo.test"

_BEHAVIOURS: Final = {
    "no-name": 5,
    "404": 7,
    "410": 4,
    "500": 4,
    "html": 4,
    "truncated": 5,
    "reset": 4,
    "moved": 6,
    "loop": 3,
    "slow": 30,
}
"""How many sites behave in a special way. All others simply serve their feed.

``no-name`` has no address; ``404``, ``410`` and ``500`` answer with that status; ``html`` serves a web
page; ``truncated`` a document that breaks off, but can be repaired; ``reset`` resets the connection in
the middle of the body; ``moved`` redirects to another host, which redirects once more; ``loop``
redirects to itself; ``slow`` takes up to 1.5 seconds.
"""


@dataclass(frozen=True, slots=True)
class Site:
    """One site with one feed."""

    name: str
    address: str
    """From a network reserved for documentation (RFC 5737), where no host exists."""
    behaviour: str
    kind: str
    entries: int
    size: int
    validators: frozenset[str]
    """Which validators it sends: ``etag``, ``date`` (Last-Modified), both or neither."""
    lookup_seconds: float
    answer_seconds: float

    @property
    def host(self) -> str:
        """Its host name."""
        return self.name + DOMAIN

    def body(self) -> bytes:
        """Its document. It is generated each time, so 500 of them take no memory."""
        if self.behaviour == "html":
            return b"<!doctype html><title>Moving house</title><p>The feed will be back on Monday.</p>"
        whole = document(self.kind, self.name, self.entries, self.size)
        return whole[: len(whole) * 3 // 4] if self.behaviour == "truncated" else whole


def sites() -> tuple[Site, ...]:
    """All of them, the same in every run."""
    rng = random.Random("demo")  # noqa: S311 - not a secret
    names = [f"{adjective}-{noun}" for adjective in ADJECTIVES for noun in NOUNS]
    rng.shuffle(names)
    behaviours = [behaviour for behaviour, number in _BEHAVIOURS.items() for _ in range(number)]
    behaviours += ["plain"] * (len(names) - len(behaviours))
    rng.shuffle(behaviours)
    return tuple(
        _site(rng, number, name, behaviour)
        for number, (name, behaviour) in enumerate(zip(names, behaviours, strict=True))
    )


def _site(rng: random.Random, number: int, name: str, behaviour: str) -> Site:
    networks = ("192.0.2", "198.51.100", "203.0.113")
    size = _size(rng, number)
    return Site(
        name=name,
        address=f"{networks[number // 200]}.{number % 200 + 1}",
        behaviour=behaviour,
        kind=rng.choice(["rss", "rss", "atom", "atom", "rdf"]),
        entries=max(1, min(size // rng.randint(900, 2500), 60)),
        size=size,
        validators=frozenset(rng.choice([("etag", "date"), ("etag",), ("date",), ()])),
        lookup_seconds=rng.uniform(0.005, 0.08),
        answer_seconds=rng.uniform(0.2, 1.5) if behaviour == "slow" else 0.0,
    )


def _size(rng: random.Random, number: int) -> int:
    """Bytes. Five documents are large and most are small, so that parsing all of them takes seconds."""
    if number % 100 == 7:
        return rng.randint(150_000, 300_000)
    return int(2_000 * 10 ** rng.triangular(0, 1.2, 0.4))
