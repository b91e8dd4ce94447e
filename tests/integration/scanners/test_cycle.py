"""A scan from its creation to its deletion, with each login under each licence."""

import asyncio
import io
from contextlib import aclosing

import pytest
from lxml import etree
from tests.integration.scanners.conftest import USER, Drivers

from nessus_operator.api.pool import AuthType
from nessus_operator.api.remote import RemoteProgress, RemoteState
from nessus_operator.clients.errors import Conflict, NotFound, NotLicensed, Rejected
from nessus_operator.clients.scanners.nessus.driver import Nessus
from nessus_operator.clients.scanners.protocol import ScanRequest
from nessus_simulator.running import Simulator

REQUEST = ScanRequest(
    name="weekly [t-1]",
    targets=("192.0.2.1", "192.0.2.2"),
    description="for audit",
    port_range="1-1024",
    credentials={"Host": {"SSH": [{"auth_method": "password", "username": "a", "password": "b"}]}},
)

OPEN = {
    "API keys under Manager": (AuthType.API_KEYS, "manager"),
    "a session under Manager": (AuthType.SESSION, "manager"),
    "a web session under Manager": (AuthType.WEB_SESSION, "manager"),
    "a web session under Professional": (AuthType.WEB_SESSION, "professional"),
    "a web session under Essentials": (AuthType.WEB_SESSION, "essentials"),
}
CLOSED = {
    "API keys under Professional": (AuthType.API_KEYS, "professional"),
    "API keys under Essentials": (AuthType.API_KEYS, "essentials"),
    "a session under Professional": (AuthType.SESSION, "professional"),
    "a session under Essentials": (AuthType.SESSION, "essentials"),
}


async def until(one: Nessus, scan_id: int, *wanted: RemoteState) -> None:
    for _ in range(200):
        if (await one.get_scan(scan_id)).scan.state in wanted:
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"the scan did not become {wanted}")


async def exported(one: Nessus, scan_id: int) -> bytes:
    async with aclosing(one.export_report(scan_id)) as chunks:
        return b"".join([chunk async for chunk in chunks])


@pytest.mark.parametrize(("kind", "licence"), OPEN.values(), ids=OPEN)
async def test_a_scan_from_beginning_to_end(
    simulator: Simulator, connect: Drivers, kind: AuthType, licence: str
) -> None:
    simulator.set_license(licence, drop_refusals=True)
    one = connect(kind)
    info = await one.probe()
    assert info.ready
    assert info.scan_api is (licence == "manager")
    assert info.uuid
    assert info.license_expiry

    scan_id = await one.create_scan(REQUEST)
    made = await one.get_scan(scan_id)
    assert made.scan.state is RemoteState.EMPTY
    assert made.targets == "192.0.2.1,192.0.2.2"
    [line] = [scan for scan in await one.list_scans() if scan.id == scan_id]
    assert (line.name, line.state, line.in_trash) == ("weekly [t-1]", RemoteState.EMPTY, False)

    uuid = await one.launch_scan(scan_id)
    with pytest.raises(Conflict):
        await one.launch_scan(scan_id)
    simulator.advance(3600)
    await until(one, scan_id, RemoteState.COMPLETED)
    done = await one.get_scan(scan_id)
    assert done.scan.uuid == uuid
    assert done.progress == RemoteProgress(100, 2, 2)

    report = etree.parse(io.BytesIO(await exported(one, scan_id)))
    hosts = {host.get("name") for host in report.iter("ReportHost")}
    assert hosts == {"192.0.2.1", "192.0.2.2"}

    await one.delete_scan(scan_id)
    with pytest.raises(NotFound):
        await one.get_scan(scan_id)
    await one.delete_scan(scan_id)
    await one.close()
    assert simulator.state()["sessions"] == 0


@pytest.mark.parametrize("drop", [False, True], ids=["with its body", "without its body"])
@pytest.mark.parametrize(("kind", "licence"), CLOSED.values(), ids=CLOSED)
async def test_a_closed_scan_api_is_told_and_reports_can_still_be_collected(
    simulator: Simulator, connect: Drivers, kind: AuthType, licence: str, drop: bool
) -> None:
    by_page = connect(AuthType.WEB_SESSION)
    scan_id = await by_page.create_scan(REQUEST)
    await by_page.launch_scan(scan_id)
    simulator.advance(3600)

    simulator.set_license(licence, drop_refusals=drop)
    one = connect(kind)
    assert (await one.probe()).scan_api is False
    with pytest.raises(NotLicensed, match="licence does not allow us to create a scan"):
        await one.create_scan(REQUEST)
    with pytest.raises(NotLicensed):
        await one.launch_scan(scan_id)
    await until(one, scan_id, RemoteState.COMPLETED)
    assert b"</NessusClientData_v2>" in await exported(one, scan_id)


