"""What matters in a report, first: counts, the worst hosts, plugins and CVEs, what is exploited.

Every count can be had in full by filters and pages. Findings of severity info are counted, but
make no risk.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nessus_operator.results.changes import since
from nessus_operator.results.clean import clean, one_line
from nessus_operator.results.conditions import truthy
from nessus_operator.results.fields import RESULTS, SEVERITIES, Record
from nessus_operator.results.filters import compile_filters, kind_of
from nessus_operator.results.pages import scan_metadata
from nessus_operator.results.selection import Clause, clause
from nessus_operator.results.store import Results

DEFAULT_TOP, MOST_TOP = 10, 100

_KEV = "CISA-KNOWN-EXPLOITED:"  # how an xref says what the element cisa-known-exploited says
_NAME = 256  # characters shown of a name
_PLUGINS = """
    SELECT id, plugin_id, plugin_name, plugin_family, cvss_score, vpr_score, epss_score,
        exploit_available, cisa_known_exploited
    FROM plugins
"""


def summarize(
    results: Results,
    *,
    filters: Mapping[str, Any] | None = None,
    top: int = DEFAULT_TOP,
    previous: Results | None = None,
) -> dict[str, Any]:
    """The summary as JSON values; lists hold the worst `top` (1 to 100) of each.

    Without filters it tells of findings and of compliance, with filters of the kind they choose;
    with a `previous` run of what changed since. How logins went is told of all hosts. Raises a
    ReadFault.
    """
    top = min(max(top, 1), MOST_TOP)
    filters = filters or {}
    with results.reading():
        found: dict[str, Any] = {
            "scan": scan_metadata(results),
            "authentication": _authentication(results, top),
            "filters_applied": dict(filters),
            "untrusted": True,
        }
        if kind_of(filters) is Record.VULNERABILITY:
            found |= _findings(results, _clause(results, Record.VULNERABILITY, filters), top)
        if kind_of(filters) is Record.COMPLIANCE or not filters:
            found |= _compliance(results, _clause(results, Record.COMPLIANCE, filters), top)
    if previous is not None:
        found["since_previous"] = since(previous, results, filters=filters, top=top)
    return found


def _clause(results: Results, record: Record, filters: Mapping[str, Any]) -> Clause | None:
    return clause(results, compile_filters(filters, results.names(record), results.lines))


def _authentication(results: Results, top: int) -> dict[str, Any]:
    """How the scanner's logins went, with hosts where they did not go well, and why."""
    said = results.meta["authentication"]
    hosts = results.rows(
        "SELECT host, host_authentication, authentication_reason, authentication_plugins "
        "FROM hosts WHERE host_authentication IN ('Failed', 'Partial') "
        "ORDER BY host_authentication, id LIMIT ?",
        (top,),
    )
    return {
        "status": said["status"],
        "hosts": said["hosts"],
        "plugins": said["plugins"],
        "top": [
            {
                "host": one_line(name, _NAME),
                "status": status,
                "reason": reason,
                "plugins": json.loads(plugins),
            }
            for name, status, reason, plugins in hosts
        ],
    }


@dataclass(slots=True)
class _Group:
    """Findings that share a plugin, a CVE or a family."""

    severities: Counter[int] = field(default_factory=Counter)
    rows: set[int] = field(default_factory=set)  # of the table plugins

    def add(self, row: int, severities: Counter[int]) -> None:
        self.rows.add(row)
        self.severities += severities

    @property
    def severity(self) -> int:
        return max(self.severities, default=0)

    @property
    def findings(self) -> int:
        return self.severities.total()


@dataclass(slots=True)
class _Plugin(_Group):
    """What is known of one plugin, from all of its texts in the report."""

    plugin_id: int = 0
    name: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    exploitable: bool = False
    known_exploited: str = ""  # the date of CISA's catalogue

    def risk(self) -> tuple[Any, ...]:
        """Sorts the worst first."""
        score = self.scores.get("cvss_score", 0.0)
        exploited = (not self.known_exploited, not self.exploitable)
        return (-self.severity, *exploited, -score, -self.findings, self.plugin_id)


def _findings(results: Results, found: Clause | None, top: int) -> dict[str, Any]:
    per_plugin = _counted(results, found, "plugin")
    per_host = _counted(results, found, "host")
    plugins, families = _grouped(results, per_plugin)
    cves = _by_cve(results, per_plugin)
    hosts = _HostCount(results, found)
    severities = sum(per_host.values(), Counter[int]())
    risks = sorted(plugins, key=_Plugin.risk)
    exploited = [plugin for plugin in risks if plugin.known_exploited]
    return {
        "findings": severities.total(),
        "severities": _named(severities),
        "hosts_with_findings": len(per_host),
        "top_risks": [_told(plugin, hosts) for plugin in risks[:top] if plugin.severity],
        "known_exploited": {
            **_totals(exploited),
            "top": [_told(plugin, hosts) for plugin in exploited[:top]],
        },
        "exploitable": _totals([plugin for plugin in risks if plugin.exploitable]),
        "top_hosts": _top_hosts(results, per_host, top),
        "plugin_families": [
            {"plugin_family": name, **_named(group.severities), "total": group.findings}
            for name, group in sorted(families.items(), key=_worst)[:top]
        ],
        "cves": {
            "total": len(cves),
            "top": [
                {
                    "cve": one_line(name, _NAME),
                    "severity": group.severity,
                    "findings": group.findings,
                    "hosts": hosts.of(group.rows),
                }
                for name, group in sorted(cves.items(), key=_worst)[:top]
            ],
        },
    }


