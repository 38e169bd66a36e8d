"""Texts as feedparser's loose parser leaves them, where that is known from what a tree has."""

from __future__ import annotations

import re
from typing import Final

from .controls import restored
from .names import Unsupported
from .reading import Element, Reading
from .texts import leaf

_REFERRED: Final = re.compile("[&<>\"']")


class LooseReading(Reading):
    """A reading of a document that had control characters."""

    repaired = True

    def leaf(self, element: Element) -> str:
        """The text, unless it may have had references: the loose parser leaves them as they are."""
        text = restored(leaf(element), self.controls)
        if _REFERRED.search(text):
            raise Unsupported("control characters, and a reference in a text that is no text construct")
        return text

    def url(self, element: Element, base: str) -> str:
        """The same as a link. The loose parser decodes references after it has joined it to its base."""
        url = super().url(element, base)
        if "&" in url:
            raise Unsupported("control characters, and a reference in a link")
        return url

    def markup(self, element: Element) -> str:
        """The same in a text construct: there it decodes references, quotation marks and slashes twice."""
        text = restored(leaf(element), self.controls)
        if "&" in text:
            text = text.replace("&quot;", '"').replace("&apos;", "'")
            text = text.replace("&#x2f;", "/").replace("&#x2F;", "/")
        return text

    def xhtml(self, _: Element) -> str:
        """Is for feedparser."""
        raise Unsupported("control characters, and XHTML")
