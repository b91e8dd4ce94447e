"""Items known by their bytes: what is stored for a text, for the next item that has it.

An item is taken for a known one only if its start tag, but for port, protocol and service, and
all its children, but for the text of a few, equal the bytes of an item that was read in full. The
text of these few (the holes) has no `<` in it, so that it is plain up to its own end tag; they are
the output, and of a compliance check the description and the actual value, and nothing else that
is stored for the item depends on them.

The texts that come first are remembered as bytes and compared; those that do not fit into this
memory, and all compliance checks, by their sha256.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nessus_operator.api.report import EVIDENCE_PLUGINS
from nessus_operator.results.fields import CM, Record
from nessus_operator.results.ingest.items import Item, Shape
from nessus_operator.results.ingest.staging import Staging
from nessus_operator.results.ingest.written import ITEM, StartTag

_NEXT = b"\n" + ITEM
_SEVERITY = b" severity="
_BLANK = re.compile(rb"[ \t\r\n]*")

_OUTPUT = b"<plugin_output>"
_HOLES = (b"<description>", b"<cm:compliance-actual-value>", _OUTPUT)  # as staging.VARYING
_HOLE_NAMES = ("description", f"{{{CM}}}compliance-actual-value", "plugin_output")
_FINDING = (2,)  # indexes of holes
# What a check says itself; else the description says it.
_SAID = (f"{{{CM}}}compliance-result", f"{{{CM}}}compliance-check-name")

_VARIANTS = 6  # texts of one start tag that are compared
_COMPARED_BYTES = 5_000_000  # of texts that are compared
_STARTS_BYTES = 2_000_000  # of start tags
_ENTRY_BYTES = 600  # what a remembered one costs besides its bytes
_DIGESTS = 25_000

Texts = list[bytes | None]  # of all holes, as they are written; None: there is no such child


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored for an item, but for its place and the texts of its holes."""

    kind: int
    check_number: int  # 0: it is a finding
    output: bytes | bytearray | None  # coded, where there is an output without a text of its own
    witness: int  # the plugin, if it tells of scan or login; else 0
    rulings: tuple[str, ...]
    remarkable: bool  # one of these two is there


@dataclass(frozen=True, slots=True)
class _Variant:
    """The bytes of an item before and after its output; `after` is None where there is none."""

    before: bytes
    after: bytes | None
    known: Known


@dataclass(slots=True)
class _Text:
    """Items with one start tag, but for port, protocol and service."""

    variants: list[_Variant] = field(default_factory=list)
    holes: tuple[int, ...] = _FINDING


Match = tuple[Known, int, bytes | None, int]  # place, raw output, where the item ends


