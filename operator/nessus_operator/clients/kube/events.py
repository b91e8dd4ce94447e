"""Events (events.k8s.io/v1): one object for one thing that is told again and again.

They help people who look; nothing depends on them, so a failed write is a log line.
"""

import hashlib
from typing import Any, Literal

import structlog

from nessus_operator.api.metadata import KubeObject
from nessus_operator.api.model import format_time
from nessus_operator.clients import clock
from nessus_operator.clients.errors import AlreadyExists, Fault
from nessus_operator.clients.kube import paths
from nessus_operator.clients.kube.requests import Kube, Object

log = structlog.get_logger(__name__)

Type = Literal["Normal", "Warning"]
_NOTE_BYTES = 1024


def event_name(uid: str, reason: str, note: str) -> str:
    """The same for the same thing, so that telling it again only counts."""
    return f"nessus-{hashlib.sha256(f'{uid}/{reason}/{note}'.encode()).hexdigest()[:24]}"


class Recorder:
    """Tells the events of one controller."""

    def __init__(self, kube: Kube, controller: str, instance: str) -> None:
        self._kube = kube
        self._controller = controller
        self._instance = instance

    async def record(
        self,
        about: KubeObject,
        reason: str,
        note: str,
        *,
        action: str,
        type_: Type = "Normal",
        beside: Object | None = None,
    ) -> None:
        """Tell one event.

        `beside` refers to an object in whose namespace the event shall lie instead: the API
        server takes none that lies elsewhere than what it regards.
        """
        note = note.encode()[:_NOTE_BYTES].decode(errors="ignore")
        event = self._event(about, reason, note, action, type_)
        if beside:
            event["related"], event["regarding"] = event["regarding"], beside
        event["metadata"]["namespace"] = event["regarding"]["namespace"]
        try:
            await self._create_or_count(event)
        except Fault as error:
            log.warning("Event not written", reason=reason, task_id=about.task_id, error=str(error))

    async def _create_or_count(self, event: dict[str, Any]) -> None:
        namespace, name = event["metadata"]["namespace"], event["metadata"]["name"]
        try:
            await self._kube.create(paths.events(namespace), event)
        except AlreadyExists:
            path = paths.events(namespace, name)
            known = await self._kube.get(path)
            count = (known.get("series") or {"count": 1})["count"] + 1
            series = {"count": count, "lastObservedTime": event["eventTime"]}
            await self._kube.merge_patch(path, {"series": series})

    def _event(
        self, about: KubeObject, reason: str, note: str, action: str, type_: Type
    ) -> dict[str, Any]:
        body = about.to_json()
        return {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": event_name(about.metadata.uid, reason, note)},
            "eventTime": format_time(clock.now()),
            "reportingController": self._controller,
            "reportingInstance": self._instance,
            "type": type_,
            "reason": reason,
            "action": action,
            "note": note,
            "regarding": {
                "apiVersion": body["apiVersion"],
                "kind": body["kind"],
                "namespace": about.metadata.namespace,
                "name": about.metadata.name,
                "uid": about.metadata.uid,
            },
        }
