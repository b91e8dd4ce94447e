"""Conditions: what each type means, and the one shape they all have."""

from enum import StrEnum
from typing import Literal

from nessus_operator.api.model import KubeModel, Time

MESSAGE_LENGTH = 256
ConditionStatus = Literal["True", "False", "Unknown"]


class Condition(KubeModel):
    type: str
    status: ConditionStatus
    observed_generation: int = 0
    last_transition_time: Time
    reason: str
    message: str = ""


class ScanCondition(StrEnum):
    """All are set on the first visit; `Finished` and `Succeeded` are the ones to wait for."""

    ADMITTED = "Admitted"  # a scanner's slot is held for this attempt
    LAUNCHED = "Launched"  # Nessus has started the remote scan
    SUSPENDED = "Suspended"  # queued and held back, or paused on the scanner
    VALIDATED = "Validated"  # the report was read and passed the checks
    HOSTS_AUTHENTICATED = "HostsAuthenticated"  # the scanner could log in to the targets
    RESULTS_AVAILABLE = "ResultsAvailable"  # findings can be read
    FINISHED = "Finished"  # any end; the reason is the phase
    SUCCEEDED = "Succeeded"  # a good end; Unknown while active


class PoolCondition(StrEnum):
    READY = "Ready"  # at least one scanner takes scans
    USES_WEB_SESSION = "UsesWebSession"  # a scanner is driven as its web page would
    INSECURE_TLS = "InsecureTLS"  # a scanner's certificate is not verified
