"""What the gateway measures. Labels come from closed sets: input of clients never becomes one."""

from prometheus_client import Counter, Gauge, Histogram

from nessus_operator.clients import clock
from nessus_operator.clients.health import Health, Status
from nessus_operator.clients.metrics import CALL_SECONDS, SharedMetrics

COMPONENT = "gateway"
UNKNOWN_TOOL = "unknown"
OTHER_METHOD = "_OTHER"
UNMATCHED_ROUTE = "unmatched"

_ANSWER_SECONDS = (
    *(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.2, 0.25, 0.5, 0.75),
    *(1.0, 2.0, 2.5, 5.0, 7.5, 10.0),
)
_TOOL_STATUSES = ("success", "error", "rejected")
_AUTH = (
    ("success", "ok"),
    ("failure", "missing_credentials"),
    ("failure", "invalid_token"),
)
_IDEMPOTENCY = ("new", "replayed", "conflict")
_METHODS = frozenset(("GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH"))


class GatewayMetrics(SharedMetrics):
    """One instrument a fact. Series known beforehand exist from the start, so rates begin at 0."""

    def __init__(self, tools: tuple[str, ...], profiles: tuple[str, ...]) -> None:
        super().__init__(COMPONENT)
        self.tools = frozenset(tools)
        self._add_tools(tools)
        self._add_http()
        self._add_results(profiles)
        self._add_health()

    def _add_tools(self, tools: tuple[str, ...]) -> None:
        self.tool_calls = Counter(
            "mcp_tool_calls_total",
            "Tool calls by outcome: error is our fault, rejected the caller's.",
            ("tool_name", "status"),
            registry=self.registry,
        )
        self.tool_seconds = Histogram(
            "mcp_tool_duration_seconds",
            "Time of a tool call.",
            ("tool_name",),
            buckets=_ANSWER_SECONDS,
            registry=self.registry,
        )
        self.idempotency = Counter(
            "nessus_idempotency_requests_total",
            "Submissions: new, replayed with the same request, in conflict with another.",
            ("result",),
            registry=self.registry,
        )
        for name in (*tools, UNKNOWN_TOOL):
            self.tool_seconds.labels(name)
            for status in _TOOL_STATUSES:
                self.tool_calls.labels(name, status)
        for result in _IDEMPOTENCY:
            self.idempotency.labels(result)

    def _add_http(self) -> None:
        self.http_requests = Counter(
            "http_server_requests_total",
            "HTTP requests answered.",
            ("http_request_method", "http_route", "http_response_status_code"),
            registry=self.registry,
        )
        self.http_seconds = Histogram(
            "http_server_request_duration_seconds",
            "Time until an HTTP response was complete.",
            ("http_request_method", "http_route"),
            buckets=_ANSWER_SECONDS,
            registry=self.registry,
        )
        self.auth_attempts = Counter(
            "auth_attempts_total",
            "Logins; a first request without a token is how some clients begin.",
            ("result", "reason"),
            registry=self.registry,
        )
        for labels in _AUTH:
            self.auth_attempts.labels(*labels)

    def _add_results(self, profiles: tuple[str, ...]) -> None:
        self.query_seconds = Histogram(
            "nessus_results_query_duration_seconds",
            "Time of one question to a stored report.",
            ("operation", "profile"),
            buckets=CALL_SECONDS,
            registry=self.registry,
        )
        self.rows = Counter(
            "nessus_results_rows_total",
            "Result rows handed out.",
            ("profile",),
            registry=self.registry,
        )
        for profile in profiles:
            self.query_seconds.labels("page", profile)
            self.rows.labels(profile)

    def _add_health(self) -> None:
        self.health = Gauge(
            "health_check_status",
            "1 where a check does not fail; `overall` while the gateway may take traffic.",
            ("component", "check"),
            registry=self.registry,
        )
        self.reload_ok = Gauge(
            "nessus_config_last_reload_successful",
            "1 while the tokens file is the one in force.",
            registry=self.registry,
        )
        self.reload_time = Gauge(
            "nessus_config_last_reload_success_timestamp_seconds",
            "When the tokens file in force was read.",
            registry=self.registry,
        )
        labels = ("store",)
        self.store_free = Gauge(
            "nessus_store_free_bytes", "Free bytes of a volume.", labels, registry=self.registry
        )
        self.store_size = Gauge(
            "nessus_store_size_bytes", "Size of a volume.", labels, registry=self.registry
        )

    def tool_name(self, name: str) -> str:
        """The label for a name that a client sent."""
        return name if name in self.tools else UNKNOWN_TOOL

    def called(self, tool: str, status: str, seconds: float) -> None:
        self.tool_calls.labels(tool, status).inc()
        self.tool_seconds.labels(tool).observe(seconds)

    def answered(self, method: str, route: str, code: int, seconds: float) -> None:
        known = method if method in _METHODS else OTHER_METHOD
        self.http_requests.labels(known, route, str(code)).inc()
        self.http_seconds.labels(known, route).observe(seconds)

    def queried(self, operation: str, profile: str, rows: int, seconds: float) -> None:
        self.query_seconds.labels(operation, profile).observe(seconds)
        self.rows.labels(profile).inc(rows)

    def auth(self, result: str, reason: str) -> None:
        self.auth_attempts.labels(result, reason).inc()

    def reloaded(self, good: bool) -> None:
        self.reload_ok.set(good)
        if good:
            self.reload_time.set(clock.now().timestamp())

    def looked(self, health: Health) -> None:
        for name, check in health.checks.items():
            failed = check.status in (Status.FAILED, Status.UNKNOWN)
            self.health.labels(COMPONENT, name).set(not failed)
            if name == "results" and isinstance(check.facts.get("free_bytes"), int):
                self.store_free.labels(name).set(float(str(check.facts["free_bytes"])))
                self.store_size.labels(name).set(float(str(check.facts["size_bytes"])))
        self.health.labels(COMPONENT, "overall").set(health.healthy)
