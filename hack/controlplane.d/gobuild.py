"""Binaries built from the Go modules that go.mod pins, for where no published ones can be had."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from messages import Failure, last_line, say

MODULE = Path(__file__).parent
PACKAGES = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
}
OTHERWISE = (
    "or set KUBEBUILDER_ASSETS to a folder with kube-apiserver, etcd, kubectl and "
    "kube-controller-manager"
)


def version() -> str:
    """The version of Kubernetes that go.mod pins, such as v1.36.4."""
    return pinned(r"k8s\.io/kubernetes (v\S+)")


def pinned(pattern: str) -> str:
    """The first group of a pattern in go.mod."""
    match = re.search(pattern, (MODULE / "go.mod").read_text())
    if match is None:
        raise Failure(f"{MODULE / 'go.mod'} names no {pattern}: restore it from git")
    return match[1]


def build(parts: Sequence[str], folder: Path) -> dict[str, Path]:
    """Builds each of `parts` into `folder` and tells where it is. Raises Failure."""
    if not parts:
        return {}
    go = compiler()
    folder.mkdir(parents=True, exist_ok=True)
    say(f"building Kubernetes {version()} from its Go modules, once: about 5 minutes on 2 cores")
    return {part: compiled(go, part, folder / part) for part in parts}


def compiler() -> str:
    """The path of a Go that can build go.mod. Raises Failure when it is missing or too old."""
    needed = pinned(r"\ngo (\d+\.\d+)")
    go = shutil.which("go")
    if go is None:
        raise Failure(
            f"Go is missing: install Go {needed} or newer (https://go.dev/dl), {OTHERWISE}"
        )
    answer = run([go, "env", "GOVERSION"])
    match = re.fullmatch(r"go(\d+)\.(\d+).*", answer.stdout.strip())
    if match is None:
        raise Failure(f"{go} does not work: {last_line(answer.stderr)}; repair it, {OTHERWISE}")
    if (int(match[1]), int(match[2])) < tuple(map(int, needed.split("."))):
        found = f"{go} is Go {answer.stdout.strip()[2:]}"
        raise Failure(f"{found}, too old: install {needed} or newer, {OTHERWISE}")
    return go


def compiled(go: str, part: str, target: Path) -> Path:
    """Builds one part; `target` is there whole or not at all."""
    say(f"building {part}")
    began = time.monotonic()
    fresh = target.with_name(f".{target.name}.new")
    flags = ["-trimpath", "-ldflags", linker_flags(version())]
    answer = run([go, "build", *flags, "-o", str(fresh), PACKAGES[part]])
    if answer.returncode != 0:
        if "no space left on device" in answer.stderr:
            raise Failure(f"the disk is full: {part} needs about 4 GB for Go's build cache")
        raise Failure(f"building {part} failed: {last_line(answer.stderr)}")
    say(f"built {part} in {time.monotonic() - began:.0f} s")
    return fresh.rename(target)


def linker_flags(release: str) -> str:
    """Without debug symbols, and with the version that a build outside its own tree lacks."""
    major, minor, _ = release[1:].split(".", 2)
    package = "k8s.io/component-base/version"
    names = {"gitVersion": release, "gitMajor": major, "gitMinor": minor}
    return "-s -w " + " ".join(f"-X {package}.{name}={value}" for name, value in names.items())


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Runs Go in the module with the user's own settings (GOPROXY, GOFLAGS), apart from cgo."""
    return subprocess.run(  # noqa: S603 - the user's Go with words of this file
        command,
        cwd=MODULE,
        env=os.environ | {"CGO_ENABLED": "0", "GOWORK": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
