"""What the driver makes of a Nessus that misbehaves, over real connections."""

import asyncio
import tracemalloc
from contextlib import aclosing
from pathlib import Path

import pytest
import trustme
from tests.forked import start_simulator as start
from tests.integration.scanners.conftest import KEYS, LOGIN, Certificates, Drivers

from nessus_operator.api.pool import AuthType
from nessus_operator.clients.errors import (
    Fault,
    NotLicensed,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
)
from nessus_operator.clients.scanners.nessus.driver import Nessus
from nessus_operator.clients.scanners.protocol import ScanRequest
from nessus_simulator.running import ACCESS_KEY, PASSWORD, Simulator

REQUEST = ScanRequest(name="weekly [t-1]", targets=("192.0.2.1",))


async def finished(simulator: Simulator, one: Nessus) -> int:
    scan_id = await one.create_scan(REQUEST)
    await one.launch_scan(scan_id)
    simulator.advance(3600)
    return scan_id


async def exported(one: Nessus, scan_id: int) -> int:
    async with aclosing(one.export_report(scan_id)) as chunks:
        return sum([len(chunk) async for chunk in chunks])


@pytest.mark.parametrize("kind", [AuthType.SESSION, AuthType.WEB_SESSION])
async def test_a_session_that_expires_in_the_middle_is_renewed(
    simulator: Simulator, connect: Drivers, kind: AuthType
) -> None:
    one = connect(kind)
    scan_id = await one.create_scan(REQUEST)
    simulator.control("DELETE", "/sessions")
    await one.launch_scan(scan_id)
    simulator.advance(3600)
    simulator.control("DELETE", "/sessions")
    assert await exported(one, scan_id)
    assert len(simulator.calls("POST", "^/session$")) == 3
    assert len(simulator.calls("POST", "/launch$")) == 2


async def test_many_calls_at_once_log_in_once(simulator: Simulator, connect: Drivers) -> None:
    one = connect(AuthType.WEB_SESSION)
    await asyncio.gather(*(one.list_scans() for _ in range(20)))
    assert len(simulator.calls("POST", "^/session$")) == 1
    simulator.control("DELETE", "/sessions")
    await asyncio.gather(*(one.list_scans() for _ in range(20)))
    assert len(simulator.calls("POST", "^/session$")) == 2
    assert len(simulator.calls("GET", "nessus6")) == 1


async def test_a_reinstalled_nessus_has_another_page_token(
    simulator: Simulator, connect: Drivers
) -> None:
    one = connect(AuthType.WEB_SESSION)
    scan_id = await one.create_scan(REQUEST)
    simulator.set_license("essentials", drop_refusals=True)
    simulator.control("POST", "/api-token")
    await one.launch_scan(scan_id)
    assert len(simulator.calls("GET", "nessus6")) == 2
    assert [call["status"] for call in simulator.calls("POST", "/launch$")] == [412, 200]


LOST = {
    "before it took effect": ("before", 0),
    "after it took effect": ("after", 1),
}


@pytest.mark.parametrize(("stage", "made"), LOST.values(), ids=LOST)
async def test_a_lost_answer_to_a_creation_is_not_asked_for_again(
    simulator: Simulator, connect: Drivers, stage: str, made: int
) -> None:
    one = connect()
    known = {scan.id for scan in await one.list_scans()}
    simulator.fault("cut", "^/scans$", method="POST", stage=stage)
    with pytest.raises(Unavailable, match="broke before its answer was whole"):
        await one.create_scan(REQUEST)
    assert len(simulator.calls("POST", "^/scans$")) == 1
    assert len({scan.id for scan in await one.list_scans()} - known) == made


async def test_a_late_answer_to_a_launch_is_not_asked_for_again(
    simulator: Simulator, connect: Drivers
) -> None:
    scan_id = await connect().create_scan(REQUEST)
    held = simulator.hold("/launch$")
    with pytest.raises(Unavailable, match="in time"):
        await connect(request_seconds=0.3).launch_scan(scan_id)
    assert ("launch", "timeout") in connect.observed
    simulator.release(held)
    assert len(simulator.calls("POST", "/launch$")) == 1
    with pytest.raises(Fault):
        await connect().launch_scan(scan_id)


async def test_an_answer_that_breaks_off_is_no_answer(
    simulator: Simulator, connect: Drivers
) -> None:
    simulator.fault("truncate", "^/scans$", method="GET")
    with pytest.raises(Unavailable):
        await connect().list_scans()


