"""Reports that cannot be read, cannot be stored, or end the process that reads them."""

import asyncio
import os
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from tests.forked import start_simulator
from tests.generator.report import Shape, write_report
from tests.integration.operator.ground import Metrics, metrics
from tests.integration.operator.scenes import done, history, released, told
from tests.integration.operator.test_deletion import launched, nothing_left
from tests.integration.operator.test_life_deadlines import begun_an_hour_ago
from tests.integration.operator.troubles import until_events, until_logged, until_says
from tests.kube import Object, path_of
from tests.running import Stage, eventually

from nessus_simulator.running import Simulator

SETTINGS = {"CLEANUP_SECONDS": "10"}
SLOW = ("--speed", "60", "--host-seconds", "3600")
AGES = 10_000 * 3600  # simulated seconds, more than any scan here takes

UNSTORED = "the results cannot be written to the volume; trying again"
HEAD = '<?xml version="1.0"?><NessusClientData_v2><Report name="x"><ReportHost name="192.0.2.10">'
TAIL = "</ReportHost></Report></NessusClientData_v2>"
ITEM = '<ReportItem port="0" svc_name="general" protocol="tcp" severity="0" pluginID="1"/>'
STORED = ["findings.sqlite", "manifest.json", "report.nessus.zst"]

# What the scanner sends, the reason that the scan ends with, and whether it is kept. What cannot
# be searched for secrets never reaches the volume.
REFUSALS = {
    "breaks off": (HEAD + ITEM, "Truncated", True),
    "is not well-formed": (HEAD + "<a></b>" + TAIL, "Malformed", True),
    "is another XML": ('<?xml version="1.0"?><html></html>', "NotNessus", True),
    "is no XML": ("Bad gateway", "NotXML", True),
    "is in no encoding that Nessus writes": (HEAD + "\0" + TAIL, "NotXML", False),
    "has a DOCTYPE": ("<!DOCTYPE a [<!ENTITY b 'c'>]>" + HEAD + TAIL, "DoctypeRefused", False),
}


def large_report(folder: Path) -> tuple[Path, int]:
    """One that takes a while to read, and the number of its findings."""
    report = folder / "large.nessus"
    return report, write_report(report, Shape(bytes=10_000_000)).findings


def send_report(simulator: Simulator, text: str) -> int:
    """From now on every report is this text, whole as far as HTTP can tell."""
    return simulator.fault("status", "/download$", count=None, status=200, body=text)


def folder_of(stage: Stage, scan: Object, attempt: int = 1) -> Path:
    return stage.results / stage.namespace / scan["metadata"]["uid"] / str(attempt)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def refused(scrape: Metrics) -> float:
    return scrape.value("nessus_validation_failures_total", pool="pool", reason="xml_invalid")


@pytest.mark.parametrize(("text", "reason", "kept"), REFUSALS.values(), ids=REFUSALS)
async def test_a_report_that_cannot_be_read_fails_the_scan_and_stays(
    served: Stage, simulator: Simulator, text: str, reason: str, kept: bool
) -> None:
    fault = send_report(simulator, text)
    before = refused(await metrics(served.operators[0]))
    await served.create_pool(simulator.url)
    await served.create_scan()
    scan = await served.until("Failed")
    failure = scan["status"]["failure"]
    assert (failure["reason"], failure["fault"]) == (reason, "Platform")
    assert failure["message"] == scan["status"]["message"] != ""
    assert told(scan)["Succeeded"] == ("False", reason)
    assert told(scan)["ResultsAvailable"] == ("False", reason)
    assert told(scan)["Finished"] == ("True", "Failed")
    assert "results" not in scan["status"]
    assert files(folder_of(served, scan)) == (["report.nessus.zst"] if kept else [])
    if kept:
        packed = (folder_of(served, scan) / "report.nessus.zst").read_bytes()
        assert zstandard.ZstdDecompressor().decompressobj().decompress(packed) == text.encode()
    await released(served, simulator)
    assert len(simulator.calls("GET", "/download$")) == 1  # it would be as unreadable again
    assert refused(await metrics(served.operators[0])) == before + 1
    [event] = await until_events(served, "Failed")
    assert (event["type"], event["note"]) == ("Warning", failure["message"])

    simulator.release(fault)
    await served.change({"manualRetries": 1})
    again = await until_attempt(served, 2)
    assert files(folder_of(served, again, 2)) == STORED
    assert history(again) == [(1, "Failed", reason), (2, "Completed", "Passed")]
    await served.kube.delete(path_of("nessusscans", served.namespace, "scan"))
    await served.until_gone()
    await nothing_left(served, simulator)


