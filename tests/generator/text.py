"""Made-up text with the lengths and the line structure of real reports."""

import random
from bisect import bisect_right
from collections.abc import Sequence

_WORDS = """
    service host remote version check result value setting account system network address route
    table buffer field record header cookie header session login banner policy update package
    archive daemon driver module kernel memory thread queue socket stream cipher digest issuer
    subject signature certificate listener endpoint registry profile directory folder volume
    default missing weak strong legacy recent enabled disabled optional required possible known
    allows reports returns exposes accepts rejects contains uses needs supports answers writes
    reads sends lists shows while where because after before within without through against from
    with into over under about the a this that each any some every other such only also not
""".split()  # noqa: SIM905 - easier to read as text

_POOL_LINES = 9_000
_LINE = (28, 74)  # characters


def source(name: str) -> random.Random:
    """A source of chance that is the same for the same name."""
    return random.Random(name)  # noqa: S311 - it makes up data, no secret


Quantiles = Sequence[tuple[float, int]]  # (probability, characters), from 0 to 1


def quantile(table: Quantiles, u: float) -> int:
    """The length at probability u, linear between the points of the table."""
    index = min(bisect_right(table, u, key=lambda point: point[0]), len(table) - 1)
    (p0, v0), (p1, v1) = table[index - 1], table[index]
    return round(v0 + (v1 - v0) * (u - p0) / (p1 - p0))


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def attribute(text: str) -> str:
    return escape(text).replace('"', "&quot;")


class Prose:
    """Sentences of any length; the same for the same random source."""

    def __init__(self, source: random.Random) -> None:
        self._source = source

    def words(self, count: int) -> str:
        return " ".join(self._source.choices(_WORDS, k=count))

    def text(self, length: int) -> str:
        """About `length` characters in lines of usual width."""
        lines: list[str] = []
        left = length
        while left > 0:
            line = self._line()[: max(left, 1)].strip() or "x"
            lines.append(line)
            left -= len(line) + 1
        return "\n".join(lines).capitalize()

    def _line(self) -> str:
        width = self._source.randint(*_LINE)
        line = self.words(12)[:width].rstrip()
        return f"{line}." if self._source.random() < 0.3 else line


class Pool:
    """Lines that outputs are made of, so that outputs share most of theirs as real ones do."""

    def __init__(self, source: random.Random) -> None:
        prose = Prose(source)
        self._lines = [
            f"  {prose.text(source.randint(*_LINE)).splitlines()[0]}" for _ in range(_POOL_LINES)
        ]
        for index in range(0, _POOL_LINES, 5):
            word = source.choice(_WORDS)
            self._lines[index] = f'  {word:<22} : C:\\{word} <{index:x}> & "{word}"'

    def cut(self, start: int, length: int) -> str:
        """About `length` characters of consecutive lines."""
        lines: list[str] = []
        index = start % _POOL_LINES
        while length > 0:
            line = self._lines[index][: max(length, 1)]
            lines.append(line)
            length -= len(line) + 1
            index = (index + 1) % _POOL_LINES
        return "\n".join(lines)
