"""ScannerPool: scanners that share one queue and one scope. Spec bounds: crds/scannerpools.yaml."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from nessus_operator.api import names
from nessus_operator.api.conditions import Condition
from nessus_operator.api.metadata import KubeObject
from nessus_operator.api.model import BigCount, Count, KubeModel, Message, PlainText, Time
from nessus_operator.api.scan import NameRef, RemoteID, Token

ORPHANS_LIMIT = 100


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
    type: Annotated[str, PlainText(64)] | None = None
    scan_api: ScanAPI = ScanAPI.UNKNOWN
    expiry_time: Time | None = None


class CircuitState(StrEnum):
    CLOSED = "Closed"
    OPEN = "Open"
    HALF_OPEN = "HalfOpen"


class Circuit(KubeModel):
    state: CircuitState = CircuitState.CLOSED
    failures: Count = 0
    open_time: Time | None = None


class ScannerStatus(KubeModel):
    """What the last probe of one scanner found."""

    name: str
    ready: bool = False
    reason: str | None = None
    message: Message | None = None
    active: Count = 0
    capacity: Count = 0
    server_uuid: Annotated[str, PlainText(128)] | None = None
    version: Annotated[str, PlainText(64)] | None = None
    plugin_set: Annotated[str, PlainText(64)] | None = None
    license: License = License()
    circuit: Circuit = Circuit()
    last_probe_time: Time | None = None


class Orphan(KubeModel):
    """A remote scan of ours that could not be removed yet."""

    scanner_name: str
    scan_id: RemoteID | None = None
    token: Token
    time: Time
    reason: str


class PoolStatus(KubeModel):
    observed_generation: BigCount | None = None
    conditions: Annotated[tuple[Condition, ...], Field(max_length=8)] = ()
    capacity: Count | None = None
    active: Count | None = None
    queued: Count | None = None
    dead_letters: Count | None = None
    scanners: Annotated[tuple[ScannerStatus, ...], Field(max_length=64)] = ()
    orphans: Annotated[tuple[Orphan, ...], Field(max_length=ORPHANS_LIMIT)] = ()


class ScannerPool(KubeObject):
    api_version: str = names.API_VERSION
    kind: Literal["ScannerPool"] = "ScannerPool"
    spec: PoolSpec
    status: PoolStatus = PoolStatus()

    @property
    def default(self) -> bool:
        return self.metadata.annotations.get(names.ANNOTATION_DEFAULT_POOL) == "true"
