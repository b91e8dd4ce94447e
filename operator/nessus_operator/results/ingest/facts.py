"""What the report as a whole says: its counts, its scan, and what later checks ask of it."""

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from nessus_operator import __version__
from nessus_operator.api.report import (
    SCAN_INFORMATION,
    AuthenticationStatus,
    Judge,
    ReportSignals,
)
from nessus_operator.results.fields import HOST_COLUMNS, RESULTS, SEVERITIES, TABLE
from nessus_operator.results.ingest.document import Document
from nessus_operator.results.ingest.hosts import Host
from nessus_operator.results.refusals import Refused
from nessus_operator.results.schema import FINGERPRINT_VERSION, SCHEMA_VERSION
from nessus_operator.results.values import moment

_COLUMNS = [column.column for column in HOST_COLUMNS]
_START, _END = _COLUMNS.index("host_start"), _COLUMNS.index("host_end")
_INFORMATION = {
    "nessus version": "nessus_version",
    "scan name": "scan_name",
    "scan type": "scan_type",
    "scanner ip": "scanner_ip",
    "port scanner(s)": "port_scanners",
    "port range": "port_range",
}
_EXTRA_KEYS = "SELECT DISTINCT j.key FROM {table} t, json_each(t.extra) j ORDER BY j.key"
_NO_PORT_SCANNER = "no port scanner was enabled"


@dataclass(slots=True)
class HostFacts:
    """What all hosts together tell, as they pass in their order."""

    count: int = 0
    dead: int = 0
    port_scan_missing: int = 0
    statuses: Counter[AuthenticationStatus] = field(default_factory=Counter)
    plugins: set[int] = field(default_factory=set)
    starts: list[str] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    plugin_set: str | None = None
    information: dict[str, str] = field(default_factory=dict)

    def add(self, host: Host) -> None:
        self.count += 1
        self.dead += host.dead
        self.statuses[host.status] += 1
        self.plugins.update(host.plugins)
        self.starts = sorted(filter(None, (*self.starts, host.row[_START])))[:1]
        self.ends = sorted(filter(None, (*self.ends, host.row[_END])))[-1:]
        said = host.signals.information
        for key, name in _INFORMATION.items():
            if value := said.get(key):
                self.information.setdefault(name, value)
        plugin_set = said.get("plugin feed version", "")
        if plugin_set.isascii() and plugin_set.isdigit():
            self.plugin_set = max(self.plugin_set or "", plugin_set)
        texts = host.signals.outputs(SCAN_INFORMATION)
        self.port_scan_missing += any(_NO_PORT_SCANNER in text.lower() for text in texts)


@dataclass(frozen=True, slots=True)
class Summary:
    """What ingest answers, and the last line that `nessus-results ingest --json` prints.

    compliance: passed, failed, warning, error; severities: critical to info, of findings alone.
    authentication: as in a scan's status, and the plugins that decided.
    truncated: the fault before which it stopped.
    store: bytes and sha256 of findings.sqlite.
    """

    hosts: int
    findings: int
    compliance: Mapping[str, int]
    severities: Mapping[str, int]
    authentication: Mapping[str, Any]
    signals: ReportSignals
    report_name: str | None
    scan: Mapping[str, str]
    truncated: Mapping[str, Any] | None
    warnings: Mapping[str, int]
    store: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=True)


def summarize(
    connection: sqlite3.Connection,
    document: Document,
    hosts: HostFacts,
    judge: Judge,
    fault: Refused | None,
) -> Summary:
    """Counts of what is in the store, and facts of the report."""
    severities = dict(
        connection.execute("SELECT severity, count(*) FROM findings GROUP BY severity").fetchall()
    )
    results = _results(connection)
    return Summary(
        hosts=hosts.count,
        findings=sum(severities.values()),
        compliance=results,
        severities={SEVERITIES[number]: severities.get(number, 0) for number in (4, 3, 2, 1, 0)},
        authentication={
            "status": judge.scan(hosts.statuses),
            "hosts": {_key(status): hosts.statuses[status] for status in AuthenticationStatus},
            "plugins": sorted(hosts.plugins),
        },
        signals=ReportSignals(
            hosts=hosts.count,
            dead_hosts=hosts.dead,
            port_scan_missing=hosts.port_scan_missing,
            plugin_set=hosts.plugin_set,
            truncated=fault is not None,
        ),
        report_name=document.report_name,
        scan=_scan(document, hosts),
        truncated=_fault(fault),
        warnings=dict(sorted(document.warnings.items())),
    )


def _key(status: str) -> str:
    return status[0].lower() + status[1:]


def _results(connection: sqlite3.Connection) -> dict[str, int]:
    """By result; a result that is none of the four counts as an error."""
    counted = dict.fromkeys((result.lower() for result in RESULTS), 0)
    for result, count in connection.execute(
        "SELECT compliance_result, count(*) FROM compliance GROUP BY compliance_result"
    ):
        counted[result.lower() if result in RESULTS else "error"] += count
    return counted


def _scan(document: Document, hosts: HostFacts) -> dict[str, str]:
    policy = document.policy
    found = {
        "start": next(iter(hosts.starts), None) or moment(policy.get("scan_start", "")),
        "end": next(iter(hosts.ends), None) or moment(policy.get("scan_end", "")),
        "plugin_set": hosts.plugin_set,
        **hosts.information,
    }
    return {name: value for name, value in found.items() if value}


def _fault(fault: Refused | None) -> dict[str, Any] | None:
    if fault is None:
        return None
    place = fault.position._asdict() if fault.position else {}
    return {"reason": fault.reason, **place}


def write_meta(connection: sqlite3.Connection, document: Document, summary: Summary) -> None:
    """The table meta (results.schema says what its keys hold)."""
    policy: dict[str, Any] = {
        name: document.policy[name]
        for name in ("name", "comments", "targets")
        if name in document.policy
    }
    policy["names_login"] = document.policy_login
    facts = {
        "versions": {
            "schema": SCHEMA_VERSION,
            "fingerprint": FINGERPRINT_VERSION,
            "nessus_operator": __version__,
        },
        "dialect": document.dialect,
        "report_name": summary.report_name,
        "policy": policy,
        "scan": summary.scan,
        "counts": {
            "hosts": summary.hosts,
            "findings": summary.findings,
            "compliance": summary.compliance,
            "severities": summary.severities,
        },
        "authentication": summary.authentication,
        "signals": asdict(summary.signals),
        "truncated": summary.truncated,
        "warnings": summary.warnings,
        "extra": {
            table: [key for (key,) in connection.execute(_EXTRA_KEYS.format(table=table))]
            for table in (*TABLE.values(), "plugins")
        },
    }
    connection.executemany(
        "INSERT INTO meta VALUES (?, ?)",
        ((key, json.dumps(value, ensure_ascii=False)) for key, value in facts.items()),
    )
