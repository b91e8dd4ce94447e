"""NessusScan: one scan of a list of targets. Spec bounds: crds/nessusscans.yaml."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from nessus_operator.api import names
from nessus_operator.api.conditions import Condition
from nessus_operator.api.metadata import KubeObject
from nessus_operator.api.model import BigCount, Count, KubeModel, Message, PlainText, Time
from nessus_operator.api.report import AuthenticationStatus as AuthenticationStatus
from nessus_operator.api.transitions import ACTIVE, TERMINAL, Phase

# Fields of spec that may change after creation, in the spelling of the API.
MUTABLE = ("priority", "ttlSecondsAfterFinished", "suspend", "cancel", "manualRetries")

WARNINGS_LIMIT = 10
CLEANUPS_LIMIT = 10  # full: no new attempt is started
HISTORY_LIMIT = 10  # the newest stay


class ScanType(StrEnum):
    UNTRUSTED = "Untrusted"
    AUTHENTICATED = "Authenticated"
    AUTHENTICATED_PRIVILEGED = "AuthenticatedPrivileged"


class ElevationMethod(StrEnum):
    SUDO = "Sudo"
    SU = "Su"
    SU_SUDO = "SuSudo"
    PBRUN = "Pbrun"
    DZDO = "Dzdo"
    K5LOGIN = "K5Login"
    CISCO_ENABLE = "CiscoEnable"
    CHECKPOINT_GAIA_EXPERT = "CheckpointGaiaExpert"


class NameRef(KubeModel):
    name: str


class PoolRef(KubeModel):
    kind: Literal["ScannerPool"] = "ScannerPool"
    name: str


class Collect(KubeModel):
    scan_id: int
    history_id: int | None = None


class Kerberos(KubeModel):
    kdc: str
    port: int = 88
    transport: Literal["TCP", "UDP"] = "TCP"
    realm: str


class Windows(KubeModel):
    domain: str | None = None


class Elevation(KubeModel):
    method: ElevationMethod
    account: str | None = None
    su_user: str | None = None
    bin_directory: str | None = None


class Credentials(KubeModel):
    type: Literal["SSH", "Windows"]
    auth_method: Literal["Password", "PublicKey", "Certificate", "Kerberos"] = "Password"
    secret_ref: NameRef
    kerberos: Kerberos | None = None
    windows: Windows | None = None
    elevation: Elevation | None = None


class Settings(KubeModel):
    port_range: str | None = None


class ScanSpec(KubeModel):
    pool_ref: PoolRef
    scanner_name: str | None = None
    display_name: str | None = None
    description: str = ""
    targets: tuple[str, ...] | None = None
    collect: Collect | None = None
    scan_type: ScanType
    credentials: Credentials | None = None
    template: str = "advanced"
    settings: Settings | None = None
    priority: int = 0
    starting_deadline_seconds: int | None = None
    active_deadline_seconds: int = 86400
    backoff_limit: int | None = None
    auth_failure_policy: Literal["Complete", "Fail"] = "Complete"
    ttl_seconds_after_finished: int | None = None
    suspend: bool = False
    cancel: bool = False
    manual_retries: int = 0


class StopReason(StrEnum):
    CANCELLED = "Cancelled"
    DEADLINE = "Deadline"
    DELETED = "Deleted"
    SCOPE_DENIED = "ScopeDenied"


AttemptNumber = Annotated[int, Field(ge=1, le=2**31 - 1)]
RemoteID = Annotated[int, Field(ge=1, le=2**53 - 1)]
Token = Annotated[str, Field(pattern="^[0-9A-Za-z-]{1,64}$")]
Digest = Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$")]


class Stop(KubeModel):
    reason: StopReason
    time: Time


class Remote(KubeModel):
    token: Token
    scan_id: RemoteID | None = None
    launch_time: Time | None = None
    scan_uuid: Annotated[str, PlainText(128)] | None = None
    state: Annotated[str, PlainText(32)] | None = None
    scope_generation: BigCount | None = None


class RemoteCleanup(KubeModel):
    attempt: AttemptNumber
    scanner_name: str
    scan_id: RemoteID | None = None
    token: Token


class Progress(KubeModel):
    percent: Annotated[int, Field(ge=0, le=100)] = 0
    hosts_completed: Count = 0
    hosts_total: Count = 0


class Severities(KubeModel):
    critical: Count = 0
    high: Count = 0
    medium: Count = 0
    low: Count = 0
    info: Count = 0


class Compliance(KubeModel):
    passed: Count = 0
    failed: Count = 0
    warning: Count = 0
    error: Count = 0


class Results(KubeModel):
    digest: Digest
    store_bytes: BigCount
    report_digest: Digest
    report_bytes: BigCount
    hosts: Count
    findings: Count
    severities: Severities = Severities()
    compliance: Compliance = Compliance()
    partial: bool = False


class HostAuthentication(KubeModel):
    """How many hosts the scanner could log in to, by outcome."""

    success: Count = 0
    partial: Count = 0
    failed: Count = 0
    not_applicable: Count = 0
    unknown: Count = 0


class Authentication(KubeModel):
    status: AuthenticationStatus
    hosts: HostAuthentication = HostAuthentication()


class Failure(KubeModel):
    reason: str
    message: Message = ""
    fault: Literal["Platform", "User"]


class Attempt(KubeModel):
    """One line of attemptHistory."""

    attempt: AttemptNumber
    phase: Phase | None = None
    reason: str | None = None
    scanner_name: str | None = None
    scan_id: RemoteID | None = None
    start_time: Time | None = None
    completion_time: Time | None = None
    results_digest: Digest | None = None


class ScanStatus(KubeModel):
    phase: Phase | None = None
    attempt: AttemptNumber | None = None
    observed_manual_retries: Count | None = None
    platform_failures: Count | None = None
    observed_generation: BigCount | None = None
    message: Message | None = None
    targets_summary: Annotated[str, PlainText(80)] | None = None
    queue_time: Time | None = None
    next_attempt_time: Time | None = None
    start_time: Time | None = None
    completion_time: Time | None = None
    stop: Stop | None = None
    scanner_name: str | None = None
    remote: Remote | None = None
    remote_cleanups: Annotated[tuple[RemoteCleanup, ...], Field(max_length=CLEANUPS_LIMIT)] = ()
    progress: Progress | None = None
    results: Results | None = None
    authentication: Authentication | None = None
    warnings: Annotated[tuple[Message, ...], Field(max_length=WARNINGS_LIMIT)] = ()
    failure: Failure | None = None
    attempt_history: Annotated[tuple[Attempt, ...], Field(max_length=HISTORY_LIMIT)] = ()
    conditions: Annotated[tuple[Condition, ...], Field(max_length=8)] = ()

    def condition(self, type_: str) -> Condition | None:
        return next((c for c in self.conditions if c.type == type_), None)


class NessusScan(KubeObject):
    api_version: str = names.API_VERSION
    kind: Literal["NessusScan"] = "NessusScan"
    spec: ScanSpec
    status: ScanStatus = ScanStatus()

    @property
    def phase(self) -> Phase | None:
        return self.status.phase

    @property
    def active(self) -> bool:
        """Queued, Running, or not seen by the operator yet."""
        return self.phase is None or self.phase in ACTIVE

    @property
    def finished(self) -> bool:
        return self.phase in TERMINAL

    @property
    def pool_key(self) -> tuple[str, str]:
        """(namespace, name) of its pool: a pool serves the scans of its own namespace."""
        return self.metadata.namespace, self.spec.pool_ref.name

    @property
    def traceparent(self) -> str | None:
        """The W3C trace context of the call that asked for it."""
        return self.metadata.annotations.get(names.ANNOTATION_TRACEPARENT)

    @property
    def finalized(self) -> bool:
        """Carries our finalizer: something of it may exist on a scanner."""
        return names.FINALIZER in self.metadata.finalizers
