"""Programs that are there already, and a Go that cannot build the missing ones."""

import pytest
from tests.integration.controlplane.conftest import (
    PARTS,
    Publisher,
    Tools,
    program,
    put,
    this_platform,
)


def test_a_complete_folder_of_the_user_is_taken_as_it_is(
    tools: Tools, publisher: Publisher
) -> None:
    mine = put(tools.home / "mine", *PARTS)
    assert tools.run("path", KUBEBUILDER_ASSETS=str(mine)) == (0, str(mine), "")
    assert publisher.asked == []


def test_an_incomplete_folder_is_completed_in_our_cache(tools: Tools, publisher: Publisher) -> None:
    mine = put(tools.home / "mine", "etcd", "kube-apiserver", "kubectl", version="v1.37.1")
    status, folder, progress = tools.run("path", KUBEBUILDER_ASSETS=str(mine))
    assert status == 0, progress
    assert publisher.asked == ["/server.tar.gz"]
    assert (tools.cache / folder / "etcd").resolve() == mine / "etcd"
    added = (tools.cache / folder / "kube-controller-manager").read_text()
    assert added == program("kube-controller-manager")
    assert sorted(path.name for path in mine.iterdir()) == ["etcd", "kube-apiserver", "kubectl"]


REFUSED = {
    "a folder without any of the programs": ((), "v1.36.0", "holds none of etcd, "),
    "an API server that is too old": (PARTS, "v1.35.9", "holds a kube-apiserver older than 1.36"),
    "a program that does not know its version": (PARTS, "", "does not answer --version"),
}


@pytest.mark.parametrize(("parts", "version", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_folder_that_cannot_serve_is_an_error(
    tools: Tools, parts: tuple[str, ...], version: str, reason: str
) -> None:
    mine = put(tools.home / "mine", *parts, version=version)
    status, folder, progress = tools.run("path", KUBEBUILDER_ASSETS=str(mine))
    assert (status, folder) == (1, "")
    assert reason in progress
    assert len(progress.splitlines()) == 1


def test_the_newest_version_of_setup_envtest_is_taken(tools: Tools) -> None:
    store = tools.home / ".local/share/kubebuilder-envtest/k8s"
    for version in ("1.9.0", "1.36.9", "1.36.10"):
        put(store / f"{version}-{this_platform()}", *PARTS)
    put(store / "1.99.0-plan9-amd64", *PARTS)
    newest = store / f"1.36.10-{this_platform()}"
    assert tools.run("path") == (0, str(newest), "")


def test_old_versions_of_setup_envtest_are_passed_over(tools: Tools, publisher: Publisher) -> None:
    put(tools.home / f".local/share/kubebuilder-envtest/k8s/1.35.0-{this_platform()}", *PARTS)
    assert "/downloaded-v1.36.0-" in tools.run("path")[1]


NO_GO = {
    "missing": ("", "Go is missing: install Go 1.26 or newer (https://go.dev/dl), or set"),
    "too old": ("echo go1.25.3", "go is Go 1.25.3, too old: install 1.26 or newer, or set"),
    "much too old": ("echo go1.9", "go is Go 1.9, too old: install 1.26 or newer, or set"),
    "broken": ("echo no toolchain >&2; exit 1", "does not work: no toolchain; repair it, or set"),
    "on a full disk": (
        '[ "$1" = env ] && echo go1.26.0 && exit; echo x: no space left on device >&2; exit 1',
        "the disk is full: etcd needs about 4 GB",
    ),
    "without modules": (
        '[ "$1" = env ] && echo go1.26.0 && exit; echo m: dial tcp: no route >&2; exit 1',
        "building etcd failed: m: dial tcp: no route",
    ),
}


@pytest.mark.parametrize(("script", "reason"), NO_GO.values(), ids=NO_GO)
def test_a_go_that_cannot_build_ends_in_one_clear_line(
    tools: Tools, script: str, reason: str
) -> None:
    if script:
        tools.go(script)
    status, folder, progress = tools.run("path", CONTROLPLANE_MIRROR="http://127.0.0.1:9")
    assert (status, folder) == (1, "")
    assert progress.splitlines()[-1].startswith("hack/controlplane: ")
    assert reason in progress.splitlines()[-1]
    assert "Traceback" not in progress


WAITING = '[ "$1" = --version ] && echo Kubernetes v1.36.0 && exit; exec /bin/sleep 60'
ENDED = {
    "by a full disk": ("panic: write x: no space left on device", "the disk is full: free some"),
    "by a flag": ("unknown flag: --data-dir", "etcd ended at its start: unknown flag: --data-dir"),
    "without a word": ("", "etcd ended at its start: it said nothing"),
}


@pytest.mark.parametrize(("words", "reason"), ENDED.values(), ids=ENDED)
def test_a_server_that_ends_at_its_start_is_one_clear_line(
    tools: Tools, words: str, reason: str
) -> None:
    mine = put(tools.home / "mine", *PARTS)
    (mine / "etcd").write_text(f"#!/bin/sh\necho '{words}'\nexit 1\n")
    (mine / "kube-apiserver").write_text(f"#!/bin/sh\n{WAITING}\n")
    env = {"KUBEBUILDER_ASSETS": str(mine), "TMPDIR": str(tools.home)}
    status, home, progress = tools.run("up", **env)
    assert (status, home, len(progress.splitlines())) == (1, "", 1)
    assert progress.startswith(f"hack/controlplane: {reason}")
    assert list(tools.home.glob("nessus-controlplane-*")) == []


def test_a_cache_that_cannot_be_written_is_one_clear_line(tools: Tools) -> None:
    (tools.home / "file").write_text("")
    status, _, progress = tools.run("path", XDG_CACHE_HOME=str(tools.home / "file"))
    assert (status, len(progress.splitlines())) == (1, 1)
    assert progress.endswith("Not a directory")
