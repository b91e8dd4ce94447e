"""The Policy part of a generated report, with a password among its preferences.

Real reports carry such values, so whoever stores one must blank them. The password is this
constant and never one that a client sent: tests look for it in what they stored.
"""

from lxml import etree

from nessus_simulator.report.hosts import Job

PASSWORD = "a-password-in-the-policy"


def element(job: Job) -> etree._Element:
    policy = etree.Element("Policy")
    _text(policy, "policyName", job.policy)
    preferences = etree.SubElement(policy, "Preferences")
    _server(etree.SubElement(preferences, "ServerPreferences"), job)
    plugins = etree.SubElement(preferences, "PluginsPreferences")
    _preference(plugins, "entry", "SSH user name :", job.user or "")
    _preference(plugins, "password", "SSH password (unsafe!) :", PASSWORD)
    families = etree.SubElement(policy, "FamilySelection")
    for name in ("Databases", "General", "Misc.", "Settings", "Web Servers"):
        family = etree.SubElement(families, "FamilyItem")
        _text(family, "FamilyName", name)
        _text(family, "Status", "enabled")
    etree.SubElement(policy, "IndividualPluginSelection")
    return policy


def _server(parent: etree._Element, job: Job) -> None:
    values = {
        "max_hosts": "100",
        "max_checks": "5",
        "port_range": job.port_range or "",
        "safe_checks": "yes",
        "plugin_set": ";".join(str(number) for number in range(900001, 900600)),
        "scan_description": job.name,
    }
    for name, value in values.items():
        preference = etree.SubElement(parent, "preference")
        _text(preference, "name", name)
        _text(preference, "value", value)


def _preference(parent: etree._Element, kind: str, name: str, value: str) -> None:
    item = etree.SubElement(parent, "item")
    for tag, text in (
        ("pluginName", "SSH settings"),
        ("pluginId", "14273"),
        ("fullName", f"SSH settings[{kind}]:{name}"),
        ("preferenceName", name),
        ("preferenceType", kind),
        ("preferenceValues", ""),
        ("selectedValue", value),
    ):
        _text(item, tag, text)


def _text(parent: etree._Element, tag: str, text: str) -> None:
    etree.SubElement(parent, tag).text = text
