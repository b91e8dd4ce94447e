from typing import Any

import pytest

from nessus_operator.clients.errors import Rejected
from nessus_operator.clients.scanners.nessus import templates
from nessus_operator.clients.scanners.protocol import ScanRequest

UUID = "ad629e16-03b6-8c1d-cef6-ef8c9dd3c658d24bd260ef5f9e66"


def an_input(setting: str, default: Any = None) -> dict[str, Any]:
    return {"id": setting, "name": setting, "type": "entry", "default": default}


def a_document(**changes: Any) -> dict[str, Any]:
    """An editor document with inputs at every depth where Nessus puts them."""
    ports = {"name": "ports", "inputs": [an_input("portscan_range", "default")]}
    radio = {
        "id": "network_type",
        "default": "Mixed",
        "options": [{"name": "Private", "inputs": [an_input("lan", "yes")]}, {"id": "x"}],
    }
    settings = {
        "basic": {
            "inputs": [an_input("name", "of the template"), an_input("scanner_id", 4)],
            "groups": [{"name": "schedule", "inputs": [an_input("starttime", "20260101T000000")]}],
        },
        "discovery": {
            "inputs": None,
            "groups": [{"inputs": [an_input("icmp_ping", "yes")], "sections": [ports]}],
            "sections": [{"inputs": [radio, an_input("syn_scanner", "yes")]}],
        },
        "report": {"inputs": [an_input("log_live_hosts", "no"), an_input("empty", None)]},
        **changes,
    }
    ssh = {"name": "SSH", "settings": [an_input("ssh_port", "22")], "inputs": [an_input("u", "x")]}
    return {"uuid": UUID, "settings": settings, "credentials": {"data": [{"types": [ssh]}]}}


def request(**changes: Any) -> ScanRequest:
    given = {"name": "weekly [t-1]", "targets": ("192.0.2.1", "192.0.2.2")}
    return ScanRequest(**{**given, **changes})


def settings_of(document: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return templates.creation(request(**changes), UUID, document, 3)["settings"]


def test_the_templates_own_settings_are_kept() -> None:
    sent = settings_of(a_document())
    assert sent["syn_scanner"] == "yes", "a scan without a port scanner finds next to nothing"
    assert sent["portscan_range"] == "default"
    assert sent["icmp_ping"] == "yes"
    assert sent["network_type"] == "Mixed"
    assert sent["lan"] == "yes"
    assert sent["log_live_hosts"] == "no"
    assert sent["ssh_port"] == "22"


def test_what_has_no_default_is_left_out() -> None:
    assert "empty" not in settings_of(a_document())


def test_who_what_and_when_is_ours() -> None:
    sent = settings_of(a_document(), description="for audit")
    assert sent["name"] == "weekly [t-1]"
    assert sent["description"] == "for audit"
    assert sent["text_targets"] == "192.0.2.1,192.0.2.2"
    assert sent["folder_id"] == 3
    assert sent["scanner_id"] == 4


def test_nessus_never_launches_it_by_itself() -> None:
    sent = settings_of(a_document())
    assert sent["launch_now"] is False
    assert sent["enabled"] is False
    assert "starttime" not in sent


@pytest.mark.parametrize("basic", [None, {}, {"inputs": None}, {"inputs": [an_input("name")]}])
def test_a_template_that_names_no_scanner_means_the_local_one(basic: object) -> None:
    assert settings_of(a_document(basic=basic))["scanner_id"] == 1


def test_without_a_known_folder_nessus_chooses() -> None:
    body = templates.creation(request(), UUID, a_document(), None)
    assert "folder_id" not in body["settings"]


def test_credentials_are_added_as_they_are() -> None:
    login = {"Host": {"SSH": [{"auth_method": "password", "username": "bob"}]}}
    body = templates.creation(request(credentials=login), UUID, a_document(), 3)
    assert body["credentials"] == {"add": login, "edit": {}, "delete": []}


def test_without_credentials_none_are_mentioned() -> None:
    assert "credentials" not in templates.creation(request(), UUID, a_document(), 3)


def test_a_port_range_replaces_the_default() -> None:
    assert settings_of(a_document(), port_range="1-1024")["portscan_range"] == "1-1024"


def test_a_template_without_a_port_range_cannot_take_one() -> None:
    with pytest.raises(Rejected, match="template discovery has no port range"):
        settings_of(a_document(discovery={}), template="discovery", port_range="22")


def with_modes(*options: object) -> dict[str, Any]:
    modes = {"id": "discovery_mode", "default": "Port scan (common ports)", "options": [*options]}
    section = {"inputs": [an_input("portscan_range", "default")], "modes": modes}
    return a_document(discovery=section)


def test_the_templates_scan_type_is_kept() -> None:
    sent = settings_of(with_modes({"name": "Custom"}))
    assert sent["discovery_mode"] == "Port scan (common ports)"


@pytest.mark.parametrize("option", [{"name": "Custom", "inputs": None}, "Custom"])
def test_a_port_range_needs_the_custom_scan_type_where_there_is_one(option: object) -> None:
    sent = settings_of(with_modes({"name": "Port scan (all ports)"}, option), port_range="22")
    assert sent["discovery_mode"] == "Custom"
    assert sent["portscan_range"] == "22"


def test_without_a_custom_scan_type_the_choice_stays() -> None:
    sent = settings_of(with_modes(), port_range="22")
    assert sent["discovery_mode"] == "Port scan (common ports)"


def test_what_only_describes_the_choices_is_no_setting() -> None:
    option = {"name": "Custom", "inputs": [an_input("described", "no setting")]}
    assert "described" not in settings_of(with_modes(option))


@pytest.mark.parametrize("settings", [None, [], "x", {"discovery": [7]}, {"discovery": None}])
def test_an_odd_document_still_makes_a_scan(settings: object) -> None:
    body = templates.creation(request(), UUID, {"settings": settings, "credentials": 7}, 3)
    assert body["settings"]["text_targets"] == "192.0.2.1,192.0.2.2"


def test_endless_depth_does_no_harm() -> None:
    deep: dict[str, Any] = an_input("at_the_bottom", "found")
    for _ in range(50_000):
        deep = {"sections": [deep]}
    assert templates.defaults(deep) == {"at_the_bottom": "found"}


OFFERS = {
    "a template": ({"name": "advanced", "uuid": UUID}, {"advanced": UUID}),
    "one for agents": ({"name": "agent_advanced", "uuid": UUID, "is_agent": True}, {}),
    "one without a name": ({"uuid": UUID}, {}),
    "one without a uuid": ({"name": "advanced"}, {}),
    "one whose uuid leads elsewhere": ({"name": "advanced", "uuid": "../../session"}, {}),
}


@pytest.mark.parametrize(("offer", "expected"), OFFERS.values(), ids=OFFERS)
def test_offered(offer: dict[str, Any], expected: dict[str, str]) -> None:
    assert templates.uuids([offer]) == expected


def test_an_unknown_template_names_the_known_ones() -> None:
    text = str(templates.unknown("advnced", ["basic", "advanced"]))
    assert text == "the scanner has no template advnced; it has: advanced, basic"


def test_a_message_about_many_templates_stays_short() -> None:
    many = [f"template-{number:02}" for number in range(60)]
    assert len(str(templates.unknown("x" * 64, many))) <= 256
