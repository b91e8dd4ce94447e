"""What surprises clients of a real Nessus surprises them here too."""

import itertools
from typing import Any

import httpx2
import pytest
from lxml import etree
from tests.integration.simulator.client import Client, body, http_client, log_in, with_ssh

from nessus_simulator.running import PASSWORD, USER, start_simulator


def page_token(client: Client) -> str:
    text = client.ask("GET", "/nessus6.js").text
    return text.split('getApiToken",value:function(){return"')[1].split('"')[0]


def hosts_in(report: bytes) -> list[str]:
    return [host.get("name", "") for host in etree.fromstring(report).iter("ReportHost")]


def test_lists_that_would_be_empty_are_null(api: Client) -> None:
    assert api.get("/scans")["scans"] is None
    found = api.get(f"/scans/{api.create()}")
    assert (found["hosts"], found["vulnerabilities"], found["history"]) == (None, None, None)


def test_a_scan_that_never_ran_has_neither_uuid_nor_date(api: Client) -> None:
    api.create()
    (item,) = api.get("/scans")["scans"]
    assert (item["status"], item["uuid"], item["last_modification_date"]) == ("empty", None, 0)


def test_hosts_are_null_until_one_is_found(api: Client) -> None:
    scan = api.create()
    api.launch(scan)
    assert api.status(scan) == "pending"
    api.simulator.advance(3)
    assert api.get(f"/scans/{scan}")["hosts"] is None
    api.simulator.advance(5)
    assert len(api.get(f"/scans/{scan}")["hosts"]) == 1


def test_names_are_not_unique_and_numbers_rise(api: Client) -> None:
    first, second = api.create(name="weekly"), api.create(name="weekly")
    api.do("DELETE", f"/scans/{second}")
    assert api.create(name="weekly") > second > first


def test_the_uuid_changes_with_every_run(api: Client) -> None:
    scan = api.completed()
    first = api.get(f"/scans/{scan}")["info"]["uuid"]
    assert api.launch(scan) != first
    assert len(api.get(f"/scans/{scan}")["history"]) == 2


def test_the_progress_can_fall_when_a_host_appears(api: Client) -> None:
    scan = api.create()
    api.launch(scan)
    api.simulator.advance(1)
    averages = []
    for _ in range(14):
        api.simulator.advance(1)
        hosts = api.get(f"/scans/{scan}")["hosts"] or []
        if hosts:
            averages.append(sum(host["scanprogresscurrent"] for host in hosts) / len(hosts))
    assert any(later < earlier for earlier, later in itertools.pairwise(averages))


def test_a_stop_is_asynchronous_and_keeps_what_was_done(api: Client) -> None:
    scan = api.create(text_targets="192.0.2.1-192.0.2.4")
    api.launch(scan)
    api.simulator.advance(130)
    api.do("POST", f"/scans/{scan}/stop", {})
    assert api.status(scan) == "stopping"
    api.simulator.advance(5)
    assert api.status(scan) == "canceled"
    assert hosts_in(api.export(scan)) == ["192.0.2.1", "192.0.2.2"]


def test_a_pause_is_asynchronous_and_a_resume_too(api: Client) -> None:
    scan = api.create()
    api.launch(scan)
    api.simulator.advance(10)
    words = []
    for act in ("pause", "resume"):
        api.do("POST", f"/scans/{scan}/{act}", {})
        words.append(api.status(scan))
        api.simulator.advance(3)
        words.append(api.status(scan))
    assert words == ["pausing", "paused", "resuming", "running"]


CONFLICTS = {
    "launching": ("POST", "/launch"),
    "editing": ("PUT", ""),
    "deleting": ("DELETE", ""),
    "resuming": ("POST", "/resume"),
}


@pytest.mark.parametrize(("method", "act"), CONFLICTS.values(), ids=CONFLICTS)
def test_a_running_scan_conflicts_with(method: str, act: str, api: Client) -> None:
    scan = api.create()
    uuid = api.launch(scan)
    api.simulator.advance(10)
    answer = api.ask(method, f"/scans/{scan}{act}", body() if method == "PUT" else None)
    assert answer.status_code == 409
    assert api.get(f"/scans/{scan}")["info"]["uuid"] == uuid


