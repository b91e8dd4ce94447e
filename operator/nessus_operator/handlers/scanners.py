"""One watch per scanner of a pool: probe it, list its scans, and know whether it takes more.

All calls to a scanner go through its watch, so that the breaker sees every one of them.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import structlog

from nessus_operator.api.pool import AuthType, License, ScanAPI, Scanner, ScannerPool, ScannerStatus
from nessus_operator.api.reasons import Reason
from nessus_operator.api.remote import RemoteScan, ServerInfo
from nessus_operator.clients import clock
from nessus_operator.clients.errors import (
    Fault,
    NotLicensed,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
)
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

LOGIN_REFUSED = "refuses the login"

# What a scanner does that keeps running scans waiting; other reasons speak for themselves.
_TROUBLES = {
    Reason.UNREACHABLE: "does not answer",
    Reason.CIRCUIT_OPEN: "does not answer",
    Reason.UNAUTHORIZED: LOGIN_REFUSED,
    Reason.RATE_LIMITED: "asked us to wait",
    Reason.STARTING: "is still starting",
}
_WORKING = (Reason.READY, Reason.SCAN_API_CLOSED, Reason.PENDING)


@dataclass(frozen=True, slots=True)
class Listing:
    """All scans of a scanner; those that came or went after `time` may be shown or not."""

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
        self.looked = clock.now()
        self._world = world
        self._wake = wake
        self._closed_under: License | None = None  # the licence under which it answered 412
        self._connection: Connection | None = None
        self._driver: Driver | None = None
        self._rest_end: datetime | None = None  # it asked us to wait until then
        self._fault: Fault | None = None  # what it answered last that was no success
        self._poke = asyncio.Event()
        self._poll_due: datetime | None = None

    @property
    def name(self) -> str:
        return self.scanner.name

    @property
    def label(self) -> str:
        return instance(self.pool.metadata.name, self.name)

    @property
    def _labels(self) -> tuple[str, str]:
        return self.pool.metadata.namespace, self.label

    @property
    def ready(self) -> bool:
        return self.reason is Reason.READY

    @property
    def trouble(self) -> str | None:
        """What keeps the scans that run there waiting, to follow the scanner's name."""
        if self.reason in _WORKING:
            return None
        return _TROUBLES.get(self.reason, f"cannot be used ({self.reason})")

    @property
    def poll_period(self) -> float:
        """Seconds; not the same for every scanner, so that they are not asked in step."""
        return polling.jitter(self.pool.spec.poll_period_seconds, self.label)

    def update(self, pool: ScannerPool, scanner: Scanner) -> None:
        """The pool's spec changed: look anew, with the new settings."""
        changed = scanner != self.scanner
        if changed or pool.spec.circuit_breaker != self.pool.spec.circuit_breaker:
            self.probed = None
            self._poke.set()
        if changed:
            self.breaker = Breaker()
        self.pool, self.scanner = pool, scanner

    def reset(self) -> None:
        """Close the circuit, forget a 412, a 429 or a refused login, and look at once."""
        self.breaker, self.probed = Breaker(), None
        self._closed_under = self._rest_end = self._connection = None
        self._poke.set()

    def poll_by(self, due: datetime | None) -> None:
        """List not later than this; None: the next probe is soon enough."""
        if due and (self._poll_due is None or due < self._poll_due):
            self._poke.set()
        self._poll_due = due

    def look_by(self, due: datetime) -> None:
        """The same, unless it is to list sooner already."""
        if self._poll_due is None or due < self._poll_due:
            self.poll_by(due)

    async def run(self) -> None:
        """Look whenever it is due, until cancelled; then log out."""
        try:
            while True:
                await self._look()
                await self._until_due()
        finally:
            if self._driver:
                await self._driver.close()

    async def _until_due(self) -> None:
        """A poke only means that the time may be another one now."""
        while (wait := (self._next_look() - clock.now()).total_seconds()) > 0:
            self._poke.clear()
            try:
                async with asyncio.timeout(wait):
                    await self._poke.wait()
            except TimeoutError:
                return

    async def ask(self, call: Callable[[Driver], Awaitable[T]]) -> T:
        """One call to the scanner; Unavailable at once while it has a rest."""
        driver = self._rested()
        try:
            return await self._count(call(driver))
        except NotLicensed:  # what the last probe saw of the licence may be out of date
            self.probed = None
            self._poke.set()
            raise

    def said(self, fault: Fault) -> bool:
        """It was this scanner that refused, not the API server, and nothing else since."""
        return fault is self._fault

    async def export(self, scan_id: int) -> AsyncGenerator[bytes, None]:
        """The report in chunks, as the driver's; close it where it may be left before its end."""
        driver = self._rested()
        with self._counted():
            async with aclosing(driver.export_report(scan_id)) as chunks:
                async for chunk in chunks:
                    yield chunk

    def _rested(self) -> Driver:
        if not self.breaker.closed:
            self._world.metrics.scanners.rejected.labels(*self._labels).inc()
        if self._driver is None or not self.breaker.closed or self._asked_to_wait():
            raise Unavailable(f"{self.name} is not to be called now: {self.reason}")
        return self._driver

    def _asked_to_wait(self) -> bool:
        return self._rest_end is not None and clock.now() < self._rest_end

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
            license=self._license().but(scan_api=self._scan_api()),
            circuit=self.breaker.shown(),
            last_probe_time=self.probed,
        )

    def _next_look(self) -> datetime:
        rests = (self.breaker.rests_until(self.pool.spec.circuit_breaker), self._rest_end)
        rest = max(filter(None, rests), default=None)
        if rest or self.probed is None:
            return rest or clock.now()
        probe = self.probed + timedelta(seconds=self._world.settings.probe_seconds)
        return min(probe, self._poll_due) if self._poll_due else probe

    async def _look(self) -> None:
        rules, now = self.pool.spec.circuit_breaker, clock.now()
        if not self.breaker.allows_probe(rules, now) or self._asked_to_wait():
            return
        self._rest_end = None
        self.breaker = self.breaker.probing()
        due = self.probed is None or now >= self.probed + timedelta(
            seconds=self._world.settings.probe_seconds
        )
        try:
            if due or not self.ready:
                await self._probe(now)
            if self._driver and self.reason in (Reason.READY, Reason.SCAN_API_CLOSED):
                begun = clock.now()
                scans = await self._count(self._driver.list_scans())
                self.listing = Listing(begun, tuple(scans))
        except Fault as error:
            self._unusable(error)
        if self.ready and not self.breaker.closed:
            self.reason, self.message = Reason.CIRCUIT_OPEN, "more probes have to go well first"
        self.looked, self._poll_due = clock.now(), None
        self._wake()

    async def _probe(self, now: datetime) -> None:
        self.probed = now
        try:
            driver = await self._connected()
        except Unusable as error:
            self.reason, self.message = error.reason, error.message
            return
        info = await self._count(driver.probe())
        self.info = info if info.ready or not self.info else replace(self.info, ready=False)
        if self._closed_under != self._license():
            self._closed_under = None
        if not info.ready:
            self.reason, self.message = Reason.STARTING, "the scanner loads its plugins"
        elif self._scan_api() is ScanAPI.CLOSED:
            self.reason = Reason.SCAN_API_CLOSED
            self.message = "the licence closes the scan API; see crds/README.md"
        else:
            self.reason, self.message = Reason.READY, ""

    async def _connected(self) -> Driver:
        settings = self._world.settings
        try:
            connection = await read_connection(
                self._world.kube,
                self.pool.metadata.namespace,
                self.scanner,
                seconds=settings.request_seconds,
                export_seconds=settings.export_seconds,
                allow_web_session=settings.allow_web_session,
            )
        except (Unusable, Fault) as error:
            # A dying namespace loses its Secrets first, and an API server that does not answer
            # says nothing of the scanner: what we hold in memory goes on.
            if self._driver and (self._leaving or isinstance(error, Fault)):
                return self._driver
            if isinstance(error, Unusable):
                raise
            log.warning("Secret or CA not read", scanner=self.label, error=str(error))
            message = "the API server does not let the operator read its Secret or CA now"
            raise Unusable(Reason.PENDING, message) from error
        if self._driver is None or connection != self._connection:
            return await self._reconnect(connection)
        return self._driver

    async def _reconnect(self, connection: Connection) -> Driver:
        if self._driver:
            await self._driver.close()
        self._driver = self._connection = self._closed_under = None
        try:
            driver = connect(self.scanner.type, connection, self._observe)
        except Unauthorized as error:
            raise Unusable(Reason.INVALID_SECRET, str(error)) from error
        except Rejected as error:
            reason = Reason.CA_NOT_FOUND if connection.ca_bundle else Reason.UNREACHABLE
            raise Unusable(reason, str(error)) from error
        self._driver, self._connection = driver, connection
        return driver

    async def _count(self, call: Awaitable[T]) -> T:
        with self._counted():
            return await call

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Let the breaker and the licence see how a call ended."""
        try:
            yield
        except Fault as error:
            self._fault = error
            self._learn(error)
            raise
        self._answered()

    def _learn(self, error: Fault) -> None:
        match error:
            case RateLimited():
                self._rest_end = clock.now() + timedelta(seconds=error.retry_after)
                self._unusable(error)
            case Unavailable():
                self._failed(error)
            case NotLicensed():
                self._closed_under = self._license()
                self.reason, self.message = Reason.SCAN_API_CLOSED, "the scanner answered 412"
                self._answered()
            case _:
                self._answered()

    def _answered(self) -> None:
        """Whatever it said: it is there, which is all that the breaker asks."""
        self.breaker = self.breaker.succeeded(self.pool.spec.circuit_breaker)

    def _failed(self, error: Unavailable) -> None:
        was = self.breaker
        self.breaker = was.failed(self.pool.spec.circuit_breaker, clock.now())
        self._world.metrics.scanners.circuit_failures.labels(*self._labels).inc()
        if was.openings < self.breaker.openings:
            self.reason, self.message = Reason.CIRCUIT_OPEN, str(error)
            self._world.metrics.scanners.circuit_opens.labels(*self._labels).inc()
            log.warning("Circuit opened", scanner=self.label, failures=self.breaker.failures)

    @property
    def _leaving(self) -> bool:
        """It is only needed to end what runs there."""
        return self.pool.metadata.deleting or self.pool.spec.scanner(self.name) is None

    def _unusable(self, error: Fault) -> None:
        reason = Reason.UNREACHABLE
        if isinstance(error, Unauthorized):
            reason = Reason.UNAUTHORIZED
        elif isinstance(error, NotLicensed):
            reason = Reason.SCAN_API_CLOSED
        elif isinstance(error, RateLimited):
            reason = Reason.RATE_LIMITED
        if not self.breaker.closed:
            reason = Reason.CIRCUIT_OPEN
        if reason is not self.reason:
            log.warning("Scanner not usable", scanner=self.label, reason=reason, error=str(error))
        self.reason, self.message = reason, str(error)

    def _license(self) -> License:
        """The licence as the scanner tells of it."""
        info = self.info or ServerInfo(ready=False)
        expiry = info.license_expiry
        return License(
            type=info.license_type,
            scan_api=_open_or_closed(info.scan_api),
            expiry_time=datetime.fromtimestamp(expiry, UTC) if expiry else None,
        )

    def _scan_api(self) -> ScanAPI:
        told = self.info.scan_api if self.info else None
        if self.scanner.auth.type is AuthType.WEB_SESSION and told is False:
            told = (
                None  # the licence closes the API to others; only a 412 closes it to the web page
            )
        return ScanAPI.CLOSED if self._closed_under else _open_or_closed(told)

    def _observe(self, operation: str, outcome: str, seconds: float) -> None:
        requests = self._world.metrics.scanners.requests
        requests.labels(*self._labels, operation, outcome).observe(seconds)


def _open_or_closed(told: bool | None) -> ScanAPI:
    if told is None:
        return ScanAPI.UNKNOWN
    return ScanAPI.OPEN if told else ScanAPI.CLOSED
