"""One pass over the bytes of a report: checked first, then read."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import cast

import zstandard
from lxml import etree
from lxml.etree import _Element

from nessus_operator.results.ingest.checker import Checker
from nessus_operator.results.ingest.document import Document
from nessus_operator.results.ingest.encoding import encoding_of
from nessus_operator.results.ingest.locate import OTHER_ENCODING, locate
from nessus_operator.results.ingest.shortcut import Shortcut
from nessus_operator.results.ingest.source import Source
from nessus_operator.results.limits import Limits
from nessus_operator.results.refusals import Malformed, NotNessus, NotXML, Refused

Progress = Callable[[int, int], None]  # bytes read and bytes in all, on disk

_ROOTS = ("NessusClientData_v2", "NessusClientData")


class _Root:
    """Looks at the beginning until the root element has been seen."""

    def __init__(self) -> None:
        self._parser = etree.XMLPullParser(events=("start",), resolve_entities=False)
        self.seen = False

    def feed(self, chunk: bytes) -> None:
        with suppress(etree.XMLSyntaxError):  # a fault behind the root element is found again
            self._parser.feed(chunk)
        for _, element in cast("Iterator[tuple[str, _Element]]", self._parser.read_events()):
            self.seen = True
            if element.tag not in _ROOTS:
                raise NotNessus(f"The root element is not {' or '.join(_ROOTS)}")
            return


class Reading:
    def __init__(
        self,
        source: Source,
        limits: Limits,
        document: Document,
        progress: Progress | None,
        *,
        shortcut: bool,
    ) -> None:
        self._source = source
        self._most_items = limits.items
        self._document = document
        self._progress = progress
        self._cut = shortcut
        self._root = _Root()
        self._checker = Checker(limits.file_bytes)
        self._shortcut: Shortcut | None = None
        self._unread = b""

    def read(self, *, salvage: bool) -> Refused | None:
        """None, or the fault before which everything was kept; raises the refusal otherwise."""
        fault = self._fault()
        if fault and salvage:
            self._keep_before(fault)
        if fault and not (salvage and self._document.items):
            raise fault
        self._document.close()
        return fault

    def _fault(self) -> Refused | None:
        try:
            try:
                self._read_all()
            except Refused as refused:
                return locate(refused, self._source, self._checker.bytes, self._most_items)
        except zstandard.ZstdError as error:
            return Malformed(f"The compressed copy is damaged: {error}", None)
        return None

    def _read_all(self) -> None:
        total = self._source.bytes_on_disk
        with self._source.open() as opened:
            for chunk in opened.chunks():
                self._take(chunk)
                if self._progress:
                    self._progress(opened.bytes_read(), total)
        self._checker.close()
        if self._shortcut:
            self._shortcut.close()

    def _take(self, chunk: bytes) -> None:
        self._unread = chunk
        self._checker.feed(chunk)
        self._unread = b""
        self._use(chunk)

    def _use(self, chunk: bytes) -> None:
        if not self._root.seen:
            self._root.feed(chunk)
        if self._shortcut is None:
            encoding = encoding_of(chunk)
            if encoding.expat is None:
                raise NotXML(OTHER_ENCODING)
            self._shortcut = Shortcut(self._document, cut=self._cut and encoding.utf8)
        self._shortcut.feed(chunk)

    def _keep_before(self, fault: Refused) -> None:
        """Read what of the chunk that the checker refused lies before the fault."""
        if not (self._unread and fault.position):
            return
        before = fault.position.offset - (self._checker.bytes - len(self._unread))
        with suppress(Refused):  # a second fault, nearer to the beginning
            self._use(self._unread[: max(before, 0)])
