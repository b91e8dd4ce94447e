"""The parser that builds elements, and hands each to the document as it ends."""

from collections.abc import Iterator
from typing import cast

from lxml import etree
from lxml.etree import _Element

from nessus_operator.results.ingest.checker import pull_parser, refusal
from nessus_operator.results.ingest.document import TAGS, Document
from nessus_operator.results.refusals import TextTooLong

_LONGEST = 32_000_000  # bytes of one item, host property set or preference


class ElementReader:
    def __init__(self, document: Document) -> None:
        self.document = document
        self._parser = pull_parser(TAGS)
        self._quiet = 0

    def feed(self, piece: bytes) -> bool:
        """Whether the last that the piece brought is the end of a child of an open ReportHost.

        Raises TooDeep, TextTooLong, Malformed, TooManyItems.
        """
        try:
            self._parser.feed(piece)
        except etree.XMLSyntaxError as error:
            raise refusal(error) from None
        child_ended = heard = False
        document = self.document
        for event, element in cast("Iterator[tuple[str, _Element]]", self._parser.read_events()):
            heard = True
            if event == "end":
                child_ended = document.end(element)
            else:
                child_ended = False
                document.start(element)
        self._watch(0 if heard else self._quiet + len(piece))
        return child_ended

    def _watch(self, quiet: int) -> None:
        self._quiet = quiet
        if quiet > _LONGEST:
            raise TextTooLong(f"An element is longer than {_LONGEST} bytes")