async def test_a_cut_download_is_no_report(simulator: Simulator, connect: Drivers) -> None:
    one = connect()
    scan_id = await finished(simulator, one)
    simulator.fault("truncate", "/download$")
    with pytest.raises(Unavailable):
        await exported(one, scan_id)
    assert connect.observed[-1] == ("export_download", "connection_error")
    assert await exported(one, scan_id)


async def test_a_large_report_is_never_whole_in_memory(
    certificates: Certificates, connect: Drivers, tmp_path: Path
) -> None:
    item = b'<ReportItem port="0" severity="0" pluginID="1" pluginName="x"/>' + b" " * 4000 + b"\n"
    host = b'<ReportHost name="192.0.2.1"><HostProperties/>' + item * 12_000 + b"</ReportHost>"
    report = tmp_path / "large.nessus"
    report.write_bytes(
        b'<NessusClientData_v2><Report name="x">' + host + b"</Report></NessusClientData_v2>"
    )
    with start("--report", str(report), "--speed", "60") as large:
        one = connect(url=large.url)
        scan_id = await finished(large, one)
        tracemalloc.start()
        try:
            size = await exported(one, scan_id)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert size == report.stat().st_size > 40 << 20
    assert peak < 8 << 20


async def test_a_redirect_is_not_followed(simulator: Simulator, connect: Drivers) -> None:
    with start() as elsewhere:
        headers = {"Location": f"{elsewhere.url}/scans"}
        simulator.fault("status", "^/scans$", status=307, headers=headers)
        with pytest.raises(Rejected, match="redirects") as fault:
            await connect().list_scans()
        assert elsewhere.url not in str(fault.value)
        assert elsewhere.calls() == []


async def test_a_huge_answer_is_not_read_to_its_end(simulator: Simulator, connect: Drivers) -> None:
    simulator.fault("status", "^/scans$", status=200, body=" " * (17 << 20))
    with pytest.raises(Unavailable, match="more than 16 MiB"):
        await connect().list_scans()


HOSTILE = '{"error": "\\u001b]0;owned\\u0007\\u001b[31mIgnore\\u202e all\\r\\nlimits \\u0000%s %s"}'


async def test_hostile_text_is_shown_harmless_and_without_our_keys(
    simulator: Simulator, connect: Drivers
) -> None:
    body = HOSTILE % (ACCESS_KEY, "x" * 1000)
    simulator.fault("status", "^/scans$", status=400, body=body)
    with pytest.raises(Rejected) as fault:
        await connect().list_scans()
    said = str(fault.value).split(": ", 1)[1]
    assert said.startswith("Ignore all limits *** xxx")
    assert len(said) == 128
    assert said.isprintable()


async def test_a_web_page_in_place_of_json_is_told(simulator: Simulator, connect: Drivers) -> None:
    simulator.fault("status", "^/scans$", status=200, body="<html>Please log in to the proxy")
    with pytest.raises(Unavailable, match="is the url that of a Nessus"):
        await connect().list_scans()
    assert connect.observed[-1] == ("status", "server_error")


async def test_a_scanner_that_asks_us_to_wait_is_waited_for(
    simulator: Simulator, connect: Drivers
) -> None:
    simulator.fault("status", "^/scans$", status=429, headers={"Retry-After": "17"})
    with pytest.raises(RateLimited) as fault:
        await connect().list_scans()
    assert fault.value.retry_after == 17.0


async def test_a_wrong_password_is_tried_once_and_locks_nothing(
    simulator: Simulator, connect: Drivers
) -> None:
    one = connect(AuthType.SESSION, secret={**LOGIN, "password": "wrong"})
    for _ in range(6):
        with pytest.raises(Unauthorized, match="correct the scanner's Secret"):
            await one.probe()
    assert len(simulator.calls("POST", "^/session$")) == 1
    assert simulator.state()["locked_accounts"] == []
    assert (await connect(AuthType.SESSION).probe()).ready


async def test_a_wrong_key_is_found_by_the_probe(connect: Drivers) -> None:
    one = connect(secret={**KEYS, "secretKey": "wrong"})
    with pytest.raises(Unauthorized, match="correct the scanner's Secret"):
        await one.probe()
    assert connect.observed == [("probe", "ok"), ("probe", "auth_error")]


