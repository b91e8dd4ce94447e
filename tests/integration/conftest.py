"""Fixtures for tests on a real API server.

One control plane serves the whole run, also when pytest-xdist runs it in several processes; tests
are kept apart by a namespace each. It ends with pytest, however that ends. Where it cannot be had
the run fails.
"""

import fcntl
import json
import os
import subprocess
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.kube import Kube, kubeconfig, path_of, trusting
from tests.proxy import Proxy
from tests.sockets import closed_at_the_end

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class ControlPlane:
    """A running control plane: `kubeconfig` is its admin's, `binaries` the folder with kubectl.

    A test may kill one of its `servers` (process ids by name): it is started again.
    """

    home: Path
    kubeconfig: Path
    binaries: Path

    @property
    def servers(self) -> dict[str, int]:
        return dict(json.loads((self.home / "state.json").read_text())["servers"])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Gets the programs before the first test's timeout runs: a first build takes minutes.

    Tests that were given more time than others come first, so that none is waited for at the end.
    """
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)
    wanted = any("binaries" in getattr(item, "fixturenames", ()) for item in items)
    if wanted and not config.option.collectonly:
        hack_controlplane("path")


@pytest.fixture(autouse=True)
async def connections() -> AsyncIterator[None]:
    """What a test connects is closed before the next one begins."""
    async with closed_at_the_end():
        yield


@pytest.fixture(scope="session")
def binaries() -> Path:
    """The folder with etcd, kube-apiserver, kube-controller-manager and kubectl."""
    return Path(hack_controlplane("path"))


@pytest.fixture(scope="session")
def control_plane(binaries: Path, tmp_path_factory: pytest.TempPathFactory) -> ControlPlane:
    """The control plane of this run, with kube-controller-manager."""
    folder, owner = tmp_path_factory.getbasetemp(), os.getpid()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder, owner = folder.parent, os.getppid()
    with (folder / "control-plane.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = folder / "control-plane"
        if not known.exists():
            options = ("--with-controller-manager", "--owner", str(owner))
            known.write_text(hack_controlplane("up", *options))
        home = Path(known.read_text())
    return ControlPlane(home, home / "kubeconfig", binaries)


@pytest.fixture(scope="session")
def crds(control_plane: ControlPlane) -> None:
    """Our kinds, served by the control plane. Applying them again changes nothing."""
    files = sorted((ROOT / "crds").glob("*.yaml"))
    kubectl(control_plane, "apply", "--server-side", *(f"--filename={file}" for file in files))
    kubectl(control_plane, "wait", "--for=condition=Established", "crd", "--all")
    # An established kind answers 429 until its storage is ready; kubectl waits that out.
    kubectl(control_plane, "get", "nessusscans,scannerpools", "--all-namespaces")


@pytest.fixture
async def kube(control_plane: ControlPlane, crds: None) -> AsyncIterator[Kube]:
    """The cluster's admin."""
    async with Kube(control_plane.kubeconfig) as admin:
        yield admin


@pytest.fixture
async def namespace(kube: Kube) -> str:
    """A namespace for one test.

    It stays until the control plane ends: to empty one takes a hundred requests, time and again
    while something in it has a finalizer and nobody is left to take that off.
    """
    name = f"t-{uuid.uuid4().hex[:10]}"
    await kube.create(path_of("namespaces"), {"metadata": {"name": name}})
    return name


@pytest.fixture
def service_account_kubeconfig(
    control_plane: ControlPlane, kube: Kube, namespace: str, tmp_path: Path
) -> Callable[..., Awaitable[Path]]:
    """`await service_account_kubeconfig("operator")` is a login file of that ServiceAccount.

    The account is made in the test's namespace if need be and has no rights of its own.
    `server="http://127.0.0.1:1234"` leads the login through a proxy.
    """

    async def login(name: str, *, server: str = "") -> Path:
        accounts = path_of("serviceaccounts", namespace)
        if name not in {a["metadata"]["name"] for a in await kube.items(accounts)}:
            await kube.create(accounts, {"metadata": {"name": name}})
        request = path_of("serviceaccounts", namespace, name, "token")
        token = (await kube.create(request, {"spec": {}}))["status"]["token"]
        config = kubeconfig(
            control_plane.kubeconfig, token=token, server=server, namespace=namespace
        )
        file = tmp_path / f"{name}-{uuid.uuid4().hex[:6]}.kubeconfig"
        file.touch(mode=0o600)
        file.write_text(json.dumps(config))
        return file

    return login


def hack_controlplane(*arguments: str) -> str:
    """What the command prints; its refusal ends the run."""
    command = [str(ROOT / "hack/controlplane"), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        pytest.exit(f"{' '.join(command)} failed; its reason stands above", returncode=1)
    return done.stdout.strip()


def kubectl(control_plane: ControlPlane, *arguments: str) -> str:
    """What kubectl prints for the admin."""
    login = f"--kubeconfig={control_plane.kubeconfig}"
    done = subprocess.run(
        [control_plane.binaries / "kubectl", login, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.fail(f"kubectl {' '.join(arguments)}: {done.stderr}", pytrace=False)
    return done.stdout


def api_proxy(control_plane: ControlPlane) -> Proxy:
    """In front of the API server."""
    config = json.loads(control_plane.kubeconfig.read_text())["clusters"][0]["cluster"]
    return Proxy(config["server"], trusting(config["certificate-authority-data"]))
