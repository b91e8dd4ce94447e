"""Which encodings a report may have: those that both parsers read alike and by themselves.

Any other is refused: a parser would look for a codec by a name that the report chooses.
"""

import re
from typing import NamedTuple

_UTF16 = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")  # with a byte order mark, and without
_BEGIN = re.compile(rb"<\?xml\s")
_DECLARATION = re.compile(
    rb"""<\?xml\s+version\s*=\s*(?:"[^"<>]*"|'[^'<>]*')"""
    rb"""(?:\s+encoding\s*=\s*["'](?P<name>[\w.:-]+)["'])?[^<>]*\?>""",
    re.ASCII,
)
_UTF8_NAMES = frozenset(("utf-8", "utf8", "us-ascii", "ascii"))
# One byte a character and ASCII as it is: where a fault lies, the first of them tells for all.
_LATIN = re.compile(r"iso-?8859-\d{1,2}|latin-?1|windows-125\d")


class Encoding(NamedTuple):
    """expat: its name for a parser that only looks for places; None: refused.

    utf8: whether the bytes are UTF-8 for certain. offset: of the name in the report.
    """

    expat: str | None
    utf8: bool = False
    offset: int = 0


def encoding_of(head: bytes) -> Encoding:
    """By the first bytes of a report; what is no declaration, or a broken one, is for a parser."""
    if head[:2] in _UTF16:
        return Encoding("UTF-16")
    if not _BEGIN.match(head):  # a byte order mark says UTF-8, whatever is declared behind it
        return Encoding("UTF-8", utf8=True)
    declared = _DECLARATION.match(head)
    if declared is None:
        return Encoding("UTF-8")
    name = (declared["name"] or b"utf-8").decode().lower()
    if name in _UTF8_NAMES:
        return Encoding("UTF-8", utf8=True)
    return Encoding("ISO-8859-1" if _LATIN.fullmatch(name) else None, False, declared.start("name"))
