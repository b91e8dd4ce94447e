"""Where does a refused file break? A second pass over it by expat, which counts bytes."""

import pyexpat
from collections.abc import Callable

from nessus_operator.results.ingest.checker import DEPTH, TEXT_BYTES
from nessus_operator.results.ingest.encoding import encoding_of
from nessus_operator.results.ingest.source import Source
from nessus_operator.results.refusals import (
    DoctypeRefused,
    FileTooLarge,
    NotNessus,
    NotXML,
    Position,
    Refused,
    TextTooLong,
    TooDeep,
    TooManyItems,
    Truncated,
)

# expat's numbers: no element, unclosed token, partial character, unclosed CDATA section
_ENDED_EARLY = frozenset((3, 5, 6, 20))
OTHER_ENCODING = (
    "The report is not in UTF-8, nor in UTF-16, US-ASCII or an encoding of ISO-8859: convert it"
)

Parser = pyexpat.XMLParserType
Watch = Callable[[Parser, "_Spot", int], None]


class _Found(Exception):
    """Ends the pass: the spot is known."""


class _Spot:
    """The place that a watch has found so far."""

    def __init__(self, parser: Parser) -> None:
        self._parser = parser
        self.position: Position | None = None

    def here(self) -> Position:
        parser = self._parser
        return Position(
            parser.CurrentLineNumber, parser.CurrentColumnNumber + 1, parser.CurrentByteIndex
        )

    def found(self) -> None:
        self.position = self.here()
        raise _Found


def locate(refused: Refused, source: Source, read: int, most_items: int) -> Refused:
    """The same refusal with the position of the first byte that breaks the file.

    `read`: how many bytes were looked at before it was refused; nothing behind them matters.
    A file that ends too early becomes Truncated, whatever the other parser called it.
    """
    if isinstance(refused, FileTooLarge) and refused.position:
        return FileTooLarge(refused.message, _place_of(source, refused.position.offset))
    encoding = encoding_of(_head(source))
    if encoding.expat is None:
        return NotXML(OTHER_ENCODING, _place_of(source, encoding.offset))
    parser = pyexpat.ParserCreate(encoding.expat)
    spot = _Spot(parser)
    if watch := _WATCHES.get(type(refused)):
        watch(parser, spot, most_items)
    try:
        _parse(parser, source, read)
    except pyexpat.ExpatError as error:
        return _broken(refused, parser, error)
    except _Found:
        pass
    position = spot.position
    if isinstance(refused, DoctypeRefused) and position:
        position = _begin_of_doctype(source, position)
    if isinstance(refused, TextTooLong):
        here = spot.here()
        unfinished = read - here.offset > TEXT_BYTES  # markup of which the end was not seen
        position = here if unfinished else position or here
    return type(refused)(refused.message, position or _of_line(source, refused.position))


def _head(source: Source) -> bytes:
    with source.open() as opened:
        return next(opened.chunks(), b"")


def _parse(parser: Parser, source: Source, read: int) -> None:
    with source.open() as opened:
        for chunk in opened.chunks():
            parser.Parse(chunk[:read], False)
            read -= len(chunk)
            if read < 0:
                return
    parser.Parse(b"", True)


def _broken(refused: Refused, parser: Parser, error: pyexpat.ExpatError) -> Refused:
    place = Position(error.lineno, error.offset + 1, max(parser.ErrorByteIndex, 0))
    if error.code in _ENDED_EARLY and not isinstance(refused, TextTooLong):
        return Truncated("The file ends too early", place)
    return type(refused)(refused.message, place)


def _watch_doctype(parser: Parser, spot: _Spot, _: int) -> None:
    def start(name: str, system: str | None, public: str | None, internal: bool) -> None:
        spot.found()

    parser.StartDoctypeDeclHandler = start


def _watch_depth(parser: Parser, spot: _Spot, _: int) -> None:
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEPTH:
            spot.found()

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    parser.StartElementHandler = start
    parser.EndElementHandler = end


def _watch_root(parser: Parser, spot: _Spot, _: int) -> None:
    def start(name: str, attributes: dict[str, str]) -> None:
        spot.found()

    parser.StartElementHandler = start


def _watch_items(parser: Parser, spot: _Spot, most: int) -> None:
    left = most

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal left
        left -= name == "ReportItem"
        if left < 0:
            spot.found()

    parser.StartElementHandler = start


def _watch_text(parser: Parser, spot: _Spot, _: int) -> None:
    """Remembers where the last text or markup began, until one is too long."""
    begins: Position | None = None  # of the text that goes on
    length = 0

    def text(data: str) -> None:
        nonlocal begins, length
        if begins is None:
            begins = spot.position = spot.here()
        length += len(data)
        if length > TEXT_BYTES:
            raise _Found

    def markup(*_: object) -> None:
        nonlocal begins, length
        here = spot.here()
        before = spot.position
        if before and begins is None and here.offset - before.offset > TEXT_BYTES:
            raise _Found
        spot.position, begins, length = here, None, 0

    parser.CharacterDataHandler = text
    parser.StartElementHandler = parser.EndElementHandler = markup
    parser.CommentHandler = parser.ProcessingInstructionHandler = markup


_WATCHES: dict[type[Refused], Watch] = {
    DoctypeRefused: _watch_doctype,
    NotNessus: _watch_root,
    TooDeep: _watch_depth,
    TooManyItems: _watch_items,
    TextTooLong: _watch_text,
}


def _begin_of_doctype(source: Source, seen: Position) -> Position:
    """expat tells of a DOCTYPE when it has read what comes before its declarations."""
    with source.open() as opened:
        head = b""
        for chunk in opened.chunks():
            head += chunk
            if len(head) > seen.offset:
                break
    begins = head.rfind(b"<!DOCTYPE", 0, seen.offset + 1)
    return _place_of(source, begins) if begins >= 0 else seen


def _place_of(source: Source, offset: int) -> Position:
    line, start, passed = 1, 0, 0
    with source.open() as opened:
        for chunk in opened.chunks():
            seen = chunk[: offset - passed]
            line += seen.count(b"\n")
            start = passed + seen.rfind(b"\n") + 1 if b"\n" in seen else start
            passed += len(seen)
            if passed == offset:
                break
    return Position(line, offset - start + 1, offset)


def _of_line(source: Source, rough: Position | None) -> Position | None:
    """The offset of a line and column, for a fault that expat does not see."""
    if rough is None:
        return None
    lines = rough.line - 1
    offset = 0
    with source.open() as opened:
        for chunk in opened.chunks():
            newlines = chunk.count(b"\n")
            if newlines < lines:
                lines -= newlines
                offset += len(chunk)
                continue
            start = 0
            for _ in range(lines):
                start = chunk.find(b"\n", start) + 1
            return Position(rough.line, rough.column, offset + start + rough.column - 1)
    return Position(rough.line, rough.column, offset)
