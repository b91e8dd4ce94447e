"""Writes a .nessus v2 report, host after host, for the targets of a run."""

from collections.abc import Iterable
from typing import IO

from lxml import etree

from nessus_simulator.report import hosts, policy
from nessus_simulator.report.hosts import Finding, Job
from nessus_simulator.report.plugins import Severity

COMPLIANCE = "http://www.nessus.org/cm"


def write(output: IO[bytes], job: Job, names: Iterable[str]) -> None:
    """Memory does not grow with the number of hosts."""
    with etree.xmlfile(output, encoding="utf-8") as xml:
        xml.write_declaration()
        with xml.element("NessusClientData_v2"):
            xml.write(policy.element(job), pretty_print=True)
            with xml.element("Report", {"name": job.name}, nsmap={"cm": COMPLIANCE}):
                for index, name in enumerate(names):
                    xml.write(_host(job, name, index), pretty_print=True)


def _host(job: Job, name: str, index: int) -> etree._Element:
    host = etree.Element("ReportHost", {"name": name})
    tags = etree.SubElement(host, "HostProperties")
    for tag, value in hosts.properties(job, name, index).items():
        etree.SubElement(tags, "tag", {"name": tag}).text = value
    for finding in hosts.findings(job, name, index):
        host.append(_item(finding))
    return host


def _item(finding: Finding) -> etree._Element:
    plugin, port = finding.plugin, finding.port
    item = etree.Element(
        "ReportItem",
        {
            "port": str(port.number),
            "svc_name": port.service,
            "protocol": port.protocol,
            "severity": str(int(plugin.severity)),
            "pluginID": str(plugin.id),
            "pluginName": plugin.name,
            "pluginFamily": plugin.family,
        },
    )
    for name, value in _children(finding):
        etree.SubElement(item, name).text = value
    return item


def _children(finding: Finding) -> Iterable[tuple[str, str]]:
    plugin = finding.plugin
    yield from (("cve", cve) for cve in plugin.cves)
    if plugin.score is not None:
        yield "cvss3_base_score", f"{plugin.score:.1f}"
        yield "cvss3_vector", _vector(plugin.severity)
    yield "description", plugin.description
    if plugin.severity > Severity.INFO:
        yield "exploit_available", "true" if plugin.exploit else "false"
    yield "fname", f"simulated_{plugin.id}.nasl"
    yield "plugin_modification_date", "2026/10/05"
    yield "plugin_name", plugin.name
    yield "plugin_publication_date", "2026/03/17"
    yield "plugin_type", plugin.kind
    yield "risk_factor", plugin.severity.risk_factor
    yield "script_version", "1.7"
    if plugin.severity > Severity.INFO:
        yield "see_also", f"https://advisories.example.org/{plugin.id}"
    yield "solution", plugin.solution
    yield "synopsis", plugin.synopsis
    yield "plugin_output", finding.output


def _vector(severity: Severity) -> str:
    impact = {Severity.LOW: "C:L/I:N/A:N", Severity.MEDIUM: "C:L/I:L/A:N"}.get(
        severity, "C:H/I:H/A:H"
    )
    return f"CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/{impact}"