class KnownItems:
    def __init__(self, staging: Staging) -> None:
        self._staging = staging
        # Nessus writes the place first, then what is constant, beginning with the severity: both
        # parts repeat more often than the whole. Of a start tag in another order the whole.
        self._places: dict[bytes, int] = {}
        self._starts: dict[bytes, tuple[bytes, int]] = {}
        self._starts_bytes = 0
        self._texts: dict[bytes, _Text] = {}
        self._compared_bytes = 0
        self._digests: dict[bytes, Known] = {}

    def match(self, buffer: bytes, position: int) -> Match | None:
        """The item that stands here, after blanks, if its text is one that is compared."""
        if buffer.startswith(_NEXT, position):
            position += 1
        elif (position := _begin(buffer, position)) < 0:
            return None
        body = buffer.find(b">", position) + 1
        middle = buffer.find(_SEVERITY, position, body)
        text = place = None
        if middle > 0:
            text = self._texts.get(buffer[middle:body])
            place = self._places.get(buffer[position:middle])
        if not (text and place):
            start = self._starts.get(buffer[position:body])
            text = self._texts.get(start[0]) if start else None
            if start is None or text is None:
                return None
            place = start[1]
        for variant in text.variants:
            if buffer.startswith(variant.before, body):
                return _fit(variant, place, buffer, body + len(variant.before))
        return None

    def recall(self, piece: bytes, body: int) -> tuple[Known, int, Texts] | None:
        """The item that is `piece`, with its children from `body` on, if its digest is known; its
        place and the texts of its holes."""
        start = self._starts.get(piece[:body])
        if start is None:
            middle = piece.find(_SEVERITY, 0, body)
            place = self._places.get(piece[:middle]) if middle > 0 else None
            if not place:
                return None
            start = piece[middle:body], place
        text = self._texts.get(start[0])
        digest, texts = _cut_out(text.holes if text else _FINDING, start[0], piece, body)
        known = self._digests.get(digest)
        return None if known is None else (known, start[1], texts)

    def learn(
        self, piece: bytes, start: StartTag, children: Mapping[str, Sequence[Shape]], item: Item
    ) -> None:
        """Remember an item that was read from its bytes, if others can be known by it."""
        if "port" in item.rulings:
            return
        body = piece.index(b">") + 1
        constant = start.constant()
        self._learn_start(piece[:body], constant, item)
        if item.record is Record.COMPLIANCE:
            self._learn_check(piece, body, constant, children, item)
        elif len(children.get("plugin_output", ())) < 2:
            self._learn_finding(piece, body, constant, item)

    def _learn_start(self, written: bytes, constant: bytes, item: Item) -> None:
        self._starts_bytes += len(written) + _ENTRY_BYTES
        if self._starts_bytes > _STARTS_BYTES:
            self._places.clear()
            self._starts.clear()
            self._starts_bytes = 0
        place = self._staging.place(item.port, item.protocol, item.svc_name)
        if written.endswith(constant) and constant.startswith(_SEVERITY):
            self._places[written.removesuffix(constant)] = place
        else:
            self._starts[written] = constant, place

    def _learn_finding(self, piece: bytes, body: int, constant: bytes, item: Item) -> None:
        text = self._texts.get(constant)
        size = len(piece) + _ENTRY_BYTES
        if (
            self._compared_bytes + size > _COMPARED_BYTES
            or (text and len(text.variants) == _VARIANTS)
            or (text and text.holes != _FINDING)
        ):
            digest, _ = _cut_out(_FINDING, constant, piece, body)
            self._remember(digest, item)
            return
        self._compared_bytes += size
        before, tag, rest = piece[body:].partition(_OUTPUT)
        after = rest[rest.index(b"<") :] if tag else None
        variant = _Variant(before + tag, after, self._known(item))
        self._texts.setdefault(constant, _Text()).variants.append(variant)

    def _learn_check(
        self,
        piece: bytes,
        body: int,
        constant: bytes,
        children: Mapping[str, Sequence[Shape]],
        item: Item,
    ) -> None:
        times = [len(children.get(name, ())) for name in _HOLE_NAMES]
        if max(times) > 1 or times != [piece.count(tag) for tag in _HOLES]:
            return
        if not all("".join(map(str, children.get(name, ()))).strip() for name in _SAID):
            return
        if item.plugin.id in EVIDENCE_PLUGINS:
            return
        if constant not in self._texts:
            self._compared_bytes += len(constant) + _ENTRY_BYTES
            if self._compared_bytes > _COMPARED_BYTES:
                return
            self._texts[constant] = _Text(holes=())
        text = self._texts[constant]
        # All that any check of this start tag has; to search for others would be in vain.
        holes = {*text.holes, *(index for index, count in enumerate(times) if count)}
        text.holes = (*sorted(holes),)
        digest, _ = _cut_out(text.holes, constant, piece, body)
        self._remember(digest, item)

    def _remember(self, digest: bytes, item: Item) -> None:
        if len(self._digests) == _DIGESTS:
            self._digests.clear()
        self._digests[digest] = self._known(item)

    def _known(self, item: Item) -> Known:
        witness = item.plugin.id if item.plugin.id in EVIDENCE_PLUGINS else 0
        output = item.output
        return Known(
            self._staging.kind(item),
            item.check_number,
            self._staging.lines.code(b"") if output == "" else None,
            witness,
            tuple(item.rulings),
            bool(witness or item.rulings),
        )


def _begin(buffer: bytes, position: int) -> int:
    """Where an item begins, after blanks; -1: what stands here is none."""
    position = skip_blank(buffer, position)
    return position if buffer.startswith(ITEM, position) else -1


def skip_blank(buffer: bytes, position: int) -> int:
    blank = _BLANK.match(buffer, position)
    return blank.end() if blank else position


def _fit(variant: _Variant, place: int, buffer: bytes, start: int) -> Match | None:
    """The item whose bytes before the output are those of the variant."""
    if variant.after is None:
        return variant.known, place, None, start
    end = buffer.find(b"<", start)
    if end >= 0 and buffer.startswith(variant.after, end):
        return variant.known, place, buffer[start:end], end + len(variant.after)
    return None


def _cut_out(
    holes: tuple[int, ...], constant: bytes, piece: bytes, body: int
) -> tuple[bytes, Texts]:
    """The digest of an item without its place and the texts of its holes; these texts.

    The holes come out of what is digested again, in the same places: equal digests mean that the
    items differ in nothing else.
    """
    found = hashlib.sha256(bytes(holes))
    found.update(constant)
    texts: Texts = [None, None, None]
    for at, hole in sorted([(piece.find(_HOLES[hole], body), hole) for hole in holes]):
        if at >= 0:
            at += len(_HOLES[hole])
            found.update(piece[body:at])
            body = piece.find(b"<", at)
            texts[hole] = piece[at:body]
    found.update(piece[body:])
    return found.digest(), texts
