"""Is it well-formed? libxml2 sees every byte of the report, before anything is made of it.

Its handlers are off, which makes this cheap. Where exactly a refused file breaks is found by
results.ingest.locate.
"""

from typing import Any, NoReturn, cast

from lxml import etree

from nessus_operator.results.refusals import (
    DoctypeRefused,
    FileTooLarge,
    Malformed,
    NotXML,
    Position,
    Refused,
    TextTooLong,
    TooDeep,
    Truncated,
)

DEPTH = 256  # elements one inside the other; both limits are those of libxml2
TEXT_BYTES = 10_000_000

_OPTIONS: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
}
# libxml2's numbers (xmlerror.h)
_RESOURCE_LIMIT = 114
_NAME_TOO_LONG = 110
_NOT_STARTED = frozenset((1, 4))  # no element found, document is empty


class _Doctype(Exception):
    """Leaves the parser before it reads what the DOCTYPE declares."""


class _Silent:
    """A parser target that takes no events but the one that ends it."""

    def doctype(self, name: str, public_id: str | None, system_id: str | None) -> NoReturn:
        raise _Doctype

    def close(self) -> None:
        pass


class Checker:
    """Give it every chunk. What it raises knows its place only roughly."""

    def __init__(self, most_bytes: int) -> None:
        self._parser = etree.XMLParser(target=cast("Any", _Silent()), **_OPTIONS)
        self._most_bytes = most_bytes
        self.bytes = 0

    def feed(self, chunk: bytes) -> None:
        self.bytes += len(chunk)
        if self.bytes > self._most_bytes:
            beyond = Position(1, 1, self._most_bytes)
            raise FileTooLarge(f"The report is larger than {self._most_bytes} bytes", beyond)
        try:
            self._parser.feed(chunk)
        except _Doctype:
            raise DoctypeRefused("The report has a DOCTYPE, which Nessus never writes") from None
        except etree.XMLSyntaxError as error:
            raise refusal(error) from None

    def close(self) -> None:
        """The end of the file; raises Truncated unless the root element is closed."""
        if not self.bytes:
            raise Truncated("The file is empty")
        try:
            self._parser.close()
        except etree.XMLSyntaxError as error:
            raise refusal(error) from None


def pull_parser(tags: tuple[str, ...]) -> etree.XMLPullParser:
    """The parser that builds elements, with the same limits as the checker and one on depth."""
    return etree.XMLPullParser(
        events=("start", "end"), tag=tags, remove_comments=True, remove_pis=True, **_OPTIONS
    )


def refusal(error: etree.XMLSyntaxError) -> Refused:
    """The refusal that libxml2's error means."""
    code: int = cast("Any", error).code  # the stubs do not know it
    if code in _NOT_STARTED:
        return NotXML("The file does not begin like XML")
    message = str(error.msg)
    if code == _RESOURCE_LIMIT and "depth" in message:
        return TooDeep(f"Elements are nested more than {DEPTH} deep")
    if code in (_RESOURCE_LIMIT, _NAME_TOO_LONG) or "too big" in message:
        return TextTooLong("A text is longer than 10,000,000 bytes")
    line, column = error.position
    return Malformed("The file is not well-formed XML", Position(line, column, 0))
