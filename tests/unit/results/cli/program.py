"""`nessus-results` as a program, and two reports to try it on."""

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

from tests.reports import check, host, item, report

BEFORE = report(host("192.0.2.1", item(1, severity=4), item(2, severity=1)))
NOW = report(
    host(
        "192.0.2.1",
        item(1, ("odd", "child"), severity=4, name="[bold]x[/bold]", port=22),
        item(1, severity=2, cve="CVE-2024-1", exploit_available="true"),
        item(3, severity=0, plugin_output="something long " * 200),
        check("FAILED", ("cm:compliance-check-name", "1.1 no telnet")),
        tags={"HOST_END_TIMESTAMP": "1700000000"},
    )
)


def run(
    home: Path, *arguments: str, stdout: IO[str] | int = subprocess.PIPE, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nessus_operator.cli.results", *arguments],
        cwd=home,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "160", "NO_COLOR": "1", **environment},
        timeout=60,
    )


def output(home: Path, *arguments: str) -> str:
    """stdout of a command that succeeds without a word on stderr."""
    done = run(home, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout
