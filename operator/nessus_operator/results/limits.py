"""How large a report may be. Beyond a limit it is refused, before it costs memory."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Of the XML itself, also where it is kept compressed. The parser's own limits come on top:
    10,000,000 bytes in one text, attribute or comment, and 256 elements one inside the other."""

    file_bytes: int = 8_000_000_000
    items: int = 5_000_000


DEFAULT_LIMITS = Limits()
