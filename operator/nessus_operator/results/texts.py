"""Coded text: a text is the numbers of its lines, and each distinct line is stored once.

Outputs of one plugin differ in few lines from host to host, so this keeps a tenth of the bytes,
and a substring search reads distinct lines instead of all outputs. Columns and row format:
results.schema.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Callable
from struct import unpack

from nessus_operator.results.schema import LINES_PER_ROW

_ROW_BYTES = 65_536  # a row is closed early when its lines are this long together
_READY_BYTES = 500_000  # of rows that are written together
# Lines remembered: those seen once, and those that came again. Each dict is emptied when full.
_NEW_BYTES = 2_000_000
_KNOWN_BYTES = 6_000_000
_LINE_BYTES = 120  # what a remembered line costs besides its bytes
_LONGEST_REMEMBERED = 4096  # bytes
_LONGEST_PATTERN = 1_000  # characters of a term that SQLite looks for; the rest is compared here
_JOINED = 10_000  # lines; to join a line takes 80 bytes more than it has
_EMPTY = bytearray()
_INSERT = "INSERT INTO lines VALUES (?, ?)"


class LineWriter(dict[bytes, bytes]):
    """Codes texts (UTF-8) and writes their lines; `close` writes the last ones.

    As a dict it maps lines that came more than once to their packed numbers. What it has
    forgotten is numbered anew: that only costs space.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._seen_once: dict[bytes, bytes] = {}
        self._known_bytes = 0
        self._new_bytes = 0
        self._row = 0
        self._row_bytes = 0
        self._lines: list[bytes] = []
        self._ready: list[tuple[int, str]] = []
        self._ready_bytes = 0

    def code(self, text: bytes) -> bytearray:
        """As a bytearray, which sqlite3 takes without asking for adapters."""
        lines = text.split(b"\n")
        if len(lines) <= _JOINED:
            return _EMPTY.join(map(self.__getitem__, lines))
        coded = bytearray()
        for start in range(0, len(lines), _JOINED):
            coded += _EMPTY.join(map(self.__getitem__, lines[start : start + _JOINED]))
        return coded

    def code_list(self, elements: list[str]) -> bytearray:
        """A list as a text with an element a line."""
        return self.code("\n".join(element.replace("\n", " ") for element in elements).encode())

    def close(self) -> None:
        self._close_row()
        self._flush()

    def __missing__(self, line: bytes) -> bytes:
        size = len(line) + _LINE_BYTES
        if number := self._seen_once.pop(line, None):
            self._known_bytes += size
            if self._known_bytes > _KNOWN_BYTES:
                self.clear()
                self._known_bytes = 0
            self[line] = number
            return number
        number = (self._row * LINES_PER_ROW + len(self._lines)).to_bytes(4, "little")
        self._lines.append(line)
        self._row_bytes += size
        self._new_bytes += size
        if len(self._lines) == LINES_PER_ROW or self._row_bytes > _ROW_BYTES:
            self._close_row()
        if self._new_bytes > _NEW_BYTES:
            self._seen_once.clear()
            self._new_bytes = 0
        if size < _LONGEST_REMEMBERED:
            self._seen_once[line] = number
        return number

    def _close_row(self) -> None:
        if self._lines:
            self._ready.append((self._row, b"\n".join(self._lines).decode()))
            self._ready_bytes += self._row_bytes
            self._row += 1
            self._lines = []
            self._row_bytes = 0
            if self._ready_bytes > _READY_BYTES:
                self._flush()

    def _flush(self) -> None:
        self._connection.executemany(_INSERT, self._ready)
        self._ready = []
        self._ready_bytes = 0


class LineReader:
    """Reads coded texts back and finds those that contain a term."""

    def __init__(self, connection: sqlite3.Connection, rows_kept: int = 512) -> None:
        self._connection = connection
        self._rows: OrderedDict[int, list[str]] = OrderedDict()
        self._rows_kept = rows_kept

    def lines(self, coded: bytes) -> list[str]:
        """The lines of a text, or the elements of a list."""
        return [self._line(number) for number in numbers(coded)]

    def text(self, coded: bytes) -> str:
        return "\n".join(self.lines(coded))

    def _line(self, number: int) -> str:
        row, index = divmod(number, LINES_PER_ROW)
        kept = self._rows.get(row)
        if kept is None:
            kept = self._read(row)
        else:
            self._rows.move_to_end(row)
        return kept[index]

    def _read(self, row: int) -> list[str]:
        found = self._connection.execute("SELECT text FROM lines WHERE id = ?", (row,)).fetchone()
        lines: list[str] = found[0].split("\n")
        self._rows[row] = lines
        if len(self._rows) > self._rows_kept:
            self._rows.popitem(last=False)
        return lines

    def containing(self, term: str) -> Callable[[bytes | None], bool] | None:
        """A test for coded texts that contain the term, letters A to Z folded.

        None: no text does. The search itself is done here, once; the test only looks at numbers,
        and at the text where a term goes over a line end.
        """
        folded = fold(term)
        parts = folded.split(b"\n")
        found = self._lines_containing(max(parts, key=len))
        if not found:
            return None
        if len(parts) == 1:
            return lambda coded: coded is not None and not found.isdisjoint(numbers(coded))
        return lambda coded: (
            coded is not None
            and not found.isdisjoint(numbers(coded))
            and folded in fold(self.text(coded))
        )

    def _lines_containing(self, folded: bytes) -> frozenset[int]:
        rows = self._connection.execute(
            r"SELECT id, text FROM lines WHERE text LIKE ? ESCAPE '\'", (_pattern(folded),)
        )
        return frozenset(
            row * LINES_PER_ROW + index
            for row, text in rows
            for index, line in enumerate(fold(text).split(b"\n"))
            if folded in line
        )


def numbers(coded: bytes) -> tuple[int, ...]:
    """The numbers of the lines of a coded text."""
    return unpack(f"<{len(coded) // 4}I", coded)


def fold(text: str) -> bytes:
    """For comparison: only the ASCII letters lose their case, as in SQLite's LIKE."""
    return text.encode().lower()


def _pattern(folded: bytes) -> str:
    term = folded.decode(errors="ignore")[:_LONGEST_PATTERN]
    for special in ("\\", "%", "_"):
        term = term.replace(special, "\\" + special)
    return f"%{term}%"
