"""The README of the results shows what the program really says."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from tests.reports import host, item, report
from tests.unit.results.cli.program import run

README = Path(__file__).parents[4] / "operator/nessus_operator/results/README.md"
CUT = "…"  # a line that stands for any others

SSH = item(10881, severity=0, port=22, service="ssh", name="SSH Protocol Versions Supported")
TELNET = item(42263, severity=2, port=23, name="Unencrypted Telnet Server", cvss3_base_score="6.5")
OPENSSH = item(
    200001,
    severity=3,
    port=22,
    service="ssh",
    name="OpenSSH < 9.8 RCE",
    cvss3_base_score="8.1",
    cve="CVE-2024-6387",
    exploit_available="true",
)
DATED = {"HOST_START_TIMESTAMP": "1780000000", "HOST_END_TIMESTAMP": "1780000600"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    before = report(host("192.0.2.1", TELNET), host("192.0.2.2", SSH))
    (tmp_path / "old.nessus").write_bytes(before)
    now = report(host("192.0.2.1", OPENSSH, SSH, tags=DATED))
    (tmp_path / "scan.nessus").write_bytes(now)
    return tmp_path


def shown() -> list[tuple[str, list[str]]]:
    """Every command of the consoles in the README, with what it prints."""
    found: list[tuple[str, list[str]]] = []
    for console in re.findall(r"^```console\n(.*?)^```", README.read_text(), re.DOTALL | re.M):
        for line in console.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif line:
                found[-1][1].append(line)
    return found


def test_every_command_prints_what_is_shown(home: Path) -> None:
    commands = shown()
    assert len(commands) > 5
    for command, expected in commands:
        program, *arguments = (word.strip("'") for word in re.findall(r"'[^']*'|\S+", command))
        assert program == "nessus-results"
        done = run(home, *arguments, COLUMNS="100")
        printed = [line.rstrip() for line in (done.stdout + done.stderr).splitlines()]
        assert_shown(printed, expected, command)


def assert_shown(printed: list[str], expected: list[str], command: str) -> None:
    """The lines that are shown, with others only where they are left out."""
    rest = "\n".join([*printed, ""])
    pattern = "".join("(?:.*\n)*?" if line == CUT else re.escape(line) + "\n" for line in expected)
    assert re.fullmatch(pattern, rest), f"{command} printed\n{rest}"


def test_a_line_that_is_not_printed_is_found() -> None:
    assert_shown(["a", "b", "c"], ["a", CUT], "x")
    for expected in (["a"], ["b", CUT], ["a", CUT, "d"]):
        with pytest.raises(AssertionError):
            assert_shown(["a", "b", "c"], expected, "x")
    assert all(one != two for one, two in pairwise(command for command, _ in shown()))
