"""Templates have the shape of Nessus' editor documents, with defaults to build a scan on."""

from collections.abc import Iterator
from typing import Any

import pytest

from nessus_simulator import editor
from nessus_simulator.credentials import Credential
from nessus_simulator.templates import TEMPLATES, Template, find, summary

BY_NAME = {template.name: template for template in TEMPLATES}


def inputs(node: Any) -> Iterator[dict[str, Any]]:
    """Every input at any depth, as a client has to look for them."""
    yield from node.get("inputs") or ()
    for part in (*(node.get("groups") or ()), *(node.get("sections") or ())):
        yield from inputs(part)


def defaults(document: dict[str, Any]) -> dict[str, Any]:
    sections = document["settings"].values()
    return {each["id"]: each["default"] for section in sections for each in inputs(section)}


def test_the_documented_templates_are_there() -> None:
    assert BY_NAME["advanced"].uuid == "ad629e16-03b6-8c1d-cef6-ef8c9dd3c658d24bd260ef5f9e66"
    assert BY_NAME["basic"].uuid == "731a8e52-3ea6-a291-ec0a-d2ff0619c19d7bd788d6be818b65"
    assert {"advanced", "basic", "discovery"} <= set(BY_NAME)


def test_templates_are_found_by_uuid_alone() -> None:
    assert find(BY_NAME["basic"].uuid) is BY_NAME["basic"]
    assert find("basic") is None


@pytest.mark.parametrize("template", TEMPLATES, ids=BY_NAME)
def test_a_summary_has_the_fields_of_the_list(template: Template) -> None:
    fields = {"uuid", "name", "title", "desc", "is_agent", "subscription_only"}
    assert fields <= set(summary(template))


@pytest.mark.parametrize("template", TEMPLATES, ids=BY_NAME)
def test_a_template_has_every_section_and_a_port_scanner(template: Template) -> None:
    document = editor.document(template, {}, with_families=False)
    assert set(document["settings"]) == {"basic", "discovery", "assessment", "report", "advanced"}
    found = defaults(document)
    assert found["portscan_range"] == template.port_range
    assert found["syn_scanner"] == "yes"
    assert {"name", "text_targets", "folder_id", "scanner_id", "max_hosts"} <= set(found)


def test_the_documents_of_scans_hold_their_own_settings() -> None:
    document = editor.document(BY_NAME["advanced"], {"max_hosts": "7"}, with_families=False)
    assert defaults(document)["max_hosts"] == "7"


def test_plugin_families_come_only_with_version_2() -> None:
    template = BY_NAME["advanced"]
    assert editor.document(template, {}, with_families=False)["plugins"]["families"] is None
    families = editor.document(template, {}, with_families=True)["plugins"]["families"]
    assert families["General"]["status"] == "enabled"


def ssh_type(*credentials: Credential) -> dict[str, Any]:
    document = editor.document(BY_NAME["advanced"], {}, credentials, with_families=False)
    (host,) = document["credentials"]["data"]
    found: dict[str, Any] = next(each for each in host["types"] if each["name"] == "SSH")
    return found


def test_ssh_offers_every_method_and_every_elevation() -> None:
    (method,) = ssh_type()["inputs"]
    options = {option["name"]: option["inputs"] for option in method["options"]}
    assert set(options) == {"password", "public key", "certificate", "Kerberos"}
    elevate = options["password"][-1]
    assert {option["name"] for option in elevate["options"]} == {
        "Nothing",
        "sudo",
        "su",
        "su+sudo",
        "pbrun",
        "dzdo",
        ".k5login",
        "Cisco 'enable'",
        "Checkpoint Gaia 'expert'",
    }


def test_instances_are_shown_masked() -> None:
    credential = Credential(3, "Host", "SSH", {"username": "scan", "password": "********"})
    (instance,) = ssh_type(credential)["instances"]
    assert (instance["id"], instance["summary"]) == (3, "scan")
    assert {"id": "password", "default": "********"} in instance["inputs"]


def test_there_are_no_instances_rather_than_an_empty_list() -> None:
    assert ssh_type()["instances"] is None
