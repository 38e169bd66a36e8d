"""JSON as it is found: with the faults that publishers' templates put into it. Pure.

It is tried as RFC 8259 has it. What is forgiven then: control characters in strings, superfluous commas,
escapes that JSON does not have, comments, something after the end, and a missing end: then the whole items
are kept.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

_MOST_PARTS: Final = 2_000_000
"""Objects and arrays: an empty one takes two bytes of a document, and 64 of memory."""
# Possessive, so that a string or a comment without an end is looked at once. It ends with the text.
_STRING: Final = r'"(?:[^"\\]++|\\.)*+"?'
_COMMENT: Final = re.compile(rf"({_STRING})|//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_COMMA: Final = re.compile(rf"({_STRING})|,(?=\s*+[}}\],])", re.DOTALL)
_ESCAPE: Final = re.compile(r"(\\(?:[\"\\/bfnrt]|u[\da-fA-F]{4}))|\\'|(\\)")
_BRACKET: Final = re.compile(rf"{_STRING}|[\[\]{{}}]", re.DOTALL)


def json_value(text: str) -> tuple[Any, bool]:
    """What `text` says, and whether it had to be repaired for that.

    Numbers stay texts: an id of a thousand digits would be refused, and 1e999 is no number at all.

    Raises:
      ValueError: it is no JSON, nested too deeply, or has too many parts.
    """
    if text.count("{") + text.count("[") > _MOST_PARTS:
        raise ValueError("too many parts")
    try:
        return _loads(text, strict=True), False
    except ValueError:
        pass
    text = _COMMENT.sub(r"\1", text)
    text = _COMMA.sub(r"\1", text)
    text = _ESCAPE.sub(lambda found: found[1] or (r"\\" if found[2] else "'"), text)
    return _loads(_whole(text), strict=False), True


def _loads(text: str, *, strict: bool) -> Any:
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str, strict=strict)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _whole(text: str) -> str:
    """`text` up to the end of its object; without that, up to the last whole item of a list in it."""
    open_brackets: list[str] = []
    end = None
    for found in _BRACKET.finditer(text):
        bracket = found[0]
        if bracket in "[{":
            open_brackets.append(bracket)
        elif bracket in "]}" and open_brackets:
            open_brackets.pop()
            if not open_brackets:
                return text[: found.end()]
            if open_brackets == ["{", "["] and bracket == "}":
                end = found.end()
    return text if end is None else text[:end] + "]}"
