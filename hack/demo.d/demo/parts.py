"""The parts of the product as processes, each under the rights that config/rbac gives it."""

import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from demo import manifests
from demo.children import Child, Children
from demo.controlplane import REPOSITORY, ControlPlane, write_secret
from demo.failures import Failure
from demo.manifests import Scanner
from demo.targets import Plan
from nessus_gateway import tokens
from nessus_simulator.server import READY

HOST = "127.0.0.1"
HOST_SECONDS = 60.0  # simulated, that a scan takes per host
SCAN_SECONDS = 8.0  # real, that it takes in all, unless a speed is asked for
AGENT = "demo-agent"
SCOPES = ("scan:read", "scan:run", "scan:control")

_READY_SECONDS = 60.0
_PYTHON = (sys.executable, "-P", "-m")


@dataclass(frozen=True)
class Gateway:
    """Where agents connect, and the token that lets them in."""

    url: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class Ground:
    """What all parts share. Everything they write lies below `folder`."""

    plane: ControlPlane
    children: Children
    folder: Path

    def __post_init__(self) -> None:
        (self.folder / "tmp").mkdir()
        (self.folder / "results").mkdir()

    def environment(self, login: Path | None = None, **settings: str) -> Mapping[str, str]:
        """The shell's own, without settings that it may have for other purposes."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("NESSUS_")}
        kubeconfig = {"KUBECONFIG": str(login)} if login else {}
        return inherited | {"TMPDIR": str(self.folder / "tmp")} | kubeconfig | settings


async def install(plane: ControlPlane) -> None:
    """As an administrator does: kinds, namespaces, rights."""
    await plane.kubectl("apply", "--server-side", "-f", REPOSITORY / "crds")
    await plane.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    for name in (manifests.SYSTEM, manifests.NAMESPACE):
        await plane.kubectl("create", "-f", "-", given=manifests.namespace(name))
    await plane.kubectl("apply", "-f", REPOSITORY / "config/rbac")


async def start_scanner(
    ground: Ground, name: str, plan: Plan, speed: float | None, report: Path | None
) -> Scanner:
    """A simulated Nessus that serves this report, or makes one."""
    access_key, secret_key = secrets.token_hex(16), secrets.token_hex(16)
    chosen = speed or max(1.0, plan.elements * HOST_SECONDS / SCAN_SECONDS)
    options = ["--port=0", f"--speed={chosen}", f"--host-seconds={HOST_SECONDS}"]
    options += [f"--api-key={access_key}:{secret_key}"]
    options += [f"--report={report}"] if report else []
    command = [*_PYTHON, "nessus_simulator", *options]
    child = await ground.children.start(name, command, ground.environment())
    url = await ground.children.until(child, _address, _READY_SECONDS)
    return Scanner(name, url, access_key, secret_key)


async def start_operator(ground: Ground) -> Child:
    login = ground.folder / "operator.kubeconfig"
    await ground.plane.login(manifests.SYSTEM, "nessus-operator", login)
    environment = ground.environment(
        login,
        NESSUS_OPERATOR_RESULTS_DIR=str(ground.folder / "results"),
        NESSUS_OPERATOR_HOST=HOST,
        NESSUS_OPERATOR_PORT="0",
        NESSUS_OPERATOR_LEASE_NAMESPACE=manifests.SYSTEM,
        NESSUS_OPERATOR_FIRST_POLL_SECONDS="0.5",
    )
    command = [*_PYTHON, "nessus_operator"]
    child = await ground.children.start("operator", command, environment)
    await ground.children.until(child, _ready, _READY_SECONDS)
    return child


async def create_pool(
    plane: ControlPlane, operator: Child, scanners: Sequence[Scanner], plan: Plan
) -> None:
    """Returns when the operator finds the pool ready to take scans. Raises Failure."""
    await plane.kubectl("create", "-f", "-", given=manifests.keys(scanners))
    await plane.kubectl("create", "-f", "-", given=manifests.pool(scanners, plan))
    pool = ("--namespace", manifests.NAMESPACE, f"spool/{manifests.POOL}")
    try:
        await plane.kubectl("wait", *pool, "--for=condition=Ready", "--timeout=60s")
    except Failure as failure:
        raise operator.failed(f"did not make the pool ready ({failure})") from failure


async def start_gateway(ground: Ground, port: int) -> Gateway:
    """It lets in one agent, by a token that only this process knows."""
    token, file = tokens.new_token(), ground.folder / "tokens.yaml"
    entry = tokens.Entry.model_validate(
        {
            "name": AGENT,
            "sha256": tokens.digest(token),
            "namespaces": [manifests.NAMESPACE],
            "scopes": SCOPES,
        }
    )
    write_secret(file, entry.to_yaml())
    login = ground.folder / "gateway.kubeconfig"
    await ground.plane.login(manifests.SYSTEM, "nessus-gateway", login)
    environment = ground.environment(
        login,
        NESSUS_GATEWAY_RESULTS_DIR=str(ground.folder / "results"),
        NESSUS_GATEWAY_TOKENS_FILE=str(file),
        NESSUS_GATEWAY_HOST=HOST,
        NESSUS_GATEWAY_PORT=str(port),
    )
    command = [*_PYTHON, "nessus_gateway", "serve"]
    child = await ground.children.start("gateway", command, environment)
    url = await ground.children.until(child, _ready, _READY_SECONDS)
    return Gateway(f"{url}/mcp", token)


async def _address(child: Child) -> str | None:
    """A simulator's, once it says so."""
    said = (line for line in child.lines() if line.startswith(READY))
    return next((line.removeprefix(READY).strip() for line in said), None)


async def _ready(child: Child) -> str | None:
    """Its address, once it says that it can work."""
    port = child.port()
    if port is None:
        return None
    url = f"http://{HOST}:{port}"
    async with httpx2.AsyncClient(trust_env=False) as client:
        try:
            answer = await client.get(f"{url}/readyz")
        except httpx2.TransportError:
            return None
    return url if answer.is_success else None
