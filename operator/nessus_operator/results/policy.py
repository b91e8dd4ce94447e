"""Takes the secrets out of a report while it streams by: what is not known to be harmless goes.

The policy of a report stands before its hosts. There a parser looks at each element: bytes
outside of a policy pass as they are, a policy is written anew from the parts that are known, with
the values of secrets left empty. Behind the first host nothing may be a policy any more; what
begins like one, or like a part of one, is dropped whole. What is broken could be any part of a
policy: from a fault on all is dropped, up to the next report that begins with a host.
"""

import pyexpat
import re
from collections.abc import Sequence

from nessus_operator.results.preferences import Policy
from nessus_operator.results.refusals import DoctypeRefused, NotXML, TextTooLong

_ENCODINGS = frozenset(("utf-8", "us-ascii", "iso-8859-1"))
# Where no parser looks: a policy, or what of one could stand in a file of spliced parts.
_SECRET_PARTS = (
    b"Policy", b"Policies", b"Preferences", b"ServerPreferences", b"PluginsPreferences",
    b"Credentials", b"preference", b"selectedValue", b"preferenceValues", b"value",
)  # fmt: skip
_PART = re.compile(
    rb"<(?:[\w.-]{1,64}:)?(" + b"|".join(_SECRET_PARTS) + rb")(?=[\s/>])(?:[^<>]*/>)?",
    re.IGNORECASE,
)
_PART_ENDS = {
    name.lower(): re.compile(rb"</(?:[\w.-]{1,64}:)?" + name + rb"\s*>", re.IGNORECASE)
    for name in _SECRET_PARTS
}
_POLICY_LIKE = frozenset(("item", *(name.decode().lower() for name in _SECRET_PARTS)))
# Behind a fault the report is where its first host follows at once; and what could be the
# beginning of that, cut off.
_REPORT_TAG = re.compile(rb"<Report(?:\s[^<>]*)?>\s*(?=<(?:ReportHost|/Report)[\s>])")
_REPORT_CUT = re.compile(rb"<Report(?:\s[^<>]*)?(?:>\s*(?:<[^<>]*)?)?\Z")
_HELD = 16_000_000  # bytes of one token before the first host
_REPORT_HELD = 4_096  # bytes of a start tag of Report, with the blanks behind it
_TAG_HELD = 128  # bytes of a tag that is not complete; more than the longest name of a part takes
_TEXT_HELD = 65_536  # bytes of a text of which the end was not seen; more than a key takes


class _HostsBegin(Exception):
    """The first ReportHost: from here on no policy is expected."""

    def __init__(self, offset: int) -> None:
        self.offset = offset


class PolicyFilter:
    """Bytes in, bytes out; what comes out holds no secret, whatever goes in."""

    def __init__(self) -> None:
        self._prelude: _Prelude | None = _Prelude()
        self._rest = _Rest()

    def feed(self, data: bytes) -> bytes:
        """Raises DoctypeRefused, NotXML (an encoding that hides tags) or TextTooLong."""
        if self._prelude is None:
            return self._rest.feed(data)
        passed = self._prelude.feed(data)
        if not self._prelude.over:
            return passed
        self._rest.begin(self._prelude)
        remaining, self._prelude = self._prelude.remaining, None
        return passed + self._rest.feed(remaining)

    def close(self) -> bytes:
        """The last bytes."""
        if self._prelude is None:
            return self._rest.close()
        return self._prelude.close()


class _Rest:
    """Everything from the first host on, or from a fault on, without any policy."""

    def __init__(self) -> None:
        self._held = b""
        self._dropping: re.Pattern[bytes] | None = None
        self._root = ""
        self._encoding: str | None = None
        self._parser = pyexpat.ParserCreate()
        self._start = 0  # of what comes next, in the bytes that the parser was given

    def begin(self, prelude: "_Prelude") -> None:
        """Go on where the prelude ended, inside the elements that are open there."""
        self._encoding = prelude.encoding
        self._root = next(iter(prelude.open), "")
        if prelude.broken:
            self._dropping = _REPORT_TAG
        else:
            self._parse_inside(prelude.open)

    def feed(self, data: bytes) -> bytes:
        passed = b""
        while data:
            if self._dropping is _REPORT_TAG:
                data = self._find_report(data)
                continue
            fault = self._look_for_fault(data)
            if fault is None:
                return passed + self._pass(data)
            sound = self._held + data[:fault]
            self._held = b""
            passed += self._pass(sound[: max(sound.rfind(b"<"), 0)])
            self._held, self._dropping = b"", _REPORT_TAG
            data = data[fault:]
        return passed

    def close(self) -> bytes:
        """What is held could be part of a policy where the report is cut off: it does not go."""
        try:
            self._parser.Parse(b"", True)
        except pyexpat.ExpatError:
            return b""
        return b"" if self._dropping else self._held

    def _find_report(self, data: bytes) -> bytes:
        """The data from the next report on that begins with a host."""
        data = self._held + data
        self._held = b""
        if found := _REPORT_TAG.search(data):
            self._dropping = None
            self._parse_inside([self._root] if self._root else [])
            return data[found.start() :]
        cut = _REPORT_CUT.search(data, max(0, len(data) - _REPORT_HELD))
        begins = cut.start() if cut else max(0, len(data) - len("<Report"))
        self._held = data[begins:]
        return b""

    def _parse_inside(self, elements: Sequence[str]) -> None:
        self._parser = pyexpat.ParserCreate(self._encoding)
        tags = "".join(f"<{name}>" for name in elements).encode(self._encoding or "utf-8")
        self._parser.Parse(tags, False)
        self._start = len(tags)

    def _look_for_fault(self, data: bytes) -> int | None:
        """Where in the data a parser stops, if it does."""
        try:
            self._parser.Parse(data, False)
        except pyexpat.ExpatError:
            return max(self._parser.ErrorByteIndex - self._start, 0)
        self._start += len(data)
        return None

    def _pass(self, data: bytes) -> bytes:
        """Without policies; what could turn out to be part of one is held."""
        data = self._held + data
        end = _decided(data)
        kept = bytearray()
        position = 0
        while found := (self._dropping or _PART).search(data, position, end):
            if self._dropping is None:
                kept += data[position : found.start()]
                if not found[0].endswith(b"/>"):
                    self._dropping = _PART_ENDS[found[1].lower()]
            else:
                self._dropping = None
            position = found.end()
        if self._dropping is None:
            kept += data[position:end]
        self._held = data[end:]
        return bytes(kept)


