"""Items that say what an item before them said, but for their output, are not parsed again.

Most items of a report repeat the text of their plugin byte for byte. Such an item is cut out of
the stream before the parser that builds elements sees it; all else goes to that parser. This is
safe, because a cut item equals one that was parsed (results.ingest.known), it stands where an
item may stand (the parser has just ended a child of ReportHost: `_confirm`), and the checker has
found the same bytes well-formed. An item that does not fit costs time, nothing else.
"""

from nessus_operator.results.ingest.document import Document
from nessus_operator.results.ingest.elements import ElementReader
from nessus_operator.results.ingest.escapes import plain
from nessus_operator.results.ingest.known import (
    ITEM,
    KnownItems,
    NotAllHere,
    skip_blank,
)
from nessus_operator.results.ingest.staging import digest

_ITEM_END = b"</ReportItem>"
_PROPERTIES_END = b"</HostProperties>"

_NO_TEXT = digest(b"")
_SHORT = 100  # bytes of an output whose code is remembered
_SHORT_REMEMBERED = 8_192
_HELD = 1_000_000  # bytes of an item that we wait for before it goes to the parser


class Shortcut:
    """Takes the bytes of a report, UTF-8, in chunks that the checker has passed."""

    def __init__(self, document: Document, *, cut: bool = True) -> None:
        self._document = document
        self._reader = ElementReader(document)
        self._cut_any = cut
        self.cut_items = 0
        self._rest = b""
        self._confirmed = False
        self._known = KnownItems(document.staging)
        self._short: dict[bytes, tuple[int, bytes | bytearray | None]] = {}
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
            self._take(buffer, position, end)
            position = end
        self._rest = buffer[position:]

    def close(self) -> None:
        """The checker has seen the end of the report."""
        self._reader.feed(self._rest)
        self._rest = b""

    def _next_end(self, buffer: bytes, position: int) -> int:
        """Where the next element ends after which an item may stand; -1: not in the buffer."""
        end = buffer.find(_ITEM_END, position)
        if not buffer.startswith(ITEM, position):
            before = len(buffer) if end < 0 else end
            properties = buffer.find(_PROPERTIES_END, position, before)
            if properties >= 0:
                return properties + len(_PROPERTIES_END)
        return end if end < 0 else end + len(_ITEM_END)

    def _stream(self, buffer: bytes, position: int) -> int:
        """Parse all but the last bytes, which could be the beginning of an end tag."""
        kept = max(position, len(buffer) - len(_PROPERTIES_END))
        self._reader.feed(buffer[position:kept])
        self._confirmed = False
        return kept

    def _take(self, buffer: bytes, start: int, end: int) -> None:
        """Parse what is not known, and learn from it if it is one whole item."""
        alone = self._confirmed and buffer.startswith(ITEM, start)
        items = self._document.items
        self._confirm(buffer[start:end])
        item = self._document.last_item
        if item and alone and self._confirmed and self._document.items == items + 1:
            self._known.learn(buffer[start:end], item)

    def _confirm(self, piece: bytes) -> None:
        """Confirmed: it is the very last byte that ends a child of ReportHost."""
        self._reader.feed(piece[:-1])
        self._confirmed = self._reader.feed(piece[-1:])

    def _cut(self, buffer: bytes, position: int) -> tuple[int, bool]:
        """Cut known items. Where they end, and whether what follows could be one, but for bytes
        that are not here yet."""
        document = self._document
        match, known, code = self._known.match, self._short.get, self._code
        rows = document.staging.findings
        before = len(rows)
        waits = False
        try:
            while found := match(buffer, position):
                variant, place, raw, position = found
                if raw is None:
                    row = _NO_TEXT, variant.output
                else:  # to look a long one up takes as long as to read through it
                    row = (len(raw) < _SHORT and known(raw)) or code(raw)
                if variant.remarkable:
                    document.hear(variant.witness, raw, variant.rulings)
                rows.append((document.number, variant.kind, place, *row))
        except NotAllHere:
            waits = True
        self.cut_items += len(rows) - before
        document.count(len(rows) - before)
        document.staging.flush()
        return skip_blank(buffer, position), waits

    def _code(self, raw: bytes) -> tuple[int, bytes | bytearray | None]:
        """Digest and coded text of an output as it is written; many short ones are the same."""
        text = plain(raw) if b"&" in raw or b"\r" in raw else raw
        row = digest(text), self._lines.code(text)
        if len(raw) < _SHORT:
            if len(self._short) == _SHORT_REMEMBERED:
                self._short.clear()
            self._short[raw] = row
        return row
