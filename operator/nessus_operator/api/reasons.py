"""Every reason that a condition, a failure or a scanner can carry, with what to do about it.

crds/README.md prints this table; a test holds the two together.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Fault = Literal["Platform", "User"]


class Reason(StrEnum):
    # not known yet, or nothing to say
    PENDING = "Pending"
    NOT_APPLICABLE = "NotApplicable"
    # a scan waits
    POOL_NOT_FOUND = "PoolNotFound"
    POOL_STOPPED = "PoolStopped"
    POOL_AT_CAPACITY = "PoolAtCapacity"
    SCANNER_AT_CAPACITY = "ScannerAtCapacity"
    SCANNER_NOT_FOUND = "ScannerNotFound"
    NO_READY_SCANNER = "NoReadyScanner"
    CIRCUIT_OPEN = "CircuitOpen"
    SCAN_API_CLOSED = "ScanAPIClosed"
    SUSPENDED = "Suspended"
    CREDENTIALS_NOT_FOUND = "CredentialsNotFound"
    BACKING_OFF = "BackingOff"
    STORAGE_PRESSURE = "StoragePressure"
    # a scan goes on
    ADMITTED = "Admitted"
    LAUNCHED = "Launched"
    NOT_SUSPENDED = "NotSuspended"
    SCANNER_UNREACHABLE = "ScannerUnreachable"
    # a scan that can never run
    SCOPE_DENIED = "ScopeDenied"
    INVALID_TARGETS = "InvalidTargets"
    TOO_MANY_HOSTS = "TooManyHosts"
    INVALID_CREDENTIALS = "InvalidCredentials"
    COLLECT_DENIED = "CollectDenied"
    NOT_SUPPORTED = "NotSupported"
    # a scan was ended
    CANCELLED = "Cancelled"
    DELETED = "Deleted"
    DEADLINE = "Deadline"
    STARTING_DEADLINE = "StartingDeadline"
    # a scan failed on the way
    SCANNER_REJECTED = "ScannerRejected"
    SCANNER_REMOVED = "ScannerRemoved"
    REMOTE_SCAN_LOST = "RemoteScanLost"
    REMOTE_SCAN_STOPPED = "RemoteScanStopped"
    REMOTE_SCAN_ABORTED = "RemoteScanAborted"
    EXPORT_FAILED = "ExportFailed"
    STORE_FAILED = "StoreFailed"
    INGEST_FAILED = "IngestFailed"
    # the report was refused
    NOT_XML = "NotXML"
    NOT_NESSUS = "NotNessus"
    TRUNCATED = "Truncated"
    MALFORMED = "Malformed"
    DOCTYPE_REFUSED = "DoctypeRefused"
    TOO_DEEP = "TooDeep"
    TEXT_TOO_LONG = "TextTooLong"
    FILE_TOO_LARGE = "FileTooLarge"
    TOO_MANY_ITEMS = "TooManyItems"
    COMPRESSED = "Compressed"
    # the report was read and judged
    PASSED = "Passed"
    NO_HOSTS = "NoHosts"
    NO_LIVE_HOSTS = "NoLiveHosts"
    TARGETS_MISSING = "TargetsMissing"
    CREDENTIALS_FAILED = "CredentialsFailed"
    PORT_SCAN_MISSING = "PortScanMissing"
    PLUGINS_STALE = "PluginsStale"
    SCOPE_VIOLATION = "ScopeViolation"
    # host authentication
    SUCCESS = "Success"
    PARTIAL = "Partial"
    # results
    STORED = "Stored"
    REMOVED = "Removed"
    # a scanner or a pool
    READY = "Ready"
    UNREACHABLE = "Unreachable"
    UNAUTHORIZED = "Unauthorized"
    RATE_LIMITED = "RateLimited"
    STARTING = "Starting"
    UNSCHEDULABLE = "Unschedulable"
    SECRET_NOT_FOUND = "SecretNotFound"
    INVALID_SECRET = "InvalidSecret"
    CA_NOT_FOUND = "CANotFound"
    WEB_SESSION_NOT_ALLOWED = "WebSessionNotAllowed"
    WEB_SESSION = "WebSession"
    INSECURE = "Insecure"
    SECURE = "Secure"


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row of the table: a sentence, whose fault, the metric's value, and the way out."""

    sentence: str
    advice: str = ""
    fault: Fault | None = None
    metric: str | None = None