def _decided(data: bytes) -> int:
    """Where the last tag begins: what follows it tells whether its text may pass."""
    least = max(0, len(data) - _TEXT_HELD)
    begins = data.rfind(b"<")
    while begins > least and data.startswith(b"<!", begins):
        begins = data.rfind(b"<", 0, begins)
    if begins < least:
        begins = data.rfind(b"<", max(0, least - _TAG_HELD), least)
    return begins if begins >= 0 else least


class _Prelude:
    """Everything before the first host, under the eyes of a parser."""

    def __init__(self) -> None:
        self.over = False
        self.broken = False
        self.remaining = b""
        self.encoding: str | None = None
        self.open: list[str] = []  # elements, outermost first; not those of a policy
        self._buffer = b""
        self._start = 0  # offset of the buffer in the report
        self._passed = bytearray()
        self._tag = 0  # offset of the last tag; what follows it tells whether its text may pass
        self._policy: Policy | None = None
        self._parser = parser = pyexpat.ParserCreate()
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._open
        parser.EndElementHandler = self._close
        parser.CharacterDataHandler = self._text

    def feed(self, data: bytes) -> bytes:
        if b"\0" in data:
            raise NotXML("The report is not UTF-8")
        self._buffer += data
        try:
            self._parser.Parse(data, False)
        except _HostsBegin as first:
            self._end_at(first.offset)
        except pyexpat.ExpatError:
            self._end_broken(self._parser.ErrorByteIndex)
        else:
            self._pass_to(self._tag)
            if len(self._buffer) > _HELD:
                raise TextTooLong("The policy of the report has a text that is too long")
        passed, self._passed = bytes(self._passed), bytearray()
        return passed

    def close(self) -> bytes:
        """The report has no hosts, or is cut off: then what is held does not go."""
        try:
            self._parser.Parse(b"", True)
        except pyexpat.ExpatError:
            return b""
        return self._buffer

    def _pass_to(self, offset: int) -> None:
        """Bytes before `offset` are looked at: they pass, unless they are a policy's."""
        index = max(offset - self._start, 0)
        if self._policy is None:
            self._passed += self._buffer[:index]
        self._buffer = self._buffer[index:]
        self._start += index

    def _end_at(self, offset: int) -> None:
        self._pass_to(offset)
        self.over, self.remaining = True, self._buffer

    def _end_broken(self, offset: int) -> None:
        self._pass_to(offset if self._policy else self._tag)
        self.over, self.broken, self.remaining = True, True, self._buffer

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise NotXML("The report is not UTF-8")
        self.encoding = encoding

    def _doctype(self, name: str, system: str | None, public: str | None, internal: bool) -> None:
        raise DoctypeRefused("The report has a DOCTYPE, which Nessus never writes")

    def _open(self, name: str, attributes: dict[str, str]) -> None:
        self._tag = self._parser.CurrentByteIndex
        if self._policy:
            self._policy.open(name)
        elif name == "ReportHost":
            raise _HostsBegin(self._tag)
        elif name.rpartition(":")[2].lower() in _POLICY_LIKE:
            self._pass_to(self._tag)
            self._policy = Policy(name)
        else:
            self.open.append(name)

    def _close(self, name: str) -> None:
        self._tag = self._parser.CurrentByteIndex
        if self._policy is None:
            self.open.pop()
        elif self._policy.close(name):
            end = self._tag
            if self._buffer.startswith(b"</", end - self._start):
                end = self._buffer.index(b">", end - self._start) + 1 + self._start
            self._pass_to(end)
            self._passed += self._policy.written.encode("ascii", "xmlcharrefreplace")
            self._policy = None

    def _text(self, text: str) -> None:
        if self._policy:
            self._policy.text(text)
