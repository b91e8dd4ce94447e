"""Takes the secrets out of a report while it streams by: what is not known to be harmless goes.

The policy of a report stands before its hosts. There a parser looks at each element: bytes
outside of a policy pass as they are, a policy is written anew from the parts that are known, with
the values of secrets left empty. Behind the first host nothing may be a policy any more; what
begins like one, or like a part of one, is dropped whole, and so is a policy that is broken or cut
off.
"""

import pyexpat
import re
from html import escape

from nessus_operator.results.refusals import DoctypeRefused, NotXML, TextTooLong

# Elements of a policy that are written again; any other is dropped with all it holds.
_CONTAINERS = frozenset(
    (
        "Policy",
        "Preferences",
        "ServerPreferences",
        "PluginsPreferences",
        "FamilySelection",
        "FamilyItem",
        "IndividualPluginSelection",
        "PluginItem",
    )
)
_TEXTS = frozenset(
    (
        "policyName",
        "policyComments",
        "FamilyName",
        "Status",
        "PluginId",
        "PluginName",
        "Family",
    )
)
_PREFERENCES = {  # the elements of one preference, in the order that they are written
    "preference": ("name", "value"),
    "item": (
        "pluginName",
        "pluginId",
        "fullName",
        "preferenceName",
        "preferenceType",
        "preferenceValues",
        "selectedValue",
    ),
}
_VALUES = frozenset(("value", "preferenceValues", "selectedValue"))
_CHOICES = frozenset(("checkbox", "radio"))  # types whose values are words of Nessus
_TYPED_SECRETS = frozenset(("password", "file"))
_SECRET = re.compile(
    r"pass|secret|token|credential|community|cookie|hash|\bpin\b|login form|"
    r"(?:private|api|access|auth|session|encryption)[ _-]?key",
    re.IGNORECASE,
)
_ENCODINGS = frozenset(("utf-8", "us-ascii", "iso-8859-1"))
# Where no parser looks: a policy, or what of one could stand in a file of spliced parts.
_SECRET_PARTS = (
    b"Policy", b"Policies", b"Preferences", b"ServerPreferences", b"PluginsPreferences",
    b"Credentials", b"preference", b"selectedValue", b"preferenceValues",
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
# Behind a broken policy the report is where its first host follows at once; and what could be the
# beginning of that, cut off.
_REPORT_TAG = re.compile(rb"<Report(?:\s[^<>]*)?>\s*(?=<(?:ReportHost|/Report)[\s>])")
_REPORT_CUT = re.compile(rb"<Report(?:\s[^<>]*)?(?:>\s*(?:<[^<>]*)?)?\Z")
_HELD = 16_000_000  # bytes of one token before the first host
_REPORT_HELD = 4_096  # bytes of a start tag of Report, with the blanks behind it
_TAG_HELD = 128  # bytes of a tag that is not complete; more than the longest name of a part takes


class _HostsBegin(Exception):
    """The first ReportHost: from here on no policy is expected."""


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
                kept += data[position : found.start()]
                position = found.end()
                if not found[0].endswith(b"/>"):
                    self.dropping = _PART_ENDS[found[1].lower()]
            else:
                position = found.start() if self.dropping is _REPORT_TAG else found.end()
                self.dropping = None
        if self.dropping is None:
            kept += data[position:end]
        self._held = data[end:]
        return bytes(kept)

    def close(self) -> bytes:
        """What is held could begin a policy: it does not go."""
        return b"" if self.dropping else self._held.partition(b"<")[0]

    def _decided(self, data: bytes) -> int:
        """Where a tag begins that is cut off by the end of the data; else that end."""
        if self.dropping is _REPORT_TAG:
            cut = _REPORT_CUT.search(data, max(0, len(data) - _REPORT_HELD))
            if cut:
                return cut.start()
        begins = data.rfind(b"<", max(0, len(data) - _TAG_HELD))
        return begins if begins >= 0 and b">" not in data[begins:] else len(data)


class _Prelude:
    """Everything before the first host, under the eyes of a parser."""

    def __init__(self) -> None:
        self.over = False
        self.broken: re.Pattern[bytes] | None = None  # what the rest has to look for first
        self.remaining = b""
        self._buffer = b""
        self._start = 0  # offset of the buffer in the report
        self._passed = bytearray()
        self._policy: _Policy | None = None
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
        except _HostsBegin:
            self._end_at(self._parser.CurrentByteIndex)
        except pyexpat.ExpatError:
            self._end_broken(self._parser.ErrorByteIndex)
        else:
            self._pass_to(self._parser.CurrentByteIndex)
            if len(self._buffer) > _HELD:
                raise TextTooLong("The policy of the report has a text that is too long")
        passed, self._passed = bytes(self._passed), bytearray()
        return passed

    def close(self) -> bytes:
        """The report has no hosts, or is cut off: of an unfinished policy or tag nothing goes."""
        return b"" if self._policy else self._buffer.partition(b"<")[0]

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
        self.over, self.remaining = True, self._buffer

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise NotXML("The report is not UTF-8")

    def _doctype(self, name: str, system: str | None, public: str | None, internal: bool) -> None:
        raise DoctypeRefused("The report has a DOCTYPE, which Nessus never writes")

    def _open(self, name: str, attributes: dict[str, str]) -> None:
        if self._policy:
            self._policy.open(name)
        elif name == "ReportHost":
            raise _HostsBegin
        elif name.rpartition(":")[2].lower() in _POLICY_LIKE:
            self._pass_to(self._parser.CurrentByteIndex)
            self._policy = _Policy(name)

    def _close(self, name: str) -> None:
        if self._policy is None:
            return
        if self._policy.close(name):
            end = self._parser.CurrentByteIndex
            if self._buffer.startswith(b"</", end - self._start):
                end = self._buffer.index(b">", end - self._start) + 1 + self._start
            self._pass_to(end)
            self._passed += self._policy.written.encode("ascii", "xmlcharrefreplace")
            self._policy = None

    def _text(self, text: str) -> None:
        if self._policy:
            self._policy.text(text)


class _Policy:
    """One policy as it is written again; complete only when its own end tag has come."""

    def __init__(self, name: str) -> None:
        self.written = ""
        self._parts: list[str] = []
        self._size = 0
        self._open: list[str] = []
        self._dropped = 0  # depth inside an element that is dropped
        self._preference: _Preference | None = None
        self._known = name == "Policy"
        self.open(name)

    def open(self, name: str) -> None:
        parent = self._open[-1] if self._open else ""
        if self._dropped or not self._known:
            self._dropped += 1
        elif self._preference:
            self._preference.open(name)
        elif name in _PREFERENCES and parent in ("ServerPreferences", "PluginsPreferences"):
            self._preference = _Preference(name)
        elif name in _CONTAINERS or (name in _TEXTS and parent in _CONTAINERS):
            self._open.append(name)
            self._write(f"<{name}>")
        else:
            self._dropped = 1

    def close(self, name: str) -> bool:
        """Whether that was the end of the policy."""
        if self._dropped:
            self._dropped -= 1
            return not self._dropped and not self._known
        if self._preference:
            if self._preference.close():
                self._write(self._preference.written)
                self._preference = None
            return False
        self._open.pop()
        self._write(f"</{name}>\n")
        if not self._open:
            self.written = "".join(self._parts)
        return not self._open

    def text(self, text: str) -> None:
        if self._dropped:
            return
        if self._preference:
            self._preference.text(text)
        elif self._open[-1] in _TEXTS:
            self._write(escape(text, quote=False))

    def _write(self, text: str) -> None:
        """A policy that grows beyond all measure is dropped whole."""
        self._size += len(text)
        if self._size > _HELD:
            self._parts = []
        else:
            self._parts.append(text)


class _Preference:
    """A preference of the server or of a plugin. Its value goes unless it can be a secret."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._depth = 1
        self._texts: dict[str, str] = {}
        self._element = ""

    def open(self, name: str) -> None:
        self._depth += 1
        self._element = name if self._depth == 2 else ""

    def text(self, text: str) -> None:
        if self._element in _PREFERENCES[self._name]:
            self._texts[self._element] = self._texts.get(self._element, "") + text

    def close(self) -> bool:
        """Whether that was the end of the preference."""
        self._depth -= 1
        self._element = ""
        return not self._depth

    @property
    def written(self) -> str:
        secret = self._secret
        children = ""
        for name in _PREFERENCES[self._name]:
            if name in self._texts:
                said = "" if secret and name in _VALUES else self._texts[name]
                children += f"<{name}>{escape(said, quote=False)}</{name}>\n"
        return f"<{self._name}>{children}</{self._name}>\n"

    @property
    def _secret(self) -> bool:
        texts = self._texts
        said = texts.get("preferenceType", "").strip().lower()
        names = " ".join(texts.get(part, "") for part in ("name", "fullName", "preferenceName"))
        if said in _CHOICES and "[password]" not in names and "[file]" not in names:
            return False
        return said in _TYPED_SECRETS or _SECRET.search(names) is not None