@pytest.mark.parametrize("kind", AuthType)
async def test_a_scanner_that_loads_its_plugins_is_not_ready_yet(
    connect: Drivers, kind: AuthType
) -> None:
    with start("--loading-seconds", "600") as starting:
        one = connect(kind, url=starting.url)
        assert not (await one.probe()).ready
        with pytest.raises(Unavailable):
            await one.list_scans()
        starting.advance(601)
        assert (await one.probe()).ready


async def test_a_ca_that_we_do_not_know_is_not_trusted(connect: Drivers) -> None:
    bundle = trustme.CA().cert_pem.bytes().decode()
    with pytest.raises(Unavailable, match=r"not trusted \(.*\); set tls.caBundleRef"):
        await connect(ca_bundle=bundle).probe()
    assert connect.observed == [("probe", "connection_error")]


async def test_the_systems_roots_do_not_know_a_private_ca(connect: Drivers) -> None:
    with pytest.raises(Unavailable, match="not trusted"):
        await connect(ca_bundle=None).probe()


async def test_a_certificate_for_another_host_is_not_trusted(
    certificates: Certificates, connect: Drivers
) -> None:
    tls = certificates.files("nessus.example.org")
    with start(tls=tls) as other, pytest.raises(Unavailable, match="not trusted"):
        await connect(url=other.url).probe()


async def test_the_scanners_own_certificate_can_be_the_bundle(
    certificates: Certificates, connect: Drivers
) -> None:
    chain, key = certificates.files("127.0.0.1")
    with start(tls=(chain, key)) as pinned:
        assert (await connect(url=pinned.url, ca_bundle=chain.read_text()).probe()).ready


async def test_verification_can_be_switched_off(connect: Drivers) -> None:
    assert (await connect(ca_bundle=None, verify=False).probe()).ready


async def test_the_wrong_scheme_is_told(simulator: Simulator, connect: Drivers) -> None:
    with pytest.raises(Unavailable):
        await connect(url=simulator.url.replace("https", "http")).probe()
    with start() as plain, pytest.raises(Unavailable, match="check the url's scheme"):
        await connect(url=plain.url.replace("http", "https")).probe()


async def test_a_scanner_that_is_gone_is_told(connect: Drivers) -> None:
    with start() as stopped:
        one = connect(url=stopped.url)
        assert (await one.probe()).ready
    with pytest.raises(Unavailable, match="no connection to the scanner"):
        await one.probe()
    assert connect.observed[-1] == ("probe", "connection_error")
    await one.close()


async def test_a_name_that_does_not_resolve_is_told(connect: Drivers) -> None:
    with pytest.raises(Unavailable, match="does not resolve"):
        await connect(url="https://nessus.invalid:8834").probe()


async def test_the_proxy_of_the_environment_is_not_used(
    connect: Drivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    proxy = await asyncio.start_server(lambda _, writer: seen.append(writer), "127.0.0.1", 0)
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
    monkeypatch.setenv("NO_PROXY", "")
    assert (await connect(request_seconds=2.0).probe()).ready
    assert seen == []
    proxy.close()


async def test_closing_does_not_wait_for_a_scanner_that_is_silent(
    simulator: Simulator, connect: Drivers
) -> None:
    one = connect(AuthType.SESSION, request_seconds=0.3)
    await one.list_scans()
    simulator.hold("^/session$", method="DELETE")
    await one.close()
    assert ("probe", "timeout") in connect.observed


async def test_calls_under_way_fail_cleanly_when_the_driver_is_closed(
    simulator: Simulator, connect: Drivers
) -> None:
    one = connect()
    held = simulator.hold("^/scans$")
    waiting = asyncio.ensure_future(one.list_scans())
    await asyncio.to_thread(simulator.wait_held, held)
    await one.close()
    with pytest.raises(Unavailable):
        await waiting
    with pytest.raises(Unavailable, match="closed"):
        await one.list_scans()


async def test_no_secret_is_in_a_message(simulator: Simulator, connect: Drivers) -> None:
    body = f'{{"error": "unknown password {PASSWORD}"}}'
    simulator.fault("status", "^/session$", status=400, body=body)
    with pytest.raises(Fault) as fault:
        await connect(AuthType.SESSION).list_scans()
    assert PASSWORD not in str(fault.value)


async def test_a_licence_refusal_whose_body_never_comes_is_told_quickly(
    simulator: Simulator, connect: Drivers
) -> None:
    simulator.set_license("professional", drop_refusals=True)
    with pytest.raises(NotLicensed):
        await connect(AuthType.SESSION).create_scan(REQUEST)
    assert connect.observed[-1] == ("create_scan", "client_error")
