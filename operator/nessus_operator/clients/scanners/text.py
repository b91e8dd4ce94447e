"""Makes text from a scanner fit to be shown: such text is hostile until it has passed here."""

import re
import unicodedata
from collections.abc import Iterable

_READ = 4096  # characters looked at: a megabyte of noise costs no more than a page of it
_MASK = "***"
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # colours, cursor
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # titles, links
    r"|\x1b[ -/]*[0-~]?"
)


def clean(text: object, limit: int, secrets: Iterable[str] = ()) -> str:
    """One line of at most `limit` characters, without escape sequences and invisible characters.

    Anything but a string is "". Control, format (bidi, zero-width), private and unassigned
    characters go, every run of space becomes one blank. `secrets` are masked after the cleaning,
    which could otherwise join their halves, and before the cut, which could leave a part of one.
    """
    if not isinstance(text, str):
        return ""
    line = _visible(text[: max(_READ, limit)])
    for secret in sorted(map(_visible, secrets), key=len, reverse=True):
        if secret:
            line = line.replace(secret, _MASK)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _visible(text: str) -> str:
    if text.isprintable():
        return " ".join(text.split())
    text = _ESCAPES.sub("", text)
    kept = (c if unicodedata.category(c)[0] != "C" else _blank(c) for c in text)
    return " ".join("".join(kept).split())


def _blank(control: str) -> str:
    return " " if control.isspace() else ""
