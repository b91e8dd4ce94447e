"""The proof from outside: pyTenable's own Nessus client works against the simulator unchanged."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
import trustme
from lxml import etree
from tenable.errors import APIError, NotFoundError, UnauthorizedError
from tenable.nessus import Nessus

from nessus_simulator.running import (
    ACCESS_KEY,
    PASSWORD,
    SECRET_KEY,
    USER,
    Simulator,
    start_simulator,
)


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    """Fast, since pyTenable waits for exports by the wall clock."""
    with start_simulator("--speed", "60") as simulator:
        yield simulator


@pytest.fixture
def nessus(simulator: Simulator) -> Iterator[Nessus]:
    with Nessus(url=simulator.url, access_key=ACCESS_KEY, secret_key=SECRET_KEY) as client:
        yield client


def advanced(client: Nessus) -> str:
    found = {each["name"]: each["uuid"] for each in client.editor.template_list("scan")}
    return str(found["advanced"])


def create(client: Nessus, name: str = "weekly") -> int:
    settings = {"name": name, "text_targets": "192.0.2.1-192.0.2.3", "syn_scanner": "yes"}
    return int(client.scans.create(uuid=advanced(client), settings=settings)["scan"]["id"])


def hosts_in(report: BytesIO) -> list[str]:
    return [host.get("name", "") for host in etree.parse(report).getroot().iter("ReportHost")]


def test_a_scan_is_listed_created_launched_awaited_exported_and_deleted(
    nessus: Nessus, simulator: Simulator
) -> None:
    assert nessus.scans.list()["scans"] is None
    scan = create(nessus)
    assert [each["status"] for each in nessus.scans.list()["scans"]] == ["empty"]

    uuid = nessus.scans.launch(scan)
    assert nessus.scans.details(scan)["info"]["uuid"] == uuid
    seen: list[str] = []
    while not seen or seen[-1] != "completed":
        simulator.advance(20)
        seen.append(nessus.scans.details(scan)["info"]["status"])
    assert set(seen) <= {"running", "processing", "completed"}
    assert seen.count("running") > 3

    assert hosts_in(nessus.scans.export_scan(scan)) == ["192.0.2.1", "192.0.2.2", "192.0.2.3"]

    nessus.scans.delete(scan)
    with pytest.raises(NotFoundError):
        nessus.scans.details(scan)
    assert nessus.scans.list()["scans"] is None

    writes = [
        (call["method"], call["path"], call["status"])
        for call in simulator.calls()
        if call["method"] != "GET"
    ]
    assert writes == [
        ("POST", "/scans", 200),
        ("POST", f"/scans/{scan}/launch", 200),
        ("POST", f"/scans/{scan}/export", 200),
        ("DELETE", f"/scans/{scan}", 200),
    ]
    assert {call["account"] for call in simulator.calls(path="^/scans")} == {"api-1"}
    assert {call["outcome"] for call in simulator.calls()} == {"answered"}


def test_a_session_works_as_well_and_ends_with_a_logout(simulator: Simulator) -> None:
    with Nessus(url=simulator.url, username=USER, password=PASSWORD) as client:
        scan = create(client)
        assert client.session.get()["username"] == USER
        assert simulator.state()["sessions"] == 1
        client.scans.delete(scan)
    assert simulator.state()["sessions"] == 0
    assert [call["path"] for call in simulator.calls("DELETE")] == [f"/scans/{scan}", "/session"]


def test_a_scan_is_paused_resumed_and_stopped(nessus: Nessus, simulator: Simulator) -> None:
    scan = create(nessus)
    nessus.scans.launch(scan)
    simulator.advance(100)
    words = []
    for act in (nessus.scans.pause, nessus.scans.resume, nessus.scans.stop):
        act(scan)
        simulator.advance(10)
        words.append(nessus.scans.details(scan)["info"]["status"])
    assert words == ["paused", "running", "canceled"]
    assert hosts_in(nessus.scans.export_scan(scan)) == ["192.0.2.1"]


def test_an_earlier_run_is_exported_by_its_history_id(nessus: Nessus, simulator: Simulator) -> None:
    scan = create(nessus)
    for targets in (["192.0.2.9"], None):
        nessus.scans.launch(scan, alt_targets=targets)
        simulator.advance(1000)
    first, second = nessus.scans.details(scan)["history"]
    assert first["uuid"] != second["uuid"]
    export = nessus.scans.export_scan(scan, history_id=first["history_id"])
    assert hosts_in(export) == ["192.0.2.9"]


def test_the_outputs_of_a_plugin_are_shown(nessus: Nessus, simulator: Simulator) -> None:
    scan = create(nessus)
    nessus.scans.launch(scan)
    simulator.advance(1000)
    found = nessus.scans.plugin_output(scan, 1, 19506)
    assert "Scan name : weekly" in found["outputs"][0]["plugin_output"]


def test_folders_files_and_many_scans_at_once(nessus: Nessus) -> None:
    folder = nessus.folders.create("Quarterly")
    nessus.folders.edit(folder, "Yearly")
    assert {each["name"]: each["type"] for each in nessus.folders.list()} == {
        "Trash": "trash",
        "My Scans": "main",
        "Yearly": "custom",
    }
    nessus.folders.delete(folder)
    assert nessus.files.upload(BytesIO(b"a key"))
    scans = [create(nessus), create(nessus)]
    assert nessus.scans.delete_many(scans) == scans


def test_new_api_keys_replace_the_old_ones() -> None:
    with start_simulator() as simulator:
        keys = {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY}
        with Nessus(url=simulator.url, **keys) as client, Nessus(url=simulator.url, **keys) as old:
            client.session.api_keys()
            assert client.scans.list()["scans"] is None
            with pytest.raises(UnauthorizedError):
                old.scans.list()


def test_settings_are_read_and_changed(nessus: Nessus) -> None:
    scan = create(nessus)
    settings = {"name": "renamed", "text_targets": "192.0.2.7"}
    nessus.scans.configure(scan, uuid=advanced(nessus), settings=settings)
    assert nessus.editor.details("scan", scan)["name"] == "renamed"
    assert nessus.scans.details(scan)["info"]["targets"] == "192.0.2.7"


def test_the_server_tells_its_licence_and_that_it_is_ready(nessus: Nessus) -> None:
    assert nessus.server.properties()["license"]["features"]["scan_api"] is True
    assert nessus.server.status()["status"] == "ready"
    assert nessus.scanners.list()[0]["name"] == "Local Scanner"


@pytest.mark.parametrize("which", ["professional", "essentials"])
def test_scans_are_closed_but_reports_open_without_the_scan_api(
    which: str, nessus: Nessus, simulator: Simulator
) -> None:
    scan = create(nessus)
    nessus.scans.launch(scan)
    simulator.advance(1000)
    simulator.set_license(which)
    for write in (nessus.scans.launch, nessus.scans.stop, nessus.scans.delete):
        with pytest.raises(APIError) as refused:
            write(scan)
        assert refused.value.response.status_code == 412
    assert len(hosts_in(nessus.scans.export_scan(scan))) == 3


def test_tls_is_served_with_the_given_certificate(tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    chain, key, ca = tmp_path / "chain.pem", tmp_path / "key.pem", tmp_path / "ca.pem"
    issued.cert_chain_pems[0].write_to_path(chain)
    issued.private_key_pem.write_to_path(key)
    authority.cert_pem.write_to_path(ca)
    with start_simulator(tls=(chain, key), tls_ca=ca) as simulator:
        assert simulator.url.startswith("https://127.0.0.1:")
        with Nessus(
            url=simulator.url, access_key=ACCESS_KEY, secret_key=SECRET_KEY, ssl_verify=str(ca)
        ) as client:
            assert client.scans.list()["scans"] is None
