"""A scanner's certificate is trusted only where the pool says so, and no login goes out before."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.forked import start_simulator
from tests.integration.operator.ground import condition
from tests.integration.operator.scenes import change_scanner, done, until_waits
from tests.integration.operator.test_deletion import until_launched
from tests.integration.operator.troubles import PATIENT, the_pool, until_says, until_scanner
from tests.kube import path_of
from tests.running import Stage

from nessus_simulator.running import Simulator

AUTHORITY = {"kind": "ConfigMap", "name": "authority", "key": "ca.crt"}
TRUSTED = {"caBundleRef": AUTHORITY}


@dataclass(frozen=True)
class Secured:
    """A scanner behind TLS, and the authority that signed its certificate."""

    simulator: Simulator
    bundle: str

    @property
    def url(self) -> str:
        return self.simulator.url


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secured(authority: trustme.CA, tmp_path: Path) -> Iterator[Secured]:
    issued = authority.issue_cert("127.0.0.1")
    chain, key, bundle = (tmp_path / name for name in ("chain.pem", "key.pem", "ca.pem"))
    issued.cert_chain_pems[0].write_to_path(str(chain))
    issued.private_key_pem.write_to_path(str(key))
    authority.cert_pem.write_to_path(str(bundle))
    slow = ("--speed", "60", "--host-seconds", "3600")
    with start_simulator(*slow, tls=(chain, key), tls_ca=bundle) as simulator:
        yield Secured(simulator, bundle.read_text())


async def put_authority(stage: Stage, bundle: str) -> None:
    path = path_of("configmaps", stage.namespace, "authority")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "authority"}}
    await stage.kube.patch(path, body | {"data": {"ca.crt": bundle}}, "apply", force="true")


# What the pool says of its scanner's TLS; the reason and what the message then says. The
# ConfigMap "authority" holds the right one, "odd" holds no certificate, "strange" another CA.
UNTRUSTED: dict[str, tuple[dict[str, Any], str, str]] = {
    "names no authority": ({}, "Unreachable", "the scanner's TLS certificate is not trusted"),
    "names another authority": (
        {"caBundleRef": AUTHORITY | {"name": "strange"}},
        "Unreachable",
        "the scanner's TLS certificate is not trusted",
    ),
    "names a ConfigMap that is missing": (
        {"caBundleRef": AUTHORITY | {"name": "missing"}},
        "CANotFound",
        "ConfigMap missing with key ca.crt cannot be read",
    ),
    "names a Secret that is missing": (
        {"caBundleRef": AUTHORITY | {"kind": "Secret"}},
        "CANotFound",
        "Secret authority with key ca.crt cannot be read",
    ),
    "names a key that is missing": (
        {"caBundleRef": AUTHORITY | {"key": "tls.crt"}},
        "CANotFound",
        "ConfigMap authority with key tls.crt cannot be read",
    ),
    "names what is no certificate": (
        {"caBundleRef": AUTHORITY | {"name": "odd"}},
        "CANotFound",
        "tls.caBundleRef holds no certificates in PEM form",
    ),
}


@pytest.mark.parametrize(("tls", "reason", "words"), UNTRUSTED.values(), ids=UNTRUSTED)
async def test_a_scanner_that_is_not_trusted_sees_no_login(
    served: Stage, secured: Secured, tls: dict[str, Any], reason: str, words: str
) -> None:
    await put_authority(served, secured.bundle)
    strange = trustme.CA().cert_pem.bytes().decode()
    for name, text in {"odd": "-----BEGIN NOTHING-----", "strange": strange}.items():
        body = {"metadata": {"name": name}, "data": {"ca.crt": text}}
        await served.kube.create(path_of("configmaps", served.namespace), body)
    await served.create_pool(secured.url, tls=tls, circuitBreaker=PATIENT)
    await served.create_scan()
    told = await until_scanner(served, reason)
    assert words in told["message"]
    says = f"waiting: no scanner is ready: scanner1 ({reason})"
    await until_waits(served, "NoReadyScanner", says=says)
    assert secured.simulator.calls() == []
    await change_scanner(served, "scanner1", tls=TRUSTED)
    await until_launched(served)
    secured.simulator.advance(3 * 3600)
    await served.until("Completed")
    assert condition(await the_pool(served), "InsecureTLS")["status"] == "False"


async def test_an_authority_that_comes_later_is_found(served: Stage, secured: Secured) -> None:
    await served.create_pool(secured.url, tls=TRUSTED)
    await until_scanner(served, "CANotFound")
    await put_authority(served, secured.bundle)
    await until_scanner(served, "Ready")


async def test_the_authority_can_lie_in_a_secret(served: Stage, secured: Secured) -> None:
    body = {"metadata": {"name": "authority"}, "stringData": {"ca.crt": secured.bundle}}
    await served.kube.create(path_of("secrets", served.namespace), body)
    await served.create_pool(secured.url, tls={"caBundleRef": AUTHORITY | {"kind": "Secret"}})
    await until_scanner(served, "Ready")


async def test_a_running_scan_outlives_a_change_of_authorities(
    served: Stage, secured: Secured
) -> None:
    await put_authority(served, secured.bundle)
    await served.create_pool(secured.url, tls=TRUSTED, circuitBreaker=PATIENT)
    await served.create_scan()
    await until_launched(served)
    await put_authority(served, trustme.CA().cert_pem.bytes().decode())
    await until_says(served, "scanner1 does not answer; waiting until the deadline")
    told = await until_scanner(served, "Unreachable")
    assert "not trusted" in told["message"]
    await put_authority(served, secured.bundle)
    await until_says(served, "runs on scanner1")
    secured.simulator.advance(3 * 3600)
    await served.until("Completed")
    assert len(done(secured.simulator, "POST", "/launch$")) == 1


async def test_a_pool_that_verifies_nothing_says_so(served: Stage, secured: Secured) -> None:
    await served.create_pool(secured.url, tls={"insecureSkipVerify": True})
    await until_scanner(served, "Ready")
    insecure = condition(await the_pool(served), "InsecureTLS")
    assert (insecure["status"], insecure["message"]) == ("True", "scanner1")
