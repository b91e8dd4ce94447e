"""SARIF 2.1.0: one run, a rule for each plugin or check, a result for each row.

Results of severity info are informational; checks pass, fail, or ask for a review.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from nessus_operator.results.budget import line
from nessus_operator.results.export.request import Request, fingerprinted
from nessus_operator.results.fields import SEVERITIES, Record
from nessus_operator.results.pages import scan_metadata
from nessus_operator.results.rows import Row
from nessus_operator.results.schema import FINGERPRINT_VERSION
from nessus_operator.results.store import Results

VERSION = "2.1.0"
SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)

_FIELDS: Mapping[Record, str] = {
    Record.VULNERABILITY: """
        host host-ip port protocol svc_name plugin_id plugin_name plugin_family severity cvss_score
        cve cwe exploit_available cisa-known-exploited synopsis description solution see_also
        plugin_output""",
    Record.COMPLIANCE: """
        host host-ip plugin_id plugin_name severity compliance-result compliance-check-name
        compliance-check-id compliance-audit-file compliance-info compliance-solution
        compliance-see-also compliance-reference compliance-policy-value compliance-actual-value
        description""",
}
_LEVELS = ("none", "note", "warning", "error", "error")  # by severity
_KINDS = {"PASSED": "pass", "FAILED": "fail", "WARNING": "review"}
# What a rule says already, and what a result says elsewhere.
_SAID = """
    type plugin_id plugin_name synopsis description solution see_also plugin_output
    compliance-info compliance-solution compliance-see-also"""
_NOT_PROPERTIES = frozenset(_SAID.split())
_HTTP = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]{1,2000}", re.ASCII)


def write(results: Results, request: Request) -> Iterator[str]:
    """The log, in parts; `tool` comes after `results`, when all rules are known."""
    rules: dict[str, dict[str, Any]] = {}
    numbers: dict[str, int] = {}
    yield f'{{"$schema":{line(SCHEMA)},"version":{line(VERSION)},"runs":[{{"results":['
    between = ""
    for print_, row in fingerprinted(results, request, _FIELDS[request.record].split()):
        rule = _rule_id(request.record, row)
        if rule not in rules:
            numbers[rule] = len(rules)
            rules[rule] = _rule(rule, request.record, row)
        yield between + line(_result(rule, numbers[rule], request.record, row, print_))
        between = ",\n"
    run = _run(results, request, list(rules.values()))
    yield f"],{line(run)[1:]}]}}\n"


def _run(results: Results, request: Request, rules: list[dict[str, Any]]) -> dict[str, Any]:
    metadata = scan_metadata(results) | dict(request.metadata)
    driver = {
        "name": "Nessus",
        "organization": "Tenable",
        "informationUri": "https://www.tenable.com/products/nessus",
        "rules": rules,
    }
    if version := metadata.get("nessus_version"):
        driver["version"] = version
    invocation: dict[str, Any] = {"executionSuccessful": "partial" not in metadata}
    for ours, theirs in (("scan_start", "startTimeUtc"), ("scan_end", "endTimeUtc")):
        if str(metadata.get(ours, "")).endswith("Z"):  # the zone of any other moment is not known
            invocation[theirs] = metadata[ours]
    return {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "automationDetails": {"id": f"nessus/{quote(str(metadata.get('scan_name', '')))}/"},
        "columnKind": "unicodeCodePoints",
        "properties": metadata,
    }


def _rule_id(record: Record, row: Row) -> str:
    if record is Record.VULNERABILITY:
        return str(row["plugin_id"])
    check = row.get("compliance-check-id") or row.get("compliance-check-name") or ""
    return f"{row['plugin_id']}/{check}"


def _rule(rule: str, record: Record, row: Row) -> dict[str, Any]:
    if record is Record.COMPLIANCE:
        name, full = row.get("compliance-check-name"), row.get("compliance-info")
        solution, links = row.get("compliance-solution"), [row.get("compliance-see-also", "")]
    else:
        name, full = row.get("plugin_name"), row.get("description") or row.get("synopsis")
        solution, links = row.get("solution"), row.get("see_also", [])
    found: dict[str, Any] = {"id": rule, "properties": _rule_properties(record, row)}
    texts = {"shortDescription": name, "fullDescription": full, "help": solution}
    found |= {key: {"text": text} for key, text in texts.items() if text}
    if link := next((link for link in links if _HTTP.fullmatch(link)), None):
        found["helpUri"] = link
    return found


def _rule_properties(record: Record, row: Row) -> dict[str, Any]:
    weaknesses = [f"external/cwe/cwe-{number}" for number in row.get("cwe", ()) if number.isdigit()]
    kind = "security" if record is Record.VULNERABILITY else "compliance"
    tags = [kind, *weaknesses, *row.get("cve", ())]
    found: dict[str, Any] = {"tags": list(dict.fromkeys(tags))}  # unique, says the schema
    if isinstance(row.get("cvss_score"), float):
        found["security-severity"] = f"{row['cvss_score']:.1f}"
    return found


def _result(rule: str, number: int, record: Record, row: Row, print_: str) -> dict[str, Any]:
    severity, place = row["severity"], row["host"]
    if "port" in row:
        place = f"{place}:{row['port']}/{row.get('protocol', '')}"
    result: dict[str, Any] = {"ruleId": rule, "ruleIndex": number}
    if record is Record.COMPLIANCE:
        result["kind"] = _KINDS.get(row["compliance-result"], "open")
        result["level"] = "error" if result["kind"] == "fail" else "none"
        said = row.get("compliance-actual-value") or row.get("description")
    else:
        result["kind"] = "fail" if severity else "informational"
        result["level"] = _LEVELS[severity]
        said = row.get("plugin_output") or row.get("synopsis")
        if isinstance(row.get("cvss_score"), float):
            result["rank"] = min(max(row["cvss_score"] * 10, 0.0), 100.0)
    logical = {"name": place, "fullyQualifiedName": place, "kind": "resource"}
    artifact = {"uri": quote(row["host"], safe="")}
    return result | {
        "message": {"text": said or row.get("plugin_name") or rule},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": artifact},
                "logicalLocations": [logical],
            }
        ],
        "partialFingerprints": {f"nessusFinding/v{FINGERPRINT_VERSION}": print_},
        "properties": {
            "severity_name": SEVERITIES[severity],
            **{name: value for name, value in row.items() if name not in _NOT_PROPERTIES},
        },
    }
