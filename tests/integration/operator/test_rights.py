"""config/rbac/operator.yaml grants what the operator uses, all of it and nothing else."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import trustme
from tests.forked import start_simulator
from tests.integration.conftest import ControlPlane, api_proxy
from tests.integration.operator.test_deletion import until_launched
from tests.kube import path_of
from tests.proxy import Proxy
from tests.rights import granted, used
from tests.running import Stage

from nessus_operator.handlers.startup import rights
from nessus_simulator.running import Simulator


def test_what_is_asked_for_at_the_start_is_what_the_roles_grant() -> None:
    assert granted("operator.yaml") == {
        (right.group, right.resource, verb)
        for right in rights("nessus-system")
        for verb in right.verbs
    }


async def test_a_run_with_troubles_uses_every_right_and_no_other(
    stage: Stage,
    control_plane: ControlPlane,
    service_account_kubeconfig: Callable[..., Awaitable[Path]],
) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    chain, key, bundle = (stage.logs / name for name in ("chain.pem", "key.pem", "ca.pem"))
    issued.cert_chain_pems[0].write_to_path(str(chain))
    issued.private_key_pem.write_to_path(str(key))
    authority.cert_pem.write_to_path(str(bundle))
    slow = ("--speed", "60", "--host-seconds", "3600")
    async with api_proxy(control_plane).serve() as proxy:
        login = await service_account_kubeconfig("nessus-operator", server=proxy.url)
        with start_simulator(*slow, tls=(chain, key), tls_ca=bundle) as simulator:
            await _create_pool(stage, simulator, bundle.read_text())
            stage.start(login)
            await _disturb(stage, proxy)
            await _run_twice(stage, simulator)
            stage.stop()
    assert used(proxy.calls) == granted("operator.yaml")


async def _create_pool(stage: Stage, simulator: Simulator, bundle: str) -> None:
    body = {"metadata": {"name": "authority"}, "data": {"ca.crt": bundle}}
    await stage.kube.create(path_of("configmaps", stage.namespace), body)
    reference = {"kind": "ConfigMap", "name": "authority", "key": "ca.crt"}
    await stage.create_pool(simulator.url, tls={"caBundleRef": reference})


async def _disturb(stage: Stage, proxy: Proxy) -> None:
    """Another writes to the pool and to a scan just before the operator does."""
    for resource, name in (("scannerpools", "pool"), ("nessusscans", "scan")):
        hold = proxy.hold(f"^PATCH .*/{resource}/{name}/status$")
        if name == "scan":
            await stage.create_scan()
        await hold.held.wait()
        label = {"metadata": {"labels": {"seen": "yes"}}}
        await stage.kube.patch(path_of(resource, stage.namespace, name), label)
        hold.release()


async def _run_twice(stage: Stage, simulator: Simulator) -> None:
    """What an attempt tells like the one before is counted in the same event."""
    await until_launched(stage)
    await stage.change({"cancel": True})
    await stage.until("Cancelled")
    await stage.change({"cancel": False, "manualRetries": 1})
    await until_launched(stage, attempt=2)
    simulator.advance(3 * 3600)
    await stage.until("Completed")
    await stage.kube.delete(path_of("nessusscans", stage.namespace, "scan"))
    await stage.until_gone()
