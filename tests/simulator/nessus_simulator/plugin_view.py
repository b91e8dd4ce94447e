"""One plugin on one host, as GET /scans/{id}/hosts/{host_id}/plugins/{plugin_id} shows it."""

from collections.abc import Sequence
from typing import Any

from nessus_simulator.report.survey import Output

Json = dict[str, Any]

REFERENCES = ("bid", "cve", "cwe", "xref")


def plugin_details(items: Sequence[Output]) -> Json:
    """Of the ReportItems of that plugin on that host, of which there is at least one."""
    attributes = items[0].attributes
    return {
        "outputs": [_output(item) for item in items],
        "info": {
            "plugindescription": {
                "pluginid": attributes.get("pluginID"),
                "pluginname": attributes.get("pluginName"),
                "pluginfamily": attributes.get("pluginFamily"),
                "severity": _severity(items[0]),
                "pluginattributes": _attributes(items[0]),
            }
        },
    }


def _output(item: Output) -> Json:
    attributes = item.attributes
    port = " / ".join(attributes.get(name, "") for name in ("port", "protocol", "svc_name"))
    return {
        "plugin_output": _first(item, "plugin_output"),
        "ports": {port: []},
        "hosts": None,
        "severity": _severity(item),
        "has_attachment": 0,
        "custom_description": None,
    }


def _attributes(item: Output) -> Json:
    names = {name: item.children[name] for name in REFERENCES if name in item.children}
    return {
        "synopsis": _first(item, "synopsis"),
        "description": _first(item, "description"),
        "solution": _first(item, "solution"),
        "see_also": (_first(item, "see_also") or "").splitlines() or None,
        "fname": _first(item, "fname"),
        "plugin_name": item.attributes.get("pluginName"),
        "risk_information": _group(
            item, "risk_factor", "cvss_base_score", "cvss3_base_score", "cvss3_vector"
        ),
        "vuln_information": _group(item, "exploit_available", "cpe", "vuln_publication_date"),
        "plugin_information": _group(
            item, "plugin_type", "plugin_publication_date", "plugin_modification_date"
        )
        | {
            "plugin_id": item.attributes.get("pluginID"),
            "plugin_family": item.attributes.get("pluginFamily"),
            "plugin_version": _first(item, "script_version"),
        },
        "ref_information": {
            "ref": [
                {"name": name, "values": {"value": list(values)}} for name, values in names.items()
            ]
            or None
        },
    }


def _group(item: Output, *names: str) -> Json:
    return {name: _first(item, name) for name in names if name in item.children}


def _first(item: Output, name: str) -> str | None:
    return item.children.get(name, (None,))[0]


def _severity(item: Output) -> int:
    text = item.attributes.get("severity", "0")
    return int(text) if text.isdecimal() else 0
