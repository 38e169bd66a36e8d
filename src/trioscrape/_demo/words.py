"""Words for the demo: the names of its sites, and what they write about."""

from __future__ import annotations

import random
from functools import cache
from typing import Final

ADJECTIVES: Final = (
    "amber", "brisk", "calm", "dapper", "eager", "frosty", "gentle", "hazel", "idle", "jolly", "keen",
    "lucid", "mellow", "nimble", "opal", "plucky", "quiet", "rustic", "sunny", "tidy", "umber", "vivid",
    "wry", "young", "zesty",
)  # fmt: skip
NOUNS: Final = (
    "badger", "comet", "dune", "ember", "fjord", "grove", "heron", "islet", "juniper", "kettle",
    "lantern", "meadow", "nutmeg", "otter", "pebble", "quill", "raven", "sparrow", "thicket", "walrus",
)  # fmt: skip
AUTHORS: Final = ("Ada Brook", "Grace Murmur", "Linus Quay", "Radia Fern", "Édouard Löwe", "Mina Tanaka")
TAGS: Final = ("field notes", "kitchen", "weather", "maps", "tea & toast", "repairs", "night sky")

_SUBJECTS: Final = (
    "the kettle", "a borrowed bicycle", "our oldest map", "the harbour cat", "a letter from Tromsø",
    "the tide table", "a jar of plum jam", "the lighthouse keeper", "yesterday's fog", "the third shelf",
)  # fmt: skip
_VERBS: Final = (
    "refuses to agree with", "was repaired with", "turns out to be older than", "hides behind",
    "sings louder than", "was traded for", "smells faintly of", "keeps better time than",
)  # fmt: skip
_ASIDES: Final = (
    "which surprised nobody.", "at least <em>on Tuesdays</em>.", "and there are <b>photographs</b>.",
    'as <a href="/archive">we wrote before</a>.', "says the café owner.", "if you squint &amp; wait.",
)  # fmt: skip
_TITLES: Final = (
    "Notes on {}", "In praise of {}", "How {} came home", "What {} taught us", "A short history of {}",
)  # fmt: skip


def title(rng: random.Random) -> str:
    """A headline, plain text."""
    return rng.choice(_TITLES).format(rng.choice(_SUBJECTS))


def text(rng: random.Random, size: int) -> str:
    """About `size` characters of HTML paragraphs."""
    pool = _paragraphs()
    parts: list[str] = []
    while size > 0:
        parts.append(rng.choice(pool))
        size -= len(parts[-1])
    return "".join(parts)


@cache
def _paragraphs() -> tuple[str, ...]:
    # Made once, so that a large document is a mere join and does not delay the event loop that serves it.
    rng = random.Random("paragraphs")  # noqa: S311 - not a secret
    return tuple(
        "<p>" + " ".join(_sentence(rng) for _ in range(rng.randint(2, 6))) + "</p>\n" for _ in range(200)
    )


def _sentence(rng: random.Random) -> str:
    first, second = rng.sample(_SUBJECTS, 2)
    return f"{first[0].upper()}{first[1:]} {rng.choice(_VERBS)} {second}, {rng.choice(_ASIDES)}"
