"""The simulator as a process: what it prints, what it refuses, and how it ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.integration.simulator.client import API_KEYS, Client, http_client

from nessus_simulator.running import start_simulator

COMMAND = [sys.executable, "-m", "nessus_simulator"]
ENVIRONMENT = os.environ | {
    "PYTHONPATH": str(Path(__file__).parents[2] / "simulator"),
    "COLUMNS": "100",
}


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *options], capture_output=True, text=True, timeout=60, env=ENVIRONMENT
    )


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    command = [*COMMAND, "--port", "0", "--api-key", "access:secret"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as started:
        yield started
        started.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_ready_and_ends_on_a_signal(
    number: signal.Signals, process: subprocess.Popen[str]
) -> None:
    assert process.stdout
    line = process.stdout.readline()
    assert line.startswith("nessus simulator ready on http://127.0.0.1:")
    url = line.split()[-1]
    assert httpx2.get(f"{url}/server/status", trust_env=False).status_code == 200
    process.send_signal(number)
    assert process.wait(10) == 0
    assert process.stdout.read() == ""


def test_help_teaches_every_option() -> None:
    text = run("--help").stdout
    for word in ("--port", "--api-key", "--user", "--license", "--speed", "--report"):
        assert word in text
    assert "--tls-cert" in text
    assert "Examples" in text
    assert "/_simulator" in text


REFUSED = {
    "nobody could log in": ([], "give --api-key or --user"),
    "a key without its secret": (["--api-key", "access"], "ACCESS:SECRET"),
    "a user without a password": (["--user", "name:"], "NAME:PASSWORD"),
    "a user twice": (["--user", "a:b", "--user", "a:c"], "twice"),
    "an unknown licence": (["--user", "a:b", "--license", "free"], "essentials"),
    "a report that is not there": (["--user", "a:b", "--report", "/nowhere"], "does not exist"),
    "a certificate without its key": (["--user", "a:b", "--tls-cert", __file__], "belong together"),
    "no speed": (["--user", "a:b", "--speed", "0"], "--speed"),
    "a port that is none": (["--user", "a:b", "--port", "70000"], "65535"),
}


@pytest.mark.parametrize(("options", "told"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused(options: list[str], told: str) -> None:
    done = run(*options)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("--user", "a:b", "--port", str(port))
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert f"127.0.0.1:{port}" in line
    assert "in use" in line


def test_a_bad_certificate_is_one_clear_line() -> None:
    done = run("--user", "a:b", "--port", "0", "--tls-cert", __file__, "--tls-key", __file__)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "--tls-cert" in line


def test_what_does_not_start_tells_why() -> None:
    with pytest.raises(RuntimeError, match="essentials"):
        start_simulator("--license", "free")


@pytest.mark.parametrize("module", ["nessus_simulator.running", "tests.forked"])
def test_it_ends_with_the_process_that_started_it(module: str) -> None:
    program = (
        "import os, signal\n"
        f"from {module} import start_simulator\n"
        "print(start_simulator().process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, env=ENVIRONMENT
    )
    wait_for_end(int(done.stdout))


def wait_for_end(process: int) -> None:
    deadline = time.monotonic() + 10
    while is_running(process):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_running(process: int) -> bool:
    """Whether it is there and no zombie."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with (
        start_simulator() as simulator,
        http_client(simulator, API_KEYS) as http,
    ):
        client = Client(http, simulator)
        client.export(client.completed())
        assert list(tmp_path.glob("nessus-simulator-*/*.nessus"))
    assert list(tmp_path.glob("nessus-simulator-*")) == []


def test_time_runs_as_fast_as_it_is_told_to() -> None:
    with start_simulator("--speed", "600") as simulator:
        started, before = time.monotonic(), simulator.state()["clock"]["now"]
        while (passed := simulator.state()["clock"]["now"] - before) < 300:
            assert time.monotonic() - started < 30
        assert passed <= (time.monotonic() - started) * 600 + 1


REPORT = """<?xml version="1.0" ?>
<NessusClientData_v2><Report name="given" xmlns:cm="http://www.nessus.org/cm">
<ReportHost name="192.0.2.77"><HostProperties><tag name="host-ip">192.0.2.77</tag></HostProperties>
<ReportItem port="22" svc_name="ssh" protocol="tcp" severity="3" pluginID="900999"
 pluginName="Given" pluginFamily="General"><plugin_output>as given</plugin_output></ReportItem>
<ReportItem port="23" svc_name="telnet" protocol="tcp" severity="3" pluginID="900999"
 pluginName="Given" pluginFamily="General"/>
</ReportHost><ReportHost name="db.example.org"/></Report></NessusClientData_v2>
"""


def test_a_given_report_is_served_byte_for_byte_and_hosts_follow_it(tmp_path: Path) -> None:
    report = tmp_path / "given.nessus"
    report.write_text(REPORT)
    with (
        start_simulator("--report", str(report)) as simulator,
        http_client(simulator, API_KEYS) as http,
    ):
        client = Client(http, simulator)
        scan = client.completed(text_targets="198.51.100.0/24")
        found = client.get(f"/scans/{scan}")
        assert [host["hostname"] for host in found["hosts"]] == ["192.0.2.77", "db.example.org"]
        (counted,) = found["vulnerabilities"]
        assert (counted["plugin_id"], counted["severity"], counted["count"]) == (900999, 3, 2)
        outputs = client.get(f"/scans/{scan}/hosts/1/plugins/900999")["outputs"]
        assert [each["plugin_output"] for each in outputs] == ["as given", None]
        assert client.export(scan) == report.read_bytes()


def test_a_given_report_is_cut_for_a_run_that_was_stopped(tmp_path: Path) -> None:
    report = tmp_path / "given.nessus"
    report.write_text(REPORT)
    with (
        start_simulator("--report", str(report)) as simulator,
        http_client(simulator, API_KEYS) as http,
    ):
        client = Client(http, simulator)
        scan = client.create()
        client.launch(scan)
        simulator.advance(70)
        client.do("POST", f"/scans/{scan}/stop", {})
        simulator.advance(10)
        text = client.export(scan).decode()
        assert "192.0.2.77" in text
        assert "db.example.org" not in text


def test_a_broken_report_is_served_as_it_is(tmp_path: Path) -> None:
    report = tmp_path / "broken.nessus"
    report.write_text(REPORT[: REPORT.index("db.example.org")])
    with (
        start_simulator("--report", str(report)) as simulator,
        http_client(simulator, API_KEYS) as http,
    ):
        client = Client(http, simulator)
        scan = client.completed()
        assert len(client.get(f"/scans/{scan}")["hosts"]) == 1
        assert client.export(scan) == report.read_bytes()