@pytest.mark.parametrize("act", ["stop", "pause", "resume"])
def test_a_scan_that_does_not_run_conflicts_with(act: str, api: Client) -> None:
    assert api.ask("POST", f"/scans/{api.create()}/{act}", {}).status_code == 409
    assert api.ask("POST", f"/scans/{api.completed()}/{act}", {}).status_code == 409


def test_of_many_scans_none_is_deleted_when_one_runs(api: Client) -> None:
    idle, busy = api.create(), api.create()
    api.launch(busy)
    assert api.ask("DELETE", "/scans", {"ids": [idle, busy]}).status_code == 409
    assert len(api.get("/scans")["scans"]) == 2


def test_results_are_exported_only_when_there_are_any(api: Client) -> None:
    scan = api.create()
    ask = ("POST", f"/scans/{scan}/export", {"format": "nessus"})
    assert api.ask(*ask).status_code == 404
    api.launch(scan)
    assert api.ask(*ask).status_code == 409


def test_targets_that_nobody_answers_for_give_a_report_without_hosts(api: Client) -> None:
    scan = api.completed(text_targets="gone.invalid")
    found = api.get(f"/scans/{scan}")
    assert (found["info"]["status"], found["hosts"]) == ("completed", None)
    assert hosts_in(api.export(scan)) == []


def test_settings_without_a_port_scanner_find_no_port(api: Client) -> None:
    scan = api.completed(syn_scanner="no")
    seen = {each["plugin_id"] for each in api.get(f"/scans/{scan}")["vulnerabilities"]}
    assert 19506 in seen
    assert 11219 not in seen


HOST_LOGINS = {
    "success": ("true", {141118, 110095}),
    "partial": ("true", {141118, 110385}),
    "failed": ("false", {104410, 21745}),
}


@pytest.mark.parametrize("outcome", HOST_LOGINS)
def test_targets_take_credentials_as_they_are_told_to(outcome: str, api: Client) -> None:
    tag, plugins = HOST_LOGINS[outcome]
    api.simulator.control("PUT", "/host-login", {"host_login": outcome})
    scan = api.completed(credentials=with_ssh())
    found = api.get(f"/scans/{scan}")
    assert {host["credential"] for host in found["hosts"]} == {tag}
    assert plugins <= {each["plugin_id"] for each in found["vulnerabilities"]}


def test_secrets_are_nowhere_to_be_seen(api: Client) -> None:
    scan = api.completed(credentials=with_ssh(escalation_password="geheim", hush="geheim"))
    seen = (
        str(api.simulator.calls()),
        str(api.simulator.state()),
        str(api.get(f"/editor/scan/{scan}")),
        str(api.get(f"/scans/{scan}")),
        api.export(scan).decode(),
    )
    assert [text for text in seen if "geheim" in text] == []
    assert "scan-user" in seen[-1]


WRITES: dict[str, tuple[str, str, Any]] = {
    "create": ("POST", "/scans", body()),
    "edit": ("PUT", "/scans/{scan}", body()),
    "launch": ("POST", "/scans/{scan}/launch", {}),
    "move": ("PUT", "/scans/{scan}/folder", {"folder_id": 2}),
    "stop": ("POST", "/scans/{scan}/stop", {}),
    "delete": ("DELETE", "/scans/{scan}", None),
    "delete many": ("DELETE", "/scans", {"ids": []}),
}


@pytest.mark.parametrize("which", ["professional", "essentials"])
@pytest.mark.parametrize("write", WRITES)
def test_without_the_scan_api_writes_are_answered_412(
    write: str, which: str, api: Client, session: Client
) -> None:
    scan = api.completed()
    api.simulator.set_license(which)
    method, path, json = WRITES[write]
    for client in (api, session):
        answer = client.ask(method, path.format(scan=scan), json)
        assert answer.status_code == 412
        assert answer.content == b'{"error":"API is not available"}'
    assert api.status(scan) == "completed"


