"""Each endpoint answers in the shape that clients of a real Nessus rely on."""

import re
from typing import Any

import pytest
from tests.integration.simulator.client import ADVANCED, Client, body, fields, with_ssh

from nessus_simulator.running import PASSWORD, USER, Simulator

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)


def test_the_page_script_holds_the_api_token(anonymous: Client) -> None:
    answer = anonymous.ask("GET", "/nessus6.js")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/javascript")
    literal = r'\{key:"getApiToken",value:function\(\)\{return"([^"]+)"\}\}'
    (token,) = re.findall(literal, answer.text)
    assert UUID.fullmatch(token)
    assert len(answer.text) > 50_000


def test_the_api_token_changes_with_a_reinstallation(
    anonymous: Client, simulator: Simulator
) -> None:
    before = anonymous.ask("GET", "/nessus6.js").text
    simulator.control("POST", "/api-token")
    assert anonymous.ask("GET", "/nessus6.js").text != before


def test_a_login_answers_a_token(anonymous: Client) -> None:
    login = {"username": USER, "password": PASSWORD}
    answer = anonymous.ask("POST", "/session", login, headers={"X-API-Token": "any"})
    assert answer.status_code == 200
    assert re.fullmatch("[0-9a-f]{48}", answer.json()["token"])


def test_a_wrong_password_is_refused(anonymous: Client) -> None:
    answer = anonymous.ask("POST", "/session", {"username": "nobody", "password": "wrong"})
    assert (answer.status_code, answer.json()) == (401, {"error": "Invalid Credentials"})


def test_a_session_tells_whose_it_is(session: Client) -> None:
    found = session.get("/session")
    fields(found, "id", "username", "type", "permissions")
    assert found["username"] == USER


def test_a_logout_ends_the_session(session: Client) -> None:
    assert session.ask("DELETE", "/session").content == b""
    assert session.ask("GET", "/scans").status_code == 401


def test_the_server_tells_that_it_is_ready(anonymous: Client) -> None:
    found = anonymous.get("/server/status")
    assert found["status"] == "ready"
    fields(found, "progress", "must_destroy_session", "pluginSet")
    fields(found["detailed_status"], "feed_status", "engine_status", "login_status")


LICENSES = {
    "manager": ("manager", "Nessus Manager", True),
    "professional": ("professional", "Nessus Professional", False),
    "essentials": ("essentials", "Nessus Essentials", False),
}


@pytest.mark.parametrize(("which", "name", "is_open"), LICENSES.values(), ids=LICENSES)
def test_the_server_tells_its_properties(
    which: str, name: str, is_open: bool, api: Client, simulator: Simulator
) -> None:
    simulator.set_license(which)
    found = api.get("/server/properties")
    fields(found, "nessus_type", "nessus_ui_version", "server_version", "uuid")
    fields(found["license"], "restricted", "ips", "activation_code", "expiration_date")
    assert (found["license"]["type"], found["license"]["name"]) == (which, name)
    assert found["license"]["features"] == {"api": True, "scan_api": is_open}
    assert re.fullmatch(r"\d{12}", found["plugin_set"])
    assert found["loaded_plugin_set"] == found["plugin_set"]


def test_without_a_login_the_properties_are_partial(anonymous: Client) -> None:
    found = anonymous.get("/server/properties")["license"]
    assert "features" in found
    assert not {"activation_code", "ips", "expiration_date"} & set(found)


def test_the_scanner_is_listed(api: Client) -> None:
    (scanner,) = api.get("/scanners")["scanners"]
    assert (scanner["id"], scanner["type"], scanner["status"]) == (1, "local", "on")


def test_folders_have_types(api: Client) -> None:
    found = api.get("/folders")["folders"]
    assert {(each["id"], each["type"], each["custom"]) for each in found} >= {
        (2, "trash", 0),
        (3, "main", 0),
    }
    for each in found:
        fields(each, "id", "name", "type", "custom", "unread_count")


