"""Objects as the API server takes them, and scans led to any phase by writes that it allows."""

from dataclasses import dataclass
from typing import Any

from tests.kube import Kube, Object, Refused, path_of

from nessus_operator.api import names
from nessus_operator.api.transitions import GONE_WITH_A_NEW_ATTEMPT

Status = dict[str, Any]

TIME = "2026-11-21T10:00:00.000000Z"
LATER = "2026-11-21T11:00:00.000000Z"
DIGEST = f"sha256:{'0' * 64}"
RESULTS = {
    "digest": DIGEST,
    "storeBytes": 1,
    "reportDigest": DIGEST,
    "reportBytes": 1,
    "hosts": 1,
    "findings": 1,
}

QUEUED: Status = {"phase": "Queued", "attempt": 1, "observedManualRetries": 0, "queueTime": TIME}
RUNNING: Status = QUEUED | {
    "phase": "Running",
    "startTime": TIME,
    "scannerName": "scanner1",
    "remote": {"token": "token-1", "scanID": 12, "launchTime": TIME},
}
PHASES = ("", "Queued", "Running", "Completed", "Failed", "Timeout", "Cancelled")
RETRYABLE = ("Failed", "Timeout", "Cancelled")
SPEC: Object = {
    "poolRef": {"name": "nessus"},
    "scanType": "Untrusted",
    "targets": ["192.0.2.1"],
}


def ended(phase: str) -> Status:
    return RUNNING | {"phase": phase, "completionTime": TIME, "results": RESULTS}


def again(status: Status, *, manual: bool) -> Status:
    """The same scan back in the queue for its next attempt."""
    kept = {name: value for name, value in status.items() if name not in GONE_WITH_A_NEW_ATTEMPT}
    kept |= {"phase": "Queued", "attempt": status["attempt"] + 1}
    return kept | {"observedManualRetries": status["observedManualRetries"] + manual}


def way_to(phase: str) -> tuple[Status, ...]:
    """The statuses to write, one after the other, to bring a new scan into a phase."""
    ways = {"": (), "Queued": (QUEUED,), "Running": (QUEUED, RUNNING)}
    return ways.get(phase, (QUEUED, RUNNING, ended(phase)))


@dataclass(frozen=True)
class Scan:
    """A NessusScan on the server. Each method answers None, or why the server refused."""

    kube: Kube
    path: str

    async def body(self) -> Object:
        return await self.kube.get(self.path)

    async def status(self) -> Status:
        return dict((await self.body()).get("status", {}))

    async def write_status(self, status: Status) -> str | None:
        """The whole status replaced, as no merge patch can."""
        body = await self.body()
        body.pop("status", None)
        return await verdict(self.kube.replace(f"{self.path}/status", body | {"status": status}))

    async def patch(self, change: Object) -> str | None:
        return await verdict(self.kube.patch(self.path, change))

    async def patch_spec(self, **change: Any) -> str | None:
        return await self.patch({"spec": change})

    async def lead_to(self, phase: str) -> None:
        for status in way_to(phase):
            assert await self.write_status(status) is None


async def make(kube: Kube, namespace: str, phase: str = "", **spec: Any) -> Scan:
    """A new scan, led to a phase; fields of spec given as None are left out."""
    body = await kube.create(path_of(names.SCANS, namespace), scan_body(**spec))
    scan = Scan(kube, path_of(names.SCANS, namespace, body["metadata"]["name"]))
    await scan.lead_to(phase)
    return scan


async def try_create(kube: Kube, body: Object) -> str | None:
    """None, or why the server refused to create it; nothing is stored."""
    plural = names.SCANS if body["kind"] == names.SCAN_KIND else names.POOLS
    return await verdict(kube.create(path_of(plural, "default"), body, dryRun="All"))


async def verdict(call: Any) -> str | None:
    """None, or the causes of a 422 as `field: text`; any other refusal is raised."""
    try:
        await call
    except Refused as refused:
        if refused.code != 422:
            raise
        causes = refused.body["details"]["causes"]
        return "; ".join(f"{cause.get('field')}: {cause['message']}" for cause in causes)
    return None


def scan_body(**spec: Any) -> Object:
    fields = {name: value for name, value in (SPEC | spec).items() if value is not None}
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.SCAN_KIND,
        "metadata": {"generateName": "scan-"},
        "spec": fields,
    }


def pool_body(*scanners: Object, **spec: Any) -> Object:
    """A pool of these scanners, by default one."""
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.POOL_KIND,
        "metadata": {"generateName": "pool-"},
        "spec": {"scanners": list(scanners) or [scanner()], **spec},
    }


def scanner(**fields: Any) -> Object:
    return {
        "name": "scanner1",
        "url": "https://nessus.example.org:8834",
        "auth": {"type": "APIKeys", "secretRef": {"name": "scanner1"}},
        **fields,
    }