async def until_attempt(stage: Stage, attempt: int) -> Object:
    async def look() -> Object | None:
        scan = await stage.scan()
        status = scan["status"]
        ended = (status["attempt"], status["phase"]) == (attempt, "Completed")
        return scan if ended else None

    return await eventually(look, f"attempt {attempt} is completed")


async def test_a_cancelled_scan_stays_so_when_its_partial_report_cannot_be_read(
    served: Stage, slow_simulator: Simulator
) -> None:
    await launched(served, slow_simulator)
    send_report(slow_simulator, HEAD)
    await served.change({"cancel": True})
    scan = await served.until("Cancelled")
    assert told(scan)["Succeeded"] == ("False", "Cancelled")
    assert "results" not in scan["status"]
    assert files(folder_of(served, scan)) == ["report.nessus.zst"]
    await released(served, slow_simulator)


def put_a_file(folder: Path) -> Callable[[], None]:
    """Where the folder of the scan should be."""
    folder.parent.parent.mkdir(exist_ok=True)
    folder.parent.touch()
    return folder.parent.unlink


def put_a_folder(folder: Path) -> Callable[[], None]:
    """Where the store should be."""
    obstacle = folder / "findings.sqlite"
    obstacle.mkdir(parents=True)
    return obstacle.rmdir


OBSTACLES = {"its folder cannot be made": put_a_file, "its store cannot be written": put_a_folder}


@pytest.mark.parametrize("obstruct", OBSTACLES.values(), ids=OBSTACLES)
async def test_results_that_cannot_be_written_are_waited_for(
    served: Stage, slow_simulator: Simulator, obstruct: Callable[[Path], Callable[[], None]]
) -> None:
    scan = await launched(served, slow_simulator)
    clear = obstruct(folder_of(served, scan))
    slow_simulator.advance(3 * 3600)
    waiting = await until_says(served, UNSTORED)
    assert waiting["status"]["phase"] == "Running"
    assert len(slow_simulator.state()["scans"]) == 1
    assert told(waiting)["ResultsAvailable"] == ("False", "StoreFailed")
    [event] = await until_events(served, "StoreFailed")
    assert (event["type"], event["note"]) == ("Warning", UNSTORED)
    line = await until_logged(served.operators[0], "Results not written")
    assert line["level"] == "error"
    clear()
    scan = await served.until("Completed")
    assert scan["status"]["results"]["hosts"] == 2
    assert files(folder_of(served, scan)) == STORED
    await released(served, slow_simulator)
    assert len(done(slow_simulator, "POST", "/launch$")) == 1


async def test_a_volume_that_takes_no_more_bytes_is_waited_for(
    served: Stage, tmp_path: Path
) -> None:
    """In the middle of the report; here a limit of the process stands for a full disk."""
    operator = served.operators[0].process.pid
    report, _ = large_report(tmp_path)
    with start_simulator("--report", str(report), *SLOW) as simulator:
        await launched(served, simulator)
        unlimited = resource.prlimit(operator, resource.RLIMIT_FSIZE)
        resource.prlimit(operator, resource.RLIMIT_FSIZE, (200_000, unlimited[1]))
        try:
            simulator.advance(AGES)
            scan = await until_says(served, UNSTORED)
            assert files(folder_of(served, scan)) == []
        finally:
            resource.prlimit(operator, resource.RLIMIT_FSIZE, unlimited)
        scan = await served.until("Completed")
        assert files(folder_of(served, scan)) == STORED
        await released(served, simulator)


