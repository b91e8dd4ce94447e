"""What every tool call works with, put together once at start."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nessus_gateway.access import Action, Caller, Verdict
from nessus_gateway.cluster import Cluster
from nessus_gateway.metrics import GatewayMetrics
from nessus_gateway.settings import Settings
from nessus_gateway.volume import Volume


@dataclass(frozen=True, slots=True)
class Gateway:
    """One replica. `identify` says who sent the request at hand, `decide` what that one may do."""

    settings: Settings
    cluster: Cluster
    volume: Volume
    metrics: GatewayMetrics
    identify: Callable[[], Caller]
    decide: Callable[[Caller, Action], Awaitable[Verdict]]