def test_without_the_scan_api_everything_can_be_read(api: Client) -> None:
    scan = api.completed()
    api.simulator.set_license("essentials")
    assert api.get(f"/scans/{scan}")["info"]["status"] == "completed"
    assert api.get("/editor/scan/templates")
    assert hosts_in(api.export(scan)) == ["192.0.2.1", "192.0.2.2"]


def test_the_web_page_writes_under_every_licence(session: Client) -> None:
    session.simulator.set_license("essentials")
    token = page_token(session)
    session.http.headers["X-API-Token"] = token
    scan = session.completed()
    session.http.headers["X-API-Token"] = token[::-1]
    assert session.ask("DELETE", f"/scans/{scan}").status_code == 412
    session.http.headers["X-API-Token"] = token
    session.simulator.control("POST", "/api-token")
    assert session.ask("DELETE", f"/scans/{scan}").status_code == 412
    session.http.headers["X-API-Token"] = page_token(session)
    session.do("DELETE", f"/scans/{scan}")


def test_a_refusal_can_end_before_its_body(api: Client) -> None:
    api.simulator.set_license("essentials", drop_refusals=True)
    with api.http.stream("POST", "/scans", json=body()) as answer:
        assert (answer.status_code, answer.headers["Content-Length"]) == (412, "32")
        assert answer.headers["Connection"] == "close"
        with pytest.raises(httpx2.RemoteProtocolError, match="received 0 bytes, expected 32"):
            answer.read()
    assert api.get("/scans")["scans"] is None


def test_an_idle_session_expires(session: Client) -> None:
    session.simulator.advance(1700)
    session.get("/scans")
    session.simulator.advance(1700)
    session.get("/scans")
    session.simulator.advance(1900)
    answer = session.ask("GET", "/scans")
    assert (answer.status_code, answer.json()) == (401, {"error": "Invalid Credentials"})


def test_sessions_can_be_ended_from_outside(session: Client) -> None:
    session.simulator.control("DELETE", "/sessions")
    assert session.ask("GET", "/scans").status_code == 401


def test_accounts_see_the_scans_of_others_with_their_owner(api: Client, session: Client) -> None:
    session.create(name="theirs")
    api.create(name="ours")
    owners = {each["name"]: each["owner"] for each in api.get("/scans")["scans"]}
    assert owners == {"theirs": USER, "ours": "api-1"}


def test_wrong_passwords_lock_the_account() -> None:
    with (
        start_simulator() as simulator,
        http_client(simulator, {}) as http,
    ):
        for password in ("wrong",) * 5 + (PASSWORD,):
            answer = http.post("/session", json={"username": USER, "password": password})
            assert answer.status_code == 401
        assert simulator.state()["locked_accounts"] == [USER]


def test_while_plugins_load_only_the_status_is_told() -> None:
    with (
        start_simulator("--loading-seconds", "600") as simulator,
        http_client(simulator, {}) as http,
    ):
        simulator.advance(300)
        found = http.get("/server/status").json()
        assert (found["status"], 40 < found["progress"] < 60) == ("loading", True)
        assert http.get("/server/properties").json()["loaded_plugin_set"] is None
        assert http.get("/scans").status_code == 503
        simulator.advance(300)
        assert http.get("/server/status").json()["status"] == "ready"
        assert log_in(simulator)


def test_a_scan_can_be_lost(api: Client) -> None:
    scan = api.create()
    api.launch(scan)
    api.simulator.lose_scan(scan)
    assert api.ask("GET", f"/scans/{scan}").status_code == 404
    assert api.get("/scans")["scans"] is None


def test_a_run_can_be_aborted_and_keeps_what_was_done(api: Client) -> None:
    scan = api.create()
    api.launch(scan)
    api.simulator.advance(70)
    api.simulator.abort_scan(scan)
    assert api.status(scan) == "aborted"
    assert hosts_in(api.export(scan)) == ["192.0.2.1"]
    with pytest.raises(RuntimeError, match="409"):
        api.simulator.abort_scan(scan)


def test_answers_come_from_something_that_looks_like_nessus(anonymous: Client) -> None:
    assert anonymous.ask("GET", "/server/status").headers["Server"] == "NessusWWW"
