"""However it ends, no process and no file of it stays."""

import os
import signal

import pytest
from tests.integration.demo.conftest import Demo, eventually

pytestmark = pytest.mark.timeout(300)

PARTS = {
    "the operator": ("-m nessus_operator", "operator ended by SIGKILL; its log ends with"),
    "the gateway": ("-m nessus_gateway", "gateway ended by SIGKILL; its log ends with"),
    "a scanner": ("-m nessus_simulator", "scanner1 ended by SIGKILL; its log ends with"),
    "the control plane": ("controlplane.d supervise", "the control plane ended"),
}


def in_the_middle(demo: Demo) -> None:
    """A scan that runs for six minutes."""
    demo.start("--speed", "1")
    demo.until_said("scan          running on scanner")


@pytest.mark.parametrize(("command", "line"), PARTS.values(), ids=PARTS)
def test_a_part_that_is_killed_ends_all(demo: Demo, command: str, line: str) -> None:
    in_the_middle(demo)

    os.kill(min(demo.processes(command)), signal.SIGKILL)

    assert demo.wait() == 1
    first, *log = demo.complained().splitlines()
    assert first == f"hack/demo: {line}"
    assert len(log) <= 5
    assert demo.left() == []


def test_ctrl_c_in_the_middle_of_a_scan(demo: Demo) -> None:
    in_the_middle(demo)

    assert demo.press_ctrl_c() == 130
    assert demo.complained() == ""
    assert demo.left() == []


def test_sigterm_in_the_middle_of_a_scan(demo: Demo) -> None:
    in_the_middle(demo)

    os.kill(demo.processes("-m demo")[0], signal.SIGTERM)

    assert demo.wait() == 128 + signal.SIGTERM
    assert demo.left() == []


def test_killed_itself(demo: Demo) -> None:
    in_the_middle(demo)

    os.kill(demo.processes("-m demo")[0], signal.SIGKILL)

    assert demo.wait() == -signal.SIGKILL
    eventually(demo.ends_clean, lambda: "\n".join(demo.left()))


def test_nobody_reads_on(demo: Demo) -> None:
    reading, writing = os.pipe()
    demo.start("--speed", "1", output=writing)
    os.close(writing)
    assert os.read(reading, 1)
    os.close(reading)

    assert demo.wait() == 128 + signal.SIGPIPE
    assert demo.complained() == ""
    assert demo.left() == []
