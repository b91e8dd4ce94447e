"""Put the operator together: log in, follow scans and pools, wait to lead, then let kopf run."""

import asyncio
import signal
from dataclasses import dataclass, field
from typing import Any

import kopf
import structlog
from kubernetes.aio.client import Configuration

from nessus_operator.api.names import FINALIZER, GROUP, POOLS, VERSION
from nessus_operator.api.pool import ScannerPool
from nessus_operator.clients import clock
from nessus_operator.clients.errors import Fault, Unauthorized
from nessus_operator.clients.kube import paths
from nessus_operator.clients.kube.events import Recorder
from nessus_operator.clients.kube.lease import Lease, LeaseTerms
from nessus_operator.clients.kube.login import open_session
from nessus_operator.clients.kube.reflector import Reflector
from nessus_operator.clients.kube.requests import Kube
from nessus_operator.clients.kube.rights import Right, missing
from nessus_operator.clients.kube.store import Store
from nessus_operator.clients.tasks import until_one_ends
from nessus_operator.core import attention
from nessus_operator.handlers import sweep
from nessus_operator.handlers.loops import Loops
from nessus_operator.handlers.metrics import OperatorMetrics
from nessus_operator.handlers.state_metrics import StateCollector
from nessus_operator.handlers.world import World
from nessus_operator.settings import Settings

log = structlog.get_logger(__name__)

_FORBIDDEN = "403"
_TRY_AGAIN_SECONDS = 2.0
_LOOK_AGAIN_SECONDS = 10.0  # a namespace that is going refuses much, with all rights in place
_KOPF_SECONDS = 60.0  # who ends again and again for so long will not do better


def rights(lease_namespace: str) -> tuple[Right, ...]:
    """Everything the operator does; config/rbac/operator.yaml grants exactly this."""
    return (
        Right(GROUP, "nessusscans", ("get", "list", "watch", "patch")),
        Right(GROUP, "nessusscans/status", ("patch",)),
        Right(GROUP, "scannerpools", ("get", "list", "watch", "patch")),
        Right(GROUP, "scannerpools/status", ("patch",)),
        Right("", "secrets", ("get",)),
        Right("", "configmaps", ("get",)),
        Right("events.k8s.io", "events", ("create", "get", "patch")),
        Right("events.k8s.io", "events", ("create", "get", "patch"), lease_namespace),
        Right("coordination.k8s.io", "leases", ("get", "create", "update"), lease_namespace),
    )


@dataclass
class Operator:
    """One replica: what it knows, and why it is not ready if it is not."""

    world: World
    configuration: Configuration
    reflectors: list[Reflector]
    lacking: list[str] = field(default_factory=lambda: ["rights not checked yet"])
    refused: asyncio.Event = field(default_factory=asyncio.Event)  # something, by the API server
    told_to_end: asyncio.Event = field(default_factory=asyncio.Event)

    def unsynced(self) -> list[str]:
        """Which kinds were never listed, or not heard of for too long."""
        found = (reflector.problem() for reflector in self.reflectors)
        return list(dict.fromkeys(problem for problem in found if problem))

    def missing(self) -> list[str]:
        """Why this replica cannot work now, for anybody to read; empty when it can."""
        return [*self.lacking, *self.unsynced()]


def build(settings: Settings, configuration: Configuration, metrics: OperatorMetrics) -> Operator:
    session = open_session(configuration)
    refused = asyncio.Event()

    def observe(verb: str, resource: str, code: str, seconds: float) -> None:
        metrics.observe_kube(verb, resource, code, seconds)
        if code == _FORBIDDEN:
            refused.set()

    kube = Kube(session, writer="nessus-operator", observe=observe)
    duration = settings.lease_seconds
    terms = LeaseTerms(duration, duration * 2 / 3, duration * 2 / 15)
    world = World(
        settings=settings,
        kube=kube,
        scans=Store(attention.parse, group=lambda scan: scan.pool_key),
        pools=Store(ScannerPool.from_object),
        lease=Lease(kube, settings.lease_namespace, settings.lease_name, settings.identity, terms),
        recorder=Recorder(kube, f"{GROUP}/operator", settings.instance),
        metrics=metrics,
    )
    metrics.registry.register(StateCollector(world.scans, world.pools, world.lease.valid))
    reflectors = [
        reflector
        for namespace in settings.namespaces or ("",)
        for reflector in (
            Reflector(kube, paths.scans(namespace), world.scans.apply, report=metrics.watched),
            Reflector(kube, paths.pools(namespace), world.pools.apply, report=metrics.watched),
        )
    ]
    return Operator(world, configuration, reflectors, refused=refused)