@pytest.mark.parametrize("room", [True, False], ids=["makes room", "stays full"])
async def test_a_scan_that_is_cancelled_while_the_volume_is_full_keeps_its_end(
    served: Stage, slow_simulator: Simulator, room: bool
) -> None:
    """And its results, where there is room for them before the time for clean-up is over."""
    scan = await launched(served, slow_simulator)
    clear = put_a_file(folder_of(served, scan))
    slow_simulator.advance(3 * 3600)
    await until_says(served, UNSTORED)
    await served.change({"cancel": True})
    stopping = await until_stopping(served, "Cancelled")
    assert stopping["status"]["phase"] == "Running"
    if room:
        clear()
    scan = await served.until("Cancelled")
    assert told(scan)["Succeeded"] == ("False", "Cancelled")
    assert "failure" not in scan["status"]
    assert told(scan)["ResultsAvailable"] == (
        ("True", "Stored") if room else ("False", "Cancelled")
    )
    assert scan["status"].get("results", {}).get("partial") is (True if room else None)
    await released(served, slow_simulator)
    if not room:
        clear()


async def until_stopping(stage: Stage, reason: str) -> Object:
    async def look() -> Object | None:
        scan = await stage.scan()
        return scan if scan["status"].get("stop", {}).get("reason") == reason else None

    return await eventually(look, f"the scan stops: {reason}")


async def test_a_scan_whose_deadline_passes_while_the_volume_is_full_times_out(
    stage: Stage, slow_simulator: Simulator
) -> None:
    await stage.create_pool(slow_simulator.url)
    scan = await begun_an_hour_ago(stage, slow_simulator)
    put_a_file(folder_of(stage, scan))
    stage.start(LEASE_SECONDS="15", **SETTINGS)
    waiting = await until_says(stage, UNSTORED)
    assert waiting["status"]["stop"]["reason"] == "Deadline"
    scan = await stage.until("Timeout")
    assert scan["status"]["failure"]["reason"] == "Deadline"
    assert told(scan)["Succeeded"] == ("False", "Deadline")
    assert told(scan)["ResultsAvailable"] == ("False", "Deadline")
    await released(stage, slow_simulator)


def child_of(process: int, seconds: float = 30.0) -> int:
    """The process that reads a report for the operator, as soon as there is one."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for child in Path(f"/proc/{process}/task/{process}/children").read_text().split():
            try:
                command = Path(f"/proc/{child}/cmdline").read_bytes()
            except OSError:
                continue
            if b"nessus_operator.cli.results" in command:
                return int(child)
        time.sleep(0.005)
    raise TimeoutError("no report is read")


async def test_a_reader_that_is_killed_fails_its_scan_and_nothing_else(
    served: Stage, tmp_path: Path
) -> None:
    operator = served.operators[0]
    report, findings = large_report(tmp_path)
    with start_simulator("--report", str(report), *SLOW) as simulator:
        await launched(served, simulator)
        simulator.advance(AGES)
        child = await asyncio.to_thread(child_of, operator.process.pid)
        os.kill(child, signal.SIGKILL)
        scan = await served.until("Failed")
        failure = scan["status"]["failure"]
        assert (failure["reason"], failure["fault"]) == ("IngestFailed", "Platform")
        assert failure["message"] == "The process that reads the report ended by signal 9"
        assert "report.nessus.zst" in files(folder_of(served, scan))
        assert "findings.sqlite" not in files(folder_of(served, scan))
        await released(served, simulator)
        assert operator.process.poll() is None

        await served.change({"manualRetries": 1})

        async def runs() -> bool:
            return len(done(simulator, "POST", "/launch$")) == 2

        await eventually(runs, "another attempt runs")
        simulator.advance(AGES)
        scan = await until_attempt(served, 2)
        assert scan["status"]["results"]["findings"] == findings
        await released(served, simulator)