def test_folders_are_made_renamed_and_deleted(api: Client) -> None:
    folder = api.do("POST", "/folders", {"name": "Quarterly"})["id"]
    scan = api.create(folder_id=folder)
    api.do("PUT", f"/folders/{folder}", {"name": "Yearly"})
    assert api.ask("POST", "/folders", {"name": "Yearly"}).status_code == 409
    api.do("DELETE", f"/folders/{folder}")
    assert api.get(f"/scans/{scan}")["info"]["folder_id"] == 2
    assert api.ask("DELETE", f"/folders/{folder}").status_code == 404
    assert api.ask("DELETE", "/folders/2").status_code == 403


def test_scans_are_listed(api: Client) -> None:
    scan = api.completed(name="weekly")
    found = api.get("/scans")
    fields(found, "folders", "scans", "timestamp")
    (item,) = found["scans"]
    assert (item["id"], item["name"], item["status"]) == (scan, "weekly", "completed")
    assert (item["owner"], item["folder_id"]) == ("api-1", 3)
    fields(item, "enabled", "control", "type", "read", "shared", "user_permissions")
    fields(item, "creation_date", "last_modification_date", "scan_creation_date")
    fields(item, "starttime", "timezone", "rrules", "live_results")


def test_scans_are_listed_by_folder_and_by_age(api: Client, simulator: Simulator) -> None:
    old = api.completed()
    since = api.get("/scans")["timestamp"]
    new = api.completed()
    trash = api.create()
    api.do("PUT", f"/scans/{trash}/folder", {"folder_id": 2})

    def listed(**query: int) -> list[int]:
        return [each["id"] for each in api.get("/scans", **query)["scans"]]

    assert listed(folder_id=3) == [old, new]
    assert listed(folder_id=2) == [trash]
    assert listed(last_modification_date=since) == [new]
    assert api.ask("GET", "/scans?folder_id=x").status_code == 400


def test_templates_are_listed(api: Client) -> None:
    found = {each["name"]: each for each in api.get("/editor/scan/templates")["templates"]}
    assert found["advanced"]["uuid"] == ADVANCED
    fields(found["advanced"], "title", "desc", "is_agent", "subscription_only")


def test_a_template_is_shown(api: Client) -> None:
    path = f"/editor/scan/templates/{ADVANCED}"
    found = api.get(path)
    fields(found["settings"], "basic", "discovery", "assessment", "report", "advanced")
    assert found["plugins"]["families"] is None
    second = api.ask("GET", path, headers={"X-API-Version": "2"}).json()
    assert second["plugins"]["families"]["General"]["status"] == "enabled"
    assert api.ask("GET", "/editor/scan/templates/nothing").status_code == 404


def test_a_created_scan_is_answered(api: Client) -> None:
    found = api.do("POST", "/scans", body(name="weekly", description="d"))["scan"]
    assert found["uuid"].startswith("template-")
    assert (found["name"], found["status"], found["owner"]) == ("weekly", "empty", "api-1")
    assert (found["permissions"], found["user_permissions"]) == (128, 128)
    fields(found, "type", "read", "shared", "creation_date", "last_modification_date")
    fields(found, "folder_id", "custom_targets")


def test_a_scan_can_be_launched_as_it_is_created(api: Client) -> None:
    found = api.do("POST", "/scans", body(launch_now=True))["scan"]
    assert found["status"] == "pending"


def test_a_scan_is_shown_in_the_editor_and_edited(api: Client) -> None:
    scan = api.create(name="weekly", max_hosts="7", credentials=with_ssh())
    found = api.get(f"/editor/scan/{scan}")
    assert (found["name"], found["uuid"], found["owner"]) == ("weekly", ADVANCED, "api-1")
    (ssh,) = (each for each in found["credentials"]["data"][0]["types"] if each["name"] == "SSH")
    (instance,) = ssh["instances"]
    assert instance["summary"] == "scan-user"

    changed = body(name="daily", credentials={"delete": [instance["id"]]})
    answer = api.do("PUT", f"/scans/{scan}", changed)
    assert (answer["id"], answer["name"]) == (scan, "daily")
    assert api.simulator.state()["scans"][0]["credentials"] == []


def test_an_edit_needs_the_whole_settings(api: Client) -> None:
    scan = api.create()
    assert api.ask("PUT", f"/scans/{scan}", {"folder_id": 2}).status_code == 400


