"""OCSF 1.8.0: each finding as an event of class Vulnerability Finding (2002), one a line."""

import ipaddress
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from nessus_operator.results.budget import line
from nessus_operator.results.export.request import Request, fingerprinted
from nessus_operator.results.faults import InvalidQuery
from nessus_operator.results.fields import Record
from nessus_operator.results.pages import scan_metadata
from nessus_operator.results.rows import Row
from nessus_operator.results.store import Results

VERSION = "1.8.0"
CLASS_UID, CATEGORY_UID, ACTIVITY_CREATE = 2002, 2, 1

_FIELDS = """
    host host-ip host-fqdn operating-system host_start host_end port protocol svc_name plugin_id
    plugin_name plugin_family severity cvss3_base_score cvss3_vector cvss_base_score cvss_vector
    cvss4_base_score cvss4_vector epss_score epss_percentile cve cwe exploit_available
    cisa-known-exploited synopsis description solution see_also plugin_output first_found
    last_found"""
_SEVERITIES = ("Informational", "Low", "Medium", "High", "Critical")  # id = ours + 1
_CVSS = (("4.0", "cvss4"), ("3.0", "cvss3"), ("2.0", "cvss"))
_HOSTNAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?", re.ASCII)


def write(results: Results, request: Request) -> Iterator[str]:
    """One JSON object a line; raises InvalidQuery for compliance checks."""
    if request.record is not Record.VULNERABILITY:
        raise InvalidQuery(
            "OCSF is written for findings only: export checks as jsonl, csv, sarif or html"
        )
    metadata = scan_metadata(results) | dict(request.metadata)
    product = {"name": "Nessus", "vendor_name": "Tenable"}
    if version := metadata.get("nessus_version"):
        product["version"] = version
    reported = _moment(metadata.get("scan_end")) or _moment(metadata.get("scan_start"))
    for print_, row in fingerprinted(results, request, _FIELDS.split()):
        moment = _moment(row.get("host_end")) or reported or request.now
        yield line(_event(row, print_, product, metadata, moment)) + "\n"


def _event(
    row: Row, print_: str, product: dict[str, Any], metadata: dict[str, Any], moment: datetime
) -> dict[str, Any]:
    severity = row["severity"]
    title = row.get("plugin_name") or f"Nessus plugin {row['plugin_id']}"
    kept = ("port", "protocol", "svc_name", "plugin_id", "cisa-known-exploited", "cwe")
    known = ("task_id", "scan_name", "policy_name", "plugin_set")
    return {
        "class_uid": CLASS_UID,
        "class_name": "Vulnerability Finding",
        "category_uid": CATEGORY_UID,
        "category_name": "Findings",
        "activity_id": ACTIVITY_CREATE,
        "activity_name": "Create",
        "type_uid": CLASS_UID * 100 + ACTIVITY_CREATE,
        "type_name": "Vulnerability Finding: Create",
        "severity_id": severity + 1,
        "severity": _SEVERITIES[severity],
        "time": _milliseconds(moment),
        "message": row.get("plugin_output") or row.get("synopsis") or title,
        "metadata": {"version": VERSION, "product": product, "uid": print_},
        "finding_info": _finding_info(row, print_, title),
        "vulnerabilities": _vulnerabilities(row, title),
        "resources": [_resource(row)],
        "unmapped": {name: row[name] for name in kept if name in row}
        | {name: metadata[name] for name in known if name in metadata},
    }


def _finding_info(row: Row, print_: str, title: str) -> dict[str, Any]:
    analytic = {"uid": str(row["plugin_id"]), "name": title, "type_id": 1, "type": "Rule"}
    if family := row.get("plugin_family"):
        analytic["category"] = family
    found: dict[str, Any] = {"uid": print_, "title": title, "analytic": analytic}
    if synopsis := row.get("synopsis"):
        found["desc"] = synopsis
    for ours, theirs in (("first_found", "first_seen_time"), ("last_found", "last_seen_time")):
        if moment := _moment(row.get(ours)):
            found[theirs] = _milliseconds(moment)
    return found


def _vulnerabilities(row: Row, title: str) -> list[dict[str, Any]]:
    """One for each CVE; a finding without any is described by an advisory: its plugin."""
    shared: dict[str, Any] = {
        "title": title,
        "severity": _SEVERITIES[row["severity"]],
        "is_exploit_available": row.get("exploit_available") not in (None, False),
        "vendor_name": "Tenable",
    }
    if description := row.get("description"):
        shared["desc"] = description
    if links := row.get("see_also"):
        shared["references"] = links
    if solution := row.get("solution"):
        shared["remediation"] = {"desc": solution}
    cves = list(dict.fromkeys(row.get("cve", ())))
    if not cves:
        return [{**shared, "advisory": {"uid": str(row["plugin_id"]), "title": title}}]
    scores = _scores(row)
    return [{**shared, "cve": {"uid": cve, **scores}} for cve in cves]


def _scores(row: Row) -> dict[str, Any]:
    cvss = []
    for version, name in _CVSS:
        score, vector = row.get(f"{name}_base_score"), row.get(f"{name}_vector")
        if isinstance(score, float):
            stated = re.match(r"CVSS:(\d\.\d)/", vector or "")
            one = {"version": stated[1] if stated else version, "base_score": score}
            cvss.append(one | ({"vector_string": vector} if vector else {}))
    found: dict[str, Any] = {"cvss": cvss} if cvss else {}
    if isinstance(row.get("epss_score"), float):
        found["epss"] = {"score": str(row["epss_score"])}
        if isinstance(row.get("epss_percentile"), float):
            found["epss"]["percentile"] = row["epss_percentile"]
    return found


def _resource(row: Row) -> dict[str, Any]:
    found = {"uid": row["host"], "name": row["host"], "type": "host", "role_id": 3}
    for address in (row.get("host-ip"), row["host"]):
        if address and _is_address(address):
            found["ip"] = address
            break
    for name in (row.get("host-fqdn"), row["host"]):
        if name and not _is_address(name) and _HOSTNAME.fullmatch(name):
            found["hostname"] = name
            break
    return found


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _moment(text: Any) -> datetime | None:
    """Where the zone is not known, UTC is taken for it."""
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
