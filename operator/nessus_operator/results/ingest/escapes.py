"""Character data of an element as the text it stands for; the checker has passed it."""

import re

_REFERENCE = re.compile(rb"&([^;]+);")


class _Characters(dict[bytes, bytes]):
    """By the name in a reference; the checker knows no others than these and numbers."""

    def __missing__(self, name: bytes) -> bytes:
        digits = name[1:].decode()
        return chr(int(digits[1:], 16) if digits[0] == "x" else int(digits)).encode()


_CHARACTERS = _Characters({b"lt": b"<", b"gt": b">", b"amp": b"&", b"quot": b'"', b"apos": b"'"})


def plain(data: bytes) -> bytes:
    """UTF-8 without references, and with every line end a line feed, as a parser gives it."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    parts = _REFERENCE.split(data)
    parts[1::2] = map(_CHARACTERS.__getitem__, parts[1::2])
    return b"".join(parts)