async def test_what_reaches_nessus_is_the_template_with_our_fields_laid_over(
    simulator: Simulator, connect: Drivers
) -> None:
    one = connect()
    await one.create_scan(REQUEST)
    [call] = simulator.calls("POST", "^/scans$")
    sent = call["body"]["settings"]
    assert sent["portscan_range"] == "1-1024"
    assert sent["syn_scanner"] == "yes"
    assert sent["enabled"] is False
    assert sent["launch_now"] is False
    assert sent["folder_id"] == 3


async def test_pause_resume_and_stop(simulator: Simulator, connect: Drivers) -> None:
    one = connect()
    scan_id = await one.create_scan(REQUEST)
    await one.launch_scan(scan_id)
    await until(one, scan_id, RemoteState.RUNNING)
    with pytest.raises(Conflict):
        await one.delete_scan(scan_id)
    with pytest.raises(Conflict):
        await one.resume_scan(scan_id)

    await one.pause_scan(scan_id)
    await until(one, scan_id, RemoteState.PAUSED)
    await one.resume_scan(scan_id)
    await until(one, scan_id, RemoteState.RUNNING)

    await one.stop_scan(scan_id)
    await until(one, scan_id, RemoteState.STOPPED)
    await one.stop_scan(scan_id)
    assert b"</NessusClientData_v2>" in await exported(one, scan_id), "partial results are kept"
    await one.delete_scan(scan_id)
    await one.stop_scan(scan_id)


async def test_an_earlier_run_can_be_exported(simulator: Simulator, connect: Drivers) -> None:
    one = connect()
    scan_id = await one.create_scan(REQUEST)
    for _ in range(2):
        await one.launch_scan(scan_id)
        simulator.advance(3600)
        await until(one, scan_id, RemoteState.COMPLETED)
    [scan] = [scan for scan in simulator.state()["scans"] if scan["id"] == scan_id]
    first = scan["runs"][0]["history_id"]
    async with aclosing(one.export_report(scan_id, first)) as chunks:
        assert [chunk async for chunk in chunks]
    assert simulator.calls("POST", "/export$")[-1]["query"] == {"history_id": str(first)}


async def test_a_scan_that_an_aborting_nessus_leaves_is_aborted(
    simulator: Simulator, connect: Drivers
) -> None:
    one = connect()
    scan_id = await one.create_scan(REQUEST)
    await one.launch_scan(scan_id)
    await until(one, scan_id, RemoteState.RUNNING)
    simulator.abort_scan(scan_id)
    await until(one, scan_id, RemoteState.ABORTED)


async def test_an_unknown_template_is_told_with_the_known_ones(connect: Drivers) -> None:
    request = ScanRequest(name="n", targets=("192.0.2.1",), template="advnced")
    with pytest.raises(Rejected, match="it has: advanced, basic, discovery, patch_audit"):
        await connect().create_scan(request)


@pytest.mark.parametrize("kind", [AuthType.SESSION, AuthType.WEB_SESSION])
async def test_a_probe_tells_our_account(connect: Drivers, kind: AuthType) -> None:
    assert (await connect(kind).probe()).account == USER


async def test_every_request_is_observed(simulator: Simulator, connect: Drivers) -> None:
    one = connect(AuthType.WEB_SESSION)
    await one.probe()
    scan_id = await one.create_scan(REQUEST)
    await one.launch_scan(scan_id)
    simulator.advance(600)  # less than a session lives
    await until(one, scan_id, RemoteState.COMPLETED)
    await exported(one, scan_id)
    await one.delete_scan(scan_id)
    await one.close()
    assert len(connect.observed) == len(simulator.calls())
    assert {outcome for _, outcome in connect.observed} == {"ok"}
    assert {operation for operation, _ in connect.observed} == {
        "probe",
        "configure",
        "create_scan",
        "launch",
        "status",
        "export_request",
        "export_status",
        "export_download",
        "delete",
    }
