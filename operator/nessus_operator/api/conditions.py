"""Conditions: what each type says when it is True, and the one shape they all have."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from nessus_operator.api.model import BigCount, KubeModel, Message, Time

MESSAGE_LENGTH = 256
ConditionStatus = Literal["True", "False", "Unknown"]


class Condition(KubeModel):
    type: str
    status: ConditionStatus
    observed_generation: BigCount = 0
    last_transition_time: Time
    reason: str
    message: Message = ""


class ScanCondition(StrEnum):
    """All are set on the first visit; `Finished` and `Succeeded` are the ones to wait for."""

    ADMITTED = "Admitted"
    LAUNCHED = "Launched"
    SUSPENDED = "Suspended"
    VALIDATED = "Validated"
    HOSTS_AUTHENTICATED = "HostsAuthenticated"
    RESULTS_AVAILABLE = "ResultsAvailable"
    FINISHED = "Finished"
    SUCCEEDED = "Succeeded"


class PoolCondition(StrEnum):
    READY = "Ready"
    USES_WEB_SESSION = "UsesWebSession"
    INSECURE_TLS = "InsecureTLS"


SCAN_CONDITIONS: Mapping[ScanCondition, str] = {
    ScanCondition.ADMITTED: "A scanner's slot is held for this attempt; "
    "while it is False, its reason says why the scan waits.",
    ScanCondition.LAUNCHED: "Nessus has started the remote scan of this attempt.",
    ScanCondition.SUSPENDED: "The scan is held back in the queue, or paused on its scanner.",
    ScanCondition.VALIDATED: "The report was read and passed the checks.",
    ScanCondition.HOSTS_AUTHENTICATED: "The scanner could log in to the targets; "
    "Unknown for a scan of type Untrusted.",
    ScanCondition.RESULTS_AVAILABLE: "Findings can be read, whole or in part.",
    ScanCondition.FINISHED: "The scan has ended in any way; the reason is the phase.",
    ScanCondition.SUCCEEDED: "The scan has ended well; Unknown while it is active.",
}

POOL_CONDITIONS: Mapping[PoolCondition, str] = {
    PoolCondition.READY: "At least one scanner takes scans.",
    PoolCondition.USES_WEB_SESSION: "A scanner is driven as its web page would drive it.",
    PoolCondition.INSECURE_TLS: "A scanner's certificate is not verified, or its url is http.",
}
