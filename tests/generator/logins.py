"""What status plugins say on a host, by how the login went."""

import random

from tests.generator.text import escape

STATES = ("success", "partial", "failed", "not_applicable", "agent")
_MIX = (45, 15, 15, 20, 5)
# What core.authentication should make of each state.
VERDICTS = {
    "success": "Success",
    "partial": "Partial",
    "failed": "Failed",
    "not_applicable": "NotApplicable",
    "agent": "Success",
}

_CREDENTIAL = "Target Credential Status by Authentication Protocol"
_ISSUES = "Target Credential Issues by Authentication Protocol"
_PATCHES = "OS Security Patch Assessment"


def choose(source: random.Random) -> str:
    return source.choices(STATES, _MIX)[0]


def status_items(state: str, windows: bool, scan_name: str) -> list[str]:
    """The items of one host, the scan information first."""
    protocol, port = ("SMB", 445) if windows else ("SSH", 22)
    found = [_scan_information(state, windows, scan_name, protocol)]
    account = f"User: 'scanner'\nPort: {port}\nProto: {protocol}\n"
    if state in ("success", "partial"):
        said = f"The login to the remote host worked :\n\n{account}"
        found.append(_item(141118, f"{_CREDENTIAL} - Valid Credentials Provided", said, port))
    if state in ("success", "partial", "agent"):
        means = "LOCAL" if state == "agent" else protocol
        said = f"Patch levels can be read.\n\nAccount  : scanner\nProtocol : {means}\n"
        found.append(_item(117887, f"{_PATCHES} Available", said))
    if state in ("success", "agent"):
        found.append(_item(110095, f"{_ISSUES} - No Issues Found", "No issue was met.\n", port))
    if state == "partial":
        said = f"The account lacks rights.\n\n{account}"
        found.append(_item(110385, f"{_ISSUES} - Insufficient Privilege", said, port))
    if state == "failed":
        said = f"No login worked.\n\n  Protocol : {protocol}\n  - Message : bad password\n"
        found.append(_item(104410, f"{_CREDENTIAL} - Failure for Provided Credentials", said, port))
    if state == "not_applicable":
        said = f"{protocol} was found on port {port}, but no credentials were given.\n"
        found.append(_item(110723, f"{_CREDENTIAL} - No Credentials Provided", said, port))
    return found


def _scan_information(state: str, windows: bool, scan_name: str, protocol: str) -> str:
    scan_type = "Normal"
    if state == "agent":
        scan_type = "Windows Agent" if windows else "Unix Agent"
    logged_in = state in ("success", "partial")
    checks = f"yes, as 'scanner' via {protocol.lower()}" if logged_in else "no"
    lines = (
        "Information about this scan : ",
        "",
        "Nessus version : 10.8.3",
        "Plugin feed version : 202511010900",
        "Scanner edition used : Nessus",
        f"Scan type : {scan_type}",
        f"Scan name : {scan_name}",
        "Scan policy used : Advanced Scan",
        f"Scanner IP : {'127.0.0.1' if state == 'agent' else '192.0.2.10'}",
        "Port scanner(s) : nessus_syn_scanner ",
        "Port range : default",
        "Thorough tests : no",
        "Safe checks : yes",
        f"Credentialed checks : {'yes' if state == 'agent' else checks}",
        "Max hosts : 100",
        "Scan Start Date : 2025/11/7 13:28 UTC",
        "Scan duration : 612 sec",
        "",
    )
    return _item(19506, "Nessus Scan Information", "\n".join(lines))


def _item(plugin: int, name: str, output: str, port: int = 0) -> str:
    service = {445: "cifs", 22: "ssh"}.get(port, "general")
    return (
        f'<ReportItem port="{port}" svc_name="{service}" protocol="tcp" severity="0" '
        f'pluginID="{plugin}" pluginName="{name}" pluginFamily="Settings">\n'
        f"<description>Made-up text for plugin {plugin}.</description>\n"
        f"<plugin_name>{name}</plugin_name>\n<plugin_type>summary</plugin_type>\n"
        f"<risk_factor>None</risk_factor>\n<solution>n/a</solution>\n"
        f"<synopsis>What is known of logins and of the scan.</synopsis>\n"
        f"<plugin_output>{escape(output)}</plugin_output>\n</ReportItem>\n"
    )
