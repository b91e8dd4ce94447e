"""What a .nessus file holds, counted with the standard library's XML parser alone.

Apart from the product's own reading on purpose: the demonstration compares the two.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

ROOT = "NessusClientData_v2"
SEVERITIES = ("info", "low", "medium", "high", "critical")  # by Nessus' number

_COMPLIANCE_CHILD = "{http://www.nessus.org/cm}"
_BRACKETED = re.compile(r'\s*(".*?"\s*:)?\s*\[(PASSED|FAILED|WARNING|ERROR)\]', re.DOTALL)


class Unreadable(Exception):
    """No report of version 2; the text goes on after the file's name."""


@dataclass(frozen=True, slots=True)
class Counts:
    """`findings` are the items that are no compliance checks; `severities` are theirs, by name."""

    hosts: int
    findings: int
    compliance: int
    severities: Mapping[str, int]

    def __str__(self) -> str:
        return f"{self.hosts} hosts, {self.findings} findings, {self.compliance} compliance results"

    def differences(self, other: "Counts") -> tuple[str, ...]:
        """Each number in which the two disagree."""
        ours, theirs = self._numbers(), other._numbers()
        return tuple(
            f"{name}: {number} and {theirs.get(name)}"
            for name, number in ours.items()
            if number != theirs.get(name)
        )

    def _numbers(self) -> Mapping[str, int]:
        totals = {"hosts": self.hosts, "findings": self.findings, "compliance": self.compliance}
        return totals | dict(self.severities)


@dataclass(frozen=True, slots=True)
class Report:
    """`names` has each host's name once, in order, and `addresses` what the report calls their IP
    addresses; `elements` counts the ReportHosts."""

    counts: Counts
    names: tuple[str, ...]
    addresses: tuple[str, ...]
    elements: int


def read(file: IO[bytes]) -> Report:
    """Counts what is in the file; raises Unreadable."""
    tally = _Tally()
    try:
        events = ElementTree.iterparse(file, ("start", "end"))  # noqa: S314 - expat bounds entities
        _, root = next(events)
        if root.tag != ROOT:
            raise Unreadable(f"begins with <{root.tag[:40]}>; the demo can show <{ROOT}> alone")
        for event, element in events:
            if event == "end" and element.tag == "ReportItem":
                tally.add_item(element)
                element.clear()
            elif event == "end" and element.tag == "ReportHost":
                tally.add_host(element)
                element.clear()
    except ElementTree.ParseError as error:
        raise Unreadable(f"is not well-formed XML: {error}") from None
    return tally.report()


@dataclass(slots=True)
class _Tally:
    elements: int = 0
    compliance: int = 0
    severities: Counter[str] = field(default_factory=Counter)
    hosts: dict[str, list[dict[str, str]]] = field(default_factory=dict)

    def add_item(self, item: Element) -> None:
        if is_compliance(item):
            self.compliance += 1
        else:
            self.severities[severity(item)] += 1

    def add_host(self, host: Element) -> None:
        """One name is one host, unless the addresses or uuids of two elements disagree."""
        self.elements += 1
        said = {
            str(tag.get("name")): tag.text
            for tag in host.iterfind("HostProperties/tag")
            if tag.get("name") in ("host-ip", "host-uuid") and tag.text
        }
        known = self.hosts.setdefault(host.get("name", ""), [])
        for one in known:
            if all(one.get(key, value) == value for key, value in said.items()):
                one.update(said)
                return
        known.append(said)

    def report(self) -> Report:
        counts = Counts(
            hosts=sum(map(len, self.hosts.values())),
            findings=self.severities.total(),
            compliance=self.compliance,
            severities={name: self.severities[name] for name in reversed(SEVERITIES)},
        )
        addresses = {
            said["host-ip"] for known in self.hosts.values() for said in known if "host-ip" in said
        }
        return Report(counts, tuple(self.hosts), tuple(sorted(addresses)), self.elements)


def is_compliance(item: Element) -> bool:
    """A check has cm: children or says so; older ones put [PASSED] into their description."""
    if any(child.tag.startswith(_COMPLIANCE_CHILD) for child in item):
        return True
    if any((said.text or "").strip().lower() == "true" for said in item.iterfind("compliance")):
        return True
    old = item.get("pluginFamily") == "Policy Compliance"
    return old and _BRACKETED.match(item.findtext("description", "")) is not None


def severity(item: Element) -> str:
    """By the item's number; where that is missing or none, by its risk factor, else info."""
    number = item.get("severity", "")
    if number in ("0", "1", "2", "3", "4"):
        return SEVERITIES[int(number)]
    risk = item.findtext("risk_factor", "").strip().lower()
    return risk if risk in SEVERITIES else "info"
