"""Takes the secrets out of a report while it streams by: what is not known to be harmless goes.

The policy of a report stands before its hosts. There a parser looks at each element: bytes
outside of a policy pass as they are, a policy is written anew from the parts that are known, with
the values of secrets left empty. Behind the first host nothing may be a policy any more; what
begins or ends like one, or like a part of one, is dropped whole, and so is a policy that is
broken or cut off.
"""

import pyexpat
import re

from nessus_operator.results.preferences import Policy
from nessus_operator.results.refusals import DoctypeRefused, NotXML, TextTooLong

_ENCODINGS = frozenset(("utf-8", "us-ascii", "iso-8859-1"))
# Where no parser looks: a policy, or what of one could stand in a file of spliced parts.
_SECRET_PARTS = (
    b"Policy", b"Policies", b"Preferences", b"ServerPreferences", b"PluginsPreferences",
    b"Credentials", b"preference", b"selectedValue", b"preferenceValues", b"value",
)  # fmt: skip
_PART = re.compile(  # also its end without a beginning, which tells what the text before it is
    rb"<(/?)(?:[\w.-]{1,64}:)?(" + b"|".join(_SECRET_PARTS) + rb")(?=[\s/>])(?:[^<>]*/>)?",
    re.IGNORECASE,
)
_PART_ENDS = {
    name.lower(): re.compile(rb"</(?:[\w.-]{1,64}:)?" + name + rb"\s*>", re.IGNORECASE)
    for name in _SECRET_PARTS
}
_POLICY_LIKE = frozenset(("item", *(name.decode().lower() for name in _SECRET_PARTS)))
# Behind a broken policy the report is where its first host follows at once; and what could be the
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
        self._rest.dropping = self._prelude.broken
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
        self.dropping: re.Pattern[bytes] | None = None

    def feed(self, data: bytes) -> bytes:
        data = self._held + data
        end = self._decided(data)
        kept = bytearray()
        position = 0
        while found := (self.dropping or _PART).search(data, position, end):
            if self.dropping is None:
                kept += data[position : self._begin(found, position)]
                position = found.end()
            else:
                position = found.start() if self.dropping is _REPORT_TAG else found.end()
                self.dropping = None
        if self.dropping is None:
            kept += data[position:end]
        self._held = data[end:]
        return bytes(kept)

    def close(self) -> bytes:
        return b"" if self.dropping else _last_tag(self._held)

    def _begin(self, found: re.Match[bytes], position: int) -> int:
        """Where the part begins that is dropped: of an end tag, at the tag before its text."""
        if found[1]:
            return max(found.string.rfind(b"<", position, found.start()), position)
        if not found[0].endswith(b"/>"):
            self.dropping = _PART_ENDS[found[2].lower()]
        return found.start()

    def _decided(self, data: bytes) -> int:
        """Where the last tag begins: what follows it tells whether its text may pass."""
        if self.dropping is _REPORT_TAG:
            cut = _REPORT_CUT.search(data, max(0, len(data) - _REPORT_HELD))
            return cut.start() if cut else max(0, len(data) - len("<Report"))
        least = max(0, len(data) - _TEXT_HELD)
        begins = data.rfind(b"<")
        complete = b">" in data[begins:]
        while begins > least and (not complete or data.startswith(b"<!", begins)):
            begins, complete = data.rfind(b"<", 0, begins), True
        if begins < least:
            begins = data.rfind(b"<", max(0, least - _TAG_HELD), least)
        return begins if begins >= 0 else least


def _last_tag(held: bytes) -> bytes:
    """At the end of a report: a text that breaks off could be a value, so it does not go."""
    if not held.startswith(b"<"):
        return held.partition(b"<")[0]
    tag, end, text = held.partition(b">")
    if _PART.match(held):
        return b""
    return (tag + end + (b"" if text.strip() else text)) if end else b""


class _Prelude:
    """Everything before the first host, under the eyes of a parser."""

    def __init__(self) -> None:
        self.over = False
        self.broken: re.Pattern[bytes] | None = None  # what the rest has to look for first
        self.remaining = b""
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
        """The report has no hosts, or is cut off: of an unfinished policy nothing goes."""
        return b"" if self._policy else _last_tag(self._buffer)

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
        """Of a broken policy nothing goes; of anything else, what does not look like one."""
        if self._policy:
            self.broken = _REPORT_TAG
            self._pass_to(min(offset, self._start + len(self._buffer)))
        else:
            self._pass_to(self._tag)
        self.over, self.remaining = True, self._buffer

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise NotXML("The report is not UTF-8")

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

    def _close(self, name: str) -> None:
        self._tag = self._parser.CurrentByteIndex
        if self._policy and self._policy.close(name):
            end = self._tag
            if self._buffer.startswith(b"</", end - self._start):
                end = self._buffer.index(b">", end - self._start) + 1 + self._start
            self._pass_to(end)
            self._passed += self._policy.written.encode("ascii", "xmlcharrefreplace")
            self._policy = None

    def _text(self, text: str) -> None:
        if self._policy:
            self._policy.text(text)
