"""The requests at which crash tests hold the operator, named by what they do."""

import json
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from tests.proxy import Call, Proxy, Stage

_SCAN = re.compile(r"/nessusscans/[^/]+(/status)?$")
_NUMBER = re.compile(r"/\d+")
_TEMPLATE = re.compile(r"(/templates/)[0-9a-f-]+")


class Point(NamedTuple):
    """One request of a scan's way: at the API server or at the scanner."""

    side: str  # kube | scanner
    name: str

    @property
    def writes(self) -> bool:
        return self.side == "kube" or not self.name.startswith("GET ")


# In the order in which a scan meets them; a test compares them with a recorded run.
POINTS = (
    Point("kube", "status: Queued"),
    Point("kube", "status: Running"),
    Point("kube", "finalizer on"),
    Point("scanner", "GET /scans"),
    Point("scanner", "GET /editor/scan/templates"),
    Point("scanner", "GET /editor/scan/templates/*"),
    Point("scanner", "POST /scans"),
    Point("kube", "status: scanID"),
    Point("kube", "status: launchTime"),
    Point("scanner", "GET /scans/N"),
    Point("scanner", "POST /scans/N/launch"),
    Point("kube", "status: scanUUID"),
    Point("kube", "status: progress"),
    Point("scanner", "POST /scans/N/export"),
    Point("scanner", "GET /scans/N/export/N/status"),
    Point("scanner", "GET /scans/N/export/N/download"),
    Point("kube", "status: Completed"),
    Point("scanner", "DELETE /scans/N"),
    Point("kube", "finalizer off"),
)


class Case(NamedTuple):
    """Where the operator dies, and what becomes of the request that it had sent.

    dropped: it never took effect. taken: it took effect before the restart. late: it takes
    effect when the next operator has gone on.
    """

    point: Point
    fate: str

    @property
    def stage(self) -> Stage:
        return "after" if self.fate == "taken" else "before"

    def __str__(self) -> str:
        return f"{self.point.side} {self.point.name}, {self.fate}"


CASES = [
    Case(point, fate)
    for point in POINTS
    for fate in (("dropped", "taken", "late") if point.writes else ("dropped", "taken"))
]


def name_of(call: Call, side: str) -> str | None:
    """What a request does; None for those that are not part of a scan's way."""
    if side == "scanner":
        path = _TEMPLATE.sub(r"\1*", _NUMBER.sub("/N", call.path))
        return (
            f"{call.method} {path}" if path.startswith(("/scans", "/editor", "/folders")) else None
        )
    if call.method != "PATCH" or not _SCAN.search(call.path):
        return None
    body = json.loads(call.body)
    if "finalizers" in body.get("metadata", {}):
        return "finalizer on" if body["metadata"]["finalizers"] else "finalizer off"
    return _status_name(body["status"])


def _status_name(status: dict[str, object]) -> str:
    if "phase" in status:
        return f"status: {status['phase']}"
    remote = status.get("remote")
    names = remote.keys() if isinstance(remote, dict) else status.keys()
    known = ("scanID", "launchTime", "scanUUID")
    return f"status: {next((name for name in known if name in names), 'progress')}"


def matcher(point: Point, kube: Proxy) -> Callable[[Call], bool]:
    """The first request of that name once the scan is on its way."""

    def matches(call: Call) -> bool:
        begun = point.side == "kube" or any(
            name_of(other, "kube") == "finalizer on" for other in kube.calls
        )
        return begun and name_of(call, point.side) == point.name

    return matches


def seen(calls: Iterable[Call], point: Point) -> int:
    """How often a request of that name was sent."""
    return sum(name_of(call, point.side) == point.name for call in calls)