def test_a_scan_is_moved_to_the_trash(api: Client) -> None:
    scan = api.create()
    answer = api.ask("PUT", f"/scans/{scan}/folder", {"folder_id": 2})
    assert (answer.status_code, answer.content) == (200, b"")
    assert api.get("/scans")["scans"][0]["folder_id"] == 2
    assert api.ask("PUT", f"/scans/{scan}/folder", {"folder_id": 77}).status_code == 400


def test_a_launch_answers_the_uuid_of_the_run(api: Client) -> None:
    scan = api.create()
    uuid = api.launch(scan)
    assert UUID.fullmatch(uuid)
    assert api.get(f"/scans/{scan}")["info"]["uuid"] == uuid


def test_other_targets_can_be_launched(api: Client) -> None:
    scan = api.create()
    api.launch(scan, {"alt_targets": ["192.0.2.8", "192.0.2.9"]})
    info = api.get(f"/scans/{scan}")["info"]
    assert (info["targets"], info["alt_targets_used"]) == ("192.0.2.8,192.0.2.9", True)


ACTS = ("stop", "pause")


@pytest.mark.parametrize("act", ACTS)
def test_acts_on_a_running_scan_answer_nothing(act: str, api: Client) -> None:
    scan = api.create()
    api.launch(scan)
    api.simulator.advance(10)
    answer = api.ask("POST", f"/scans/{scan}/{act}", {})
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_scan_is_deleted(api: Client) -> None:
    scan = api.completed()
    answer = api.ask("DELETE", f"/scans/{scan}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert api.ask("DELETE", f"/scans/{scan}").status_code == 404


def test_many_scans_are_deleted_by_numbers_or_text(api: Client) -> None:
    first, second = api.create(), api.create()
    assert api.do("DELETE", "/scans", {"ids": [str(first), second]})["deleted"] == [first, second]
    assert api.get("/scans")["scans"] is None


def test_a_key_is_uploaded_and_used(api: Client) -> None:
    files = {"Filedata": ("id_ed25519", b"geheim")}
    names = [
        api.http.post("/file/upload", data={"no_enc": "0"}, files=files).json()["fileuploaded"]
        for _ in range(2)
    ]
    assert names == ["id_ed25519", "id_ed25519-1"]
    login = {"auth_method": "public key", "private_key": names[1]}
    assert api.create(credentials=with_ssh(**login))
    assert "geheim" not in str(api.simulator.calls())
    assert api.ask("POST", "/file/upload", {"no": "form"}).status_code == 400


NOT_FOUND = {
    "details": ("GET", "/scans/99"),
    "launch": ("POST", "/scans/99/launch"),
    "stop": ("POST", "/scans/99/stop"),
    "pause": ("POST", "/scans/99/pause"),
    "resume": ("POST", "/scans/99/resume"),
    "editor": ("GET", "/editor/scan/99"),
    "export": ("POST", "/scans/99/export"),
    "export status": ("GET", "/scans/99/export/1/status"),
    "host": ("GET", "/scans/99/hosts/1"),
    "delete": ("DELETE", "/scans/99"),
    "an unknown path": ("GET", "/nothing"),
}


@pytest.mark.parametrize(("method", "path"), NOT_FOUND.values(), ids=NOT_FOUND)
def test_what_is_not_there_is_answered_404(method: str, path: str, api: Client) -> None:
    answer = api.ask(method, path, {"format": "nessus"} if path.endswith("export") else None)
    assert answer.status_code == 404
    assert set(answer.json()) == {"error"}


BAD = {
    "no body": None,
    "an unknown template": body() | {"uuid": "nothing"},
    "no name": body(name=""),
    "no targets": body(text_targets=" , "),
    "a target that is none": body(text_targets="192.0.2.300"),
    "an unknown folder": body(folder_id=77),
    "an unknown scanner": body(scanner_id=2),
    "a private key that was not uploaded": body(
        credentials=with_ssh(auth_method="public key", private_key="id_rsa")
    ),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_scan_is_answered_400(bad: dict[str, Any] | None, api: Client) -> None:
    answer = api.ask("POST", "/scans", bad)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert api.get("/scans")["scans"] is None
