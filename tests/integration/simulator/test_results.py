"""What a scan found is shown and exported in the shape of a real Nessus."""

import re

import pytest
from tests.integration.simulator.client import Client, fields, with_ssh

from nessus_simulator.report import policy


def test_the_details_of_a_scan_that_has_run(api: Client) -> None:
    scan = api.completed(name="weekly", credentials=with_ssh())
    found = api.get(f"/scans/{scan}")
    fields(found, "comphosts", "compliance", "remediations", "notes", "filters")
    info = found["info"]
    assert (info["object_id"], info["name"], info["status"]) == (scan, "weekly", "completed")
    assert (info["targets"], info["hostcount"]) == ("192.0.2.1,192.0.2.2", 2)
    assert (info["policy"], info["scanner_name"]) == ("Advanced Scan", "Local Scanner")
    fields(info, "folder_id", "haskb", "user_permissions", "control", "no_target", "timestamp")
    assert info["scan_start"] < info["scan_end"]

    assert [host["host_id"] for host in found["hosts"]] == [1, 2]
    host = found["hosts"][0]
    assert (host["hostname"], host["credential"]) == ("192.0.2.1", "true")
    assert (host["scanprogresscurrent"], host["scanprogresstotal"]) == (100, 100)
    fields(host, "score", "severity", "progress")
    levels = ("critical", "high", "medium", "low", "info")
    totals = [sum(each[level] for each in found["hosts"]) for level in levels]
    counted = [
        sum(each["count"] for each in found["vulnerabilities"] if each["severity"] == severity)
        for severity in (4, 3, 2, 1, 0)
    ]
    assert totals == counted
    for each in found["vulnerabilities"]:
        fields(each, "plugin_id", "plugin_name", "plugin_family", "severity", "count")
        fields(each, "score", "vpr_score", "epss_score", "cpe")

    (run,) = found["history"]
    assert (run["uuid"], run["status"]) == (info["uuid"], "completed")
    fields(run, "history_id", "owner_id", "creation_date", "last_modification_date")


def test_an_earlier_run_is_shown_by_its_history_id(api: Client) -> None:
    scan = api.create()
    uuids = []
    for _ in range(2):
        uuids.append(api.launch(scan))
        api.simulator.advance(1000)
    found = api.get(f"/scans/{scan}")
    assert [each["uuid"] for each in found["history"]] == uuids
    first = api.get(f"/scans/{scan}", history_id=found["history"][0]["history_id"])
    assert first["info"]["uuid"] == uuids[0]
    assert api.ask("GET", f"/scans/{scan}?history_id=1").status_code == 404


def test_a_host_is_shown(api: Client) -> None:
    scan = api.completed(text_targets="app.example.org")
    found = api.get(f"/scans/{scan}/hosts/1")
    assert found["info"]["host-fqdn"] == "app.example.org"
    assert found["info"]["host-ip"].startswith("203.0.113.")
    fields(found["info"], "operating-system", "host_start", "host_end", "mac-address")
    assert {each["hostname"] for each in found["vulnerabilities"]} == {"app.example.org"}
    assert found["compliance"] is None
    assert api.ask("GET", f"/scans/{scan}/hosts/2").status_code == 404


def test_a_plugin_on_a_host_is_shown(api: Client) -> None:
    scan = api.completed()
    seen = api.get(f"/scans/{scan}/hosts/1")["vulnerabilities"]
    worst = next(each["plugin_id"] for each in seen if each["severity"] == 3)
    found = api.get(f"/scans/{scan}/hosts/1/plugins/{worst}")
    (output,) = found["outputs"]
    assert output["plugin_output"]
    (port,) = output["ports"]
    assert re.fullmatch(r"\d+ / tcp / \S+", port)
    attributes = found["info"]["plugindescription"]["pluginattributes"]
    fields(attributes, "synopsis", "description", "solution", "plugin_information")
    assert attributes["risk_information"]["risk_factor"] == "High"
    assert attributes["vuln_information"]["exploit_available"] in ("true", "false")
    references = {each["name"]: each["values"] for each in attributes["ref_information"]["ref"]}
    assert references["cve"]["value"][0].startswith("CVE-")
    assert api.ask("GET", f"/scans/{scan}/hosts/1/plugins/1").status_code == 404


def test_an_export_is_asked_for_awaited_and_downloaded(api: Client) -> None:
    scan = api.completed(name='we"ek/ly')
    found = api.do("POST", f"/scans/{scan}/export", {"format": "nessus"})
    assert isinstance(found["file"], int)
    assert found["token"] == found["temp_token"]
    by_number = f"/scans/{scan}/export/{found['file']}"
    by_token = f"/tokens/{found['token']}"
    for path in (by_number, by_token):
        assert api.get(f"{path}/status") == {"status": "loading"}
        assert api.ask("GET", f"{path}/download").status_code == 409
    api.simulator.advance(5)
    downloads = [api.ask("GET", f"{path}/download") for path in (by_number, by_token)]
    for path, download in zip((by_number, by_token), downloads, strict=True):
        assert api.get(f"{path}/status") == {"status": "ready"}
        assert download.headers["Content-Type"] == "application/octet-stream"
        assert int(download.headers["Content-Length"]) == len(download.content)
    assert downloads[0].content == downloads[1].content
    assert downloads[0].content.startswith(b"<?xml")
    assert policy.PASSWORD.encode() in downloads[0].content


def test_an_export_token_needs_no_login(api: Client, anonymous: Client) -> None:
    scan = api.completed()
    token = api.do("POST", f"/scans/{scan}/export", {"format": "nessus"})["token"]
    assert anonymous.get(f"/tokens/{token}/status")["status"] in ("loading", "ready")
    assert anonymous.ask("GET", "/tokens/other/status").status_code == 404


@pytest.mark.parametrize("wanted", ["csv", "html", "pdf", "db"])
def test_other_formats_are_refused(wanted: str, api: Client) -> None:
    scan = api.completed()
    answer = api.ask("POST", f"/scans/{scan}/export", {"format": wanted})
    assert (answer.status_code, "nessus" in answer.json()["error"]) == (400, True)
