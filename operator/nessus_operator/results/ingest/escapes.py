"""Character data of an element as the text it stands for; the checker has passed it."""

import re

_NAMED = {b"lt": b"<", b"gt": b">", b"quot": b'"', b"apos": b"'", b"amp": b"&"}
_REFERENCE = re.compile(rb"&(?:#x([0-9a-fA-F]+)|#([0-9]+)|([a-z]+));")


def plain(data: bytes) -> bytes:
    """UTF-8 without references, and with every line end a line feed, as a parser gives it."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"&" not in data:
        return data
    if b"&#" in data:
        return _REFERENCE.sub(_resolve, data)
    for name in (b"lt", b"gt", b"quot", b"apos", b"amp"):  # amp last: it makes no new reference
        data = data.replace(b"&" + name + b";", _NAMED[name])
    return data


def _resolve(match: re.Match[bytes]) -> bytes:
    hexadecimal, decimal, name = match.groups()
    if name:
        return _NAMED[name]
    return chr(int(hexadecimal, 16) if hexadecimal else int(decimal)).encode()
