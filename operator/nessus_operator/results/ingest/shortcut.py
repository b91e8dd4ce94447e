"""Items that are written plainly are taken from the bytes, and most of them are not even read.

Most items of a report repeat the text of their plugin, or of their compliance check, byte for
byte. Such an item is cut out of the stream before the parser that builds elements sees it
(results.ingest.known). So is any other that is written plainly (results.ingest.written). This is
safe, because a cut item stands where an item may stand (behind another, or where the parser has
just ended a child of ReportHost: `_confirm`), and the checker has found the same bytes
well-formed. All else goes to that parser.
"""

import hashlib
from typing import Any

from nessus_operator.results.ingest.document import Document
from nessus_operator.results.ingest.elements import ElementReader
from nessus_operator.results.ingest.escapes import plain
from nessus_operator.results.ingest.items import make_item
from nessus_operator.results.ingest.known import Known, KnownItems, Texts, skip_blank
from nessus_operator.results.ingest.staging import digest
from nessus_operator.results.ingest.written import (
    ITEM,
    ITEM_END,
    ChildReader,
    Prefixes,
    read_start,
)

_PROPERTIES_END = b"</HostProperties>"

_NO_TEXT = digest(b"")
_SHORT = 100  # bytes of an output whose code is remembered
_USUAL = 20_000  # bytes of a check whose row is remembered
_REPEATED_BYTES = 5_000_000
_ROW_BYTES = 500  # what a remembered one costs besides its texts
_SHORT_REMEMBERED = 8_192
_HELD = 1_000_000  # bytes of an item that we wait for before it goes to the parser

_Coded = tuple[int, bytes | bytearray | None]  # what a text is ranked by, and as it is stored


