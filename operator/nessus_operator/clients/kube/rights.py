"""Ask the API server what we may do, so that a missing right is named at start, not met later."""

from collections.abc import Iterable
from dataclasses import dataclass

from nessus_operator.clients.kube import paths
from nessus_operator.clients.kube.requests import Kube


@dataclass(frozen=True, slots=True)
class Right:
    """Verbs on one resource; `namespace` where it is needed in that one only."""

    group: str
    resource: str  # with its part, such as nessusscans/status
    verbs: tuple[str, ...]
    namespace: str | None = None


async def missing(kube: Kube, rights: Iterable[Right], namespaces: Iterable[str]) -> list[str]:
    """What we lack, such as `patch nessusscans/status in namespace team-a`; no namespaces: all."""
    lacking = []
    for right in rights:
        places = [right.namespace] if right.namespace else [*namespaces] or [""]
        for place in places:
            for verb in right.verbs:
                if not await _allowed(kube, right, verb, place):
                    where = f"namespace {place}" if place else "all namespaces"
                    lacking.append(f"{verb} {right.resource} in {where}")
    return lacking


async def _allowed(kube: Kube, right: Right, verb: str, namespace: str) -> bool:
    resource, _, part = right.resource.partition("/")
    attributes = {
        "group": right.group,
        "resource": resource,
        "subresource": part,
        "verb": verb,
        "namespace": namespace,
    }
    answer = await kube.create(
        paths.ACCESS_REVIEWS,
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        },
    )
    return bool(answer["status"].get("allowed"))
