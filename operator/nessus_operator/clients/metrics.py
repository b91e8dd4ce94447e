"""Metrics that operator and gateway share, and how they are served.

One instrument a fact; labels are bounded and never hold a target, a name of a scan or an error.
"""

import os
import platform

from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from nessus_operator import __version__
from nessus_operator.clients import clock
from nessus_operator.clients.kube.paths import resource_of

CALL_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_LEVELS = ("debug", "info", "warning", "error", "critical")


class SharedMetrics:
    """What every process of the product tells of itself."""

    def __init__(self, component: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
            self.registry.register(collector)
        self.kube_requests = Histogram(
            "nessus_kube_request_duration_seconds",
            "Time of a request to the Kubernetes API server; of a watch, until it ended.",
            ("verb", "resource", "code"),
            buckets=CALL_SECONDS,
            registry=self.registry,
        )
        self.watch_seen = Gauge(
            "nessus_watch_last_event_timestamp_seconds",
            "When the watch of a resource last showed a sign of life.",
            ("resource",),
            registry=self.registry,
        )
        self.watch_restarts = Counter(
            "nessus_watch_restarts_total",
            "Watches that had to begin anew.",
            ("resource", "reason"),
            registry=self.registry,
        )
        self.logged = Counter(
            "nessus_log_messages_total", "Log lines.", ("level",), registry=self.registry
        )
        for level in _LEVELS:
            self.logged.labels(level)
        revision = os.environ.get("NESSUS_REVISION", "unknown")  # images are built with it
        Gauge(
            "nessus_build_info",
            "What runs here.",
            ("version", "revision", "component", "python_version"),
            registry=self.registry,
        ).labels(__version__, revision, component, platform.python_version()).set(1)

    def observe_kube(self, verb: str, resource: str, code: str, seconds: float) -> None:
        self.kube_requests.labels(verb, resource, code).observe(seconds)

    def watched(self, path: str, restart: str | None) -> None:
        """A watch is alive, or has to begin anew for a reason."""
        resource = resource_of(path)
        if restart:
            self.watch_restarts.labels(resource, restart).inc()
        else:
            self.watch_seen.labels(resource).set(clock.now().timestamp())

    def count_log(self, level: str) -> None:
        self.logged.labels(level if level in _LEVELS else "error").inc()

    def render(self, accept: str) -> tuple[bytes, str]:
        """(body, content type) in the form that the scraper asks for."""
        encoder, content_type = choose_encoder(accept)
        body: bytes = encoder(self.registry)
        return body, content_type
