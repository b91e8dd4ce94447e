"""What cannot be shown is said in one line before anything starts."""

import os
import socket
from pathlib import Path

import pytest
from demo.watch import Watch
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


def without_programs(folder: Path, go: str | None) -> dict[str, str]:
    """An environment that has neither Kubernetes nor a way to download it, and this Go or none."""
    nowhere = str(folder / "nowhere")
    path = [part for part in os.environ["PATH"].split(":") if not Path(part, "go").exists()]
    assert any(Path(part, "bash").exists() for part in path)
    if go is not None:
        write_program(folder / "go", go)
    return {
        "KUBEBUILDER_ASSETS": "",
        "XDG_DATA_HOME": nowhere,
        "XDG_CACHE_HOME": nowhere,
        "CONTROLPLANE_MIRROR": "http://127.0.0.1:9",
        "PATH": ":".join((str(folder), *path)),
    }


def write_program(file: Path, lines: str) -> None:
    file.write_text(f"#!/bin/sh\n{lines}\n")
    file.chmod(0o755)


COMPILERS = {
    "too old": ("echo go1.20", "{go} is Go 1.20, too old: install 1.26"),
    "missing": (None, "Go is missing: install Go 1.26 or newer"),
}


@pytest.mark.parametrize(("go", "line"), COMPILERS.values(), ids=COMPILERS)
def test_a_compiler_cannot_build(demo: Demo, tmp_path: Path, go: str | None, line: str) -> None:
    environment = without_programs(tmp_path, go)

    status, said, complained = demo.run("--once", **environment)

    assert (status, said) == (1, "")
    *progress, last = complained.splitlines()
    assert last.startswith(f"hack/controlplane: {line.format(go=tmp_path / 'go')}")
    assert all(line.startswith("hack/controlplane: not downloaded:") for line in progress)
    assert demo.left() == []


def test_ctrl_c_ends_a_build_and_what_it_started(demo: Demo, tmp_path: Path) -> None:
    builds = 'case "$1" in env) echo go1.26.0;; *) sleep 1000 & wait;; esac'
    demo.start("--once", **without_programs(tmp_path, builds))
    eventually(lambda: bool(demo.processes("sleep 1000")), demo.complained)

    assert demo.press_ctrl_c() == 130
    assert "hack/controlplane: building etcd\n" in demo.complained()
    assert demo.left() == []


FULL = "the disk is full: free some"


def test_the_disk_is_full_when_the_control_plane_starts(demo: Demo, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("kube-apiserver", "kubectl", "kube-controller-manager"):
        write_program(programs / name, "echo Kubernetes v1.36.4")
    write_program(programs / "etcd", "echo 'panic: write wal: no space left on device'; exit 1")

    status, said, complained = demo.run("--once", KUBEBUILDER_ASSETS=str(programs))

    assert (status, said) == (1, "")
    assert complained.startswith(f"hack/controlplane: {FULL}")
    assert len(complained.splitlines()) == 1
    assert demo.left() == []


async def test_the_disk_fills_up_later() -> None:
    watch = Watch(lambda: None)

    await watch.keep_room(Path("/proc"))  # a file system without any room

    assert str(watch.fault.result()).startswith(FULL)


def test_the_disk_to_write_to_is_full(demo: Demo) -> None:
    with open("/dev/full", "wb") as full:
        demo.start("--once", output=full.fileno())

    assert demo.wait() == 1
    assert demo.complained().startswith(f"hack/demo: {FULL}")
    assert len(demo.complained().splitlines()) == 1
    assert demo.left() == []
