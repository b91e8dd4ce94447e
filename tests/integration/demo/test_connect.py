"""What it tells to connect with works while it stays up."""

import json
import re
import subprocess

import pytest
from fastmcp import Client
from tests.integration.demo.conftest import ROOT, Demo

pytestmark = pytest.mark.timeout(300)


async def test_the_lines_shown_work_until_ctrl_c(demo: Demo) -> None:
    demo.start()
    demo.until_said("Ctrl-C ends all of it")
    said = demo.said()

    called = shell(line(said, "list_tasks"))
    seen = shell(line(said, "hack/controlplane env"), line(said, "kubectl get nessus"))
    async with Client(json.loads(config(said))) as agent:
        asked = {"targets": "192.0.2.77", "name": "of an agent"}
        own = (await agent.call_tool("run_untrusted_scan", asked)).structured_content

    assert json.loads(called)["tasks"][0]["status"] == "completed"
    assert "nessusscan.nessus-operator.dev/scan-" in seen
    assert "scannerpool.nessus-operator.dev/nessus   True" in seen
    assert own is not None
    assert own["status"] == "queued"
    assert demo.press_ctrl_c() == 0
    assert demo.complained() == ""
    assert demo.left() == []


def line(said: str, words: str) -> str:
    """The last line with these words."""
    return next(line for line in reversed(said.splitlines()) if words in line)


def config(said: str) -> str:
    """The JSON of an agent's configuration."""
    found = re.search(r"^\{\n.*?^\}$", said, re.DOTALL | re.MULTILINE)
    assert found, said
    return found[0]


def shell(*lines: str) -> str:
    """What the last of these lines prints, typed where the demonstration was started."""
    return subprocess.run(
        ["bash", "-c", "\n".join(lines)], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
