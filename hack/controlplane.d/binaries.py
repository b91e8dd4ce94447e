"""The folder with etcd, kube-apiserver, kube-controller-manager and kubectl.

Asked in this order: KUBEBUILDER_ASSETS, the folder of setup-envtest, our cache, the published
binaries, the Go modules. A source that lacks a part is completed from the next ones.
"""

import fcntl
import hashlib
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import download
import gobuild
from messages import Failure, say

PARTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
OLDEST = (1, 36)  # selectable fields and the CEL that crds/ uses

MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def folder() -> Path:
    """The folder with all PARTS at Kubernetes OLDEST or newer, got first if need be.

    Raises Failure when no source has them. When several ask at once, one gets and the others wait.
    """
    found = from_environment() or from_setup_envtest()
    found |= from_cache(missing(found))
    if missing(found):
        with locked():
            found |= from_cache(missing(found))
            found |= download.fetch(missing(found), this_platform(), downloaded())
            found |= gobuild.build(missing(found), built())
    return together(found)


def missing(found: Iterable[str]) -> list[str]:
    """The PARTS that are not among `found`."""
    return [part for part in PARTS if part not in found]


def from_environment() -> dict[str, Path]:
    """What KUBEBUILDER_ASSETS offers; a folder that cannot serve is an error, not a fallback."""
    named = os.environ.get("KUBEBUILDER_ASSETS")
    if not named:
        return {}
    found = present(Path(named).resolve())
    if not found:
        raise Failure(
            f"KUBEBUILDER_ASSETS={named} holds none of {', '.join(PARTS)}: "
            "correct it, or unset it to have them fetched"
        )
    if "kube-apiserver" in found and version(found["kube-apiserver"]) < OLDEST:
        raise Failure(
            f"KUBEBUILDER_ASSETS={named} holds a kube-apiserver older than "
            f"{OLDEST[0]}.{OLDEST[1]}: name a newer one, or unset it to have one fetched"
        )
    return found


def from_setup_envtest() -> dict[str, Path]:
    """The newest version >= OLDEST that the tool setup-envtest has stored for its user."""
    default = Path.home() / ".local/share"
    store = Path(os.environ.get("XDG_DATA_HOME") or default) / "kubebuilder-envtest/k8s"
    candidates = [
        (tuple(map(int, match.groups())), path)
        for path in store.glob(f"*-{this_platform()}")
        if (match := re.match(r"(\d+)\.(\d+)\.(\d+)-", path.name)) and "etcd" in present(path)
    ]
    newest, path = max(candidates, default=((), store))
    return present(path) if newest[:2] >= OLDEST else {}


def from_cache(parts: Iterable[str]) -> dict[str, Path]:
    """Those of `parts` that an earlier call downloaded or built."""
    have = present(built()) | present(downloaded())
    return {part: have[part] for part in parts if part in have}


def present(path: Path) -> dict[str, Path]:
    """The PARTS in a folder that can be executed."""
    return {part: path / part for part in PARTS if os.access(path / part, os.X_OK)}


def version(kube_apiserver: Path) -> tuple[int, int]:
    """Major and minor version that a kube-apiserver says it has."""
    said = subprocess.run(  # noqa: S603 - the very program that would be started next
        [kube_apiserver, "--version"], capture_output=True, text=True, check=False
    ).stdout
    match = re.search(r"v(\d+)\.(\d+)\.", said)
    if match is None:
        raise Failure(f"{kube_apiserver} does not answer --version: is it made for this machine?")
    return int(match[1]), int(match[2])


def together(found: dict[str, Path]) -> Path:
    """One folder that holds all of `found`: theirs if they share one, else one of symlinks."""
    if len({path.parent for path in found.values()}) == 1:
        return found["etcd"].parent
    name = hashlib.sha256("\n".join(map(str, sorted(found.values()))).encode()).hexdigest()[:16]
    joined = cache() / f"joined-{name}"
    if not joined.exists():
        fresh = Path(tempfile.mkdtemp(prefix=".joined-", dir=cache()))
        for part, path in found.items():
            (fresh / part).symlink_to(path)
        try:
            fresh.rename(joined)
        except OSError:
            if not joined.exists():  # else another call was first, with the same links
                raise
            for link in fresh.iterdir():
                link.unlink()
            fresh.rmdir()
    return joined


def cache() -> Path:
    """Our part of the user's cache folder, made if need be."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    path = root / "nessus-operator/controlplane"
    path.mkdir(parents=True, exist_ok=True)
    return path


def downloaded() -> Path:
    """Where the published binaries are kept."""
    return cache() / f"downloaded-{download.version()}-{this_platform()}"


def built() -> Path:
    """Where binaries built from the Go modules are kept."""
    return cache() / f"built-{gobuild.version()}-{this_platform()}"


def this_platform() -> str:
    """Operating system and processor as Kubernetes names its archives, such as linux-amd64."""
    machine = platform.machine().lower()
    return f"{sys.platform}-{MACHINES.get(machine, machine)}"


@contextmanager
def locked() -> Iterator[None]:
    """Holds the cache for this process; waits while another gets binaries."""
    with (cache() / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another call is getting the binaries; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
