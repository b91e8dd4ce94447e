"""One host from all ReportHost elements that are about it."""

import ipaddress
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from nessus_operator.api.report import (
    EVIDENCE_TAGS,
    PING,
    SCAN_INFORMATION,
    AuthenticationStatus,
    HostSignals,
    Judge,
    scan_information,
)
from nessus_operator.results.fields import HOST_COLUMNS
from nessus_operator.results.ingest.items import compact
from nessus_operator.results.values import listed, moment

_EVIDENCE_TEXT = 4096  # characters of one output
_EVIDENCE_TEXTS = 8  # of one plugin and host
_DEAD = "considered as dead"  # plugin 10180 of a host that did not answer

_COLUMNS = tuple(column.column for column in HOST_COLUMNS)
_TAGS = {
    column.column: column.source.removeprefix("tag ")
    for column in HOST_COLUMNS
    if column.source.startswith("tag ") and "," not in column.source
}
_MOMENTS = {
    "host_start": ("HOST_START_TIMESTAMP", "HOST_START", "HOST_START_TIME"),
    "host_end": ("HOST_END_TIMESTAMP", "HOST_END", "HOST_END_TIME"),
}


@dataclass(slots=True)
class HostPart:
    """What one ReportHost element says besides its items."""

    tags: list[tuple[str, str]] = field(default_factory=list)
    extra: dict[str, list[Any]] = field(default_factory=dict)
    evidence: dict[int, list[str]] = field(default_factory=dict)

    def firsts(self) -> dict[str, str]:
        """The first value of each tag."""
        return dict(reversed(self.tags))

    def witness(self, plugin: int, output: str) -> None:
        """Keep the output of a plugin that tells of the scan or of logins."""
        texts = self.evidence.setdefault(plugin, [])
        if len(texts) < _EVIDENCE_TEXTS:
            texts.append(output[:_EVIDENCE_TEXT])

    def to_json(self) -> str:
        return json.dumps([self.tags, self.extra, list(self.evidence.items())])

    @classmethod
    def from_json(cls, text: str) -> Self:
        tags, extra, evidence = json.loads(text)
        return cls(tags, extra, dict(evidence))


@dataclass(frozen=True, slots=True)
class _Known:
    number: int
    ip: str | None
    uuid: str | None

    def agrees(self, ip: str | None, uuid: str | None) -> bool:
        return (not ip or not self.ip or ip == self.ip) and (
            not uuid or not self.uuid or uuid == self.uuid
        )


class HostRegistry:
    """Numbers hosts in order of appearance: one name is one host, unless address or uuid of two
    elements disagree."""

    def __init__(self) -> None:
        self._by_name: dict[str, list[_Known]] = {}
        self._count = 0

    def number(self, name: str, ip: str | None, uuid: str | None) -> tuple[int, bool]:
        """The number of the host, and whether it is new."""
        known = self._by_name.setdefault(name, [])
        for index, host in enumerate(known):
            if host.agrees(ip, uuid):
                known[index] = _Known(host.number, host.ip or ip, host.uuid or uuid)
                return host.number, False
        self._count += 1
        known.append(_Known(self._count, ip, uuid))
        return self._count, True


def sort_key(name: str) -> bytes:
    """Of a host's name: IPv4 addresses, IPv6 addresses, then names without regard to case."""
    try:
        address = ipaddress.ip_address(name.split("%")[0])
    except ValueError:
        return b"n" + name.lower().encode()
    return str(address.version).encode() + address.packed


@dataclass(frozen=True, slots=True)
class Host:
    """A whole host: the row of the table hosts (without its id), and what the report learns."""

    row: tuple[Any, ...]
    signals: HostSignals
    status: AuthenticationStatus
    plugins: tuple[int, ...]
    dead: bool


def merge(name: str, parts: Sequence[HostPart], policy_login: bool, judge: Judge) -> Host:
    """One host from its parts, in document order."""
    properties = _properties(parts)
    signals = _signals(properties, parts, policy_login)
    verdict = judge.host(signals)
    columns: dict[str, str | None] = {
        column: _first(properties.get(tag)) for column, tag in _TAGS.items()
    }
    columns |= {column: _moment(properties, tags) for column, tags in _MOMENTS.items()}
    columns |= {
        "host": name,
        "host_authentication": verdict.status,
        "host_properties": compact({tag: listed(values) for tag, values in properties.items()}),
    }
    row = (
        *map(columns.get, _COLUMNS),
        verdict.reason,
        json.dumps(verdict.plugins),
        compact(_extra(parts)),
    )
    return Host(row, signals, verdict.status, verdict.plugins, _is_dead(signals))


def _properties(parts: Iterable[HostPart]) -> dict[str, list[str]]:
    """Every tag's values; of a later element only those that are new."""
    found: dict[str, list[str]] = {}
    for part in parts:
        before = {tag: set(values) for tag, values in found.items()} if found else {}
        for tag, value in part.tags:
            if value not in before.get(tag, ()):
                found.setdefault(tag, []).append(value)
    return found


def _extra(parts: Iterable[HostPart]) -> dict[str, Any]:
    found: dict[str, list[Any]] = {}
    for part in parts:
        for name, values in part.extra.items():
            kept = found.setdefault(name, [])
            kept.extend(value for value in values if value not in kept)
    return {name: listed(values) for name, values in found.items()}


def _first(values: Sequence[str] | None) -> str | None:
    return values[0] if values else None


def _moment(properties: Mapping[str, Sequence[str]], tags: Iterable[str]) -> str | None:
    """The first start and the last end, from the tag that tells it best."""
    for tag in tags:
        moments = sorted(filter(None, map(moment, properties.get(tag, ()))))
        if moments:
            return moments[0 if "START" in tag else -1]
    return None


def _signals(
    properties: Mapping[str, Sequence[str]], parts: Iterable[HostPart], policy_login: bool
) -> HostSignals:
    tags = {
        name.lower(): values[0]
        for name, values in properties.items()
        if name.lower() in EVIDENCE_TAGS
    }
    evidence: dict[int, tuple[str, ...]] = {}
    for part in parts:
        for plugin, texts in part.evidence.items():
            evidence[plugin] = (*evidence.get(plugin, ()), *texts)
    information = scan_information(evidence.get(SCAN_INFORMATION, ()))
    return HostSignals(evidence, tags, information, policy_login)


def _is_dead(signals: HostSignals) -> bool:
    return any(_DEAD in text for text in signals.outputs(PING))