def listen_to_signals(operator: Operator) -> None:
    """SIGTERM and SIGINT tell it to end."""
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, operator.told_to_end.set)


async def become_able(operator: Operator) -> None:
    """Wait for our rights and for the first list of everything; say what is missing."""
    world, said = operator.world, ""
    while True:
        try:
            wanted = rights(world.settings.lease_namespace)
            operator.lacking = await missing(world.kube, wanted, world.settings.namespaces)
        except Unauthorized:
            operator.lacking = ["rights not known: the API server refuses our login"]
        except Fault:
            operator.lacking = ["rights not known: the API server does not answer"]
        lacking = operator.missing()
        if not lacking:
            if said:
                log.info("Nothing is missing any more")
            return
        if (text := "; ".join(lacking)) != said:
            log.warning("Not ready", missing=lacking)
            said = text
        await asyncio.sleep(_TRY_AGAIN_SECONDS)


async def stay_able(operator: Operator) -> None:
    """Look at our rights again when something is refused; wait as at the start."""
    while True:
        await operator.refused.wait()
        operator.refused.clear()
        await become_able(operator)
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


async def lead(operator: Operator) -> None:
    """Serve pools until cancelled; raises LeadershipLost."""
    world = operator.world
    world.began = clock.monotonic()
    world.metrics.active.set(1)
    loops = Loops(world)
    try:
        await until_one_ends(
            world.lease.keep(), loops.run_poolless(), sweep.run(world), _keep_kopf(operator, loops)
        )
    finally:
        world.metrics.active.set(0)
        await asyncio.gather(*(loop.stop() for loop in loops))


async def _keep_kopf(operator: Operator, loops: Loops) -> None:
    """Run kopf, again where it ended: it does at a 403 or 404, which a restart may answer."""
    since = clock.monotonic()
    while True:
        began = clock.monotonic()
        try:
            return await _kopf(operator, loops)
        except Exception as error:
            ended = clock.monotonic()
            if ended - began > _KOPF_SECONDS:
                since = ended
            if ended - since > _KOPF_SECONDS:
                raise
            log.warning("Watch of pools began anew", error=type(error).__name__)
            await asyncio.sleep(_TRY_AGAIN_SECONDS)


async def _kopf(operator: Operator, loops: Loops) -> None:
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True  # the stores have been read: our kinds are there
    settings.posting.enabled = False
    settings.persistence.finalizer = f"{FINALIZER}-daemon"
    settings.networking.error_backoffs = [1, 2, 3, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5]
    namespaces = operator.world.settings.namespaces
    ours = asyncio.all_tasks()
    tasks = await kopf.spawn_tasks(
        registry=registry(operator, loops),
        settings=settings,
        standalone=True,
        clusterwide=not namespaces,
        namespaces=namespaces,
    )
    listen_to_signals(operator)  # kopf has just taken them, and would wait 5 s for our tasks
    await kopf.run_tasks(tasks, ignored=ours)


def registry(operator: Operator, loops: Loops) -> kopf.OperatorRegistry:
    """What kopf calls: our login, and one daemon for each pool."""
    handlers = kopf.OperatorRegistry()

    @kopf.on.login(registry=handlers)
    async def login(**_: object) -> kopf.AiohttpSession:
        # A session of its own: kopf closes it whenever it logs in anew.
        session = open_session(operator.configuration)
        return kopf.AiohttpSession(server=operator.configuration.host, aiohttp_session=session)

    @kopf.daemon(
        *(GROUP, VERSION, POOLS),
        registry=handlers,
        backoff=5.0,
        cancellation_backoff=1.0,
        cancellation_timeout=1.0,
    )
    async def serve_pool(
        *, namespace: str | None, name: str, stopped: kopf.DaemonStopped, **_: Any
    ) -> None:
        await until_one_ends(loops.of((namespace or "", name)).run(), _end_of(stopped))

    return handlers


async def _end_of(stopped: kopf.DaemonStopped) -> None:
    await stopped.wait()
