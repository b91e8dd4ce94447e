"""A simulated Nessus with TLS, and drivers for it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.forked import start_simulator as start

from nessus_operator.api.pool import Auth, AuthType
from nessus_operator.api.scan import NameRef
from nessus_operator.clients.scanners.nessus import driver
from nessus_operator.clients.scanners.nessus.driver import Nessus
from nessus_operator.clients.scanners.nessus.export import Limits
from nessus_operator.clients.scanners.protocol import Connection
from nessus_simulator.running import ACCESS_KEY, PASSWORD, SECRET_KEY, USER, Simulator

KEYS = {"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}
LOGIN = {"username": USER, "password": PASSWORD}
SPEED = 60.0  # simulated seconds per second, so that an export is ready at once
LIMITS = Limits(first_wait=0.02, longest_wait=0.1, ready_within=20.0)


@dataclass(frozen=True)
class Certificates:
    ca: trustme.CA
    folder: Path

    @property
    def bundle(self) -> str:
        return self.ca.cert_pem.bytes().decode()

    def files(self, host: str) -> tuple[Path, Path]:
        """A certificate chain and its key for a host."""
        issued = self.ca.issue_cert(host)
        chain, key = self.folder / f"{host}.pem", self.folder / f"{host}.key"
        chain.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(key)
        return chain, key

    @property
    def file(self) -> Path:
        path = self.folder / "ca.pem"
        path.write_text(self.bundle)
        return path


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(trustme.CA(), tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def shared_simulator(certificates: Certificates) -> Iterator[Simulator]:
    tls = certificates.files("127.0.0.1")
    with start("--speed", str(SPEED), tls=tls, tls_ca=certificates.file) as running:
        yield running


@pytest.fixture
def simulator(shared_simulator: Simulator) -> Iterator[Simulator]:
    """As after its start, but for the scans of earlier tests."""
    shared_simulator.release_all()
    shared_simulator.set_license("manager")
    shared_simulator.control("DELETE", "/sessions")
    shared_simulator.clear_calls()
    yield shared_simulator
    shared_simulator.release_all()


@dataclass
class Drivers:
    """Makes drivers and closes them; `observed` is what all of them told."""

    simulator: Simulator
    bundle: str
    made: list[Nessus] = field(default_factory=list)
    observed: list[tuple[str, str]] = field(default_factory=list)

    def __call__(
        self, kind: AuthType = AuthType.API_KEYS, limits: Limits = LIMITS, **changes: Any
    ) -> Nessus:
        given = {
            "url": self.simulator.url,
            "auth": Auth(type=kind, secret_ref=NameRef(name="s")),
            "secret": KEYS if kind is AuthType.API_KEYS else LOGIN,
            "ca_bundle": self.bundle,
            "request_seconds": 20.0,
        }
        one = driver.connect(Connection(**{**given, **changes}), self._observe, limits)
        self.made.append(one)
        return one

    def _observe(self, operation: str, outcome: str, seconds: float) -> None:
        self.observed.append((operation, outcome))


@pytest.fixture
async def connect(simulator: Simulator, certificates: Certificates) -> AsyncIterator[Drivers]:
    drivers = Drivers(simulator, certificates.bundle)
    yield drivers
    for one in drivers.made:
        await one.close()
