"""Where does a refused file break? A second pass over it by expat, which counts bytes."""

import pyexpat
from collections.abc import Callable

from nessus_operator.results.ingest.checker import DEPTH, TEXT_BYTES
from nessus_operator.results.ingest.source import Source
from nessus_operator.results.refusals import (
    DoctypeRefused,
    FileTooLarge,
    NotNessus,
    Position,
    Refused,
    TextTooLong,
    TooDeep,
    TooManyItems,
    Truncated,
)

# expat's numbers: no element, unclosed token, partial character, unclosed CDATA section
_ENDED_EARLY = frozenset((3, 5, 6, 20))

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
    if isinstance(refused, FileTooLarge):
        return FileTooLarge(refused.message, _end_of(source, read))
    parser = pyexpat.ParserCreate()
    spot = _Spot(parser)
    if watch := _WATCHES.get(type(refused)):
        watch(parser, spot, most_items)
    try:
        ended = _parse(parser, source, read)
    except pyexpat.ExpatError as error:
        return _broken(refused, parser, error)
    except _Found:
        return type(refused)(refused.message, spot.position)
    if isinstance(refused, TextTooLong) and not ended:
        return TextTooLong(refused.message, spot.position or spot.here())
    return type(refused)(refused.message, _of_line(source, refused.position))


def _parse(parser: Parser, source: Source, read: int) -> bool:
    """Whether it was parsed to its end."""
    with source.open() as opened:
        for chunk in opened.chunks():
            parser.Parse(chunk[:read], False)
            read -= len(chunk)
            if read < 0:
                return False
    parser.Parse(b"", True)
    return True


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
    """Remembers where the text began that goes on, if it has no markup in it."""
    length = 0

    def text(data: str) -> None:
        nonlocal length
        spot.position = spot.position or spot.here()
        length += len(data)
        if length > TEXT_BYTES:
            raise _Found

    def markup(*_: object) -> None:
        nonlocal length
        spot.position = None
        length = 0

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


def _end_of(source: Source, read: int) -> Position:
    """The place of byte `read` (from 0)."""
    line, start, offset = 1, 0, 0
    with source.open() as opened:
        for chunk in opened.chunks():
            seen = chunk[: read - offset]
            line += seen.count(b"\n")
            start = offset + seen.rfind(b"\n") + 1 if b"\n" in seen else start
            offset += len(seen)
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