def _platform(metric: str, sentence: str, advice: str) -> Meaning:
    return Meaning(sentence, advice, "Platform", metric)


def _user(metric: str, sentence: str, advice: str) -> Meaning:
    return Meaning(sentence, advice, "User", metric)


_UNREADABLE = "Ask for one more attempt; if it comes again, export the scan by hand and compare."

MEANINGS: dict[Reason, Meaning] = {
    Reason.PENDING: Meaning("Not known yet."),
    Reason.NOT_APPLICABLE: Meaning("Does not concern a scan of this type."),
    Reason.POOL_NOT_FOUND: Meaning(
        "The pool that spec.poolRef names does not exist or is being deleted.",
        "Create the pool, or delete the scan.",
    ),
    Reason.POOL_STOPPED: Meaning(
        "The pool's stopPolicy holds its queue.", "Set stopPolicy to None."
    ),
    Reason.POOL_AT_CAPACITY: Meaning(
        "All slots of all ready scanners are taken.", "Wait, or add a scanner."
    ),
    Reason.SCANNER_AT_CAPACITY: Meaning(
        "All slots of the scanner that spec.scannerName names are taken.",
        "Wait, or create the scan without scannerName.",
    ),
    Reason.SCANNER_NOT_FOUND: Meaning(
        "The pool has no scanner of the name in spec.scannerName.",
        "Add the scanner, or create the scan with another name.",
    ),
    Reason.NO_READY_SCANNER: Meaning(
        "No scanner of the pool can take scans now.", "See the pool's status.scanners."
    ),
    Reason.CIRCUIT_OPEN: Meaning(
        "Calls to the scanner failed so often that it gets a rest.",
        "Wait for the next probe, or annotate the pool with reset-circuit.",
    ),
    Reason.SCAN_API_CLOSED: Meaning(
        "The scanner's licence does not let scans be created through its API.",
        "Use Nessus Manager, or a WebSession if your operator allows it.",
    ),
    Reason.SUSPENDED: Meaning("spec.suspend is true.", "Set spec.suspend to false."),
    Reason.CREDENTIALS_NOT_FOUND: Meaning(
        "The Secret that spec.credentials names does not exist.",
        "Create it with type nessus-operator.dev/credentials.",
    ),
    Reason.BACKING_OFF: Meaning(
        "A platform fault ended the last attempt; the next one starts at status.nextAttemptTime.",
        "Wait, or see status.attemptHistory for the fault.",
    ),
    Reason.STORAGE_PRESSURE: Meaning(
        "The results volume is nearly full.", "Delete old scans, or enlarge the volume."
    ),
    Reason.ADMITTED: Meaning("A slot of a scanner is held for this attempt."),
    Reason.LAUNCHED: Meaning("Nessus has started the scan."),
    Reason.NOT_SUSPENDED: Meaning("The scan is not held back."),
    Reason.SCANNER_UNREACHABLE: Meaning(
        "The scanner does not answer; the scan may well go on there, so we wait.",
        "Bring the scanner back; the attempt ends at its deadline otherwise.",
    ),
    Reason.SCOPE_DENIED: _user(
        "policy_invalid",
        "A target lies outside the pool's scope.",
        "Scan other targets, or widen spec.scope of the pool.",
    ),
    Reason.INVALID_TARGETS: _user(
        "policy_invalid",
        "A target is not an address, a range or a host name.",
        "Create the scan again with the target corrected.",
    ),
    Reason.TOO_MANY_HOSTS: _user(
        "policy_invalid",
        "The targets hold more addresses than the pool's maxHostsPerScan.",
        "Split the scan.",
    ),
    Reason.INVALID_CREDENTIALS: _user(
        "policy_invalid",
        "The Secret is of another type, misses a key, or is not meant for these targets.",
        "Give the Secret the type, the keys and the annotation that crds/README.md lists.",
    ),
    Reason.COLLECT_DENIED: _user(
        "policy_invalid",
        "The scan to collect lies in a folder that the pool does not allow.",
        "Name the folder in spec.collect.folders of the pool.",
    ),
    Reason.NOT_SUPPORTED: _user(
        "policy_invalid",
        "The scan sets a field that this version does not act on.",
        "Create the scan without the field that status.message names.",
    ),
    Reason.CANCELLED: Meaning("spec.cancel was set, or the pool's stopPolicy drains it."),
    Reason.DELETED: Meaning("The scan or its pool was deleted while it ran."),
    Reason.DEADLINE: _user(
        "timeout_limit",
        "The attempt took longer than spec.activeDeadlineSeconds.",
        "Scan fewer targets, or allow more time.",
    ),
    Reason.STARTING_DEADLINE: _platform(
        "timeout_scanner",
        "The scan waited longer than spec.startingDeadlineSeconds.",
        "Add scanners, or allow a longer wait.",
    ),
    Reason.SCANNER_REJECTED: _user(
        "policy_invalid",
        "Nessus refused the scan as it was described.",
        "Check targets, template and settings in Nessus itself.",
    ),
    Reason.SCANNER_REMOVED: _platform(
        "scanner_error",
        "The scanner left the pool while the scan ran there.",
        "Ask for one more attempt.",
    ),
    Reason.REMOTE_SCAN_LOST: _platform(
        "scanner_error",
        "Nessus no longer knows the scan.",
        "Find out who deleted it there; ask for one more attempt.",
    ),
    Reason.REMOTE_SCAN_STOPPED: _platform(
        "scanner_error",
        "The scan was stopped in Nessus, not by us.",
        "Find out who stopped it there; ask for one more attempt.",
    ),
    Reason.REMOTE_SCAN_ABORTED: _platform(
        "scanner_error",
        "Nessus aborted the scan.",
        "See the scanner's own log; ask for one more attempt.",
    ),
    Reason.EXPORT_FAILED: _platform(
        "export_failed",
        "The report could not be exported from Nessus.",
        "Ask for one more attempt.",
    ),
    Reason.STORE_FAILED: _platform(
        "store_failed",
        "The results could not be written to the volume.",
        "Check space and rights of the results volume; ask for one more attempt.",
    ),
    Reason.INGEST_FAILED: _platform(
        "internal",
        "Reading the report was ended by its limits of memory, time or file size.",
        "Try `nessus-results ingest` on the kept report, and report the fault.",
    ),
    Reason.NOT_XML: _platform("export_failed", "The report is not XML.", _UNREADABLE),
    Reason.NOT_NESSUS: _platform("export_failed", "The report is not a .nessus file.", _UNREADABLE),
    Reason.TRUNCATED: _platform("export_failed", "The report ends too early.", _UNREADABLE),
    Reason.MALFORMED: _platform("export_failed", "The report is not well-formed XML.", _UNREADABLE),
    Reason.DOCTYPE_REFUSED: _platform(
        "export_failed", "The report has a DOCTYPE, which Nessus never writes.", _UNREADABLE
    ),
    Reason.TOO_DEEP: _platform(
        "export_failed", "The report nests elements too deeply.", _UNREADABLE
    ),
    Reason.TEXT_TOO_LONG: _platform(
        "export_failed", "A text of the report is longer than the limit.", _UNREADABLE
    ),
    Reason.FILE_TOO_LARGE: _platform(
        "export_failed", "The report is larger than the limit.", "Split the scan."
    ),
    Reason.TOO_MANY_ITEMS: _platform(
        "export_failed", "The report has more items than the limit.", "Split the scan."
    ),
    Reason.COMPRESSED: _platform("export_failed", "The report is compressed.", _UNREADABLE),
    Reason.PASSED: Meaning("The report was read and passed the checks."),
    Reason.NO_HOSTS: _user(
        "targets_unreachable",
        "The report has no hosts.",
        "Check that the targets are up and reachable from the scanner.",
    ),
    Reason.NO_LIVE_HOSTS: Meaning(
        "No host of the report answered.",
        "Check that the targets are up and reachable from the scanner.",
    ),
    Reason.TARGETS_MISSING: Meaning(
        "Targets of the scan are not in the report.",
        "Check that they are up; the message names the first ones.",
    ),
    Reason.CREDENTIALS_FAILED: _user(
        "auth_failed",
        "The scanner could not log in to the targets.",
        "Check user, password or key, and the account's rights.",
    ),
    Reason.PORT_SCAN_MISSING: Meaning(
        "No port scanner ran, so services may be missing.",
        "Use a template with port scanning, or set settings.portRange.",
    ),
    Reason.PLUGINS_STALE: Meaning(
        "The scanner's plugins are old.", "Update the scanner's plugins."
    ),
    Reason.SCOPE_VIOLATION: Meaning(
        "The report has hosts outside the pool's scope.",
        "Scan by address; names may resolve elsewhere on the scanner.",
    ),
    Reason.SUCCESS: Meaning("The scanner logged in to all hosts."),
    Reason.PARTIAL: Meaning(
        "The scanner logged in to some hosts, or with too few rights.",
        "See status.authentication.hosts.",
    ),
    Reason.STORED: Meaning("Findings can be read."),
    Reason.REMOVED: Meaning("The results were removed from the volume."),
    Reason.READY: Meaning("Takes scans."),
    Reason.UNREACHABLE: Meaning(
        "The scanner does not answer.", "Check url, network, certificate and the scanner itself."
    ),
    Reason.UNAUTHORIZED: Meaning(
        "The scanner refuses the login.", "Check the keys or the password in the Secret."
    ),
    Reason.RATE_LIMITED: Meaning(
        "The scanner asked us to wait (HTTP 429), and gets no request until then.",
        "Wait; a longer pollPeriodSeconds asks it less often.",
    ),
    Reason.STARTING: Meaning("The scanner is still loading its plugins.", "Wait."),
    Reason.UNSCHEDULABLE: Meaning(
        "The pool's spec keeps new scans away from this scanner.", "Set unschedulable to false."
    ),
    Reason.SECRET_NOT_FOUND: Meaning(
        "The scanner's Secret does not exist.",
        "Create it with type nessus-operator.dev/scanner.",
    ),
    Reason.INVALID_SECRET: Meaning(
        "The scanner's Secret is of another type, is meant for another url, or misses a key.",
        "Give it the type, the annotation scanner-url and the keys that crds/README.md lists.",
    ),
    Reason.CA_NOT_FOUND: Meaning(
        "The CA bundle that tls.caBundleRef names cannot be read.",
        "Create it, or correct name and key.",
    ),
    Reason.WEB_SESSION_NOT_ALLOWED: Meaning(
        "The operator was started without ALLOW_WEB_SESSION.",
        "Use APIKeys or Session, or let the operator's admin allow it.",
    ),
    Reason.WEB_SESSION: Meaning("A scanner is driven as its web page would drive it."),
    Reason.INSECURE: Meaning(
        "A scanner's certificate is not verified, or its url is plain http.",
        "Name a CA bundle in tls.caBundleRef.",
    ),
    Reason.SECURE: Meaning("Every scanner's certificate is verified."),
}


def meaning(reason: str) -> Meaning:
    return MEANINGS[Reason(reason)]
