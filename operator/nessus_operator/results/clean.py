"""Text from scanned hosts and scanners made harmless, for a terminal, an agent or a page alike.

What is left is visible: no control character but line feed and tab, no ANSI sequence, nothing
bidirectional, nothing invisible (Unicode tags and fillers can carry words that only a model sees).
Text is removed only together with the sequence it belongs to, so nobody can hide what follows.
"""

import re
from typing import Any

ELLIPSIS = "…"

# ECMA-48 control sequences; of any other escape sequence only ESC goes, its rest is plain text.
_CONTROL_SEQUENCE = re.compile("(?:\x1b\\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]")
_LINE_BREAK = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_HIDDEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad"  # control characters, soft hyphen
    "\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2"  # format characters, joiners
    "\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # fillers and selectors
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero width, bidirectional, separators
    "\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"  # tags, further selectors
    "]"
)
_ASCII_CONTROLS = bytes((*range(9), *range(11, 32), 127))


def clean(text: str) -> str:
    """The text without anything hidden; every kind of line break is a line feed."""
    if text.isascii():
        if len(text.encode().translate(None, _ASCII_CONTROLS)) == len(text):
            return text
    elif not _HIDDEN.search(text):
        return text
    text = _LINE_BREAK.sub("\n", _CONTROL_SEQUENCE.sub("", text))
    return _HIDDEN.sub("", text)


def clean_json(value: Any) -> Any:
    """A JSON value with every text and key in it cleaned."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [clean_json(element) for element in value]
    if isinstance(value, dict):
        return {clean(key): clean_json(element) for key, element in value.items()}
    return value


def one_line(text: str, length: int) -> str:
    """At most `length` characters of the text on one line, for tables and messages."""
    flat = " ".join(clean(text[: length * 4]).split())
    return flat if len(flat) <= length else flat[: length - 1] + ELLIPSIS
