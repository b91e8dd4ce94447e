"""Small reports in a line or two: `report(host("192.0.2.1", item(10, severity=4)))`."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lxml import etree

from nessus_operator.api.report import Judge
from nessus_operator.results.fields import CM
from nessus_operator.results.ingest.run import NOT_JUDGED, ingest
from nessus_operator.results.ingest.source import Source
from nessus_operator.results.store import Results, open_results

Child = tuple[str, str | Mapping[str, str]]


def item(
    plugin_id: int = 10,
    *children: Child,
    severity: int = 0,
    port: object = 443,
    name: str | None = None,
    family: str = "General",
    protocol: str = "tcp",
    service: str = "www",
    **texts: str,
) -> etree._Element:
    """A ReportItem. Children are pairs, in order, or keywords; a mapping is attributes."""
    element = etree.Element(
        "ReportItem",
        port=str(port),
        svc_name=service,
        protocol=protocol,
        severity=str(severity),
        pluginID=str(plugin_id),
        pluginName=f"Plugin {plugin_id}" if name is None else name,
        pluginFamily=family,
    )
    for tag, content in (*children, *texts.items()):
        child = etree.SubElement(element, tag.replace("cm:", f"{{{CM}}}"))
        if isinstance(content, str):
            child.text = content
        else:
            child.attrib.update({key: text for key, text in content.items() if key != "#text"})
            child.text = content.get("#text")
    return element


def check(result: str = "FAILED", *children: Child, **keywords: Any) -> etree._Element:
    """A compliance check of the present style."""
    return item(
        21157,
        ("cm:compliance-result", result),
        *children,
        severity={"PASSED": 1, "WARNING": 2, "FAILED": 3}.get(result, 0),
        family="Policy Compliance",
        **keywords,
    )


def host(
    name: str, *items: etree._Element, tags: Mapping[str, str] | None = None
) -> etree._Element:
    """A ReportHost with HostProperties."""
    element = etree.Element("ReportHost", name=name)
    properties = etree.SubElement(element, "HostProperties")
    for key, text in {"host-ip": name, **(tags or {})}.items():
        etree.SubElement(properties, "tag", name=key).text = text
    element.extend(items)
    return element


def report(*hosts: etree._Element, name: str = "weekly") -> bytes:
    """The XML of a report, with a small Policy before it."""
    root = etree.Element("NessusClientData_v2")
    policy = etree.SubElement(root, "Policy")
    etree.SubElement(policy, "policyName").text = "Advanced"
    found = etree.SubElement(root, "Report", name=name, nsmap={"cm": CM})
    found.extend(hosts)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def stored(
    folder: Path, hosts: Iterable[etree._Element], *, judge: Judge = NOT_JUDGED, **opening: Any
) -> Results:
    """The report of these hosts, ingested into `folder` and opened."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "report.nessus"
    path.write_bytes(report(*hosts))
    ingest(Source(path), folder, judge=judge)
    return open_results(folder, **opening)