class Shortcut:
    """Takes the bytes of a report, UTF-8, in chunks that the checker has passed."""

    def __init__(self, document: Document, *, cut: bool = True) -> None:
        self._document = document
        self._staging = document.staging
        self._reader = ElementReader(document)
        self._cut_any = cut
        self.cut_items = 0
        self._rest = b""
        self._confirmed = False
        self._prefixes: Prefixes = {}
        self._among_checks = False
        self._short: dict[bytes, _Coded] = {}
        self._repeated: dict[bytes, tuple[Any, ...]] = {}  # rows of checks but for the host
        self._repeated_bytes = 0
        self._forget()
        self._lines = document.staging.lines

    def feed(self, chunk: bytes) -> None:
        """Raises TooDeep, TextTooLong, Malformed, TooManyItems."""
        if not self._cut_any:
            self._reader.feed(chunk)
            return
        buffer = self._rest + chunk
        position = 0
        while True:
            if self._confirmed:
                position, waits = self._cut(buffer, position)
                if waits and len(buffer) - position < _HELD:
                    break
            end = self._next_end(buffer, position)
            if end < 0:
                position = self._stream(buffer, position)
                break
            self._confirm(buffer[position:end])
            position = end
        self._rest = buffer[position:]

    def close(self) -> None:
        """The checker has seen the end of the report."""
        self._reader.feed(self._rest)
        self._rest = b""

    def _next_end(self, buffer: bytes, position: int) -> int:
        """Where the next element ends after which an item may stand; -1: not in the buffer."""
        end = buffer.find(ITEM_END, position)
        if not buffer.startswith(ITEM, position):
            before = len(buffer) if end < 0 else end
            properties = buffer.find(_PROPERTIES_END, position, before)
            if properties >= 0:
                return properties + len(_PROPERTIES_END)
        return end if end < 0 else end + len(ITEM_END)

    def _stream(self, buffer: bytes, position: int) -> int:
        """Parse all but the last bytes, which could be the beginning of an end tag."""
        kept = max(position, len(buffer) - len(_PROPERTIES_END))
        self._reader.feed(buffer[position:kept])
        self._confirmed = False
        return kept

    def _confirm(self, piece: bytes) -> None:
        """Confirmed: it is the very last byte that ends a child of ReportHost."""
        self._reader.feed(piece[:-1])
        self._confirmed = self._reader.feed(piece[-1:])

    def _forget(self) -> None:
        """Nothing that is known by its bytes means the same where prefixes mean something else."""
        self._known = KnownItems(self._staging)
        self._repeated.clear()
        self._children = ChildReader(self._prefixes)

    def _cut(self, buffer: bytes, position: int) -> tuple[int, bool]:
        """Cut items. Where they end, and whether what follows could be one, but for bytes that are
        not here yet."""
        if self._document.prefixes != self._prefixes:
            self._prefixes = self._document.prefixes
            self._forget()
        while True:
            if not self._among_checks:
                position = self._cut_known(buffer, position)
            start, end = _bounds(buffer, position)
            if end <= 0:
                return start, end < 0
            piece = buffer[start:end]
            body = piece.index(b">") + 1
            if self._recall(piece, body):
                position = end
            elif self._among_checks:  # this is something else
                self._among_checks = False
            elif self._read(piece, body):
                position = end
            else:
                return start, False

    def _cut_known(self, buffer: bytes, position: int) -> int:
        """Cut what is known at once; where it ends."""
        document = self._document
        match, short, code = self._known.match, self._short.get, self._code
        rows = self._staging.findings
        before = len(rows)
        while found := match(buffer, position):
            known, place, raw, position = found
            if raw is None:
                row = _NO_TEXT, known.output
            else:  # to look a long one up takes as long as to read through it
                row = (len(raw) < _SHORT and short(raw)) or code(raw)
            if known.remarkable:
                document.hear(known.witness, raw, known.rulings)
            rows.append((document.number, known.kind, place, *row))
        if cut := len(rows) - before:
            self.cut_items += cut
            document.count(cut)
            self._staging.flush()
        return position

    def _recall(self, piece: bytes, body: int) -> bool:
        """Store an item if it is known by its digest."""
        if self._among_checks and self._repeat(piece):
            return True
        recalled = self._known.recall(piece, body)
        if recalled is None:
            return False
        known, place, texts = recalled
        self._among_checks = known.check_number > 0
        self.cut_items += 1
        document = self._document
        document.count(1)
        output = texts[-1]
        if known.remarkable:
            document.hear(known.witness, output, known.rulings)
        row = (_NO_TEXT, known.output) if output is None else self._code(output)
        if known.check_number:
            self._store_check(piece, known, place, texts, row)
        else:
            self._staging.findings.append((document.number, known.kind, place, *row))
            self._staging.flush()
        return True

    def _repeat(self, piece: bytes) -> bool:
        """Store a check if all of it is as on a host before; most are."""
        row = self._repeated.get(hashlib.sha256(piece).digest())
        if row is None:
            return False
        self.cut_items += 1
        self._document.count(1)
        self._staging.add_check(self._document.number, *row)
        return True

    def _store_check(
        self, piece: bytes, known: Known, place: int, texts: Texts, output: _Coded
    ) -> None:
        described, value, _ = texts
        said = None if described is None else self._code(described)
        ranked_by = said[0] if said and not texts[-1] else output[0]
        checked = None if value is None else self._lines.code(_plain(value))
        what = (known.kind, place, ranked_by, known.check_number)
        row = (*what, said and said[1], checked, output[1])
        self._staging.add_check(self._document.number, *row)
        if len(piece) < _USUAL and not known.remarkable:
            self._repeated_bytes += sum(len(coded) for coded in row[4:] if coded) + _ROW_BYTES
            if self._repeated_bytes > _REPEATED_BYTES:
                self._repeated.clear()
                self._repeated_bytes = 0
            self._repeated[hashlib.sha256(piece).digest()] = row

    def _read(self, piece: bytes, body: int) -> bool:
        """Store an item that is not known; False: it is not written plainly."""
        start = read_start(piece[:body])
        children = start and self._children.read(piece, body)
        if start is None or children is None:
            return False
        item = make_item(start.said, dict(children))
        self._document.take(item)
        self._known.learn(piece, start, children, item)
        return True

    def _code(self, raw: bytes) -> _Coded:
        """Digest and coded text of an output as it is written; many short ones are the same."""
        text = _plain(raw)
        row = digest(text), self._lines.code(text)
        if len(raw) < _SHORT:
            if len(self._short) == _SHORT_REMEMBERED:
                self._short.clear()
            self._short[raw] = row
        return row


def _bounds(buffer: bytes, position: int) -> tuple[int, int]:
    """Where an item begins, after blanks, and ends; 0: there is none, -1: it is not all here."""
    start = skip_blank(buffer, position)
    if not buffer.startswith(ITEM, start):
        return start, -1 if len(buffer) - start < len(ITEM) else 0
    end = buffer.find(ITEM_END, start)
    return start, end if end < 0 else end + len(ITEM_END)


def _plain(raw: bytes) -> bytes:
    return plain(raw) if b"&" in raw or b"\r" in raw else raw
