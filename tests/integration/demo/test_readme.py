"""What README.md tells to type can be typed, and brings what it says."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.conftest import hack_controlplane
from tests.integration.demo.conftest import ROOT

README = (ROOT / "README.md").read_text()


def block(title: str) -> list[str]:
    """The commands that the section with this title shows, each a line."""
    section = README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    return [
        line
        for shown in re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
        for line in shown.splitlines()
    ]


def shell(lines: list[str], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        ["bash", "-euc", "\n".join(lines)],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def cluster(binaries: Path) -> Iterator[dict[str, str]]:
    """A control plane of its own, to which kubectl goes in this environment."""
    home = Path(hack_controlplane("up", "--owner", str(os.getpid())))
    path = f"{binaries}:{os.environ['PATH']}"
    yield {"KUBECONFIG": str(home / "kubeconfig"), "PATH": path}
    hack_controlplane("down", str(home))


def test_kinds_rights_and_samples_are_installed_as_told(cluster: dict[str, str]) -> None:
    lines = block("On a cluster")
    waits = [line for line in lines if line.startswith("kubectl wait ")]  # for an operator

    said = shell([line for line in lines if line not in waits], ROOT, **cluster)

    assert len(waits) == 1
    assert "nessusscan.nessus-operator.dev/dmz-weekly" in said.splitlines()[-4]
    assert "scannerpool.nessus-operator.dev/nessus" in said.splitlines()[-1]
    assert "serviceaccount/nessus-gateway serverside-applied" in said


def test_a_report_is_read_without_a_cluster_as_told(tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / "scan.nessus").write_bytes((ROOT / "tests/data/agent.nessus").read_bytes())

    said = shell(block("Without a cluster"), tmp_path)

    assert "1 host, 2 findings" in said
    assert "page 1 of 1" in said