def _counted(results: Results, found: Clause | None, column: str) -> dict[int, Counter[int]]:
    """Severities of the findings of each host, or of each row of plugins."""
    counted: dict[int, Counter[int]] = defaultdict(Counter)
    if found:
        for key, severity, count in results.rows(
            f"SELECT f.{column}, f.severity, count(*) FROM {found.table} AS f "
            f"WHERE {found.sql} GROUP BY f.{column}, f.severity",
            found.params,
        ):
            counted[key][severity] = count
    return counted


def _grouped(
    results: Results, per_plugin: Mapping[int, Counter[int]]
) -> tuple[Iterable[_Plugin], Mapping[str, _Group]]:
    plugins: dict[int, _Plugin] = defaultdict(_Plugin)
    families: dict[str, _Group] = defaultdict(_Group)
    listed: dict[int, str] = dict(
        results.rows(
            "SELECT plugin, min(value) FROM plugin_refs "
            "WHERE field = 'xref' AND value LIKE ? GROUP BY plugin",
            (f"{_KEV}%",),
        )
    )
    for row, plugin_id, name, family, *scores, exploit, known in results.rows(_PLUGINS):
        if row not in per_plugin:
            continue
        plugin = plugins[plugin_id]
        plugin.add(row, per_plugin[row])
        plugin.plugin_id = plugin_id
        plugin.name = plugin.name or one_line(name or "", _NAME)
        for key, score in zip(("cvss_score", "vpr_score", "epss_score"), scores, strict=True):
            if isinstance(score, float):
                plugin.scores[key] = max(score, plugin.scores.get(key, score))
        plugin.exploitable |= exploit is not None and truthy(exploit)
        known = known or listed.get(row, "")[len(_KEV) :]
        plugin.known_exploited = plugin.known_exploited or one_line(known, 32)
        families[one_line(family or "", _NAME)].add(row, per_plugin[row])
    return plugins.values(), families


def _by_cve(results: Results, per_plugin: Mapping[int, Counter[int]]) -> Mapping[str, _Group]:
    cves: dict[str, _Group] = defaultdict(_Group)
    for row, name in results.rows(
        "SELECT DISTINCT plugin, value FROM plugin_refs WHERE field = 'cve'"
    ):
        if row in per_plugin:
            cves[name].add(row, per_plugin[row])
    return cves


class _HostCount:
    """How many hosts some plugins were found on."""

    def __init__(self, results: Results, found: Clause | None) -> None:
        self._results = results
        self._found = found

    def of(self, rows: Iterable[int]) -> int:
        if self._found is None:
            return 0
        [(count,)] = self._results.rows(
            f"SELECT count(DISTINCT f.host) FROM {self._found.table} AS f "
            f"INDEXED BY {self._found.table}_plugin "
            f"WHERE {self._found.sql} AND f.plugin IN (SELECT value FROM json_each(?))",
            (*self._found.params, json.dumps(sorted(rows))),
        )
        return int(count)


def _told(plugin: _Plugin, hosts: _HostCount) -> dict[str, Any]:
    told: dict[str, Any] = {
        "plugin_id": plugin.plugin_id,
        "plugin_name": plugin.name,
        "severity": plugin.severity,
        **plugin.scores,
        "exploit_available": plugin.exploitable,
    }
    if plugin.known_exploited:
        told["cisa-known-exploited"] = plugin.known_exploited
    return told | {"findings": plugin.findings, "hosts": hosts.of(plugin.rows)}


def _totals(plugins: Sequence[_Plugin]) -> dict[str, Any]:
    severities = sum((plugin.severities for plugin in plugins), Counter[int]())
    return {
        "plugins": len(plugins),
        "findings": severities.total(),
        "severities": _named(severities),
    }


def _top_hosts(
    results: Results, per_host: Mapping[int, Counter[int]], top: int
) -> list[dict[str, Any]]:
    """Hosts with the most critical findings, then the most high ones, and so on."""

    def worst(host: int) -> tuple[int, ...]:
        return (*(-per_host[host][severity] for severity in (4, 3, 2, 1, 0)), host)

    names: dict[int, str] = dict(results.rows("SELECT id, host FROM hosts"))
    return [
        {
            "host": one_line(names[host], _NAME),
            **_named(per_host[host]),
            "total": per_host[host].total(),
        }
        for host in sorted(per_host, key=worst)[:top]
    ]


def _worst(named: tuple[str, _Group]) -> tuple[Any, ...]:
    name, group = named
    return (*(-group.severities[severity] for severity in (4, 3, 2, 1, 0)), name)


def _named(severities: Mapping[int, int]) -> dict[str, int]:
    return {SEVERITIES[severity]: severities.get(severity, 0) for severity in (4, 3, 2, 1, 0)}


def _compliance(results: Results, found: Clause | None, top: int) -> dict[str, Any]:
    """Checks by result, and those that failed on the most hosts."""
    counts: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    if found:
        for result, name, count in results.rows(
            "SELECT f.compliance_result, f.compliance_check_name, count(*) "
            f"FROM {found.table} AS f WHERE {found.sql} GROUP BY 1, 2",
            found.params,
        ):
            counts[result if result in RESULTS else "ERROR"] += count
            if result == "FAILED":
                failed[clean(results.lines.text(name)) if name else ""] += count
    worst = sorted(failed.items(), key=lambda pair: (-pair[1], pair[0]))
    return {
        "compliance": {result.lower(): counts[result] for result in RESULTS},
        "failed_checks": {
            "total": len(failed),
            "top": [
                {"compliance-check-name": one_line(name, _NAME), "failed": count}
                for name, count in worst[:top]
            ],
        },
    }
