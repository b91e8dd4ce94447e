"""Items known by their bytes: what the parser made of a text, for the next item that has it.

An item is taken for a known one only if its start tag, but for port, protocol and service, and
all its children, but for the output, equal the bytes of an item that the parser took, alone, for
one item of simple elements; and if its output has no `<` in it, so that it is plain text up to
its own end tag.
"""

import re
from dataclasses import dataclass, field

from nessus_operator.api.report import EVIDENCE_PLUGINS
from nessus_operator.results.fields import Record
from nessus_operator.results.ingest.items import Item
from nessus_operator.results.ingest.staging import Staging
from nessus_operator.results.values import HIGHEST_PORT, whole

ITEM = b"<ReportItem"
_NEXT = b"\n" + ITEM
_OUTPUT = b"<plugin_output>"

_ATTRIBUTE = re.compile(rb' ([A-Za-z_]+)="([^"<]*)"')
_SEVERITY = b" severity="
_PLACE = (b"port", b"protocol", b"svc_name")  # attributes that differ from item to item
_SIMPLE_VALUE = re.compile(rb"[^&\x00-\x1f\x7f-\xff]*")
# Without attributes, children, comments or prefixes: they mean the same in every host.
_SIMPLE_CHILDREN = re.compile(
    rb"(?:\s*<([A-Za-z_][\w.-]*)>[^<]*</\1>|\s*<[A-Za-z_][\w.-]*/>)*\s*</ReportItem>"
)
_BLANK = re.compile(rb"[ \t\r\n]*")

_KNOWN_BYTES = 12_000_000  # of texts and start tags remembered; then all are forgotten
_HEAD_BYTES = 300  # what a remembered start tag costs besides its bytes
_VARIANTS = 6  # texts of one start tag that are worth remembering


class NotAllHere(Exception):
    """What follows could be a known item, but for bytes that are not here yet."""


@dataclass(frozen=True, slots=True)
class Variant:
    """The bytes of an item before and after its output, and what is stored for it.

    `after` is None where the output is part of the constant bytes, or absent.
    """

    before: bytes
    after: bytes | None
    kind: int
    output: bytes | bytearray | None  # coded, where it is constant
    witness: int  # the plugin, if it tells of scan or login; else 0
    rulings: tuple[str, ...]
    remarkable: bool  # one of these two is there


@dataclass(slots=True)
class _Text:
    """Items with one start tag, but for port, protocol and service."""

    variants: list[Variant] = field(default_factory=list)
    longest: int = 0  # bytes of an item that is all here and fits no variant
    worthwhile: bool = True


_Head = tuple[_Text, int]  # and the place
Match = tuple[Variant, int, bytes | None, int]  # place, raw output, where the item ends


class KnownItems:
    def __init__(self, staging: Staging) -> None:
        self._staging = staging
        self._heads: dict[bytes, _Head | None] = {}
        self._places: dict[bytes, int] = {}
        self._texts: dict[bytes, _Text] = {}
        self._bytes = 0

    def match(self, buffer: bytes, position: int) -> Match | None:
        """The known item that stands here, after blanks; raises NotAllHere."""
        if buffer.startswith(_NEXT, position):
            position += 1
        elif (position := _begin(buffer, position)) < 0:
            return None
        body = buffer.find(b">", position) + 1
        # Nessus writes the place first, then what is constant, beginning with the severity. Both
        # parts repeat more often than the whole.
        middle = buffer.find(_SEVERITY, position, body)
        text, place = (
            self._texts.get(buffer[middle:body]),
            self._places.get(buffer[position:middle]),
        )
        if not (text and place):
            head = self._head(buffer[position:body]) if body else None
            if head is None:
                return _nothing(not body)
            text, place = head
        for variant in text.variants:
            if buffer.startswith(variant.before, body):
                return _fit(variant, place, buffer, body + len(variant.before))
        return _nothing(len(buffer) - body < text.longest)

    def _head(self, written: bytes) -> _Head | None:
        """What a start tag says; None if it is not written plainly enough."""
        if written in self._heads:
            return self._heads[written]
        self._remember(len(written) + _HEAD_BYTES)
        head = self._heads[written] = self._read_head(written)
        return head

    def _read_head(self, written: bytes) -> _Head | None:
        attributes = list(_ATTRIBUTE.finditer(written))
        if sum(len(match[0]) for match in attributes) != len(written) - len(ITEM) - 1:
            return None
        said = {match[1]: match[2] for match in attributes if match[1] in _PLACE}
        if not all(map(_SIMPLE_VALUE.fullmatch, said.values())):
            return None
        values = {name: value.decode() for name, value in said.items()}
        port = whole(values.get(b"port"), HIGHEST_PORT)
        if port is None:
            return None
        constant = b"".join(match[0] for match in attributes if match[1] not in _PLACE) + b">"
        text = self._texts.setdefault(constant, _Text())
        place = self._staging.place(port, values.get(b"protocol"), values.get(b"svc_name"))
        if written.endswith(constant) and constant.startswith(_SEVERITY):
            self._places[written.removesuffix(constant)] = place
        return text, place

    def learn(self, piece: bytes, item: Item) -> None:
        """Remember an item that the parser took alone, if its bytes are simple enough."""
        body = piece.index(b">") + 1
        head = self._head(piece[:body])
        if head is None or not head[0].worthwhile:
            return
        text = head[0]
        if item.record is not Record.VULNERABILITY or len(text.variants) == _VARIANTS:
            text.worthwhile = False
        elif _SIMPLE_CHILDREN.fullmatch(piece, body) and piece.count(_OUTPUT) < 2:
            variant = self._variant(piece[body:], item)
            text.variants.append(variant)
            text.longest = max(text.longest, len(variant.before))
            self._remember(len(piece))

    def _variant(self, body: bytes, item: Item) -> Variant:
        before, tag, rest = body.partition(_OUTPUT)
        output = item.output
        coded = None if output is None else self._staging.lines.code(output.encode())
        witness = item.plugin.id if item.plugin.id in EVIDENCE_PLUGINS else 0
        return Variant(
            before + tag,
            rest[rest.index(b"<") :] if tag else None,
            self._staging.kind(item),
            None if tag else coded,
            witness,
            tuple(item.rulings),
            bool(witness or item.rulings),
        )

    def _remember(self, size: int) -> None:
        """Count it before or after; where that is too much, all is forgotten."""
        self._bytes += size
        if self._bytes > _KNOWN_BYTES:
            self._heads.clear()
            self._places.clear()
            self._texts.clear()
            self._bytes = 0


def _begin(buffer: bytes, position: int) -> int:
    """Where an item begins, after blanks; -1: what stands here is none."""
    position = skip_blank(buffer, position)
    if buffer.startswith(ITEM, position):
        return position
    _nothing(len(buffer) - position < len(ITEM))
    return -1


def _fit(variant: Variant, place: int, buffer: bytes, start: int) -> Match | None:
    """The item whose bytes before the output are those of the variant."""
    if variant.after is None:
        return variant, place, None, start
    end = buffer.find(b"<", start)
    if end >= 0 and buffer.startswith(variant.after, end):
        return variant, place, buffer[start:end], end + len(variant.after)
    return _nothing(end < 0 or len(buffer) - end < len(variant.after))


def _nothing(cut_off: bool) -> Match | None:
    """There is no known item, or one of which the end is not here yet."""
    if cut_off:
        raise NotAllHere
    return None


def skip_blank(buffer: bytes, position: int) -> int:
    blank = _BLANK.match(buffer, position)
    return blank.end() if blank else position
