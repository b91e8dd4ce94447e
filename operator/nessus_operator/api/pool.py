"""ScannerPool: scanners that share one queue and one scope. Bounds: crds/scannerpools.yaml."""

from enum import StrEnum
from typing import Literal

from nessus_operator.api import names
from nessus_operator.api.conditions import Condition
from nessus_operator.api.metadata import KubeObject
from nessus_operator.api.model import KubeModel, Time
from nessus_operator.api.scan import NameRef


class AuthType(StrEnum):
    API_KEYS = "APIKeys"
    SESSION = "Session"
    WEB_SESSION = "WebSession"


class Auth(KubeModel):
    type: AuthType
    secret_ref: NameRef


class CABundleRef(KubeModel):
    kind: Literal["ConfigMap", "Secret"] = "ConfigMap"
    name: str
    key: str = "ca.crt"


class TLS(KubeModel):
    ca_bundle_ref: CABundleRef | None = None
    insecure_skip_verify: bool = False
    allow_plaintext: bool = False


class Scanner(KubeModel):
    """One scanner as the pool's spec names it."""

    name: str
    type: Literal["Nessus"] = "Nessus"
    url: str
    auth: Auth
    tls: TLS = TLS()
    max_concurrent_scans: int = 2
    unschedulable: bool = False


class Scope(KubeModel):
    """What may be scanned: nothing allowed = nothing scanned, deny wins."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    max_hosts_per_scan: int = 4096


class CollectPolicy(KubeModel):
    folders: tuple[str, ...] = ()


class CircuitBreaker(KubeModel):
    failure_threshold: int = 5
    recovery_seconds: int = 30
    max_recovery_seconds: int = 300
    success_threshold: int = 2


class Retention(KubeModel):
    completed_seconds: int = 604800
    failed_seconds: int = 2592000
    results_on_delete: Literal["Delete", "Keep"] = "Delete"
    remote_scan: Literal["DeleteAfterExport", "DeleteWithScan", "Keep"] = "DeleteAfterExport"


class StopPolicy(StrEnum):
    NONE = "None"
    HOLD = "Hold"
    HOLD_AND_DRAIN = "HoldAndDrain"


class PoolSpec(KubeModel):
    stop_policy: StopPolicy = StopPolicy.NONE
    scanners: tuple[Scanner, ...]
    scope: Scope = Scope()
    templates: tuple[str, ...] = ()
    max_priority: int = 1000
    collect: CollectPolicy = CollectPolicy()
    circuit_breaker: CircuitBreaker = CircuitBreaker()
    poll_period_seconds: int = 30
    backoff_limit: int = 2
    retention: Retention = Retention()

    def scanner(self, name: str | None) -> Scanner | None:
        return next((s for s in self.scanners if s.name == name), None)


class ScanAPI(StrEnum):
    """Whether the scanner's licence lets scans be created and launched through its API."""

    OPEN = "Open"
    CLOSED = "Closed"
    UNKNOWN = "Unknown"


class License(KubeModel):
    type: str | None = None
    scan_api: ScanAPI = ScanAPI.UNKNOWN
    expiry_time: Time | None = None


class CircuitState(StrEnum):
    CLOSED = "Closed"
    OPEN = "Open"
    HALF_OPEN = "HalfOpen"


class Circuit(KubeModel):
    state: CircuitState = CircuitState.CLOSED
    failures: int = 0
    open_time: Time | None = None


class ScannerStatus(KubeModel):
    """What the last probe of one scanner found."""

    name: str
    ready: bool = False
    reason: str | None = None
    message: str | None = None
    active: int = 0
    capacity: int = 0
    server_uuid: str | None = None
    version: str | None = None
    plugin_set: str | None = None
    license: License = License()
    circuit: Circuit = Circuit()
    last_probe_time: Time | None = None


class Orphan(KubeModel):
    """A remote scan of ours that could not be removed yet."""

    scanner_name: str
    scan_id: int | None = None
    token: str
    time: Time
    reason: str


class PoolStatus(KubeModel):
    observed_generation: int | None = None
    conditions: tuple[Condition, ...] = ()
    capacity: int | None = None
    active: int | None = None
    queued: int | None = None
    dead_letters: int | None = None
    scanners: tuple[ScannerStatus, ...] = ()
    orphans: tuple[Orphan, ...] = ()


class ScannerPool(KubeObject):
    api_version: str = names.API_VERSION
    kind: Literal["ScannerPool"] = "ScannerPool"
    spec: PoolSpec
    status: PoolStatus = PoolStatus()

    @property
    def default(self) -> bool:
        return self.metadata.annotations.get(names.ANNOTATION_DEFAULT_POOL) == "true"
