"""One watch per scanner of a pool: probe it, list its scans, and know whether it takes more.

All calls to a scanner go through its watch, so that the breaker sees every one of them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import structlog

from nessus_operator.api.pool import AuthType, License, ScanAPI, Scanner, ScannerPool, ScannerStatus
from nessus_operator.api.reasons import Reason
from nessus_operator.api.remote import RemoteScan, ServerInfo
from nessus_operator.clients import clock
from nessus_operator.clients.errors import Fault, NotLicensed, Unauthorized, Unavailable
from nessus_operator.clients.scanners.protocol import Connection
from nessus_operator.clients.scanners.protocol import Scanner as Driver
from nessus_operator.clients.scanners.registry import connect
from nessus_operator.core import polling
from nessus_operator.core.breaker import Breaker
from nessus_operator.handlers.metrics import instance
from nessus_operator.handlers.secrets import Unusable, read_connection
from nessus_operator.handlers.world import World

log = structlog.get_logger(__name__)

T = TypeVar("T")
MESSAGE_LENGTH = 256


@dataclass(frozen=True, slots=True)
class Listing:
    """All scans of a scanner at one moment."""

    time: datetime
    scans: tuple[RemoteScan, ...]


class ScannerWatch:
    """The state of one scanner as this process knows it; nothing here outlives the process."""

    def __init__(
        self, world: World, pool: ScannerPool, scanner: Scanner, wake: Callable[[], None]
    ) -> None:
        self.pool = pool
        self.scanner = scanner
        self.reason = Reason.PENDING
        self.message = "not probed yet"
        self.breaker = Breaker()
        self.listing: Listing | None = None
        self.info: ServerInfo | None = None
        self.probed: datetime | None = None
        self.idle_since = clock.now()
        self.troubled = False  # the last call did not reach it
        self._world = world
        self._wake = wake
        self._closed_api = False
        self._connection: Connection | None = None
        self._driver: Driver | None = None
        self._poke = asyncio.Event()
        self._poll_due: datetime | None = None

    @property
    def name(self) -> str:
        return self.scanner.name

    @property
    def label(self) -> str:
        return instance(self.pool.metadata.name, self.name)

    @property
    def ready(self) -> bool:
        return self.reason is Reason.READY

    @property
    def poll_period(self) -> float:
        """Seconds; not the same for every scanner, so that they are not asked in step."""
        return polling.jitter(self.pool.spec.poll_period_seconds, self.label)

    def update(self, pool: ScannerPool, scanner: Scanner) -> None:
        """The pool's spec changed: look anew, with the new settings."""
        if scanner != self.scanner or pool.spec.circuit_breaker != self.pool.spec.circuit_breaker:
            self.probed = None
            self._poke.set()
        self.pool, self.scanner = pool, scanner

    def poll_by(self, due: datetime | None) -> None:
        """List not later than this; None: the next probe is soon enough."""
        if due and (self._poll_due is None or due < self._poll_due):
            self._poke.set()
        self._poll_due = due

    async def run(self) -> None:
        """Look, and sleep until the next look is due, until cancelled; then log out."""
        try:
            while True:
                self._poke.clear()
                await self._look()
                wait = (self._next_look() - clock.now()).total_seconds()
                try:
                    async with asyncio.timeout(max(wait, 0.01)):
                        await self._poke.wait()
                except TimeoutError:
                    pass
        finally:
            if self._driver:
                await self._driver.close()

    async def ask(self, call: Callable[[Driver], Awaitable[T]]) -> T:
        """One call to the scanner; Unavailable at once while the breaker is open."""
        if self._driver is None or not self.breaker.closed:
            if not self.breaker.closed:
                self._world.metrics.scanners.rejected.labels(self.label).inc()
            raise Unavailable(f"{self.name} is not to be called now: {self.reason}")
        return await self._count(call(self._driver))

    def driver(self) -> Driver:
        """For streams, which report their end by `count`."""
        if self._driver is None or not self.breaker.closed:
            raise Unavailable(f"{self.name} is not to be called now: {self.reason}")
        return self._driver

    def status(self, active: int) -> ScannerStatus:
        info = self.info or ServerInfo(ready=False)
        return ScannerStatus(
            name=self.name,
            ready=self.ready,
            reason=self.reason,
            message=self.message[:MESSAGE_LENGTH],
            active=active,
            capacity=self.scanner.max_concurrent_scans,
            server_uuid=info.uuid,
            version=info.version,
            plugin_set=info.plugin_set,
            license=License(
                type=info.license_type,
                scan_api=self._scan_api(),
                expiry_time=(
                    datetime.fromtimestamp(info.license_expiry, UTC)
                    if info.license_expiry
                    else None
                ),
            ),
            circuit=self.breaker.shown(),
            last_probe_time=self.probed,
        )

    def _next_look(self) -> datetime:
        settings = self._world.settings
        probe = (self.probed or clock.now()) + timedelta(seconds=settings.probe_seconds)
        return min(probe, self._poll_due) if self._poll_due else probe

    async def _look(self) -> None:
        rules, now = self.pool.spec.circuit_breaker, clock.now()
        if not self.breaker.allows_probe(rules, now):
            self.probed = now
            return
        self.breaker = self.breaker.probing()
        due = self.probed is None or now >= self.probed + timedelta(
            seconds=self._world.settings.probe_seconds
        )
        try:
            if due or not self.ready:
                await self._probe(now)
            if self._driver and self.reason in (Reason.READY, Reason.SCAN_API_CLOSED):
                scans = await self._count(self._driver.list_scans())
                self.listing = Listing(clock.now(), tuple(scans))
        except Fault as error:
            self._unusable(error)
        self._poll_due = None
        self._world.metrics.scanners.up.labels(self.label).set(self.ready)
        self._wake()

    async def _probe(self, now: datetime) -> None:
        self.probed = now
        try:
            driver = await self._connected()
        except Unusable as error:
            # A dying namespace loses its Secrets first; what we hold in memory still cleans up.
            if self._driver is None or not self.pool.metadata.deleting:
                self.reason, self.message = error.reason, error.message
            return
        info = await self._count(driver.probe())
        self.info = info if info.ready or not self.info else replace(self.info, ready=False)
        if not info.ready:
            self.reason, self.message = Reason.STARTING, "the scanner loads its plugins"
        elif self._scan_api() is ScanAPI.CLOSED:
            self.reason = Reason.SCAN_API_CLOSED
            self.message = "the licence closes the scan API; see crds/README.md"
        else:
            self.reason, self.message = Reason.READY, ""

    async def _connected(self) -> Driver:
        settings = self._world.settings
        connection = await read_connection(
            self._world.kube,
            self.pool.metadata.namespace,
            self.scanner,
            seconds=settings.request_seconds,
            allow_web_session=settings.allow_web_session,
        )
        if self._driver is None or connection != self._connection:
            if self._driver:
                await self._driver.close()
            self._closed_api = False
            self._driver = connect(self.scanner.type, connection, self._observe)
            self._connection = connection
        return self._driver

    async def _count(self, call: Awaitable[T]) -> T:
        """Let the breaker and the licence see how a call ended."""
        rules = self.pool.spec.circuit_breaker
        try:
            answer = await call
        except Unavailable:
            was, self.troubled = self.breaker, True
            self.breaker = was.failed(rules, clock.now())
            self._world.metrics.scanners.circuit_failures.labels(self.label).inc()
            if was.openings < self.breaker.openings:
                self._world.metrics.scanners.circuit_opens.labels(self.label).inc()
                log.warning("Circuit opened", scanner=self.label, failures=self.breaker.failures)
            raise
        except NotLicensed:
            self._closed_api = True
            self.reason, self.message = Reason.SCAN_API_CLOSED, "the scanner answered 412"
            raise
        self.breaker, self.troubled = self.breaker.succeeded(rules), False
        return answer

    def _unusable(self, error: Fault) -> None:
        reason = Reason.UNREACHABLE
        if isinstance(error, Unauthorized):
            reason = Reason.UNAUTHORIZED
        elif isinstance(error, NotLicensed):
            reason = Reason.SCAN_API_CLOSED
        if not self.breaker.closed:
            reason = Reason.CIRCUIT_OPEN
        if reason is not self.reason:
            log.warning("Scanner not usable", scanner=self.label, reason=reason, error=str(error))
        self.reason, self.message = reason, str(error)

    def _scan_api(self) -> ScanAPI:
        told = self.info.scan_api if self.info else None
        if self.scanner.auth.type is AuthType.WEB_SESSION and told is False:
            told = (
                None  # the licence closes the API to others; only a 412 closes it to the web page
            )
        if self._closed_api or told is False:
            return ScanAPI.CLOSED
        return ScanAPI.OPEN if told else ScanAPI.UNKNOWN

    def _observe(self, operation: str, outcome: str, seconds: float) -> None:
        requests = self._world.metrics.scanners.requests
        requests.labels(self.label, operation, outcome).observe(seconds)
