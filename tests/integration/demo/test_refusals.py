"""What cannot be shown is said in one line before anything starts."""

import os
import socket
from pathlib import Path

import pytest
from tests.integration.demo.conftest import Demo, eventually

ROOTED = "<NessusClientData_v2>{}</NessusClientData_v2>"

REPORTS = {
    "without hosts": (
        ROOTED.format("<Policy><policyName>none</policyName></Policy>"),
        "{file} names no host, so there is nothing to scan: give the report of a scan",
    ),
    "with a host that is a web address": (
        ROOTED.format('<Report><ReportHost name="http://example.org/"></ReportHost></Report>'),
        "{file} names a host that cannot be a target: 'http://example.org/' is not a network such "
        "as 192.0.2.0/24",
    ),
    "with a host that writes to the terminal": (
        ROOTED.format('<Report><ReportHost name="a&#x9b;31mb"></ReportHost></Report>'),
        "{file} names a host that cannot be a target: 'a\\x9b31mb' is not an address, a network, "
        "a range or a host name",
    ),
    "with a range for a host": (
        ROOTED.format('<Report><ReportHost name="192.0.2.1-192.0.2.9"></ReportHost></Report>'),
        "{file} names a host that is no single address: '192.0.2.1-192.0.2.9'",
    ),
    "that breaks off": (
        "<NessusClientData_v2><Report>",
        "{file} is not well-formed XML: no element found: line 1, column 29",
    ),
    "that is empty": ("", "{file} is not well-formed XML: no element found: line 1, column 0"),
    "of version 1": (
        "<NessusClientData/>",
        "{file} begins with <NessusClientData>; the demo can show <NessusClientData_v2> alone",
    ),
}


@pytest.mark.parametrize(("content", "line"), REPORTS.values(), ids=REPORTS)
def test_a_report_cannot_be_shown(demo: Demo, tmp_path: Path, content: str, line: str) -> None:
    file = tmp_path / "some.nessus"
    file.write_text(content)

    answer = demo.run("--once", "--report", file)

    assert answer == (2, "", f"hack/demo: {line.format(file=file)}\n")


def test_a_report_is_not_there(demo: Demo, tmp_path: Path) -> None:
    file = tmp_path / "none.nessus"

    answer = demo.run("--report", file)

    assert answer == (2, "", f"hack/demo: {file}: No such file or directory\n")


def test_a_port_is_taken(demo: Demo) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = demo.run("--port", str(port))

    assert answer == (
        2,
        "",
        f"hack/demo: port {port} of 127.0.0.1 cannot be had (Address already in use): name another "
        "with --port, or leave it out for a free one\n",
    )


def without_programs(folder: Path, go: str) -> dict[str, str]:
    """An environment that has neither Kubernetes nor a way to download it, and this Go."""
    (folder / "go").write_text(f"#!/bin/sh\n{go}\n")
    (folder / "go").chmod(0o755)
    nowhere = str(folder / "nowhere")
    return {
        "KUBEBUILDER_ASSETS": "",
        "XDG_DATA_HOME": nowhere,
        "XDG_CACHE_HOME": nowhere,
        "CONTROLPLANE_MIRROR": "http://127.0.0.1:9",
        "PATH": f"{folder}:{os.environ['PATH']}",
    }


def test_no_compiler_is_there(demo: Demo, tmp_path: Path) -> None:
    environment = without_programs(tmp_path, "echo go1.20")

    status, said, complained = demo.run("--once", **environment)

    assert (status, said) == (1, "")
    *progress, last = complained.splitlines()
    assert last.startswith(f"hack/controlplane: {tmp_path}/go is Go 1.20, too old: install 1.26")
    assert all(line.startswith("hack/controlplane: not downloaded:") for line in progress)
    assert demo.left() == []


def test_ctrl_c_ends_a_build_and_what_it_started(demo: Demo, tmp_path: Path) -> None:
    builds = 'case "$1" in env) echo go1.26.0;; *) sleep 1000 & wait;; esac'
    demo.start("--once", **without_programs(tmp_path, builds))
    eventually(lambda: bool(demo.processes("sleep 1000")), demo.complained)

    assert demo.press_ctrl_c() == 130
    assert "hack/controlplane: building etcd\n" in demo.complained()
    assert demo.left() == []
