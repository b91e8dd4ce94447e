"""The elements of a report, one at a time, and what each means. Also the old format, v1."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, cast

from lxml.etree import _Element

from nessus_operator.api.report import EVIDENCE_PLUGINS
from nessus_operator.results.ingest.escapes import plain
from nessus_operator.results.ingest.hosts import HostPart, HostRegistry
from nessus_operator.results.ingest.items import Item, attributes_of, read_item, shape
from nessus_operator.results.ingest.staging import Staging
from nessus_operator.results.ingest.written import Prefixes
from nessus_operator.results.refusals import TooManyItems

_HOST_V1 = {
    "startTime": "HOST_START",
    "stopTime": "HOST_END",
    "netbios_name": "netbios-name",
    "mac_addr": "mac-address",
    "dns_name": "host-fqdn",
    "os_name": "operating-system",
}
_PORT_V1 = re.compile(r"(?:(?P<service>\S+) \((?P<port>\d+)/(?P<protocol>\w+)\)|general/(\w+))\Z")

# The elements that the parser tells of; all others are part of one of them, or of no interest.
TAGS = (
    "Report", "ReportHost", "HostProperties", "ReportItem", "HostName", "ReportName",
    "policyName", "policyComments", "preference", "item", "FamilyItem", "PluginItem",
)  # fmt: skip

# Preferences of a policy that are kept; any other could be a secret.
_PREFERENCES = {
    "TARGET": "targets",
    "scan_start_timestamp": "scan_start",
    "scan_end_timestamp": "scan_end",
}
# Accounts to log in with, and the value that Nessus fills in by itself.
_LOGINS = {
    "SSH settings[entry]:SSH user name": "root",
    "Login configurations[entry]:SMB account": "",
    "Database settings[entry]:Login": "",
    "VMware vCenter SOAP API Settings[entry]:VMware vCenter user name": "",
}


class Document:
    """Takes start and end of elements in order; hands hosts and items to the staging."""

    def __init__(self, staging: Staging, most_items: int) -> None:
        self.staging = staging
        self.warnings: Counter[str] = Counter()
        self.items = 0
        self.report_name: str | None = None
        self.policy: dict[str, str] = {}
        self.policy_login = False
        self.dialect = "v2"
        self.part = HostPart()
        self.prefixes: Prefixes = {}  # of the open ReportHost
        self._most_items = most_items
        self._registry = HostRegistry()
        self._host: _Element | None = None
        self._name = ""
        self.number = 0  # of the host that items belong to now; 0: not known yet
        self._done: _Element | None = None

    def start(self, element: _Element) -> None:
        if element.tag == "Report" and self.report_name is None:
            self.report_name = element.get("name")
        elif element.tag == "ReportHost" and self._host is None:
            self._host = element
            self.prefixes = cast("Prefixes", element.nsmap)
            self._name = element.get("name") or ""
            self.number = 0
            self.part = HostPart()
            for name, value in attributes_of(element).items():
                if name != "name":
                    self.part.extra[f"@{name}"] = [value]

    def end(self, element: _Element) -> bool:
        """Whether a child of the open ReportHost ended."""
        if self._host is not None:
            return self._end_in_host(element)
        if element.tag == "ReportName":
            self.report_name = element.text or ""
            self._drop(element)
        elif element.tag not in ("Report", "ReportHost", "ReportItem", "HostProperties"):
            self._end_in_policy(element)
        return False

    def close(self) -> None:
        """The end of the report, or of what could be read of it."""
        if self._host is not None:
            self._end_host(self._host)

    def host(self) -> int:
        """The number of the open host; from here on `number` has it."""
        if not self.number:
            tags = self.part.firsts()
            ip, uuid = tags.get("host-ip"), tags.get("host-uuid")
            self.number, new = self._registry.number(self._name, ip, uuid)
            if new:
                self.staging.add_host(self.number, self._name, f"{ip} {uuid}")
        return self.number

    def count(self, items: int) -> None:
        self.items += items
        if self.items > self._most_items:
            raise TooManyItems(f"The report has more than {self._most_items} items")

    def hear(self, plugin: int, raw: bytes | None, rulings: Iterable[str]) -> None:
        """Of an item that was not parsed: the evidence plugin (or 0) with its output as written."""
        self.warnings.update(rulings)
        if plugin:
            self.part.witness(plugin, plain(raw or b"").decode())

    def _end_in_host(self, element: _Element) -> bool:
        if element is self._host:
            self._end_host(element)
            return False
        if element.getparent() is not self._host:
            return False
        match element.tag:
            case "ReportItem":
                self._read(element)
            case "HostProperties":
                self._read_properties(element)
            case "HostName":
                self.dialect = "v1"
                self._name = element.text or ""
                return False
            case _:
                return False
        self._drop(element)
        return True

    def _read(self, element: _Element) -> None:
        if not element.attrib and element.find("pluginID") is not None:
            _modernise(element)
        self.take(read_item(element))

    def take(self, item: Item) -> None:
        """An item of the open ReportHost."""
        self.count(1)
        self.staging.add_item(self.host(), item)
        if item.rulings:
            self.warnings.update(item.rulings)
        if item.plugin.id in EVIDENCE_PLUGINS:
            self.part.witness(item.plugin.id, item.output or "")

    def _read_properties(self, element: _Element) -> None:
        for child in element:
            if child.tag == "tag" and not len(child):
                self.part.tags.append((child.get("name") or "", child.text or ""))
            else:
                self.part.extra.setdefault(f"HostProperties/{child.tag}", []).append(shape(child))
        self.host()

    def _end_host(self, element: _Element) -> None:
        for child in element:
            if child.tag not in ("ReportItem", "HostProperties", "HostName"):
                self._read_other(child)
        self.staging.add_part(self.host(), self.part)
        self._host = None
        self._drop(element)

    def _read_other(self, child: _Element) -> None:
        """A child of ReportHost that v2 does not know: v1 says there what HostProperties say."""
        text = child.text or ""
        tag = _HOST_V1.get(child.tag)
        if tag and not len(child) and text != "(unknown)":
            self.part.tags.append((tag, text.removesuffix("\\n")))
        else:
            self.part.extra.setdefault(child.tag, []).append(shape(child))

    def _end_in_policy(self, element: _Element) -> None:
        text = element.text or ""
        match element.tag:
            case "policyName":
                self.policy.setdefault("name", text)
            case "policyComments":
                self.policy.setdefault("comments", text)
            case "preference":
                if kept := _PREFERENCES.get(element.findtext("name") or ""):
                    self.policy.setdefault(kept, element.findtext("value") or "")
            case "item":
                self.policy_login = self.policy_login or _names_login(element)
        self._drop(element)

    def _drop(self, element: _Element) -> None:
        """Let go of an element that was read; the last one stays, the parser still needs it."""
        element.clear(keep_tail=True)  # type: ignore[call-arg] # the stubs do not know it
        done, self._done = self._done, element
        if done is not None and (parent := done.getparent()) is not None:
            parent.remove(done)


def _names_login(item: _Element) -> bool:
    name = (item.findtext("fullName") or "").rstrip(" :")
    value = (item.findtext("selectedValue") or "").strip()
    return name in _LOGINS and value not in ("", _LOGINS[name])


def _modernise(element: _Element) -> None:
    """Turn a v1 item into the v2 item that says the same."""
    said: Mapping[str, str] = {child.tag: child.text or "" for child in element}
    port = said.get("port", "")
    if match := _PORT_V1.match(port):
        new: dict[str, Any] = {
            "svc_name": match["service"] or "general",
            "port": match["port"] or "0",
            "protocol": match["protocol"] or match[4],
        }
    else:
        new = {"port": port}
    for name in ("severity", "pluginID", "pluginName"):
        new[name] = said.get(name, "")
    for name, value in new.items():
        element.set(name, value)
    for child in list(element):
        if child.tag in ("port", "severity", "pluginID", "pluginName"):
            element.remove(child)
        elif child.tag == "data":
            child.tag = "plugin_output"
