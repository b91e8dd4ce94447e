"""Editor documents of templates and scans: sections of inputs with their values.

The shape is Nessus': inputs stand at any depth (section, group, section of a group), and a list
that would be empty is null.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nessus_simulator import credential_form
from nessus_simulator.credentials import Credential
from nessus_simulator.templates import Template

Json = dict[str, Any]
Fill = Callable[[str, str, str, Any], Json]

FAMILIES = ("Databases", "General", "Misc.", "Service detection", "Settings", "Web Servers")


def document(
    template: Template,
    values: Mapping[str, Any],
    credentials: Sequence[Credential] = (),
    *,
    with_families: bool,
) -> Json:
    """The editor document of a template (`values` empty) or of a scan (its flat settings).

    Plugin families come only to clients that ask for version 2 of the API.
    """
    families = {
        name: {"id": number, "count": 100 + number, "status": "enabled"}
        for number, name in enumerate(FAMILIES, start=1)
    }
    return {
        "uuid": template.uuid,
        "name": template.name,
        "title": template.title,
        "is_agent": None,
        "is_was": None,
        "user_permissions": 128,
        "filter_attributes": None,
        "settings": _sections(template, values),
        "credentials": {"data": credential_form.categories(credentials)},
        "plugins": {"families": families if with_families else None},
        "compliance": {"data": None},
    }


def _sections(template: Template, values: Mapping[str, Any]) -> Json:
    def fill(kind: str, name: str, label: str, default: Any) -> Json:
        return {"id": name, "type": kind, "name": label, "default": values.get(name, default)}

    return {
        "basic": _basic(fill),
        "discovery": _discovery(fill, template.port_range),
        "assessment": _section(
            "Assessment", [fill("checkbox", "safe_checks", "Enable safe checks", "yes")]
        ),
        "report": _section(
            "Report", [fill("checkbox", "allow_post_scan_editing", "Results can be edited", "yes")]
        ),
        "advanced": _advanced(fill),
    }


def _basic(fill: Fill) -> Json:
    inputs = [
        fill("entry", "name", "Name", ""),
        fill("textarea", "description", "Description", None),
        fill("ui_select", "folder_id", "Folder", 3),
        fill("ui_select", "scanner_id", "Scanner", 1),
        fill("textarea", "text_targets", "Targets", None),
        fill("file", "file_targets", "Upload targets", None),
    ]
    schedule = _section("Schedule", None) | {
        "enabled": False,
        "rrules": None,
        "timezone": None,
        "starttime": None,
    }
    email = _section("Email", None) | {"emails": None, "filters": None, "filter_type": None}
    return _section("Basic", inputs) | {"groups": [schedule, email]}


def _discovery(fill: Fill, port_range: str) -> Json:
    ping = [
        fill("checkbox", "ping_the_remote_host", "Ping the remote host", "yes"),
        fill("checkbox", "icmp_ping", "ICMP", "yes"),
    ]
    ports = [
        fill("entry", "portscan_range", "Port scan range", port_range),
        fill("checkbox", "unscanned_closed", "Consider unscanned ports as closed", "no"),
    ]
    scanners = [
        fill("checkbox", "syn_scanner", "SYN", "yes"),
        fill("checkbox", "tcp_scanner", "TCP", "no"),
        fill("checkbox", "udp_scanner", "UDP", "no"),
    ]
    scanning = [_section("Ports", ports), _section("Network Port Scanners", scanners)]
    mode = fill("ui_radio", "discovery_mode", "Scan type", "Port scan (common ports)")
    return _section("Discovery", None) | {
        "groups": [
            _section("Host Discovery", ping),
            _section("Port Scanning", None) | {"sections": scanning},
        ],
        "modes": mode | {"options": None},
    }


def _advanced(fill: Fill) -> Json:
    performance = [
        fill("entry", "max_checks", "Simultaneous checks per host", "5"),
        fill("entry", "max_hosts", "Simultaneous hosts per scan", "100"),
        fill("entry", "network_receive_timeout", "Network timeout (seconds)", "5"),
    ]
    return _section("Advanced", None) | {"groups": [_section("Performance", performance)]}


def _section(title: str, inputs: list[Json] | None) -> Json:
    name = title.lower().replace(" ", "_")
    return {"name": name, "title": title, "inputs": inputs, "groups": None, "sections": None}
